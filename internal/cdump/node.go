package cdump

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// A Node is a type at a place in data: the whole, a field, or an element.
type Node struct {
	Path  string         // from the root: "key_slots[1].salt"; "" of the root
	Type  cstruct.Type   // as declared; nil of padding
	Field *cstruct.Field // nil of the root, of elements and of padding
	Order cstruct.ByteOrder
	Off   int64 // of the first byte, from the start of the root
	Size  int64 // in bytes; of a bit-field, those that it touches
	// BitOff and Bits are of a bit-field; Bits is 0 of all else. BitOff counts
	// from the start of the root, as cstruct.Field.BitOffset does.
	BitOff, Bits int64
	root         *root
	dyn          *dynamic // of a type of dynamic size
}

// A root is what the nodes of one dump share.
type root struct {
	data    []byte
	symbols *symbols
	work    work
}

// A Dumper makes nodes of the types of one model.
type Dumper struct {
	model   *cstruct.Model
	symbols *symbols
	free    int64 // steps for each pass
}

// New returns a Dumper for m, which it does not change.
func New(m *cstruct.Model) *Dumper { return &Dumper{m, symbolsOf(m), freeSteps} }

// maxData is how many bytes of data are looked at.
const maxData = math.MaxUint32

// Root returns the node of type t at the start of data, which may be shorter
// or longer than the type, and of which the first 4 GiB count. Scalars that nothing gives a byte order have that
// of the model.
func (d *Dumper) Root(t cstruct.Type, data []byte) Node {
	data = data[:min(int64(len(data)), maxData)]
	n := Node{Type: t, Order: orderOf(t, d.model.Order), Size: t.Size(), root: &root{data: data, symbols: d.symbols, work: work{free: d.free}}}
	n.root.begin()
	return n.sized(nil)
}

// orderOf returns the order that t itself fixes, or else order.
func orderOf(t cstruct.Type, order cstruct.ByteOrder) cstruct.ByteOrder {
	for {
		switch u := t.(type) {
		case *cstruct.Typedef:
			if u.Fixed {
				return u.Order
			}
			t = u.Type
		case *cstruct.Array:
			t = u.Elem
		case *cstruct.Struct:
			return u.Order
		default:
			return order
		}
	}
}

// Bytes returns the bytes of n that the data has: Size, or fewer.
func (n Node) Bytes() []byte {
	have := int64(len(n.root.data))
	return n.root.data[min(n.Off, have):min(n.Off+n.Size, have)]
}

// Whole reports whether the data has all bytes of n.
func (n Node) Whole() bool { return n.Off+n.Size <= int64(len(n.root.data)) }

// A Kind says what a node is made of.
type Kind uint8

const (
	Number   Kind = iota // integer, float, bool, pointer, enum, bit-field
	Text                 // an array of char, or of 16-bit characters
	Bytes                // an array of single unsigned bytes, or a number that has no Go type
	Array                // any other array
	Struct               // struct or union
	Flexible             // an array without a length, or of nothing: no bytes of its own
	Padding              // bytes that no field has
)

// Kind returns what n is made of.
func (n Node) Kind() Kind {
	if n.Type == nil {
		return Padding
	}
	switch t := under(n.Type).(type) {
	case *cstruct.Struct:
		return Struct
	case *cstruct.Array:
		elem := under(t.Elem)
		b, _ := elem.(*cstruct.Basic)
		switch {
		case n.Len() == 0 || t.Elem.Size() == 0 && !cstruct.Dynamic(t.Elem):
			return Flexible
		case isText(t.Elem), b != nil && b.Kind == cstruct.WideChar:
			return Text
		case b != nil && b.Kind == cstruct.Int && b.Bytes == 1 && !b.Signed:
			return Bytes
		}
		return Array
	case *cstruct.Basic:
		if t.Kind == cstruct.Void || t.Bytes > 16 && t.Kind != cstruct.Complex {
			return Bytes
		}
	}
	return Number
}

// HasTail reports whether t ends with a member without a length.
func HasTail(t cstruct.Type) bool {
	s, ok := under(t).(*cstruct.Struct)
	if !ok || len(s.Fields) == 0 {
		return false
	}
	last := s.Fields[len(s.Fields)-1]
	a, ok := under(last.Type).(*cstruct.Array)
	return ok && (a.Flexible || a.Len == 0) || last.Name == "" && HasTail(last.Type)
}

// ToEnd reports whether values of t go on to the end of the input, x[EOF].
func ToEnd(t cstruct.Type) bool { return toEnd(t, make(map[*cstruct.Struct]bool)) }

func toEnd(t cstruct.Type, seen map[*cstruct.Struct]bool) bool {
	switch t := under(t).(type) {
	case *cstruct.Array:
		return t.Length != nil && t.Length.Kind == cstruct.Rest || toEnd(t.Elem, seen)
	case *cstruct.Struct:
		if seen[t] || !t.Dynamic {
			return false
		}
		seen[t] = true
		return slices.ContainsFunc(t.Fields, func(f *cstruct.Field) bool { return toEnd(f.Type, seen) })
	}
	return false
}

