package cstruct

import "fmt"

// placeName names an anonymous type by its place in what is around it.
func (r *resolver) placeName(at pos) string {
	p := r.position(at)
	name := fmt.Sprintf("<anonymous at %d:%d>", p.Line, p.Col)
	if n := len(r.outer); n > 0 {
		name = r.outer[n-1] + "." + name
	}
	if !r.spend(at, len(name)) {
		return ""
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
	if r.dissect != nil && !spec.body {
		if sym := r.names[tag]; sym != nil && sym.kind == symTypedef {
			return sym.t, nil
		}
	}
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
	if r.dissect != nil && tag != "" && !r.define(spec.tag, &symbol{kind: symTypedef, pos: spec.tag.pos, t: s}) {
		return nil, silent(spec.pos)
	}
	s.Decl = r.typeDecl(spec.pos, spec.open, spec.after, d)
	if f := r.file(spec.pos); f == nil || !f.known {
		r.model.Structs = append(r.model.Structs, s)
	}
	r.open[s] = spec.pos
	r.outer = append(r.outer, s.Name)
	b := recordBuilder{resolver: r, s: s, spec: spec, seen: map[string]pos{}, owners: map[string]*Field{}}
	diag := b.build()
	r.outer = r.outer[:len(r.outer)-1]
	delete(r.open, s)
	s.complete = true
	r.spreadStructDoc(s, spec.pos)
	if diag != nil {
		s.broken = true
	}
	return s, diag
}
