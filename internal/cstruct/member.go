package cstruct

import (
	"go/constant"
	"strings"
)

// A recordBuilder resolves the members of a struct or union.
type recordBuilder struct {
	*resolver
	s      *Struct
	spec   *recordSpec
	slots  []slot
	seen   map[string]pos    // names of members
	owners map[string]*Field // the slots that they are, or lie in
	broken bool              // an error in a member was reported
}

// build resolves the members and lays them out. It reports all errors in
// members; the result is then silent.
func (b *recordBuilder) build() *diagnostic {
	if b.dissect != nil {
		b.dissect.records = append(b.dissect.records, b)
		defer func() { b.dissect.records = b.dissect.records[:len(b.dissect.records)-1] }()
	}
	for i, m := range b.spec.members {
		if m.assert != nil {
			b.fail(b.assert(m.assert))
			continue
		}
		base, d := b.specifiers(m.specs, "", nil)
		switch {
		case d != nil:
			b.fail(d)
		case len(m.items) == 0:
			b.unnamed(m, base)
		default:
			b.named(m, base, i == len(b.spec.members)-1)
		}
	}
	a, d := b.attributes(b.spec.attrs)
	if b.fail(d); b.broken {
		return silent(b.spec.pos)
	}
	b.s.Order = b.model.Order
	if b.spec.order != nil {
		b.s.Order = *b.spec.order
	}
	if a.order != nil {
		b.s.Order = *a.order
	}
	for _, sl := range b.slots {
		f := sl.field
		f.Order = orderOf(f.Type, b.s.Order)
		b.s.depth = max(b.s.depth, nesting(f.Type)+1)
		b.s.Fields = append(b.s.Fields, f)
	}
	if b.s.depth >= maxNesting {
		return limit(b.spec.pos, "types nested deeper than %d", maxNesting)
	}
	if b.dissect != nil {
		return b.dissectLayout()
	}
	if !layout(b.s, b.slots, a.packed, b.spec.pack, a.latest) {
		return malformed(b.spec.pos, "%s is too large", b.s)
	}
	return nil
}

// fail reports d, if it is an error.
func (b *recordBuilder) fail(d *diagnostic) {
	if d != nil {
		b.reportAny(d)
		b.broken = true
	}
}

// add adds a member whose name stands at the position.
func (b *recordBuilder) add(sl slot, at pos) {
	b.slots = append(b.slots, sl)
	s, ok := plainType(sl.field.Type).(*Struct)
	inner := ok && sl.field.Name == ""
	if !inner {
		b.s.leaves++
	} else if b.s.leaves += 1 + s.leaves; !b.spend(at, s.leaves) {
		return // in dialect dissect, structs can be members again and again
	}
	b.fail(b.unique(sl.field, sl.field, at))
}

// unnamed adds what a declaration without declarators declares: an anonymous
// struct or union is a member, others only declare their tags. In dialect
// dissect each is a member.
func (b *recordBuilder) unnamed(m *memberDecl, base Type) {
	inner, ok := base.(*Struct)
	above := b.docAbove(m.first.pos)
	f := &Field{Type: base, Pos: b.position(m.first.pos), Above: above}
	f.Doc = b.joinDocs(m.first.pos, above, b.docBeside(m.last, m.next.pos))
	switch {
	case b.dissect != nil:
		b.dissectUnnamed(f, m.first.pos)
	case ok && inner.Anonymous && m.specs.record != nil:
		a, d := b.attributes(m.specs.attrs)
		b.fail(d)
		f.Pos = inner.Pos
		b.add(slot{f, a.align, a.packed}, m.first.pos)
	case m.specs.enum == nil && (m.specs.record == nil || !m.specs.record.body):
		b.warnf(m.first.pos, "declaration declares nothing")
	}
}

// named adds the members that a declaration names, the last ones of the struct
// or not.
func (b *recordBuilder) named(m *memberDecl, base Type, last bool) {
	for i, item := range m.items {
		name := item.decl.name
		t, a, d := b.declare(base, item.decl, m.specs.attrs, item.decl.attrs, item.attrs)
		if d != nil {
			b.fail(d)
			continue
		}
		at := name.pos
		if at == 0 {
			at = item.colon
		}
		f := &Field{Name: name.text, Type: t, Pos: b.position(at), Doc: b.memberDoc(m, i), Above: b.docAbove(m.first.pos)}
		switch {
		case item.width != nil && b.dissect != nil:
			d = b.dissectBitField(f, item)
		case item.width != nil:
			d = b.bitField(f, item)
		case b.dissect != nil:
			d = b.checkDissectMember(f, at)
		default:
			d = b.checkMember(f, at, last && i == len(m.items)-1)
		}
		if least := t.Align(); d == nil && a.raise > 0 && a.raise < least {
			d = malformed(at, "_Alignas(%d) of %s, which is aligned to %d", a.raise, t, least)
		}
		if b.fail(d); d == nil {
			b.add(slot{f, a.align, a.packed}, at)
		}
	}
}

