package cstruct

import (
	"cmp"
	"go/constant"
	gotoken "go/token"
)

func isArray(t Type) bool   { _, ok := t.(*Array); return ok }
func isPointer(t Type) bool { _, ok := t.(*Pointer); return ok }

// decay turns an array into the pointer to its first element, and any other
// lvalue into its value, which is never constant (C 6.3.2.1).
func decay(v value) value {
	switch t := v.t.(type) {
	case *Array:
		p := value{t: &Pointer{Elem: t.Elem}, why: v.why}
		if v.lvalue {
			p.v = v.v
		}
		return p
	case *function:
		return value{t: &Pointer{}, why: v.why}
	}
	if v.lvalue {
		v.v, v.lvalue = nil, false
	}
	return v
}

// operand computes expressions that need types.
func (e *evaluator) operand(x expr) (value, *diagnostic) {
	switch x := x.(type) {
	case *castExpr:
		return e.cast(x)
	case *sizeExpr:
		return e.size(x)
	case *offsetExpr:
		t, d := e.res.complete(x.t, x.p)
		if d != nil {
			return value{}, d
		}
		return e.offset(x, t)
	case *indexExpr:
		return e.index(x)
	case *memberExpr:
		return e.member(x)
	case *compatExpr:
		t, d := e.res.typeName(x.t)
		if d != nil {
			return value{}, d
		}
		u, d := e.res.typeName(x.u)
		return value{t: typeInt, v: constant.MakeInt64(boolInt(d == nil && sameType(t, u)))}, d
	case *callExpr:
		return e.call(x)
	case *genericExpr:
		return e.generic(x)
	}
	panic("cstruct: unknown expression")
}

// cast computes a cast (C 6.5.4).
func (e *evaluator) cast(x *castExpr) (value, *diagnostic) {
	t, d := e.res.typeName(x.t)
	if d != nil {
		return value{}, d
	}
	v, d := e.eval(x.x)
	if d != nil {
		return v, d
	}
	t = plainType(t)
	v = decay(v)
	switch t := t.(type) {
	case *Basic:
		if t.Kind == Void {
			return value{t: t, why: malformed(x.p, "a void expression")}, nil
		}
		return convert(v, t, x.p), nil
	case *Enum:
		r := convert(v, t.Under, x.p)
		r.t = t
		return r, nil
	case *Pointer:
		r := value{t: t, why: v.why}
		if v.v != nil && v.v.Kind() == constant.Int {
			r.v = wrap(v.v, typeULong)
		} else if v.v != nil {
			r.why = malformed(x.p, "a pointer")
		}
		return r, nil
	}
	return value{t: t, why: malformed(x.p, "a cast to %s", t)}, nil
}

// opaque returns the type of what is never constant.
func (e *evaluator) opaque(x *opaqueExpr) (value, *diagnostic) {
	v := value{t: typeUnknown, why: malformed(x.p, "%s", x.what)}
	switch {
	case x.x != nil:
		u, d := e.eval(x.x)
		if d != nil {
			return v, d
		}
		v.t = u.t
	case x.t != nil:
		t, d := e.res.typeName(x.t)
		if d != nil {
			return v, d
		}
		v.t, v.lvalue = plainType(e.res.measured(t, x.init)), true
	}
	return v, nil
}

// generic computes a selection (C 6.5.1.1). What is not selected is not
// evaluated.
func (e *evaluator) generic(x *genericExpr) (value, *diagnostic) {
	e.dead++
	v, d := e.eval(x.x)
	e.dead--
	if d != nil {
		return v, d
	}
	v = decay(v)
	if v.width > 0 || v.t == typeUnknown {
		return value{t: typeUnknown, why: malformed(x.p, "_Generic of what has no plain type")}, nil
	}
	var chosen expr
	for _, c := range x.cases {
		if c.t == nil {
			if chosen == nil {
				chosen = c.x
			}
			continue
		}
		t, d := e.res.typeName(c.t)
		if d != nil {
			return v, d
		}
		if sameType(v.t, t) {
			chosen = c.x
			break
		}
	}
	if chosen == nil {
		return v, malformed(x.p, "_Generic has no association for %s", v.t)
	}
	return e.eval(chosen)
}

// part computes __real__ and __imag__ of v.
func (e *evaluator) part(x *unaryExpr, v value) (value, *diagnostic) {
	v = decay(v)
	b, ok := v.t.(*Basic)
	if !ok || b.Kind == Void {
		return v, malformed(x.p, "operand of %s is no number", quote("__"+x.op+"__"))
	}
	for real, complex := range complexTypes {
		if b == complex {
			return value{t: real, why: malformed(x.p, "a part of a complex number")}, nil
		}
	}
	if x.op == "imag" {
		return convert(value{t: typeInt, v: zero}, b, x.p), nil
	}
	return v, nil
}

