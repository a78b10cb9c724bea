package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"math/bits"
	"strings"
)

// call computes the builtins of gcc that are constant; no other call is.
func (e *evaluator) call(x *callExpr) (value, *diagnostic) {
	name := ""
	if f, ok := x.f.(*nameExpr); ok {
		name = strings.TrimPrefix(f.tok.text, "__builtin_")
		if name == f.tok.text {
			name = ""
		}
	}
	args := make([]value, len(x.args))
	for i, a := range x.args {
		var d *diagnostic
		if name == "choose_expr" && i > 0 || name == "constant_p" {
			continue
		}
		if args[i], d = e.eval(a); d != nil {
			return value{}, d
		}
		if name != "strlen" {
			args[i] = decay(args[i])
		}
	}
	switch {
	case name == "choose_expr" && len(args) == 3:
		if d := args[0].need(x.args[0]); d != nil {
			return value{}, d
		}
		if constant.Sign(args[0].v) != 0 {
			return e.eval(x.args[1])
		}
		return e.eval(x.args[2])
	case name == "constant_p" && len(args) == 1:
		e.dead++
		v, d := e.eval(x.args[0])
		e.dead--
		known := d == nil && v.v != nil && !v.lvalue
		return value{t: typeInt, v: constant.MakeInt64(boolInt(known))}, nil
	case name == "expect" && len(args) == 2, name == "expect_with_probability" && len(args) == 3:
		return convert(args[0], typeLong, x.p), nil
	case strings.HasSuffix(name, "_overflow_p") && len(args) == 3:
		return e.overflows(x, strings.TrimSuffix(name, "_overflow_p"), args)
	case name == "classify_type" && len(args) == 1:
		return value{t: typeInt, v: constant.MakeInt64(typeClass(args[0].t))}, nil
	case name == "strlen" && len(args) == 1 && args[0].v != nil && args[0].v.Kind() == constant.String:
		text, _, _ := strings.Cut(constant.StringVal(args[0].v), "\x00")
		return value{t: typeULong, v: constant.MakeInt64(int64(len(text)))}, nil
	case len(args) == 1 && floatTests[name] != nil:
		return floatTest(args[0], floatTests[name], x.p), nil
	case len(args) == 1 && wordBuiltins[name].compute != nil:
		return wordBuiltins[name].call(args[0], x.p), nil
	case len(args) == 1 && magnitudes[name] != nil:
		return e.magnitude(args[0], magnitudes[name], x.p), nil
	}
	return e.unknownCall(x)
}

