package gen

import (
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// A goType is what a C type becomes in Go. Exactly one of scalar, elem and
// record says what kind it is; with none of them it is size raw bytes.
type goType struct {
	size   int64
	scalar *scalar // a number
	elem   *goType // an array of n
	n      int64
	record *record // a struct or union with a Go type of its own
	text   bool    // raw bytes that C calls char
	wide   bool    // an array of units of UTF-16
	// length makes it a slice of elem; size is then 0.
	length *cstruct.Length
	leb    bool  // the scalar takes as many bytes as its value needs
	least  int64 // bytes that a value of dynamic size has at least
}

// dynamic reports whether values of t differ in size.
func (t *goType) dynamic() bool {
	return t.length != nil || t.leb || t.record != nil && t.record.dynamic || t.elem != nil && t.elem.dynamic()
}

// min returns how many bytes a value of t has at least.
func (t *goType) min() int64 {
	if t.dynamic() {
		return t.least
	}
	return t.size
}

// maxValues is how many values of dynamic size a Go value may hold that are not
// in slices. Our limit: they take memory whatever the input has.
const maxValues = 1 << 20

// values returns how many values of dynamic size lie in a t itself, at least 1
// and no more than maxValues.
func (t *goType) values() int64 {
	n := int64(1)
	for ; t.elem != nil && t.length == nil; t = t.elem {
		n = min(n*max(1, t.n), maxValues)
	}
	if t.record != nil {
		n *= max(1, t.record.values)
	}
	return min(n, maxValues)
}

// isBytes reports whether t is one byte, so that a run of them is []byte.
func (t *goType) isBytes() bool { return t.scalar != nil && t.scalar.name == "uint8" }

// String returns the type as Go spells it.
func (t *goType) String() string {
	switch {
	case t.length != nil && t.elem.isBytes():
		return "[]byte"
	case t.length != nil:
		return "[]" + t.elem.String()
	case t.scalar != nil:
		return t.scalar.name
	case t.elem != nil:
		return fmt.Sprintf("[%d]%s", t.n, t.elem)
	case t.record != nil:
		return t.record.name
	}
	return fmt.Sprintf("[%d]byte", t.size)
}

// rawBytes reports whether t is a plain run of bytes.
func (t *goType) rawBytes() bool { return t.scalar == nil && t.elem == nil && t.record == nil }

// canonical reports whether all bytes that t can have are bytes that Encode
// writes: there is no bool, whose true is 1, and no bit without a field.
func (t *goType) canonical() bool {
	for t.elem != nil {
		t = t.elem
	}
	if t.record != nil {
		return t.record.canonical
	}
	return t.scalar == nil || t.scalar.name != "bool"
}

// struc returns the type as a struc tag has it ("" for a nested struct, which
// needs none), or why struc cannot express it.
func (t *goType) struc() (tag, why string) {
	switch {
	case t.size == 0:
		return "", "an empty part"
	case t.innermost().scalar != nil && t.innermost().scalar.struc == "":
		return "", "numbers of " + count(t.innermost().size, "byte")
	case t.rawBytes():
		return fmt.Sprintf("[%d]uint8", t.size), ""
	case t.scalar != nil:
		return t.scalar.struc, ""
	case t.record != nil && t.record.union:
		return fmt.Sprintf("[%d]uint8", t.size), ""
	case t.record != nil:
		return "", t.record.noStruc
	case t.elem.scalar != nil:
		return fmt.Sprintf("[%d]%s", t.n, t.elem.scalar.struc), ""
	case t.elem.record != nil && !t.elem.record.union:
		return "", t.elem.record.noStruc
	}
	return "", "an array of arrays"
}

// innermost returns the type of the elements of arrays of arrays.
func (t *goType) innermost() *goType {
	for t.elem != nil {
		t = t.elem
	}
	return t
}

// typeOf lowers a C type. outer names a struct, union or enum that C leaves
// without a name.
func (l *lowering) typeOf(t cstruct.Type, outer place, pos cstruct.Pos) (*goType, error) {
	switch t := t.(type) {
	case *cstruct.Typedef:
		// On Linux wchar_t is an int; its values are code points.
		if t.Name == "wchar_t" && t.Size() == 4 {
			return &goType{size: 4, scalar: scalars["uint32"]}, nil
		}
		return l.typeOf(t.Type, outer, pos)
	case *cstruct.Basic:
		if t.Kind == cstruct.LEB128 {
			return &goType{scalar: integer(8, t.Signed), leb: true, least: 1}, nil
		}
		return basicType(t, pos)
	case *cstruct.Pointer:
		return &goType{size: t.Size(), scalar: integer(t.Size(), false)}, nil
	case *cstruct.Enum:
		e, err := l.enum(t, outer)
		if err != nil {
			return nil, err
		}
		return &goType{size: e.scalar.size, scalar: e.scalar}, nil
	case *cstruct.Struct:
		r, err := l.record(t, outer)
		if err != nil {
			return nil, err
		}
		if t.Dynamic {
			return &goType{record: r, least: cstruct.MinSize(t)}, nil
		}
		return &goType{size: t.Bytes, record: r}, nil
	case *cstruct.Array:
		return l.arrayType(t, outer, pos)
	}
	return nil, unsupported(pos, "type %s has no Go type", t)
}

func basicType(b *cstruct.Basic, pos cstruct.Pos) (*goType, error) {
	if s := basicScalar(b); s != nil {
		return &goType{size: b.Bytes, scalar: s}, nil
	}
	switch {
	case b.Kind == cstruct.Complex && (b.Bytes == 8 || b.Bytes == 16):
		part := scalars["float32"]
		if b.Bytes == 16 {
			part = scalars["float64"]
		}
		return &goType{size: b.Bytes, n: 2, elem: &goType{size: part.size, scalar: part}}, nil
	case b.Kind != cstruct.Void && b.Bytes > 0:
		// __int128 and long double: Go has no such numbers.
		return &goType{size: b.Bytes}, nil
	}
	return nil, unsupported(pos, "type %s has no Go type", b)
}

func (l *lowering) arrayType(t *cstruct.Array, outer place, pos cstruct.Pos) (*goType, error) {
	if t.Flexible {
		return nil, unsupported(pos, "an array without a length is not the last member")
	}
	if isText(t.Elem) && t.Length == nil {
		return &goType{size: t.Len, text: true}, nil
	}
	elem, err := l.typeOf(t.Elem, outer, pos)
	if err != nil {
		return nil, err
	}
	if t.Len > maxSize { // of elements without bytes, or of no fixed size
		return nil, unsupported(pos, "an array of %d elements, more than %d", t.Len, maxSize)
	}
	b, _ := under(t.Elem).(*cstruct.Basic)
	wide := b != nil && b.Kind == cstruct.WideChar
	if t.Length != nil {
		return &goType{length: t.Length, elem: elem, least: cstruct.MinSize(t), text: isText(t.Elem), wide: wide}, nil
	}
	if elem.dynamic() {
		if n := elem.values(); t.Len > maxValues/n {
			return nil, unsupported(pos, "an array of arrays of more than %d values of dynamic size", maxValues)
		}
		return &goType{n: t.Len, elem: elem, least: cstruct.MinSize(t)}, nil
	}
	if elem.scalar != nil && elem.scalar.name == "uint8" {
		return &goType{size: t.Len}, nil
	}
	return &goType{size: t.Size(), n: t.Len, elem: elem, wide: wide}, nil
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
	if !ok || b.Bytes != 1 || !b.Signed && b.Kind != cstruct.Char {
		return false
	}
	return b.Kind == cstruct.Char || b.Kind == cstruct.Int && b.Name != "int8" && !plainName(named)
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

// typeNote is what the docs say of a field's C type where that tells more than
// the Go type: the name of a typedef, a number that Go has not, a pointer, and
// a byte order that is not the struct's. order is that of the field.
func typeNote(t cstruct.Type, order, structOrder cstruct.ByteOrder) string {
	for {
		a, ok := t.(*cstruct.Array)
		if !ok {
			break
		}
		t = a.Elem
	}
	var parts []string
	switch u := under(t).(type) {
	case *cstruct.Basic:
		td, named := t.(*cstruct.Typedef)
		switch {
		case named && !plainName(td.Name) && !orderedName(td.Name, order):
			parts = append(parts, td.Name)
		case u.Bytes > 8 || u.Kind == cstruct.Complex:
			parts = append(parts, u.Name)
		}
	case *cstruct.Pointer:
		parts = append(parts, t.String())
	case *cstruct.Array:
		parts = append(parts, t.String())
	}
	for {
		td, ok := t.(*cstruct.Typedef)
		if !ok {
			break
		}
		if td.Fixed && td.Order != structOrder {
			parts = append(parts, orderName(td.Order))
			break
		}
		t = td.Type
	}
	return strings.Join(parts, ", ")
}

func orderName(o cstruct.ByteOrder) string {
	if o == cstruct.BigEndian {
		return "big-endian"
	}
	return "little-endian"
}

// isSigned reports whether values of t have a sign.
func isSigned(t cstruct.Type) bool {
	switch t := under(t).(type) {
	case *cstruct.Basic:
		return t.Signed
	case *cstruct.Enum:
		return t.Under.Signed
	}
	return false
}
