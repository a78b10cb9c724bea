package cstruct

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The arithmetic types of the x86-64 ABI. Each has one Basic: types are the
// same if the pointers are.
var (
	typeVoid    = &Basic{Kind: Void, Name: "void", Bytes: 1, Aligns: 1}
	typeBool    = &Basic{Kind: Bool, Name: "_Bool", Bytes: 1, Aligns: 1}
	typeChar    = integer(Char, "char", 1, true)
	typeSChar   = integer(Int, "signed char", 1, true)
	typeUChar   = integer(Int, "unsigned char", 1, false)
	typeShort   = integer(Int, "short", 2, true)
	typeUShort  = integer(Int, "unsigned short", 2, false)
	typeInt     = integer(Int, "int", 4, true)
	typeUInt    = integer(Int, "unsigned int", 4, false)
	typeLong    = integer(Int, "long", 8, true)
	typeULong   = integer(Int, "unsigned long", 8, false)
	typeLLong   = integer(Int, "long long", 8, true)
	typeULLong  = integer(Int, "unsigned long long", 8, false)
	typeInt128  = integer(Int, "__int128", 16, true)
	typeUInt128 = integer(Int, "unsigned __int128", 16, false)

	typeFloat      = float(Float, "float", 4, 4)
	typeDouble     = float(Float, "double", 8, 8)
	typeLongDouble = float(Float, "long double", 16, 16)
	typeFloat128   = float(Float, "_Float128", 16, 16)
	typeFloat16    = float(Float, "_Float16", 2, 2)
	typeDecimal32  = float(Float, "_Decimal32", 4, 4)
	typeDecimal64  = float(Float, "_Decimal64", 8, 8)
	typeDecimal128 = float(Float, "_Decimal128", 16, 16)

	// Of what is never constant and has a type that is not followed up.
	typeUnknown = &Basic{Kind: Int, Name: "unknown", Bytes: 1, Aligns: 1}

	complexTypes = map[*Basic]*Basic{
		typeFloat:      float(Complex, "_Complex float", 8, 4),
		typeDouble:     float(Complex, "_Complex double", 16, 8),
		typeLongDouble: float(Complex, "_Complex long double", 32, 16),
		typeFloat128:   float(Complex, "_Complex _Float128", 32, 16),
	}
)

func integer(k Kind, name string, size int64, signed bool) *Basic {
	return &Basic{Kind: k, Name: name, Bytes: size, Aligns: size, Signed: signed}
}

func float(k Kind, name string, size, align int64) *Basic {
	return &Basic{Kind: k, Name: name, Bytes: size, Aligns: align, Signed: true}
}

// Integer types from narrow to wide, signed before unsigned (C 6.3.1.1).
var integerRanks = []*Basic{
	typeBool, typeChar, typeSChar, typeUChar, typeShort, typeUShort, typeInt, typeUInt,
	typeLong, typeULong, typeLLong, typeULLong, typeInt128, typeUInt128,
}

var floatRanks = []*Basic{typeFloat16, typeFloat, typeDouble, typeLongDouble, typeFloat128}

// basics maps the words of an arithmetic type, sorted, to the type.
var basics = func() map[string]*Basic {
	m := map[string]*Basic{}
	for _, line := range []struct {
		t     *Basic
		spell string
	}{
		{typeVoid, "void"}, {typeBool, "_Bool"}, {typeChar, "char"}, {typeSChar, "char signed"},
		{typeUChar, "char unsigned"}, {typeShort, "short|short signed|int short|int short signed"},
		{typeUShort, "short unsigned|int short unsigned"}, {typeInt, "int|signed|int signed"},
		{typeUInt, "unsigned|int unsigned"}, {typeLong, "long|long signed|int long|int long signed"},
		{typeULong, "long unsigned|int long unsigned"},
		{typeLLong, "long long|long long signed|int long long|int long long signed"},
		{typeULLong, "long long unsigned|int long long unsigned"},
		{typeInt128, "__int128|__int128 signed"}, {typeUInt128, "__int128 unsigned"},
		{typeFloat, "float|_Float32"}, {typeDouble, "double|_Float64|_Float32x"},
		{typeLongDouble, "double long|__float80|_Float64x"}, {typeFloat128, "_Float128|__float128"},
		{typeFloat16, "_Float16"}, {typeDecimal32, "_Decimal32"}, {typeDecimal64, "_Decimal64"},
		{typeDecimal128, "_Decimal128"},
		{complexTypes[typeFloat], "_Complex float"}, {complexTypes[typeDouble], "_Complex|_Complex double"},
		{complexTypes[typeLongDouble], "_Complex double long"}, {complexTypes[typeFloat128], "_Complex _Float128|_Complex __float128"},
	} {
		for s := range strings.SplitSeq(line.spell, "|") {
			m[s] = line.t
		}
	}
	return m
}()

func arithmeticType(words []string) *Basic {
	words = slices.Clone(words)
	slices.Sort(words)
	return basics[strings.Join(words, " ")]
}

const pointerSize = 8

func (t *Basic) Size() int64    { return t.Bytes }
func (t *Basic) Align() int64   { return t.Aligns }
func (t *Basic) String() string { return t.Name }

