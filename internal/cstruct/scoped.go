package cstruct

import (
	"fmt"
	"go/constant"
	gotoken "go/token"
	"slices"
)

// scopedEnumeration resolves enum and flag of dialect dissect. Their values
// are names of the type, TYPE.NAME; those of one without a name that is no
// type of a member are constants.
func (r *resolver) scopedEnumeration(spec *enumSpec, hint string, d *nameDecl) (Type, *diagnostic) {
	tag := spec.tag.text
	if !spec.body {
		if s := r.names[tag]; s != nil && s.kind == symTypedef {
			if e, ok := plainType(s.t).(*Enum); ok {
				return e, nil
			}
		}
		return nil, malformed(spec.tag.pos, "%s is no enum", spec.tag)
	}
	e := &Enum{Tag: tag, Name: tag, Under: dissectBasics["uint32"], Flags: spec.flags}
	if spec.under != nil {
		t, d := r.typeName(spec.under)
		if d != nil {
			return nil, d
		}
		b, ok := plainType(t).(*Basic)
		if !ok || b.Kind != Int || b.Bytes > 8 {
			return nil, malformed(spec.pos, "an enum cannot be stored in %s", t)
		}
		e.Under = b
	}
	if tag == "" {
		if e.Name = hint; hint == "" {
			e.Name, e.Anonymous = r.placeName(spec.pos), true
		}
	}
	e.Decl = r.typeDecl(spec.pos, spec.open, spec.after, d)
	own, diag := r.scopedValues(e, spec)
	if diag != nil {
		return nil, diag
	}
	if tag != "" && !r.define(spec.tag, &symbol{kind: symTypedef, pos: spec.tag.pos, t: e}) {
		return nil, silent(spec.pos)
	}
	e.computed = own
	if e.Anonymous && d != nil { // not inside of a struct
		for name, v := range own {
			r.dissect.values[name] = v
		}
	}
	r.model.Enums = append(r.model.Enums, e)
	return e, nil
}

// scopedValues resolves the values of e. Without an expression, a value is
// that of the one before plus 1, of a flag the next power of two.
func (r *resolver) scopedValues(e *Enum, spec *enumSpec) (map[string]constant.Value, *diagnostic) {
	own := map[string]constant.Value{}
	places := map[string]pos{}
	twice := false
	next := zero
	if e.Flags {
		next = one
	}
	for _, item := range spec.items {
		v := next
		if item.value != nil {
			f := formula{resolver: r, own: own}
			var d *diagnostic
			if v, d = f.constant(item.value); d != nil {
				return nil, d
			}
		}
		name := item.name
		if old, ok := places[name.text]; ok {
			r.warnf(name.pos, "value %s occurs twice (first at %v)", name, r.position(old))
			twice = true
		}
		if !r.spend(name.pos, constant.BitLen(v)) {
			return nil, silent(name.pos)
		}
		places[name.text], own[name.text] = name.pos, v
		if fits(v, e.Under) || constant.Sign(v) < 0 && fits(v, signed(e.Under)) {
			e.Values = append(e.Values, r.scopedValue(e, item, v))
		} else {
			// Expressions may use it; no member can have it.
			reason := fmt.Sprintf("value %v does not fit %s", v, e.Under)
			if constant.BitLen(v) > 128 {
				reason = fmt.Sprintf("a value of %d bits does not fit %s", constant.BitLen(v), e.Under)
			}
			r.skip(name.pos, name.text, reason)
		}
		if next = constant.BinaryOp(v, gotoken.ADD, one); e.Flags {
			n := 0
			if constant.Sign(v) > 0 {
				n = constant.BitLen(v)
			}
			next = constant.Shift(one, gotoken.SHL, uint(n))
		}
	}
	if twice { // the last one counts
		e.Values = slices.DeleteFunc(e.Values, func(v *EnumValue) bool { return v.Pos != r.position(places[v.Name]) })
	}
	return own, nil
}

// scopedValue is the value v of e that item declares.
func (r *resolver) scopedValue(e *Enum, item enumItem, v constant.Value) *EnumValue {
	doc := r.docBeside(item.last, item.next.pos)
	if item.comma.kind != tEOF {
		if doc = r.docBeside(item.last, item.comma.pos); doc == "" {
			doc = r.docBeside(item.comma, item.next.pos)
		}
	}
	at := item.name.pos
	above := r.docAbove(at)
	return &EnumValue{
		Name: item.name.text, Value: wrap(v, e.Under), Pos: r.position(at),
		Doc: r.joinDocs(at, above, doc), Above: above,
	}
}

// signed returns b with a sign: -1 is a way to write the largest value of an
// unsigned one.
func signed(b *Basic) *Basic {
	s := *b
	s.Signed = true
	return &s
}
