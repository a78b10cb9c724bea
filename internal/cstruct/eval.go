package cstruct

import (
	"go/constant"
	gotoken "go/token"
)

// An evaluator computes expressions with C's types: exact integers that wrap
// where C's do. What is no constant still has a type, for sizeof.
type evaluator struct {
	*reporter
	res *resolver // nil in #if
	// preprocessing: all integers have 64 bits and names are 0.
	preprocessing bool
	// exact: a shift by the width of its operand's type or more has the
	// exact value. Published definitions write 1 << 63 and mean it; this
	// holds for macros that become constants, and nowhere else.
	exact bool
	quiet bool // no warnings
	dead  int  // in an operand that C does not evaluate
}

func (e *evaluator) warn(at pos, format string, args ...any) {
	if !e.quiet && e.dead == 0 {
		e.warnf(at, format, args...)
	}
}

// need returns why v cannot stand where C wants an integer constant.
func (v value) need(x expr) *diagnostic {
	switch {
	case v.v != nil && !v.lvalue && v.v.Kind() == constant.Int && isInteger(scalar(v.t)):
		return nil
	case v.why != nil:
		return malformed(v.why.pos, "not a constant: %s", v.why.msg)
	case v.v != nil && !v.lvalue:
		return malformed(x.at(), "not an integer constant")
	}
	return malformed(x.at(), "not a constant")
}

// integer evaluates an integer constant expression.
func (e *evaluator) integer(x expr) (value, *diagnostic) {
	v, d := e.eval(x)
	if d == nil {
		d = v.need(x)
	}
	return v, d
}

// eval computes x.
func (e *evaluator) eval(x expr) (value, *diagnostic) {
	switch x := x.(type) {
	case *numberExpr:
		return e.number(x)
	case *charExpr:
		v, d := charLiteral(x.tok)
		return e.widened(v), d
	case *stringExpr:
		if e.preprocessing {
			return value{}, malformed(x.at(), "a string in #if")
		}
		return e.stringLiterals(x.toks)
	case *nameExpr:
		if e.preprocessing {
			return value{t: typeLong, v: zero}, nil
		}
		return e.res.lookup(x.tok)
	case *unaryExpr:
		return e.unary(x)
	case *binaryExpr:
		return e.binary(x)
	case *condExpr:
		return e.choose(x)
	case *opaqueExpr:
		return e.opaque(x)
	}
	if e.preprocessing {
		return value{}, malformed(x.at(), "not an expression of #if")
	}
	return e.operand(x)
}

// widened returns v with the type that it has in #if.
func (e *evaluator) widened(v value) value {
	b, ok := v.t.(*Basic)
	if !e.preprocessing || !ok || !isInteger(b) {
		return v
	}
	if v.t = typeLong; !b.Signed { // char16_t, char32_t
		v.t = typeULong
	}
	return v
}

func (e *evaluator) number(x *numberExpr) (value, *diagnostic) {
	v, ok, d := integerLiteral(x.tok)
	switch {
	case d != nil:
		return v, d
	case !ok && e.preprocessing:
		return v, malformed(x.at(), "floating constant in #if")
	case !ok:
		return floatLiteral(x.tok)
	case v.truncated:
		e.warn(x.at(), "integer constant %s is too large and becomes %s", x.tok, v.v)
		v.truncated = false
	}
	if e.preprocessing {
		if b := v.t.(*Basic); !b.Signed || b == typeInt128 {
			v.t = typeULong
			if b == typeUInt && x.tok.text[len(x.tok.text)-1]|0x20 != 'u' {
				v.t = typeLong // 0x80000000 has room in intmax_t
			}
		} else {
			v.t = typeLong
		}
	}
	return v, nil
}

// unary computes operators with one operand (C 6.5.3).
func (e *evaluator) unary(x *unaryExpr) (value, *diagnostic) {
	switch x.op {
	case "&":
		return e.address(x)
	case "*":
		return e.dereference(x)
	case "++", "--":
		return value{t: typeInt, why: malformed(x.p, "an assignment")}, nil
	}
	v, d := e.eval(x.x)
	if d != nil {
		return v, d
	}
	if x.op == "!" {
		if v.v != nil && (!v.lvalue || isArray(v.t)) {
			return e.truth(boolInt(!isTrue(v.v))), nil
		}
		return value{t: e.logical(), why: v.why}, nil
	}
	if x.op == "real" || x.op == "imag" {
		return e.part(x, v)
	}
	v = promote(v)
	b, ok := v.t.(*Basic)
	if !ok || b.Kind == Void {
		return v, malformed(x.p, "operand of %s is no number", quote(x.op))
	}
	r := value{t: b, why: v.why}
	switch {
	case v.v == nil:
	case x.op == "+":
		return v, nil
	case v.v.Kind() == constant.Float && x.op == "-":
		return negative(v), nil
	case !isInteger(b):
		return v, malformed(x.p, "operand of %s is no integer", quote(x.op))
	case x.op == "-":
		return e.wrapped(constant.UnaryOp(gotoken.SUB, v.v, 0), b, x.p), nil
	default: // ~x is -x-1
		n := constant.BinaryOp(constant.UnaryOp(gotoken.SUB, v.v, 0), gotoken.SUB, one)
		r.v = wrap(n, b)
	}
	return r, nil
}