// unknownCall returns the type of a call whose value is not constant.
func (e *evaluator) unknownCall(x *callExpr) (value, *diagnostic) {
	r := value{t: typeUnknown, why: malformed(x.p, "a function call")}
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

// A wordBuiltin computes something of the bits of an integer.
type wordBuiltin struct {
	arg     *Basic
	result  *Basic
	notZero bool // 0 has no result
	compute func(n uint64, width int) uint64
}

// call applies b to v.
func (b wordBuiltin) call(v value, at pos) value {
	r := value{t: b.result}
	v = convert(v, b.arg, at)
	if v.v == nil {
		r.why = v.why
		return r
	}
	n, _ := constant.Uint64Val(v.v)
	if n == 0 && b.notZero {
		r.why = malformed(at, "undefined for 0")
		return r
	}
	r.v = constant.MakeUint64(b.compute(n, int(b.arg.Bytes)*8))
	return r
}

// unsignedOf returns the unsigned type as wide as t.
func unsignedOf(t *Basic) *Basic {
	if !t.Signed {
		return t
	}
	return integerRanks[rank(t)+1]
}

// wordBuiltins are the functions on bits, each for int, long and long long.
var wordBuiltins = func() map[string]wordBuiltin {
	m := map[string]wordBuiltin{}
	for name, compute := range map[string]func(n uint64, width int) uint64{
		"popcount": func(n uint64, _ int) uint64 { return uint64(bits.OnesCount64(n)) },
		"parity":   func(n uint64, _ int) uint64 { return uint64(bits.OnesCount64(n) & 1) },
		"ffs": func(n uint64, _ int) uint64 {
			if n == 0 {
				return 0
			}
			return uint64(bits.TrailingZeros64(n) + 1)
		},
		"ctz": func(n uint64, _ int) uint64 { return uint64(bits.TrailingZeros64(n)) },
		"clz": func(n uint64, width int) uint64 { return uint64(bits.LeadingZeros64(n) - 64 + width) },
		"clrsb": func(n uint64, width int) uint64 {
			n <<= 64 - width
			return uint64(min(bits.LeadingZeros64(n^uint64(int64(n)>>1)), width) - 1)
		},
	} {
		for suffix, t := range map[string]*Basic{"": typeInt, "l": typeLong, "ll": typeLLong} {
			m[name+suffix] = wordBuiltin{unsignedOf(t), typeInt, name == "ctz" || name == "clz", compute}
		}
	}
	for name, t := range map[string]*Basic{"bswap16": typeUShort, "bswap32": typeUInt, "bswap64": typeULong} {
		m[name] = wordBuiltin{t, t, false, func(n uint64, width int) uint64 { return bits.ReverseBytes64(n) >> (64 - width) }}
	}
	return m
}()

// magnitudes are the functions that drop a sign.
var magnitudes = map[string]*Basic{
	"abs": typeInt, "labs": typeLong, "llabs": typeLLong, "fabs": typeDouble, "fabsf": typeFloat, "fabsl": typeLongDouble,
}

func (e *evaluator) magnitude(v value, t *Basic, at pos) value {
	if v = convert(v, t, at); v.v == nil {
		return v
	}
	switch {
	case v.v.Kind() == constant.Int && constant.Sign(v.v) < 0:
		return e.wrapped(constant.UnaryOp(gotoken.SUB, v.v, 0), t, at)
	case v.minus():
		return negative(v)
	}
	return v
}

// floatTests are the functions that ask what kind of number a floating one
// is. All that are constant here are finite.
var floatTests = map[string]func(value) bool{
	"isnan":      func(value) bool { return false },
	"isinf":      func(value) bool { return false },
	"isinf_sign": func(value) bool { return false },
	"isfinite":   func(value) bool { return true },
	"signbit":    value.minus,
}

func floatTest(v value, test func(value) bool, at pos) value {
	r := value{t: typeInt, why: v.why}
	switch b := scalar(v.t); {
	case b == nil || b.Kind != Float:
		r.why = malformed(at, "operand is no floating number")
	case v.v != nil:
		r.v = constant.MakeInt64(boolInt(test(v)))
	}
	return r
}

// overflows computes __builtin_add_overflow_p and its kin: whether the exact
// result of the operation has no place in the type of the third argument.
func (e *evaluator) overflows(x *callExpr, op string, args []value) (value, *diagnostic) {
	r := value{t: typeBool}
	for i, v := range args {
		if !isInteger(scalar(v.t)) {
			return r, malformed(x.args[i].at(), "operand is no integer")
		}
		if v.v == nil && i < 2 {
			r.why = v.why
			return r, nil
		}
	}
	t, ok := map[string]string{"add": "+", "sub": "-", "mul": "*"}[op]
	if !ok {
		return e.unknownCall(x)
	}
	n := constant.BinaryOp(args[0].v, arithmetic[t], args[1].v)
	fit := fits(n, scalar(args[2].t))
	if w := args[2].width; w > 0 {
		r.why = malformed(x.p, "a bit-field")
		return r, nil
	}
	r.v = constant.MakeInt64(boolInt(!fit))
	return r, nil
}

// typeClass returns what __builtin_classify_type gives for an expression of
// type t.
func typeClass(t Type) int64 {
	switch t := plainType(t).(type) {
	case *Basic:
		switch t.Kind {
		case Void:
			return 0
		case Float:
			return 8
		case Complex:
			return 9
		}
	case *Pointer:
		return 5
	case *Struct:
		if t.Union {
			return 13
		}
		return 12
	}
	return 1
}
