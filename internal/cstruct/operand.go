package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"math/bits"
)

func isArray(t Type) bool   { _, ok := t.(*Array); return ok }
func isPointer(t Type) bool { _, ok := t.(*Pointer); return ok }

// decay turns an array into the pointer to its first element, and any other
// lvalue into its value, which is never constant (C 6.3.2.1).
func decay(v value) value {
	switch t := v.t.(type) {
	case *Array:
		p := value{t: &Pointer{t.Elem}, why: v.why}
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

// size computes sizeof and _Alignof (C 6.5.3.4), whose operand is not
// evaluated.
func (e *evaluator) size(x *sizeExpr) (value, *diagnostic) {
	var t Type
	var d *diagnostic
	if x.t != nil {
		t, d = e.res.typeName(x.t)
	} else {
		e.dead++
		var v value
		v, d = e.eval(x.x)
		e.dead--
		if t = v.t; d == nil && v.width > 0 {
			d = malformed(x.p, "size of a bit-field")
		}
	}
	if d == nil {
		d = e.res.needComplete(t, x.p, "operand of sizeof")
	}
	if d != nil {
		return value{}, d
	}
	n := t.Size()
	if x.align {
		n = t.Align()
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
	r := value{t: &Pointer{v.t}, why: v.why}
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
	r := value{t: plainType(f.Type), why: v.why, lvalue: true}
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
	if s.names == nil {
		s.names = map[string]place{}
		s.enter(s, 0)
	}
	p := s.names[name]
	return p.field, p.offset
}

// A place is where a member lies in a struct that it need not be a direct
// member of.
type place struct {
	field  *Field
	offset int64
}

// enter adds the members of inner, which lies at off in s, to the names of s.
func (s *Struct) enter(inner *Struct, off int64) {
	for _, f := range inner.Fields {
		if f.Name != "" {
			s.names[f.Name] = place{f, off + f.Offset}
		} else if t, ok := plainType(f.Type).(*Struct); ok {
			s.enter(t, off+f.Offset)
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

// call computes the builtins of gcc that are constant; no other call is.
func (e *evaluator) call(x *callExpr) (value, *diagnostic) {
	name := ""
	if f, ok := x.f.(*nameExpr); ok {
		name = f.tok.text
	}
	args := make([]value, len(x.args))
	for i, a := range x.args {
		var d *diagnostic
		if name == "__builtin_choose_expr" && i > 0 || name == "__builtin_constant_p" {
			continue
		}
		if args[i], d = e.eval(a); d != nil {
			return value{}, d
		}
		args[i] = decay(args[i])
	}
	switch {
	case name == "__builtin_choose_expr" && len(args) == 3:
		if d := args[0].need(x.args[0]); d != nil {
			return value{}, d
		}
		if constant.Sign(args[0].v) != 0 {
			return e.eval(x.args[1])
		}
		return e.eval(x.args[2])
	case name == "__builtin_constant_p" && len(args) == 1:
		e.dead++
		v, d := e.eval(x.args[0])
		e.dead--
		known := d == nil && v.v != nil && !v.lvalue
		return value{t: typeInt, v: constant.MakeInt64(boolInt(known))}, nil
	case name == "__builtin_expect" && len(args) == 2:
		return convert(args[0], typeLong, x.p), nil
	case len(args) == 1:
		for i, t := range []*Basic{typeUShort, typeUInt, typeULong} {
			if name == [...]string{"__builtin_bswap16", "__builtin_bswap32", "__builtin_bswap64"}[i] {
				return swap(convert(args[0], t, x.p)), nil
			}
		}
	}
	r := value{t: typeInt, why: malformed(x.p, "a function call")}
	if f, ok := x.f.(*nameExpr); ok && e.res.objects[f.tok.text] == nil {
		return r, nil // a builtin, or a function that is declared nowhere
	}
	f, d := e.eval(x.f)
	if d != nil {
		return f, d
	}
	t := f.t
	if p, ok := t.(*Pointer); ok && p.Elem != nil {
		t = plainType(p.Elem)
	}
	if f, ok := t.(*function); ok {
		r.t = plainType(f.result)
	}
	return r, nil
}

// swap reverses the bytes of v, an unsigned integer.
func swap(v value) value {
	n, ok := uint64(0), false
	if v.v != nil {
		n, ok = constant.Uint64Val(v.v)
	}
	if ok {
		n = bits.ReverseBytes64(n) >> (64 - 8*v.t.Size())
		v.v = constant.MakeUint64(n)
	}
	return v
}
