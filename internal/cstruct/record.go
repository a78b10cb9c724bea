package cstruct

import (
	"fmt"
	"go/constant"
	"slices"
	"strings"
)

// placeName names an anonymous type by its place in what is around it.
func (r *resolver) placeName(at pos) string {
	p := r.position(at)
	name := fmt.Sprintf("<anonymous at %d:%d>", p.Line, p.Col)
	if n := len(r.outer); n > 0 {
		name = r.outer[n-1] + "." + name
	}
	return name
}

// typeDecl is the Decl of a struct, union or enum at the position at: what
// is said above the declaration d that it begins, beside its end, or beside
// the brace that opens it.
func (r *resolver) typeDecl(at pos, open, after token, d *nameDecl) Decl {
	decl := Decl{Pos: r.position(at), Main: r.main(at)}
	above := at
	if d != nil {
		above = d.first.pos
		decl.Doc = r.joinDocs(at, r.docAbove(above), r.docBeside(d.last, d.next.pos))
	} else {
		decl.Doc = r.docAbove(above)
	}
	if decl.Doc == "" {
		decl.Doc = r.docBeside(open, after.pos)
	}
	return decl
}

// record resolves struct and union, defining it where it has a body.
func (r *resolver) record(spec *recordSpec, hint string, d *nameDecl) (Type, *diagnostic) {
	tag := spec.tag.text
	s := &Struct{Tag: tag, Name: tag, Union: spec.union}
	if old := r.tags[tag]; old != nil {
		o, ok := old.(*Struct)
		if !ok || o.Union != spec.union {
			return nil, malformed(spec.tag.pos, "%s is the tag of %s", spec.tag, old)
		}
		s = o
	} else if tag != "" {
		r.tags[tag] = s
	}
	if !spec.body {
		return s, nil
	}
	if at, ok := r.open[s]; ok {
		return nil, malformed(spec.pos, "%s is defined inside itself (at %v)", s, r.position(at))
	}
	if s.complete || s.broken {
		return nil, malformed(spec.pos, "%s is defined again (first at %v)", s, s.Pos)
	}
	if tag == "" {
		if s.Name = hint; hint == "" {
			s.Name, s.Anonymous = r.placeName(spec.pos), true
		}
	}
	s.Decl = r.typeDecl(spec.pos, spec.open, spec.after, d)
	if f := r.file(spec.pos); f == nil || !f.known {
		r.model.Structs = append(r.model.Structs, s)
	}
	r.open[s] = spec.pos
	r.outer = append(r.outer, s.Name)
	diag := r.body(s, spec)
	r.outer = r.outer[:len(r.outer)-1]
	delete(r.open, s)
	s.complete = true
	if diag != nil {
		s.broken = true
	}
	return s, diag
}

// body resolves the members of s and lays them out. Errors in members are
// reported; the result is then silent.
func (r *resolver) body(s *Struct, spec *recordSpec) *diagnostic {
	var broken *diagnostic
	fail := func(d *diagnostic) {
		if d != nil {
			r.reportAny(d)
			broken = silent(spec.pos)
		}
	}
	var slots []slot
	seen := map[string]pos{}
	for i, m := range spec.members {
		if m.assert != nil {
			fail(r.assert(m.assert))
			continue
		}
		base, d := r.specifiers(m.specs, "", nil)
		if d != nil {
			fail(d)
			continue
		}
		if len(m.items) == 0 {
			if inner, ok := base.(*Struct); ok && inner.Anonymous && m.specs.record != nil {
				a, d := r.attributes(m.specs.attrs)
				fail(d)
				f := &Field{Type: inner, Pos: inner.Pos, Doc: r.joinDocs(m.first.pos, r.docAbove(m.first.pos), r.docBeside(m.last, m.next.pos))}
				slots = append(slots, slot{field: f, align: a.align, packed: a.packed})
				fail(r.unique(seen, f, m.first.pos))
			} else if !ok || m.specs.record == nil || !m.specs.record.body {
				if m.specs.enum == nil {
					r.warnf(m.first.pos, "declaration declares nothing")
				}
			}
			continue
		}
		for j, item := range m.items {
			last := i == len(spec.members)-1 && j == len(m.items)-1
			next := m.last.pos // where the next declarator begins
			if j+1 < len(m.items) {
				next = m.items[j+1].decl.pos
			}
			sl, d := r.member(s, m, base, item, last, next)
			fail(d)
			if d == nil {
				at := item.decl.name.pos
				fail(r.unique(seen, sl.field, at))
				slots = append(slots, sl)
			}
		}
	}
	a, d := r.attributes(spec.attrs)
	if fail(d); broken != nil {
		return broken
	}
	s.Order = r.model.Order
	if spec.order != nil {
		s.Order = *spec.order
	}
	if a.order != nil {
		s.Order = *a.order
	}
	for _, sl := range slots {
		f := sl.field
		f.Order = orderOf(f.Type, s.Order)
		s.depth = max(s.depth, nesting(f.Type)+1)
		s.Fields = append(s.Fields, f)
	}
	if s.depth >= maxNesting {
		return limit(spec.pos, "types nested deeper than %d", maxNesting)
	}
	if !layout(s, slots, a.packed, spec.pack, a.latest) {
		return malformed(spec.pos, "%s is too large", s)
	}
	return nil
}

