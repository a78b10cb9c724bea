package cstruct

import (
	"go/constant"
	gotoken "go/token"
	"math"
	"math/big"
	"slices"
)

// A value is what an expression has: a type, and where it is constant a
// value.
type value struct {
	t Type // without typedefs
	// v is an integer, a floating number, the bytes of a string, or the
	// address of an lvalue, or of what a pointer points to.
	v         constant.Value
	why       *diagnostic // why v is nil
	lvalue    bool
	truncated bool  // an integer literal that was too large
	width     int64 // of a bit-field; 0: none
	// negativeZero: v is a floating 0 with a minus sign, which it cannot hold.
	negativeZero bool
	align        int64 // of an object or member that has one of its own; 0: that of t
}

var (
	zero = constant.MakeInt64(0)
	one  = constant.MakeInt64(1)
)

// fits reports whether the integer v is a value of t.
func fits(v constant.Value, t *Basic) bool {
	bits := int(t.Bytes * 8)
	if t.Kind == Bool {
		bits = 1
	}
	if constant.Sign(v) < 0 {
		if !t.Signed {
			return false
		}
		// -2^(bits-1) fits.
		return constant.BitLen(constant.BinaryOp(v, gotoken.ADD, one)) <= bits-1
	}
	if t.Signed {
		bits--
	}
	return constant.BitLen(v) <= bits
}