// wrapped returns n as gcc stores it in a t, warning where it does not fit a
// signed one.
func (e *evaluator) wrapped(n constant.Value, t *Basic, at pos) value {
	if t.Signed && !fits(n, t) {
		e.warn(at, "integer overflow: %s does not fit %s and becomes %s", n, t, wrap(n, t))
	}
	return value{t: t, v: wrap(n, t)}
}

func isTrue(v constant.Value) bool { return v.Kind() == constant.String || constant.Sign(v) != 0 }

// logical is the type of comparisons.
func (e *evaluator) logical() Type {
	if e.preprocessing {
		return typeLong
	}
	return typeInt
}

func (e *evaluator) truth(n int64) value {
	return value{t: e.logical(), v: constant.MakeInt64(n)}
}

// binary computes operators with two operands. They lean left, in chains of
// any length, so that it walks down and up again without recursion.
func (e *evaluator) binary(x *binaryExpr) (value, *diagnostic) {
	chain := []*binaryExpr{x}
	for {
		y, ok := chain[len(chain)-1].x.(*binaryExpr)
		if !ok {
			break
		}
		chain = append(chain, y)
	}
	left, d := e.eval(chain[len(chain)-1].x)
	for i := len(chain) - 1; i >= 0 && d == nil; i-- {
		left, d = e.operate(chain[i], left)
	}
	return left, d
}

// operate computes x, whose left operand is done.
func (e *evaluator) operate(x *binaryExpr, left value) (value, *diagnostic) {
	if x.op == "&&" || x.op == "||" {
		return e.shortCircuit(x, left)
	}
	right, d := e.eval(x.y)
	if d != nil {
		return right, d
	}
	if x.op == "," {
		if right.lvalue && !isArray(right.t) {
			right.v, right.lvalue = nil, false
		}
		return right, nil
	}
	left, right = decay(left), decay(right)
	if isPointer(left.t) || isPointer(right.t) {
		return e.pointerArithmetic(x, left, right)
	}
	left, right = promote(left), promote(right)
	b, ok1 := left.t.(*Basic)
	c, ok2 := right.t.(*Basic)
	if !ok1 || !ok2 || b.Kind == Void || c.Kind == Void {
		return left, malformed(x.p, "operands of %s are no numbers", quote(x.op))
	}
	if x.op == "<<" || x.op == ">>" {
		return e.shift(x, left, right)
	}
	t := common(b, c)
	why := left.why
	if left.v != nil {
		why = right.why
	}
	left, right = convert(left, t, x.x.at()), convert(right, t, x.y.at())
	if compare, ok := comparisons[x.op]; ok {
		if left.v == nil || right.v == nil {
			return value{t: e.logical(), why: why}, nil
		}
		return e.truth(boolInt(constant.Compare(left.v, compare, right.v))), nil
	}
	if left.v == nil || right.v == nil {
		return value{t: t, why: why}, nil
	}
	if !isInteger(t) {
		return e.floating(x, t, left, right)
	}
	return e.integral(x, t, left.v, right.v)
}

var comparisons = map[string]gotoken.Token{
	"==": gotoken.EQL, "!=": gotoken.NEQ, "<": gotoken.LSS, "<=": gotoken.LEQ, ">": gotoken.GTR, ">=": gotoken.GEQ,
}

var arithmetic = map[string]gotoken.Token{
	"+": gotoken.ADD, "-": gotoken.SUB, "*": gotoken.MUL, "/": gotoken.QUO_ASSIGN, "%": gotoken.REM,
	"&": gotoken.AND, "|": gotoken.OR, "^": gotoken.XOR,
}

func (e *evaluator) integral(x *binaryExpr, t *Basic, a, b constant.Value) (value, *diagnostic) {
	if (x.op == "/" || x.op == "%") && constant.Sign(b) == 0 {
		return e.undefined(x.p, t, "division by zero")
	}
	// QUO_ASSIGN forces integer division, which truncates as C's does.
	return e.wrapped(constant.BinaryOp(a, arithmetic[x.op], b), t, x.p), nil
}