// member resolves one member of s. The declarator after it begins at next.
func (r *resolver) member(s *Struct, m *memberDecl, base Type, item memberItem, last bool, next pos) (slot, *diagnostic) {
	name := item.decl.name
	t, a, d := r.declare(base, item.decl, m.specs.attrs, item.decl.attrs, item.attrs)
	if d != nil {
		return slot{}, d
	}
	at := name.pos
	if at == 0 {
		at = item.colon
	}
	f := &Field{Name: name.text, Type: t, Pos: r.position(at)}
	beside := r.docBeside(item.last, item.next.pos)
	if beside == "" && item.next.is(",") {
		beside = r.docBeside(item.next, next)
	}
	if beside == "" {
		beside = r.docBeside(m.last, m.next.pos)
	}
	f.Doc = r.joinDocs(at, r.docAbove(m.first.pos), beside)
	sl := slot{field: f, align: a.align, packed: a.packed}
	if item.width != nil {
		return sl, r.bitField(f, item)
	}
	what := "field " + name.String()
	switch u := plainType(t).(type) {
	case *function:
		return sl, malformed(at, "%s is a function", what)
	case *Array:
		if u.Flexible && s.Union {
			return sl, malformed(at, "%s: array without length in a union", what)
		}
		if u.Flexible && !last {
			return sl, malformed(at, "%s: array without length is not the last member", what)
		}
	case *Basic:
		if u.Kind == Void {
			return sl, malformed(at, "%s is void", what)
		}
	}
	if b := scalar(elementType(t)); b != nil && strings.HasPrefix(b.Name, "_Decimal") {
		return sl, unsupported(at, "%s: decimal floating numbers", what)
	}
	return sl, r.needComplete(t, at, what)
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
// occurs before.
func (r *resolver) unique(seen map[string]pos, f *Field, at pos) *diagnostic {
	if f.Name != "" {
		if old, ok := seen[f.Name]; ok {
			return malformed(at, "member %s occurs twice (first at %v)", quote(f.Name), r.position(old))
		}
		seen[f.Name] = at
		return nil
	}
	if s, ok := f.Type.(*Struct); ok {
		for _, g := range s.Fields {
			if d := r.unique(seen, g, at); d != nil {
				return d
			}
		}
	}
	return nil
}

// cycle says how s, which is incomplete, comes to contain itself: "(a
// contains b at 8:3, b contains a at 12:3)".
func (r *resolver) cycle(s *Struct) string {
	if r.edges == nil {
		r.edges = containment(r.decls)
	}

	// Breadth first from s back to s.
	type step struct {
		tag  string
		text []string
	}
	visited := map[string]bool{}
	queue := []step{{tag: s.Tag}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range r.edges[at.tag] {
			p := r.position(e.at)
			text := append(at.text[:len(at.text):len(at.text)],
				fmt.Sprintf("%s contains %s at %d:%d", at.tag, e.to, p.Line, p.Col))
			if e.to == s.Tag {
				return " (" + strings.Join(text, ", ") + ")"
			}
			if !visited[e.to] && len(text) < 16 {
				visited[e.to] = true
				queue = append(queue, step{e.to, text})
			}
		}
	}
	return ""
}

// An edge of the graph of structs: one contains the other.
type edge struct {
	to string
	at pos
}

// containment returns what the structs with a tag contain, by tag. It looks
// through arrays, anonymous structs and typedefs, and not through pointers.
func containment(decls []decl) map[string][]edge {
	edges := map[string][]edge{}
	alias := map[string]string{} // of typedefs, the tag
	direct := func(d *declarator) bool {
		return !slices.ContainsFunc(d.parts, func(p part) bool { return p.kind != partArray })
	}
	var walk func(tag string, spec *recordSpec)
	walk = func(tag string, spec *recordSpec) {
		if spec.tag.text != "" {
			tag = spec.tag.text
		}
		for _, m := range spec.members {
			if m.specs == nil {
				continue
			}
			to := alias[m.specs.named.text]
			if inner := m.specs.record; inner != nil {
				if to = inner.tag.text; inner.body {
					walk(tag, inner)
				}
			}
			if to == "" {
				continue
			}
			for _, item := range m.items {
				if direct(item.decl) {
					edges[tag] = append(edges[tag], edge{to, m.first.pos})
				}
			}
		}
	}
	for _, d := range decls {
		n, ok := d.(*nameDecl)
		if !ok || n.specs.record == nil {
			continue
		}
		if n.specs.storage == "typedef" {
			for _, item := range n.items {
				if direct(item) {
					alias[item.name.text] = n.specs.record.tag.text
				}
			}
		}
		walk("", n.specs.record)
	}
	return edges
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