// wrap returns the integer v modulo the range of t.
func wrap(v constant.Value, t *Basic) constant.Value {
	if t.Kind == Bool {
		return constant.MakeInt64(boolInt(constant.Sign(v) != 0))
	}
	if fits(v, t) {
		return v
	}
	bits := uint(t.Bytes * 8)
	modulus := constant.Shift(one, gotoken.SHL, bits)
	v = constant.BinaryOp(v, gotoken.AND, constant.BinaryOp(modulus, gotoken.SUB, one))
	if t.Signed && !fits(v, t) {
		v = constant.BinaryOp(v, gotoken.SUB, modulus)
	}
	return v
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// promote applies the integer promotions (C 6.3.1.1).
func promote(v value) value {
	b := scalar(v.t)
	if v.lvalue {
		v.v = nil
	}
	v.lvalue = false
	if b == nil || b == typeUnknown {
		return v
	}
	switch {
	case isInteger(b) && rank(b) < rank(typeInt), v.width > 0 && v.width < 32:
		b = typeInt
	case v.width == 32:
		if b.Signed {
			b = typeInt
		} else {
			b = typeUInt
		}
	}
	v.t, v.width = b, 0
	return v
}

func rank(b *Basic) int { return slices.Index(integerRanks, b) }

// common returns the type of an operation on b and c (C 6.3.1.8).
func common(b, c *Basic) *Basic {
	if b == typeUnknown || c == typeUnknown {
		return typeUnknown
	}
	if b.Kind == Complex || c.Kind == Complex {
		if b.Kind == Complex {
			return b
		}
		return c
	}
	if i, j := slices.Index(floatRanks, b), slices.Index(floatRanks, c); i >= 0 || j >= 0 {
		return floatRanks[max(i, j)]
	}
	i, j := rank(b), rank(c)
	if i < 0 || j < 0 { // a decimal floating type
		return b
	}
	if i > j {
		b, c = c, b
	}
	// c has the higher rank, or is the unsigned one of the same rank.
	if b.Signed == c.Signed || !c.Signed || c.Bytes > b.Bytes {
		return c
	}
	return integerRanks[rank(c)+1] // as wide as the unsigned b: c made unsigned
}

// convert returns v as a value of the arithmetic type t.
func convert(v value, t *Basic, at pos) value {
	r := value{t: t, why: v.why}
	if v.v == nil || v.lvalue {
		return r
	}
	switch {
	case isInteger(t) && v.v.Kind() == constant.Int:
		r.v = wrap(v.v, t)
	case t.Kind == Bool && v.v.Kind() == constant.Float:
		r.v = constant.MakeInt64(boolInt(constant.Sign(v.v) != 0))
	case isInteger(t) && v.v.Kind() == constant.Float:
		// Beyond the range of t C has no value; gcc takes the nearest.
		r.v = clamp(truncate(v.v), t)
	case t.Kind == Float && (v.v.Kind() == constant.Float || v.v.Kind() == constant.Int):
		r = roundTo(v.v, t, at)
		r.negativeZero = r.v != nil && constant.Sign(r.v) == 0 && v.minus()
	default:
		r.why = malformed(at, "no arithmetic constant")
	}
	return r
}

// minus reports whether v, a number, has a minus sign.
func (v value) minus() bool { return v.negativeZero || constant.Sign(v.v) < 0 }

// negative returns -v of a floating v.
func negative(v value) value {
	if constant.Sign(v.v) == 0 {
		v.negativeZero = !v.negativeZero
	}
	v.v = constant.UnaryOp(gotoken.SUB, v.v, 0)
	return v
}

// truncate returns the integer part of a floating number, or a number beyond
// all integer types with its sign.
func truncate(v constant.Value) constant.Value {
	f := bigFloat(v)
	if f.MantExp(nil) > 256 {
		f.SetMantExp(big.NewFloat(float64(f.Sign())), 256)
	}
	n, _ := f.Int(nil)
	return constant.Make(n)
}

// clamp returns the value of t that is closest to v.
func clamp(v constant.Value, t *Basic) constant.Value {
	if fits(v, t) {
		return v
	}
	bits := uint(t.Bytes * 8)
	least, most := zero, constant.BinaryOp(constant.Shift(one, gotoken.SHL, bits), gotoken.SUB, one)
	if t.Signed {
		most = constant.Shift(most, gotoken.SHR, 1)
		least = constant.BinaryOp(constant.UnaryOp(gotoken.SUB, most, 0), gotoken.SUB, one)
	}
	if constant.Sign(v) < 0 {
		return least
	}
	return most
}

// bigFloat returns v, a number, with more bits than any type has.
func bigFloat(v constant.Value) *big.Float {
	f := new(big.Float).SetPrec(512)
	switch x := constant.Val(v).(type) {
	case int64:
		f.SetInt64(x)
	case *big.Int:
		f.SetInt(x)
	case *big.Rat:
		f.SetRat(x)
	case *big.Float:
		f.Set(x)
	}
	return f
}

// roundTo returns v, a number, as a value of the floating type t.
func roundTo(v constant.Value, t *Basic, at pos) value {
	r := value{t: t}
	switch t {
	case typeFloat:
		if f, _ := constant.Float32Val(v); !math.IsInf(float64(f), 0) {
			r.v = constant.MakeFloat64(float64(f))
		}
	case typeDouble:
		if f, _ := constant.Float64Val(v); !math.IsInf(f, 0) {
			r.v = constant.MakeFloat64(f)
		}
	case typeLongDouble:
		r.v = roundBits(v, 64, 16384)
	case typeFloat128:
		r.v = roundBits(v, 113, 16384)
	case typeFloat16:
		r.v = roundBits(v, 11, 16)
	default:
		r.why = malformed(at, "constant of type %s", t)
		return r
	}
	if r.v == nil {
		r.why = malformed(at, "floating number out of the range of %s", t)
	}
	return r
}

// roundBits returns v as a binary floating number with prec bits of precision
// below 2^exp, nil if it is beyond. Subnormal ones have less precision.
func roundBits(v constant.Value, prec, exp int) constant.Value {
	f := bigFloat(v)
	if smallest := 3 - exp; f.MantExp(nil) < smallest {
		prec -= smallest - f.MantExp(nil)
	}
	if f.Sign() == 0 || prec < 0 {
		return constant.MakeFloat64(0)
	}
	if f.SetPrec(uint(max(prec, 1))); f.MantExp(nil) > exp {
		return nil
	}
	return constant.ToFloat(constant.Make(f))
}
