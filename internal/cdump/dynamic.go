package cdump

import (
	"math/big"

	"cstructgen/internal/cstruct"
)

// What is of dynamic size is measured as far as the data goes: what would go
// beyond has a size that does, and is not whole. A dynamic holds what that
// found out about a node.
type dynamic struct {
	count  int64    // of the elements of an array
	starts []uint32 // where elements of dynamic size begin, up to one without bytes, as which all that follow are
	scope  *scope   // of the formulas in the type
}

// A scope is the fields of a struct that lie before a place.
type scope struct {
	root   *root
	fields []Node
}

// maxDepth is how deep structs of one type may lie in one another.
const maxDepth = 256

// A measure finds sizes in the data of a root.
type measure struct {
	root  *root
	depth int
}

// sized returns n with its size, which depends on the data.
func (n Node) sized(sc *scope) Node {
	if n.Type != nil && cstruct.Dynamic(n.Type) {
		m := measure{root: n.root}
		n.Size, n.dyn = m.extent(n, sc)
	}
	return n
}

// beyond is a size at off that the data does not hold.
func (m *measure) beyond(off int64) int64 { return max(1, int64(len(m.root.data))-off+1) }

// left returns how many bytes lie behind off.
func (m *measure) left(off int64) int64 { return max(0, int64(len(m.root.data))-off) }

// extent returns the size of n, whose type is of dynamic size.
func (m *measure) extent(n Node, sc *scope) (int64, *dynamic) {
	d := &dynamic{scope: sc}
	if !m.root.spend(1) {
		return m.beyond(n.Off), d
	}
	switch t := under(n.Type).(type) {
	case *cstruct.Basic:
		_, size := leb128(n.root.data[min(n.Off, int64(len(n.root.data))):], t.Signed)
		if size == 0 {
			return m.beyond(n.Off), d
		}
		return size, d
	case *cstruct.Array:
		return m.array(n, t, d), d
	case *cstruct.Struct:
		if m.depth >= maxDepth {
			return m.beyond(n.Off), d
		}
		m.depth++
		end := n.Off
		n.parts(t, m, func(c Node) bool {
			end = c.Off + c.Size
			return c.Whole()
		})
		m.depth--
		return end - n.Off, d
	}
	return 0, d
}

// array returns the size of an array, and enters its elements into d.
func (m *measure) array(n Node, t *cstruct.Array, d *dynamic) int64 {
	count := t.Len
	kind := cstruct.Counted
	if t.Length != nil {
		kind = t.Length.Kind
		if kind == cstruct.Counted {
			v, ok := evaluate(t.Length.Count, d.scope)
			least := max(1, cstruct.MinSize(t.Elem))
			if !ok || v.Cmp(big.NewInt(m.left(n.Off)/least)) > 0 {
				return m.beyond(n.Off)
			}
			count = max(0, v.Int64())
		}
	}
	if cstruct.Dynamic(t.Elem) {
		return m.elements(n, t, d, kind, count)
	}
	size := t.Elem.Size()
	switch {
	case kind == cstruct.Terminated && size > 0:
		data := m.root.data
		for at := n.Off; ; at += size {
			if m.left(at) < size {
				return m.beyond(n.Off)
			}
			if zeros(data[at : at+size]) {
				break
			}
			d.count++
		}
		m.root.spend(d.count / stepBytes)
		return (d.count + 1) * size
	case kind == cstruct.Rest && size > 0:
		count = m.left(n.Off) / size
	case kind != cstruct.Counted:
		count = 0
	}
	d.count = count
	return count * size
}

// elements measures elements of dynamic size one by one.
func (m *measure) elements(n Node, t *cstruct.Array, d *dynamic, kind cstruct.LengthKind, count int64) int64 {
	at := n.Off
	for kind != cstruct.Counted || d.count < count {
		if kind == cstruct.Rest && m.left(at) == 0 {
			break
		}
		e := Node{Type: t.Elem, Order: n.Order, Off: at, root: n.root}
		e.Size, _ = m.extent(e, d.scope)
		if !e.Whole() {
			if kind == cstruct.Rest {
				break
			}
			return e.Off + e.Size - n.Off
		}
		d.starts = append(d.starts, uint32(at))
		if kind == cstruct.Counted && e.Size == 0 {
			d.count = count
			break
		}
		at += e.Size
		if kind == cstruct.Terminated && e.isZero() {
			break
		}
		if kind == cstruct.Rest && e.Size == 0 {
			return m.beyond(n.Off)
		}
		d.count++
	}
	return at - n.Off
}

// isZero reports whether n ends an array: a number that is 0, or else nothing
// but zeros.
func (n Node) isZero() bool {
	if b, ok := under(n.Type).(*cstruct.Basic); ok {
		v, _ := leb128(n.Bytes(), b.Signed)
		return v == 0
	}
	return zeros(n.Bytes())
}