func (e *evaluator) floating(x *binaryExpr, t *Basic, a, b value) (value, *diagnostic) {
	var op gotoken.Token
	minus := false // the sign of a result that is 0
	switch x.op {
	case "/":
		op, minus = gotoken.QUO, a.minus() != b.minus()
		if constant.Sign(b.v) == 0 {
			return value{t: t, why: malformed(x.p, "division by zero")}, nil
		}
	case "*":
		op, minus = gotoken.MUL, a.minus() != b.minus()
	case "+":
		op, minus = gotoken.ADD, a.negativeZero && b.negativeZero
	case "-":
		op, minus = gotoken.SUB, a.negativeZero && constant.Sign(b.v) == 0 && !b.negativeZero
	default:
		return value{}, malformed(x.p, "operands of %s are no integers", quote(x.op))
	}
	r := roundTo(constant.BinaryOp(a.v, op, b.v), t, x.p)
	r.negativeZero = minus && r.v != nil && constant.Sign(r.v) == 0
	return r, nil
}

// undefined is what an operation without a value gives: an error, unless C
// does not evaluate it.
func (e *evaluator) undefined(at pos, t Type, format string, args ...any) (value, *diagnostic) {
	d := malformed(at, format, args...)
	if e.dead > 0 {
		return value{t: t, why: d}, nil
	}
	return value{}, d
}

// shift computes << and >> (C 6.5.7). The result has the type of the left
// operand.
func (e *evaluator) shift(x *binaryExpr, left, right value) (value, *diagnostic) {
	t, u := left.t.(*Basic), right.t.(*Basic)
	if !isInteger(t) || !isInteger(u) {
		return left, malformed(x.p, "operands of %s are no integers", quote(x.op))
	}
	if right.v == nil {
		return value{t: t, why: right.why}, nil
	}
	width := t.Bytes * 8
	n, ok := constant.Int64Val(right.v)
	if !ok || n < 0 || n >= max(64, width) {
		return e.undefined(x.p, t, "shift of %s by %s", t, right.v)
	}
	if left.v == nil {
		return value{t: t, why: left.why}, nil
	}
	if x.op == ">>" {
		if n >= width {
			e.warn(x.p, "shift of %s by %d", t, n)
		}
		return value{t: t, v: constant.Shift(left.v, gotoken.SHR, uint(n))}, nil
	}
	v := constant.Shift(left.v, gotoken.SHL, uint(n))
	if n < width {
		return e.wrapped(v, t, x.p), nil
	}
	if e.exact {
		for _, t := range []*Basic{typeLong, typeULong, typeInt128, typeUInt128} {
			if fits(v, t) {
				return value{t: t, v: v}, nil
			}
		}
	}
	e.warn(x.p, "shift of %s by %d", t, n)
	return value{t: t, v: wrap(v, t)}, nil
}

// shortCircuit computes && and ||, whose right operand may stay unevaluated.
func (e *evaluator) shortCircuit(x *binaryExpr, left value) (value, *diagnostic) {
	decided := left.v != nil && (!left.lvalue || isArray(left.t)) && isTrue(left.v) == (x.op == "||")
	if decided {
		e.dead++
		defer func() { e.dead-- }()
	}
	right, d := e.eval(x.y)
	switch {
	case d != nil:
		return right, d
	case decided:
		return e.truth(boolInt(x.op == "||")), nil
	case left.v == nil || left.lvalue:
		return value{t: e.logical(), why: left.why}, nil
	case right.v == nil || right.lvalue && !isArray(right.t):
		return value{t: e.logical(), why: right.why}, nil
	}
	return e.truth(boolInt(isTrue(right.v))), nil
}

// choose computes ?: (C 6.5.15). The result has the common type of both
// branches; one of them is not evaluated.
func (e *evaluator) choose(x *condExpr) (value, *diagnostic) {
	c, d := e.eval(x.c)
	if d != nil {
		return c, d
	}
	known := c.v != nil && (!c.lvalue || isArray(c.t))
	taken := known && isTrue(c.v)
	branch := func(y expr, live bool) (value, *diagnostic) {
		if !live {
			e.dead++
			defer func() { e.dead-- }()
		}
		return e.eval(y)
	}
	a := c
	if x.x != nil {
		a, d = branch(x.x, !known || taken)
	}
	if d != nil {
		return a, d
	}
	b, d := branch(x.y, !known || !taken)
	if d != nil {
		return b, d
	}
	a, b = decay(a), decay(b)
	s, t := scalar(a.t), scalar(b.t)
	r := a
	if !taken {
		r = b
	}
	if s != nil && t != nil && s.Kind != Void && t.Kind != Void {
		a, b = promote(a), promote(b)
		r = promote(r)
		r = convert(r, common(a.t.(*Basic), b.t.(*Basic)), x.p)
	}
	if !known {
		r.v, r.why = nil, c.why
	}
	return r, nil
}