// size computes sizeof and _Alignof (C 6.5.3.4), whose operand is not
// evaluated.
func (e *evaluator) size(x *sizeExpr) (value, *diagnostic) {
	var t Type
	var d *diagnostic
	own := int64(0) // an alignment that is not that of t
	if x.t != nil {
		t, d = e.res.typeName(x.t)
	} else {
		e.dead++
		var v value
		v, d = e.eval(x.x)
		e.dead--
		if t, own = v.t, v.align; d == nil && v.width > 0 {
			d = malformed(x.p, "size of a bit-field")
		}
		if t == typeUnknown {
			return value{t: typeULong, why: malformed(x.p, "the size of %s", v.why.msg)}, nil
		}
	}
	if d == nil {
		d = e.res.needComplete(t, x.p, "operand of sizeof")
	}
	if d == nil && (!x.align || x.t != nil) {
		if a, ok := plainType(t).(*Array); ok && a.Flexible {
			d = malformed(x.p, "size of an array without length")
		}
	}
	if d != nil {
		return value{}, d
	}
	n := t.Size()
	if x.align {
		n = cmp.Or(own, t.Align())
	}
	return value{t: typeULong, v: constant.MakeInt64(n)}, nil
}

// offset computes offsetof.
func (e *evaluator) offset(x *offsetExpr, t Type) (value, *diagnostic) {
	saved := e.res.place
	e.res.place = plainType(t)
	v, d := e.eval(x.x)
	e.res.place = saved
	switch {
	case d != nil:
		return v, d
	case v.width > 0:
		return v, malformed(x.p, "offset of a bit-field")
	case !v.lvalue || v.v == nil:
		if v.why != nil {
			return value{t: typeULong, why: v.why}, nil
		}
		return v, malformed(x.p, "not a member")
	}
	return value{t: typeULong, v: v.v}, nil
}

// address computes &x, constant where x is a place below a constant pointer.
func (e *evaluator) address(x *unaryExpr) (value, *diagnostic) {
	v, d := e.eval(x.x)
	if d != nil {
		return v, d
	}
	if v.width > 0 {
		return v, malformed(x.p, "address of a bit-field")
	}
	r := value{t: &Pointer{Elem: v.t}, why: v.why}
	if v.lvalue {
		r.v = v.v
	}
	if r.v == nil && r.why == nil {
		r.why = malformed(x.p, "an address")
	}
	return r, nil
}

func (e *evaluator) dereference(x *unaryExpr) (value, *diagnostic) {
	v, d := e.eval(x.x)
	if d != nil {
		return v, d
	}
	v = decay(v)
	p, ok := v.t.(*Pointer)
	if !ok {
		return v, malformed(x.p, "operand of %s is no pointer", quote("*"))
	}
	return pointee(p, v, v.v, x.p), nil
}

// pointee returns what the pointer v of type p points to, at the address at.
func pointee(p *Pointer, v value, address constant.Value, at pos) value {
	if p.Elem == nil {
		return value{t: &function{typeInt}, why: malformed(at, "a function")}
	}
	r := value{t: plainType(p.Elem), v: address, why: v.why, lvalue: true}
	if r.v == nil && r.why == nil {
		r.why = malformed(at, "data")
	}
	return r
}

func (e *evaluator) index(x *indexExpr) (value, *diagnostic) {
	v, d := e.eval(x.x)
	if d != nil {
		return v, d
	}
	i, d := e.eval(x.i)
	if d != nil {
		return i, d
	}
	v, i = decay(v), decay(i)
	if isPointer(i.t) {
		v, i = i, v
	}
	p, ok := v.t.(*Pointer)
	if !ok || !isInteger(scalar(i.t)) {
		return v, malformed(x.p, "subscript of what is no array")
	}
	if p.Elem == nil {
		return v, malformed(x.p, "subscript of a function")
	}
	if d := e.res.needComplete(p.Elem, x.p, "element"); d != nil {
		return v, d
	}
	if v.v == nil || i.v == nil || i.v.Kind() != constant.Int {
		if v.why == nil {
			v.why = i.why
		}
		return pointee(p, v, nil, x.p), nil
	}
	return pointee(p, v, e.displace(v.v, i.v, p.Elem, gotoken.ADD), x.p), nil
}