// parts yields the fields of s, of dynamic size, at n, and the padding before
// and between them, as far as yield wants them.
func (n Node) parts(s *cstruct.Struct, m *measure, yield func(Node) bool) {
	at := n.Off
	sc := &scope{root: n.root}
	for _, p := range s.Parts {
		if n.root.work.over {
			return
		}
		if s.Union {
			at = n.Off
		}
		if p.Align > 1 {
			to := min((at+p.Align-1)/p.Align*p.Align, max(at, int64(len(n.root.data))))
			if to > at && !yield(n.padding(at, to)) {
				return
			}
			at = to
		}
		if p.Dynamic {
			c := n.fieldAt(p.Fields[0], at)
			c.Off = at
			c.Size, c.dyn = m.extent(c, sc)
			sc.fields = append(sc.fields, c)
			if !yield(c) {
				return
			}
			at += c.Size
			continue
		}
		part := Node{Path: n.Path, Off: at, Size: p.Bytes, root: n.root}
		more := true
		part.fields(&cstruct.Struct{Fields: p.Fields, Union: s.Union}, func(c Node) bool {
			if c.Field != nil {
				sc.fields = append(sc.fields, c)
			}
			more = yield(c)
			return more
		})
		if !more {
			return
		}
		at += p.Bytes
	}
}

// member returns the node of a field in n, which is a struct.
func (n Node) member(f *cstruct.Field) (Node, bool) {
	s, ok := underNode(n).(*cstruct.Struct)
	if !ok {
		return Node{}, false
	}
	if !s.Dynamic {
		return n.field(f), true
	}
	var found Node
	n.parts(s, &measure{root: n.root}, func(c Node) bool {
		if c.Field == f {
			found, ok = c, true
			return false
		}
		return c.Whole()
	})
	return found, ok && found.Field == f
}

// maxCountBits bounds what a formula computes on its way to a count.
const maxCountBits = 1 << 10

// evaluate computes a formula over the fields of sc. It fails where they are
// not whole, or where there is no result, or one out of all proportion.
func evaluate(f *cstruct.Formula, sc *scope) (*big.Int, bool) {
	v, ok := compute(f, sc)
	return v, ok && v.BitLen() <= maxCountBits
}

func compute(f *cstruct.Formula, sc *scope) (*big.Int, bool) {
	if sc != nil && !sc.root.spend(1) {
		return nil, false
	}
	switch {
	case f.Op == "" && f.Path != nil:
		return valueOf(f.Path, sc)
	case f.Op == "":
		return new(big.Int).SetString(f.Value.ExactString(), 10)
	}
	x, ok := evaluate(f.X, sc)
	if !ok {
		return nil, false
	}
	switch f.Op {
	case "neg":
		return x.Neg(x), true
	case "~":
		return x.Not(x), true
	}
	y, ok := evaluate(f.Y, sc)
	if !ok {
		return nil, false
	}
	r := new(big.Int)
	switch f.Op {
	case "+":
		return r.Add(x, y), true
	case "-":
		return r.Sub(x, y), true
	case "*":
		return r.Mul(x, y), true
	case "&":
		return r.And(x, y), true
	case "|":
		return r.Or(x, y), true
	case "^":
		return r.Xor(x, y), true
	case "<<", ">>":
		if !y.IsInt64() || y.Sign() < 0 || y.Int64() > maxCountBits {
			return nil, false
		}
		if f.Op == "<<" {
			return r.Lsh(x, uint(y.Int64())), true
		}
		return r.Rsh(x, uint(y.Int64())), true
	}
	if y.Sign() == 0 {
		return nil, false
	}
	// Rounded down, as the sign of the rest says.
	rest := new(big.Int)
	r.QuoRem(x, y, rest)
	if rest.Sign() != 0 && rest.Sign() != y.Sign() {
		r.Sub(r, big.NewInt(1))
		rest.Add(rest, y)
	}
	if f.Op == "%" {
		return rest, true
	}
	return r, true
}

// valueOf returns the number in the field that a path leads to.
func valueOf(path []*cstruct.Field, sc *scope) (*big.Int, bool) {
	if sc == nil {
		return nil, false
	}
	var n Node
	found := false
	for i := len(sc.fields) - 1; i >= 0 && !found; i-- {
		n, found = sc.fields[i], sc.fields[i].Field == path[0]
	}
	sc.root.spend(int64(len(sc.fields)) / stepBytes)
	for _, f := range path[1:] {
		if !found {
			return nil, false
		}
		n, found = n.member(f)
	}
	if !found {
		return nil, false
	}
	switch v := n.Value().(type) {
	case int64:
		return big.NewInt(v), true
	case uint64:
		return new(big.Int).SetUint64(v), true
	}
	return nil, false
}

// leb128 returns the number that b begins with, of at most 64 bits, and its
// size, 0 if there is none.
func leb128(b []byte, signed bool) (v uint64, size int64) {
	for i, c := range b {
		if i == 9 && (signed && c != 0 && c != 0x7f || !signed && c > 1) || i == 10 {
			return 0, 0
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if signed && c&0x40 != 0 && i < 9 {
				v |= ^uint64(0) << (7 * (i + 1))
			}
			return v, int64(i + 1)
		}
	}
	return 0, 0
}