func (t *Pointer) Size() int64  { return cmp.Or(t.Bytes, pointerSize) }
func (t *Pointer) Align() int64 { return t.Size() }
func (t *Pointer) String() string {
	if t.Elem == nil {
		return "void (*)()"
	}
	if s := t.Elem.String(); strings.HasSuffix(s, "*") {
		return s + "*"
	} else {
		return s + " *"
	}
}

// Size of a flexible array, and of one of dynamic length, is 0.
func (t *Array) Size() int64 {
	if t.Flexible || t.Length != nil {
		return 0
	}
	return t.Len * t.Elem.Size()
}

func (t *Array) Align() int64 {
	if t.vector {
		return t.Size()
	}
	if t.natural {
		return plainType(t.Elem).Align()
	}
	return t.Elem.Align()
}

func (t *Array) String() string {
	var dims strings.Builder
	var elem Type = t
	for a, ok := t, true; ok; a, ok = elem.(*Array) {
		if a.Length != nil {
			dims.WriteString("[" + a.Length.String() + "]")
		} else if a.Flexible {
			dims.WriteString("[]")
		} else {
			dims.WriteString("[" + strconv.FormatInt(a.Len, 10) + "]")
		}
		elem = a.Elem
	}
	return elem.String() + dims.String()
}

func (t *Typedef) Size() int64 { return t.Type.Size() }
func (t *Typedef) Align() int64 {
	if t.Aligns != 0 {
		return t.Aligns
	}
	return t.Type.Align()
}
func (t *Typedef) String() string { return t.Name }

func (t *Struct) Size() int64  { return t.Bytes }
func (t *Struct) Align() int64 { return t.Aligns }
func (t *Struct) String() string {
	switch {
	case t.Tag == "" && !t.Anonymous:
		return t.Name
	case t.Union:
		return "union " + t.Name
	}
	return "struct " + t.Name
}

func (t *Enum) Size() int64  { return t.Under.Size() }
func (t *Enum) Align() int64 { return t.Under.Align() }
func (t *Enum) String() string {
	if t.Tag == "" && !t.Anonymous {
		return t.Name
	}
	return "enum " + t.Name
}

// A function is the type of one. It never leaves this package: a pointer to
// one is a Pointer to nil.
type function struct{ result Type }

func (t *function) Size() int64    { return 1 } // as gcc has it
func (t *function) Align() int64   { return 1 }
func (t *function) String() string { return "function" }

// atomic returns t as _Atomic has it: what fits into a machine word is aligned
// to its size, so that one instruction reads it.
func atomic(t Type) Type {
	switch n := t.Size(); n {
	case 1, 2, 4, 8, 16:
		if t.Align() < n {
			return &Typedef{Name: "_Atomic " + t.String(), Type: t, Aligns: n, depth: nesting(t) + 1, qualified: true}
		}
	}
	return t
}

// plainType returns t without typedefs.
func plainType(t Type) Type {
	for {
		d, ok := t.(*Typedef)
		if !ok {
			return t
		}
		t = d.Type
	}
}

// scalar returns the arithmetic type that t or the enum t has, nil for others.
func scalar(t Type) *Basic {
	switch t := plainType(t).(type) {
	case *Basic:
		return t
	case *Enum:
		return t.Under
	}
	return nil
}

func isInteger(b *Basic) bool { return b != nil && (b.Kind == Int || b.Kind == Char || b.Kind == Bool) }

// nesting returns how deep types lie in t.
func nesting(t Type) int {
	switch t := t.(type) {
	case *Array:
		return nesting(t.Elem) + 1
	case *Typedef:
		return t.depth
	case *Struct:
		return t.depth
	}
	return 0
}

// derivations returns how many pointers and arrays t is spelled with, counting
// no further than beyond maxNesting. typeof can add to them without end.
func derivations(t Type) int {
	for n := 0; ; n++ {
		switch u := t.(type) {
		case *Pointer:
			t = u.Elem
		case *Array:
			t = u.Elem
		case *function:
			t = u.result
		default:
			return n
		}
		if n > maxNesting {
			return n
		}
	}
}

// isQualified reports whether one of the typedefs that t is adds const,
// volatile or _Atomic.
func isQualified(t Type) bool {
	for {
		d, ok := t.(*Typedef)
		if !ok {
			return false
		}
		if d.qualified {
			return true
		}
		t = d.Type
	}
}

// sameType reports whether C takes the types for one (6.2.7).
func sameType(t, u Type) bool {
	for range 4 * maxNesting {
		t, u = plainType(t), plainType(u)
		if t == u {
			return true
		}
		switch a := t.(type) {
		case *Pointer:
			b, ok := u.(*Pointer)
			if !ok || (a.Elem == nil) != (b.Elem == nil) {
				return false
			}
			if a.Elem == nil {
				return true
			}
			t, u = a.Elem, b.Elem
		case *Array:
			b, ok := u.(*Array)
			if !ok || !a.Flexible && !b.Flexible && a.Len != b.Len || a.Length != b.Length {
				return false
			}
			t, u = a.Elem, b.Elem
		case *function:
			_, ok := u.(*function)
			return ok
		default:
			return false
		}
	}
	return false // pointers to pointers without end
}
