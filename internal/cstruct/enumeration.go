package cstruct

import (
	"cmp"
	"go/constant"
	gotoken "go/token"
)

// enumeration resolves enum, defining it where it has a body.
func (r *resolver) enumeration(spec *enumSpec, hint string, d *nameDecl) (Type, *diagnostic) {
	tag := spec.tag.text
	e := &Enum{Tag: tag, Name: tag}
	if old := r.tags[tag]; old != nil {
		o, ok := old.(*Enum)
		if !ok {
			return nil, malformed(spec.tag.pos, "%s is the tag of %s", spec.tag, old)
		}
		e = o
	} else if tag != "" {
		r.tags[tag] = e
	}
	var fixed *Basic
	if spec.under != nil {
		t, diag := r.typeName(spec.under)
		if diag != nil {
			return nil, diag
		}
		if fixed = scalar(t); !isInteger(fixed) {
			return nil, malformed(spec.pos, "an enum cannot be stored in %s", t)
		}
		e.Under = fixed
	}
	if !spec.body {
		if e.Under == nil {
			e.Under, e.incomplete = typeUInt, true
		}
		return e, nil
	}
	if len(e.Values) > 0 {
		return nil, malformed(spec.pos, "%s is defined again (first at %v)", e, e.Pos)
	}
	if tag == "" {
		if e.Name = hint; hint == "" {
			e.Name, e.Anonymous = r.placeName(spec.pos), true
		}
	}
	e.Decl = r.typeDecl(spec.pos, spec.open, spec.after, d)
	if f := r.file(spec.pos); f == nil || !f.known {
		r.model.Enums = append(r.model.Enums, e)
	}
	a, diag := r.attributes(spec.attrs)
	if diag == nil {
		diag = r.enumerators(e, spec, fixed)
		r.spreadEnumDoc(e, spec.pos)
	}
	e.incomplete = false
	if diag != nil {
		e.Under = cmp.Or(e.Under, typeUInt) // what uses it is no error
		return nil, diag
	}
	if fixed == nil {
		if e.Under = storage(e.Values, a.packed); e.Under == nil {
			return nil, malformed(spec.pos, "the values of %s exceed all integer types", e)
		}
		if a.mode != "" {
			t, diag := withMode(e.Under, a.mode, spec.pos)
			if diag != nil {
				return nil, diag
			}
			e.Under = t.(*Basic)
		}
	}
	// An enumerator is an int, or has the type of the enum if it does not
	// fit.
	for _, v := range e.Values {
		t := typeInt
		if fixed != nil || !fits(v.Value, typeInt) {
			t = e.Under
		}
		if s := r.names[v.Name]; s != nil && s.kind == symEnumerator {
			s.v.t = t
		}
	}
	return e, nil
}

// enumerators resolves the values of e.
func (r *resolver) enumerators(e *Enum, spec *enumSpec, fixed *Basic) *diagnostic {
	next := zero
	t := typeInt
	if fixed != nil {
		t = fixed
	}
	for _, item := range spec.items {
		n := next
		if item.value == nil && !fits(n, t) {
			return malformed(item.name.pos, "value %v of %s does not fit %s, the type of the one before", n, item.name, t)
		}
		if item.value != nil {
			v, d := r.eval.integer(item.value)
			if d != nil {
				r.define(item.name, &symbol{kind: symBroken, pos: item.name.pos})
				for _, rest := range spec.items {
					if r.names[rest.name.text] == nil {
						r.define(rest.name, &symbol{kind: symBroken, pos: rest.name.pos})
					}
				}
				return d
			}
			t, n = scalar(v.t), v.v
		}
		switch {
		case fixed != nil && !fits(n, fixed):
			return malformed(item.name.pos, "value %v of %s does not fit %s", n, item.name, fixed)
		case !fits(n, typeLong) && !fits(n, typeULong):
			return malformed(item.name.pos, "value %v of %s is too large", n, item.name)
		case fixed != nil:
			t = fixed
		case fits(n, typeInt):
			t = typeInt
		}
		ok := r.define(item.name, &symbol{kind: symEnumerator, pos: item.name.pos, v: value{t: t, v: n}})
		if !ok {
			return silent(item.name.pos)
		}
		doc := r.docBeside(item.last, item.next.pos)
		if item.comma.kind != tEOF {
			doc = r.docBeside(item.last, item.comma.pos)
			if doc == "" {
				doc = r.docBeside(item.comma, item.next.pos)
			}
		}
		above := r.docAbove(item.name.pos)
		e.Values = append(e.Values, &EnumValue{
			Name:  item.name.text,
			Value: n,
			Pos:   r.position(item.name.pos),
			Doc:   r.joinDocs(item.name.pos, above, doc),
			Above: above,
		})
		next = constant.BinaryOp(n, gotoken.ADD, one)
	}
	return nil
}

// storage returns the type that gcc stores an enum with the values in: of int
// and long the smaller one that holds all, unsigned unless one is negative;
// the smallest of all integers if the enum is packed. nil: none does.
func storage(values []*EnumValue, packed bool) *Basic {
	candidates := []*Basic{typeUInt, typeULong}
	small := []*Basic{typeUChar, typeUShort}
	for _, v := range values {
		if constant.Sign(v.Value) < 0 {
			candidates = []*Basic{typeInt, typeLong}
			small = []*Basic{typeSChar, typeShort}
		}
	}
	if packed {
		candidates = append(small, candidates...)
	}
next:
	for _, t := range candidates {
		for _, v := range values {
			if !fits(v.Value, t) {
				continue next
			}
		}
		return t
	}
	return nil
}