// Union returns the union that n is, nil if it is none.
func (n Node) Union() *cstruct.Struct {
	if s, ok := underNode(n).(*cstruct.Struct); ok && s.Union {
		return s
	}
	return nil
}

func underNode(n Node) cstruct.Type {
	if n.Type == nil {
		return nil
	}
	return under(n.Type)
}

// Children returns the fields of a struct in order of their offsets, padding
// between them included, the members of a union, or the elements of an array.
// An unnamed bit-field is no child.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		switch t := underNode(n).(type) {
		case *cstruct.Struct:
			if t.Dynamic {
				n.parts(t, &measure{root: n.root}, yield)
				return
			}
			n.fields(t, yield)
		case *cstruct.Array:
			if n.Kind() != Array {
				return
			}
			for i := range n.Len() {
				if n.root.work.over || !yield(n.Elem(i)) {
					return
				}
			}
		}
	}
}

// Len returns the number of elements of an array, 0 of all else.
func (n Node) Len() int64 {
	if n.dyn != nil {
		return n.dyn.count
	}
	if t, ok := underNode(n).(*cstruct.Array); ok && !t.Flexible {
		return t.Len
	}
	return 0
}

// Elem returns element i of an array.
func (n Node) Elem(i int64) Node {
	t := under(n.Type).(*cstruct.Array)
	size := t.Elem.Size()
	n.root.spend(1 + int64(len(n.Path))/stepBytes)
	e := Node{
		Path: fmt.Sprintf("%s[%d]", n.Path, i), Type: t.Elem, Order: n.Order,
		Off: n.Off + i*size, Size: size, root: n.root,
	}
	if n.dyn != nil && n.dyn.starts != nil {
		e.Off = int64(n.dyn.starts[min(i, int64(len(n.dyn.starts)-1))])
		return e.sized(n.dyn.scope)
	}
	return e
}

// fields yields the fields of s, and the bytes that none has.
func (n Node) fields(s *cstruct.Struct, yield func(Node) bool) {
	var all []Node
	for _, f := range s.Fields {
		if n.root.work.over {
			return
		}
		if f.BitField && f.Bits == 0 {
			continue
		}
		all = append(all, n.field(f))
	}
	if s.Union {
		for _, c := range all {
			if (c.Field.Name != "" || !c.Field.BitField) && !yield(c) {
				return
			}
		}
		return
	}
	slices.SortStableFunc(all, func(a, b Node) int { return cmp.Compare(a.Off, b.Off) })
	at := n.Off
	for _, c := range all {
		if c.Off > at && !yield(n.padding(at, c.Off)) {
			return
		}
		at = max(at, c.Off+c.Size)
		if c.Field.BitField && c.Field.Name == "" {
			continue
		}
		if !yield(c) {
			return
		}
	}
	if end := n.Off + n.Size; at < end {
		yield(n.padding(at, end))
	}
}

// field returns the node of a field of the struct at n.
func (n Node) field(f *cstruct.Field) Node { return n.fieldAt(f, n.Off) }

// fieldAt returns the node of a field whose offsets count from base.
func (n Node) fieldAt(f *cstruct.Field, base int64) Node {
	n.root.spend(1 + int64(len(n.Path))/stepBytes)
	c := Node{Path: n.Path, Type: f.Type, Field: f, Order: f.Order, Off: base + f.Offset, Size: f.Type.Size(), root: n.root}
	if f.Name != "" && n.Path != "" {
		c.Path += "."
	}
	c.Path += f.Name
	if f.BitField {
		c.BitOff, c.Bits = 8*base+f.BitOffset, f.Bits
		c.Off = c.BitOff / 8
		c.Size = (c.BitOff+c.Bits+7)/8 - c.Off
	}
	return c
}

func (n Node) padding(from, to int64) Node {
	return Node{Path: n.Path, Off: from, Size: to - from, root: n.root}
}

// isWide reports whether n, which is Text, has characters of 16 bits.
func (n Node) isWide() bool {
	a, ok := underNode(n).(*cstruct.Array)
	return ok && a.Elem.Size() == 2
}

// under strips typedefs.
func under(t cstruct.Type) cstruct.Type {
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			return t
		}
		t = td.Type
	}
}

// isText reports whether an array of t holds text: char and signed char do,
// int8_t does not, though it is a typedef of the latter.
func isText(t cstruct.Type) bool {
	named := ""
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			break
		}
		named, t = td.Name, td.Type
	}
	b, ok := t.(*cstruct.Basic)
	return ok && (b.Kind == cstruct.Char || b.Kind == cstruct.Int && b.Bytes == 1 && b.Signed && b.Name != "int8" && !numberName(named))
}

// numberName reports whether a typedef's name is that of a byte-sized number:
// int8_t, __s8.
func numberName(name string) bool {
	switch strings.TrimSuffix(strings.TrimLeft(name, "_"), "_t") {
	case "int8", "s8":
		return true
	}
	return false
}
