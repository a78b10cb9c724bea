package gen

import (
	"fmt"
	"strings"

	"cstructgen/internal/cstruct"
)

// A part is a piece of a record of dynamic size: members at fixed places from
// its start, or one member of dynamic size.
type part struct {
	align   int64   // what the start is rounded up to, from the start of the input
	fixed   *record // its members, units and size; nil of a dynamic one
	dynamic *member
}

// discarded reports whether m has bytes and no Go field, other than unnamed
// bits.
func (m *member) discarded() bool { return m.name == "" && m.bits == 0 }

// discard adds a field that is read and forgotten, and written as zeros.
func (l *lowering) discard(r *record, names *scope, m *member, f *cstruct.Field) error {
	m.cname = ""
	switch {
	case m.bits > 0:
	case !cstruct.Dynamic(f.Type):
		m.typ = &goType{size: m.size}
	default:
		// A type without a name gets one: values are decoded, and forgotten.
		name := names.free("Discarded")
		names.reserve("a discarded field", name)
		var err error
		if m.typ, err = l.typeOf(f.Type, place{r.name + name, r.key[strings.IndexByte(r.key, ' ')+1:] + "." + name}, f.Pos); err != nil {
			return err
		}
	}
	r.members = append(r.members, m)
	return nil
}

// skippable reports whether values of t, which is dynamic, can be passed over
// and written as zeros without a variable.
func (t *goType) skippable() bool {
	return t.leb || t.length != nil && !t.elem.dynamic()
}

// dynamicMembers fills r from its C struct, which is of dynamic size.
func (l *lowering) dynamicMembers(r *record) error {
	r.noStruc = "parts of dynamic size"
	names := l.memberScope(r)
	if err := l.addParts(r, names, r.c); err != nil {
		return err
	}
	for _, p := range r.parts {
		if p.dynamic != nil {
			r.members = append(r.members, p.dynamic)
			if r.values = min(r.values+p.dynamic.typ.values(), maxValues); r.values == maxValues {
				return unsupported(p.dynamic.pos, "%s holds more than %d values of dynamic size", r.cname, maxValues)
			}
		} else {
			r.members = append(r.members, p.fixed.members...)
		}
	}
	return nil
}

// addParts adds the parts of s to r: those of an anonymous struct of dynamic
// size in its place.
func (l *lowering) addParts(r *record, names *scope, s *cstruct.Struct) error {
	for _, cp := range s.Parts {
		sub := &record{
			c: r.c, name: r.name, cname: r.cname, key: r.key, size: cp.Bytes,
			fields: r.fields, behind: len(r.parts) > 0,
		}
		if cp.Dynamic {
			f := cp.Fields[0]
			if inner, ok := under(f.Type).(*cstruct.Struct); ok && f.Name == "" && !inner.Union && !s.Union {
				if cp.Align > 1 {
					r.parts = append(r.parts, &part{align: cp.Align, fixed: new(record)})
				}
				if err := l.addParts(r, names, inner); err != nil {
					return err
				}
				continue
			}
			sub.behind = f.Behind || sub.behind && len(r.parts) > 1
			if err := l.member(sub, names, f, 0); err != nil {
				return err
			}
			m := sub.members[0]
			if !sub.behind && m.name != "" && !s.Union {
				r.named = append(r.named, m)
			}
			m.off = f.Offset
			r.parts = append(r.parts, &part{align: cp.Align, dynamic: m})
			continue
		}
		err := l.flatten(sub, cp.Fields, 0, func(f *cstruct.Field, base int64) error {
			return l.member(sub, names, f, base)
		})
		if err != nil {
			return err
		}
		if err := sub.addPadding(names); err != nil {
			return err
		}
		sub.units = unitsOf(sub.members)
		sub.canonical = sub.isCanonical()
		if len(r.parts) == 0 && !s.Union {
			r.named = append(r.named, sub.named...)
		}
		r.parts = append(r.parts, &part{align: cp.Align, fixed: sub})
	}
	return nil
}

// holds visits the records that values of r hold.
func (r *record) holds(visit func(*record)) {
	for _, m := range r.members {
		if m.typ == nil {
			continue
		}
		if inner := m.typ.innermost().record; inner != nil {
			visit(inner)
		}
	}
}

