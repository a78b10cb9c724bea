package cdump

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strings"

	"cstructgen/internal/cstruct"
)

// Value returns what the bytes of a number, text or byte array say, nil where
// the data ends before it and for all other kinds:
//
//	integers, pointers, enums, bit-fields   int64 or uint64, by signedness
//	__int128                                *big.Int
//	_Bool                                   bool: not 0
//	_Float16, float; double                 float32; float64
//	long double, _Float128                  *big.Float, or float64 of an infinity or NaN
//	complex                                 [2]any, of two of these
//	decimal floats                          uint64 or *big.Int: their bits
//	char and byte arrays                    []byte
//	leb128                                  int64 or uint64
func (n Node) Value() any {
	if !n.Whole() {
		return nil
	}
	switch n.Kind() {
	case Text, Bytes:
		return n.Bytes()
	case Number:
	default:
		return nil
	}
	basic, ok := under(n.Type).(*cstruct.Basic)
	if n.Bits > 0 {
		if ok && basic.Kind == cstruct.Bool {
			return n.bitField().Sign() != 0
		}
		return integer(n.bitField(), n.Bits, signed(n.Type) && !(n.Field != nil && n.Field.Unsigned))
	}
	if ok && basic.Kind == cstruct.LEB128 {
		v, _ := leb128(n.Bytes(), basic.Signed)
		if basic.Signed {
			return int64(v)
		}
		return v
	}
	b := n.bigEndian(n.Bytes())
	if !ok {
		return integer(new(big.Int).SetBytes(b), 8*n.Size, signed(n.Type))
	}
	switch basic.Kind {
	case cstruct.Bool:
		return slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
	case cstruct.Float:
		if !strings.Contains(basic.Name, "Decimal") {
			return float(basic, b)
		}
	case cstruct.Complex:
		half := n.Size / 2
		part := *basic
		part.Name = strings.TrimSpace(strings.Replace(part.Name, "_Complex", "", 1))
		return [2]any{
			float(&part, n.bigEndian(n.Bytes()[:half])),
			float(&part, n.bigEndian(n.Bytes()[half:])),
		}
	}
	return integer(new(big.Int).SetBytes(b), 8*n.Size, signed(n.Type))
}

// bigEndian returns a copy of b with the most significant byte first.
func (n Node) bigEndian(b []byte) []byte {
	b = slices.Clone(b)
	if n.Order == cstruct.LittleEndian {
		slices.Reverse(b)
	}
	return b
}

// bitField returns the bits of a bit-field as a number.
func (n Node) bitField() *big.Int {
	bits := n.Bytes()
	v := new(big.Int)
	for i := range n.Bits {
		at := n.BitOff + i - 8*n.Off
		if n.Order == cstruct.BigEndian {
			// From the most significant bit down.
			v.Lsh(v, 1)
			v.SetBit(v, 0, uint(bits[at/8]>>(7-at%8)&1))
		} else {
			v.SetBit(v, int(i), uint(bits[at/8]>>(at%8)&1))
		}
	}
	return v
}

// integer returns the number whose two's complement in so many bits is v.
func integer(v *big.Int, bits int64, signed bool) any {
	if signed && v.Bit(int(bits-1)) == 1 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
	}
	switch {
	case bits > 64:
		return v
	case signed:
		return v.Int64()
	}
	return v.Uint64()
}

func signed(t cstruct.Type) bool {
	switch t := under(t).(type) {
	case *cstruct.Basic:
		return t.Signed
	case *cstruct.Enum:
		return t.Under.Signed
	}
	return false
}

// float decodes a binary float, most significant byte first.
func float(t *cstruct.Basic, b []byte) any {
	switch len(b) {
	case 2:
		return half(binary.BigEndian.Uint16(b))
	case 4:
		return math.Float32frombits(binary.BigEndian.Uint32(b))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case 16:
		if strings.Contains(t.Name, "128") {
			return wide(b, 15, 112, false)
		}
		return wide(b[6:], 15, 63, true) // x87: ten bytes, the rest is unused
	}
	return nil
}

// half returns the number that 16 bits of a _Float16 are.
func half(raw uint16) float32 {
	exp, frac := int(raw>>10&0x1f), float64(raw&0x3ff)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 0x1f:
		if frac != 0 {
			return float32(math.NaN())
		}
		f = math.Inf(1)
	default:
		f = math.Ldexp(frac+0x400, exp-25)
	}
	return float32(math.Copysign(f, 0.5-float64(raw>>15)))
}

// wide decodes a float with so many bits of exponent and fraction; one is set
// if the integer bit stands before the fraction rather than being implied.
func wide(b []byte, expBits, fracBits uint, one bool) any {
	raw := new(big.Int).SetBytes(b)
	total := uint(8 * len(b))
	negative := raw.Bit(int(total-1)) == 1
	mantBits := fracBits
	if one {
		mantBits++
	}
	mant := new(big.Int).And(raw, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), mantBits), big.NewInt(1)))
	exp := int(new(big.Int).Rsh(raw, mantBits).Int64()) & (1<<expBits - 1)
	sign := 1
	if negative {
		sign = -1
	}
	if exp == 1<<expBits-1 {
		mant.SetBit(mant, int(fracBits), 0)
		if mant.Sign() == 0 {
			return math.Inf(sign)
		}
		return math.NaN()
	}
	bias := 1<<(expBits-1) - 1
	switch {
	case exp == 0:
		exp = 1
	case !one:
		mant.SetBit(mant, int(fracBits), 1)
	}
	f := new(big.Float).SetPrec(fracBits + 1).SetInt(mant)
	f.SetMantExp(f, exp-bias-int(fracBits))
	if negative {
		f.Neg(f)
	}
	return f
}