// displace returns the address of the element n behind or before an address.
func (e *evaluator) displace(address, n constant.Value, elem Type, op gotoken.Token) constant.Value {
	n = constant.BinaryOp(n, gotoken.MUL, constant.MakeInt64(elem.Size()))
	return wrap(constant.BinaryOp(address, op, n), typeULong)
}

func (e *evaluator) member(x *memberExpr) (value, *diagnostic) {
	var v value
	var d *diagnostic
	if _, ok := x.x.(*placeExpr); ok {
		v = value{t: e.res.place, v: zero, lvalue: true}
	} else if v, d = e.eval(x.x); d != nil {
		return v, d
	}
	if x.arrow {
		v = decay(v)
		p, ok := v.t.(*Pointer)
		if !ok || p.Elem == nil {
			return v, malformed(x.p, "operand of %s is no pointer to a struct", quote("->"))
		}
		v = pointee(p, v, v.v, x.p)
	}
	s, ok := v.t.(*Struct)
	if !ok {
		return v, malformed(x.p, "%s of what is no struct", x.name)
	}
	if d := e.res.needComplete(s, x.p, "operand"); d != nil {
		return v, d
	}
	f, off := s.find(x.name.text)
	if f == nil {
		return v, malformed(x.name.pos, "%s has no member %s", s, x.name)
	}
	r := value{t: plainType(f.Type), why: v.why, lvalue: true, align: f.align}
	if f.BitField {
		r.width = f.Bits
		r.why = malformed(x.p, "a bit-field")
		return r, nil
	}
	if v.v != nil && v.lvalue {
		r.v = wrap(constant.BinaryOp(v.v, gotoken.ADD, constant.MakeInt64(off)), typeULong)
	} else if r.why == nil {
		r.why = malformed(x.p, "a member")
	}
	return r, nil
}

// find returns the member with the name and its offset in s, looking into
// anonymous members.
func (s *Struct) find(name string) (*Field, int64) {
	p := s.place(name)
	return p.field, p.offset
}

// A place is where a member lies in a struct that it need not be a direct
// member of.
type place struct {
	field  *Field
	top    *Field // the direct member that field is, or lies in
	offset int64
}

// place returns where the member with the name lies.
func (s *Struct) place(name string) place {
	if s.names == nil {
		s.names = map[string]place{}
		for _, f := range s.Fields {
			s.enter(f, f, 0)
		}
	}
	return s.names[name]
}

// enter adds f, or the members of an anonymous f, to the names of s. It lies
// in the direct member top, and in what lies at off.
func (s *Struct) enter(f, top *Field, off int64) {
	if f.Name != "" {
		s.names[f.Name] = place{f, top, off + f.Offset}
	} else if t, ok := plainType(f.Type).(*Struct); ok {
		for _, g := range t.Fields {
			s.enter(g, top, off+f.Offset)
		}
	}
}

// pointerArithmetic computes + - and comparisons with a pointer.
func (e *evaluator) pointerArithmetic(x *binaryExpr, a, b value) (value, *diagnostic) {
	if op, ok := comparisons[x.op]; ok {
		if a.v == nil || b.v == nil || a.v.Kind() != constant.Int || b.v.Kind() != constant.Int {
			return value{t: typeInt, why: malformed(x.p, "a comparison of pointers")}, nil
		}
		return e.truth(boolInt(constant.Compare(a.v, op, b.v))), nil
	}
	if x.op == "+" && !isPointer(a.t) {
		a, b = b, a
	}
	p, ok := a.t.(*Pointer)
	if !ok || p.Elem == nil || x.op != "+" && x.op != "-" {
		return a, malformed(x.p, "%s of a pointer", quote(x.op))
	}
	if d := e.res.needComplete(p.Elem, x.p, "element"); d != nil {
		return a, d
	}
	why := a.why
	if a.v != nil {
		why = b.why
	}
	constants := a.v != nil && b.v != nil && a.v.Kind() == constant.Int && b.v.Kind() == constant.Int
	if isPointer(b.t) {
		if x.op == "+" {
			return a, malformed(x.p, "sum of two pointers")
		}
		n := p.Elem.Size()
		if !constants || n == 0 {
			return value{t: typeLong, why: why}, nil
		}
		diff := wrap(constant.BinaryOp(a.v, gotoken.SUB, b.v), typeLong)
		return value{t: typeLong, v: constant.BinaryOp(diff, gotoken.QUO_ASSIGN, constant.MakeInt64(n))}, nil
	}
	r := value{t: p, why: why}
	if constants {
		r.v = e.displace(a.v, b.v, p.Elem, arithmetic[x.op])
	}
	return r, nil
}