// settleDynamic finds out, when all records are lowered, which of them hold
// themselves, and which a union that cannot be encoded.
func (l *lowering) settleDynamic() {
	for _, r := range l.records {
		if !r.dynamic {
			continue
		}
		seen := map[*record]bool{}
		var walk func(*record)
		walk = func(in *record) {
			in.holds(func(inner *record) {
				r.recursive = r.recursive || inner == r
				if inner.dynamic && inner.union && (r.readOnly == "" || inner.name < r.readOnly) {
					r.readOnly = inner.name
				}
				if !seen[inner] {
					seen[inner] = true
					walk(inner)
				}
			})
		}
		walk(r)
		if r.union {
			r.readOnly = r.name
		}
	}
	for _, d := range l.decls {
		if d.record != nil {
			l.report.add(d.record.oneWayDown())
			l.report.add(d.record.slowDown())
		}
	}
}

// maxRate is how many values the decoder of a struct of dynamic size may make of
// one byte: unions decode it for each member, and elements that may be empty
// are as many as there are bytes. Our limit: time and memory grow with it.
const maxRate = 1 << 10

// slowDown returns an error if decoding r may take too much for a byte, and not
// because of a struct that it holds.
func (r *record) slowDown() error {
	n, inner := r.valuesOfByte(), false
	r.holds(func(in *record) { inner = inner || in.valuesOfByte() > maxRate })
	if n > maxRate && !inner {
		return unsupported(r.c.Pos, "%s makes %d values of a byte, more than %d", r.cname, n, maxRate)
	}
	return nil
}

// valuesOfByte returns how many values decoding r makes of a byte at the most,
// not counting those in which r lies again.
func (r *record) valuesOfByte() int64 {
	if !r.dynamic {
		return 1
	}
	if r.rate == 0 {
		r.rate = 1 // for who asks on the way
		most, all := int64(1), int64(0)
		for _, p := range r.parts {
			n := int64(1)
			if p.dynamic != nil {
				n = p.dynamic.typ.valuesOfByte()
			}
			most, all = max(most, n), min(all+n, maxValues)
		}
		if r.rate = most; r.union {
			r.rate = max(1, all)
		}
	}
	return r.rate
}

func (t *goType) valuesOfByte() int64 {
	n := int64(1)
	for ; t.elem != nil; t = t.elem {
		if t.length != nil && t.elem.dynamic() {
			least := max(1, t.elem.min())
			n = max(n, (t.elem.values()+least-1)/least)
		}
	}
	if t.record != nil {
		n = max(n, t.record.valuesOfByte())
	}
	return n
}

// oneWayDown returns an error if r is a union that holds itself in more than one
// of its members. As all of them are decoded, each level of such values would
// double the time that decoding takes.
func (r *record) oneWayDown() error {
	if !r.dynamic || !r.union || !r.recursive {
		return nil
	}
	ways := 0
	for _, m := range r.members {
		inner := &record{members: []*member{m}}
		seen := map[*record]bool{}
		var walk func(*record)
		walk = func(in *record) {
			in.holds(func(x *record) {
				if !seen[x] {
					seen[x] = true
					walk(x)
				}
			})
		}
		if walk(inner); seen[r] {
			ways++
		}
	}
	if ways > 1 {
		return unsupported(r.c.Pos, "%s holds itself in %d members, all of which are decoded", r.cname, ways)
	}
	return nil
}

// sameBytes reports whether all bytes that r can be decoded from are bytes
// that encoding gives back.
func (r *record) sameBytes(seen map[*record]bool) bool {
	if !r.dynamic {
		return r.canonical
	}
	if seen[r] {
		return true
	}
	seen[r] = true
	for _, p := range r.parts {
		switch {
		case p.align > 1:
			return false
		case p.dynamic != nil && (p.dynamic.discarded() || !p.dynamic.typ.sameBytes(seen)):
			return false
		case p.fixed != nil && !p.fixed.canonical:
			return false
		}
	}
	return true
}

func (t *goType) sameBytes(seen map[*record]bool) bool {
	t = t.innermost()
	if t.record != nil {
		return t.record.sameBytes(seen)
	}
	return !t.leb && t.canonical()
}

// find returns the Go expression for the member that path leads to, from the
// value x of r.
func (r *record) find(path []*cstruct.Field, x, suffix string) (string, *member, error) {
	var m *member
	copied := false // x is no variable
	for _, f := range path {
		if r == nil {
			return "", nil, fmt.Errorf("gen: a path leads through no struct")
		}
		n, ok := r.fields[f]
		if !ok {
			continue // an anonymous struct, whose members are r's
		}
		if r.union && !r.dynamic {
			if copied {
				return "", nil, unsupported(f.Pos, "a length in a union inside of a union")
			}
			copied = true
			x += "." + n.name + suffix + "()"
		} else {
			x += "." + n.name
		}
		m, r = n, n.typ.record
	}
	return x, m, nil
}