// memberDoc returns what is said of the item i of m: above the declaration,
// and beside the item or else the declaration.
func (b *recordBuilder) memberDoc(m *memberDecl, i int) string {
	item := m.items[i]
	beside := b.docBeside(item.last, item.next.pos)
	if beside == "" && i+1 < len(m.items) { // behind the comma
		beside = b.docBeside(item.next, m.items[i+1].decl.pos)
	}
	if beside == "" {
		beside = b.docBeside(m.last, m.next.pos)
	}
	return b.joinDocs(m.first.pos, b.docAbove(m.first.pos), beside)
}

// checkMember says what is wrong with the type of the member f.
func (b *recordBuilder) checkMember(f *Field, at pos, last bool) *diagnostic {
	what := "field " + quote(f.Name)
	switch t := plainType(f.Type).(type) {
	case *function:
		return malformed(at, "%s is a function", what)
	case *Array:
		if t.Flexible && b.s.Union {
			return malformed(at, "%s: array without length in a union", what)
		}
		if t.Flexible && !last {
			return malformed(at, "%s: array without length is not the last member", what)
		}
	case *Basic:
		if t.Kind == Void {
			return malformed(at, "%s is void", what)
		}
	}
	if s := scalar(elementType(f.Type)); s != nil && strings.HasPrefix(s.Name, "_Decimal") {
		return unsupported(at, "%s: decimal floating numbers", what)
	}
	return b.needComplete(f.Type, at, what)
}

// elementType returns the type of the innermost elements of an array.
func elementType(t Type) Type {
	for {
		a, ok := plainType(t).(*Array)
		if !ok {
			return t
		}
		t = a.Elem
	}
}

// bitField resolves the width of f.
func (r *resolver) bitField(f *Field, item memberItem) *diagnostic {
	at := item.width.at()
	b := scalar(f.Type)
	if b == nil || !isInteger(b) {
		return malformed(item.colon, "bit-field of type %s", f.Type)
	}
	if d := r.needComplete(f.Type, item.colon, "bit-field"); d != nil {
		return d
	}
	v, d := r.eval.integer(item.width)
	if d != nil {
		return d
	}
	most := b.Bytes * 8
	if b.Kind == Bool {
		most = 1
	}
	n, ok := constant.Int64Val(v.v)
	switch {
	case !ok || n < 0:
		return malformed(at, "bit-field of negative width %v", v.v)
	case n > most:
		return malformed(at, "bit-field of %d bits in %s", n, f.Type)
	case n == 0 && f.Name != "":
		return malformed(at, "bit-field %s without bits", quote(f.Name))
	}
	f.BitField, f.Bits = true, n
	return nil
}

// unique checks that no name of f, or inside of it where it is anonymous,
// occurs before. It is, or lies in, the member slot.
func (b *recordBuilder) unique(f, slot *Field, at pos) *diagnostic {
	if f.Name == "_" && b.dissect != nil {
		return nil // discarded
	}
	if f.Name != "" {
		if old, ok := b.seen[f.Name]; ok {
			return malformed(at, "member %s occurs twice (first at %v)", quote(f.Name), b.position(old))
		}
		b.seen[f.Name], b.owners[f.Name] = at, slot
		return nil
	}
	if s, ok := plainType(f.Type).(*Struct); ok {
		for _, g := range s.Fields {
			if d := b.unique(g, slot, at); d != nil {
				return d
			}
		}
	}
	return nil
}

// orderOf returns the byte order of a member of type t in a struct of order.
func orderOf(t Type, order ByteOrder) ByteOrder {
	for {
		switch u := t.(type) {
		case *Typedef:
			if u.Fixed {
				return u.Order
			}
			t = u.Type
		case *Array:
			t = u.Elem
		case *Struct:
			return u.Order
		default:
			return order
		}
	}
}
