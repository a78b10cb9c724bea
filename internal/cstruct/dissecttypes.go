package cstruct

import "strings"

// The types of dialect dissect. Alignment matters in its aligned mode alone.
var (
	dissectChar = integer(Char, "char", 1, false)
	dissectWide = integer(WideChar, "wchar", 2, false)
	uleb128     = &Basic{Kind: LEB128, Name: "uleb128", Aligns: 1}
	ileb128     = &Basic{Kind: LEB128, Name: "ileb128", Aligns: 1, Signed: true}

	dissectBasics = func() map[string]*Basic {
		m := map[string]*Basic{}
		for _, b := range []*Basic{
			dissectChar, dissectWide, uleb128, ileb128,
			integer(Int, "int8", 1, true), integer(Int, "uint8", 1, false),
			integer(Int, "int16", 2, true), integer(Int, "uint16", 2, false),
			integer(Int, "int32", 4, true), integer(Int, "uint32", 4, false),
			integer(Int, "int64", 8, true), integer(Int, "uint64", 8, false),
			{Kind: Int, Name: "int24", Bytes: 3, Aligns: 4, Signed: true}, {Kind: Int, Name: "uint24", Bytes: 3, Aligns: 4},
			{Kind: Int, Name: "int48", Bytes: 6, Aligns: 8, Signed: true}, {Kind: Int, Name: "uint48", Bytes: 6, Aligns: 8},
			integer(Int, "int128", 16, true), integer(Int, "uint128", 16, false),
			float(Float, "float16", 2, 2), float(Float, "float", 4, 4), float(Float, "double", 8, 8),
			{Kind: Void, Name: "void", Aligns: 1},
		} {
			m[b.Name] = b
		}
		return m
	}()
)

// dissectSpelled are other names of these types: those of C, where long has
// 4 bytes and unsigned char is text, of Windows, of GNU's C and of IDA.
const dissectSpelled = `
int8:    signed char|INT8|__int8|int8_t|s8|__s8
uint8:   BYTE|UCHAR|UINT8|unsigned __int8|uint8_t|_BYTE|u8|__u8|uchar
int16:   short|signed short|short int|signed short int|SHORT|INT16|__int16|int16_t|s16|__s16
uint16:  unsigned short|unsigned short int|WORD|USHORT|UINT16|unsigned __int16|uint16_t|_WORD|u16|__u16|ushort
int32:   int|signed|signed int|long|signed long|long int|signed long int|LONG|LONG32|INT|INT32|__int32|int32_t|s32|__s32
uint32:  unsigned|unsigned int|unsigned long|unsigned long int|DWORD|ULONG|UINT|UINT32|unsigned __int32|uint32_t|_DWORD|u32|__u32|uint|ulong
int64:   long long|signed long long|long long int|signed long long int|LONG64|LONGLONG|INT64|__int64|int64_t|s64|__s64
uint64:  unsigned long long|unsigned long long int|QWORD|ULONG64|ULONGLONG|UINT64|unsigned __int64|uint64_t|_QWORD|u64|__u64
int128:  INT128|__int128|int128_t
uint128: OWORD|UINT128|unsigned __int128|uint128_t|_OWORD|u128|__u128
char:    unsigned char|CHAR
wchar:   WCHAR|wchar_t
`

// dissectNames are all types that are known before the first line. Another
// name of a type is a typedef of it.
var dissectNames = func() map[string]Type {
	m := map[string]Type{}
	for name, b := range dissectBasics {
		m[name] = b
	}
	for line := range strings.Lines(strings.TrimSpace(dissectSpelled)) {
		name, others, _ := strings.Cut(strings.TrimSpace(line), ":")
		for other := range strings.SplitSeq(strings.TrimSpace(others), "|") {
			m[other] = &Typedef{Name: other, Type: dissectBasics[name]}
		}
	}
	return m
}()

// dissectType returns the known type of several words.
func (r *resolver) dissectType(s *specifiers) (Type, *diagnostic) {
	name := strings.Join(s.words, " ")
	if t := dissectNames[name]; t != nil {
		return t, nil
	}
	return nil, malformed(s.pos, "no type is called %s", quote(name))
}

// Dynamic reports whether values of t differ in size.
func Dynamic(t Type) bool {
	switch t := t.(type) {
	case *Basic:
		return t.Kind == LEB128
	case *Typedef:
		return Dynamic(t.Type)
	case *Array:
		return t.Length != nil || Dynamic(t.Elem)
	case *Struct:
		return t.Dynamic
	}
	return false
}

// MinSize returns how many bytes each value of t has at least, leaving
// alignment out of account; no more than any object has.
func MinSize(t Type) int64 {
	if !Dynamic(t) {
		return t.Size()
	}
	switch t := t.(type) {
	case *Basic:
		return 1
	case *Typedef:
		return MinSize(t.Type)
	case *Array:
		switch {
		case t.Length == nil:
			if n := MinSize(t.Elem); n > 0 && t.Len > maxObject/n {
				return maxObject
			}
			return t.Len * MinSize(t.Elem)
		case t.Length.Kind == Terminated && Dynamic(t.Elem):
			return 1
		case t.Length.Kind == Terminated:
			return t.Elem.Size()
		}
		return 0
	case *Struct:
		if !t.counted {
			t.least, t.counted = t.leastSize(), true
		}
		return t.least
	}
	return 0
}

// leastSize is MinSize of a struct or union of dynamic size.
func (t *Struct) leastSize() int64 {
	if t.Union { // what follows it begins behind the last member
		return MinSize(t.Fields[len(t.Fields)-1].Type)
	}
	n := int64(0)
	for _, p := range t.Parts {
		size := p.Bytes
		if p.Dynamic {
			size = MinSize(p.Fields[0].Type)
		}
		n = min(n, maxObject-size) + size
	}
	return n
}
