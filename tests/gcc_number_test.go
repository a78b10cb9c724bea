package tests

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"go/constant"
	"math/big"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Types that an integer constant expression may have.
var integerTypes = []string{
	"?", "_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int",
	"long", "unsigned long", "long long", "unsigned long long", "__int128", "unsigned __int128",
}

// Types of floating constants, and behind the colon what we call them: to gcc
// _Float32 and float are two types of one format.
var floatTypes = []string{
	"?", "float", "double", "long double", "_Float16", "_Float128",
	"_Float32:float", "_Float64:double", "_Float32x:double", "_Float64x:long double",
}

// generic returns the associations of a _Generic that gives the index of a
// type.
func generic(types []string) string {
	var b strings.Builder
	for i, t := range types[1:] {
		name, _, _ := strings.Cut(t, ":")
		fmt.Fprintf(&b, "%s: %d, ", name, i+1)
	}
	return b.String() + "default: 0"
}

func littleEndian(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// wideInteger returns a number of little-endian bytes.
func wideInteger(b []byte, signed bool) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if signed && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b)*8)))
	}
	return n
}

// noNumber is what is said of a floating macro that is infinite or no number.
const noNumber = "no number"

// floatFact returns what a probe says of a floating constant, "" for one that
// is complex.
func floatFact(b []byte) string {
	kind, x := quadruple(b[:16]), quadruple(b[16:32])
	n, _ := kind.Int64()
	switch {
	case n == 0:
		return ""
	case x.IsInf():
		return noNumber
	}
	name := floatTypes[n]
	if _, ours, ok := strings.Cut(name, ":"); ok {
		name = ours
	}
	return name + " " + x.Text('g', 40)
}

// wideFact returns what a probe says of a string of wide characters: its text,
// nothing if it is none.
func wideFact(b []byte, utf16Units bool) string {
	var text []rune
	if utf16Units {
		var units []uint16
		for ; len(b) > 2; b = b[2:] {
			units = append(units, binary.LittleEndian.Uint16(b))
		}
		text = utf16.Decode(units)
	}
	for ; len(b) > 4; b = b[4:] {
		text = append(text, rune(binary.LittleEndian.Uint32(b)))
	}
	if slices.ContainsFunc(text, func(r rune) bool { return !utf8.ValidRune(r) }) {
		return ""
	}
	return fmt.Sprintf("%q", string(text))
}

// quadruple returns the value of a _Float128; infinity also for what is no
// number.
func quadruple(b []byte) *big.Float {
	const fraction = 112
	n := wideInteger(b, false)
	exp := int(new(big.Int).Rsh(n, fraction).Uint64())
	negative := exp>>15 != 0
	exp &= 0x7fff
	n.And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), fraction), big.NewInt(1)))
	f := new(big.Float).SetPrec(fraction + 1)
	switch {
	case exp == 0x7fff:
		f.SetInf(false)
	case exp != 0:
		n.SetBit(n, fraction, 1)
		fallthrough
	default:
		f.SetInt(n)
		f.SetMantExp(f, max(exp, 1)-16383-fraction)
	}
	if negative {
		f.Neg(f)
	}
	return f
}

// modelFloat returns v as exact as the probes have it.
func modelFloat(v constant.Value) *big.Float {
	f := new(big.Float).SetPrec(113)
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

// rodata returns the bytes of each constant of an object file.
func rodata(object string) (map[string][]byte, error) {
	file, err := elf.Open(object)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, err
	}
	sections := map[elf.SectionIndex][]byte{}
	values := map[string][]byte{}
	for _, s := range symbols {
		if !strings.HasPrefix(s.Name, "cstructgen_") || int(s.Section) >= len(file.Sections) {
			continue
		}
		data, ok := sections[s.Section]
		if !ok {
			if data, err = file.Sections[s.Section].Data(); err != nil {
				return nil, err
			}
			sections[s.Section] = data
		}
		values[s.Name] = data[s.Value : s.Value+s.Size]
	}
	return values, nil
}
