package cdump

import (
	"bytes"
	"cmp"
	gc "go/constant"
	"go/token"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cstructgen/internal/cstruct"
)

// symbols are the constants of a model by name.
type symbols struct {
	names  []string // sorted
	values map[string]gc.Value
}

func symbolsOf(m *cstruct.Model) *symbols {
	s := &symbols{values: make(map[string]gc.Value)}
	for _, c := range m.Constants {
		s.values[c.Name] = c.Value
	}
	for _, e := range m.Enums {
		for _, v := range e.Values {
			s.values[v.Name] = v.Value
		}
	}
	for name := range s.values {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	return s
}

// Symbol returns the name that the definitions give to the value of n, ""
// without one: the enumerator; the flags as A|B|0x40; or a constant that the
// comment of the field names, as in "one of QCOW_CRYPT_*".
func (n Node) Symbol() string {
	v := n.Value()
	if v == nil {
		return ""
	}
	if e, ok := underNode(n).(*cstruct.Enum); ok {
		if e.Flags {
			return flags(e, v)
		}
		return enumerator(e, v)
	}
	if n.Field == nil || n.Field.Doc == "" {
		return ""
	}
	return n.root.symbols.mentioned(n, v)
}

// constantOf is an integer or byte string as a constant, nil for other values.
func constantOf(v any) gc.Value {
	switch v := v.(type) {
	case int64:
		return gc.MakeInt64(v)
	case uint64:
		return gc.MakeUint64(v)
	case []byte:
		return gc.MakeString(string(v))
	}
	return nil
}

func enumerator(e *cstruct.Enum, v any) string {
	c := constantOf(v)
	for _, ev := range e.Values {
		if equal(ev.Value, c) {
			return ev.Name
		}
	}
	return ""
}

// equal reports whether two constants are the same number or text. Text may
// be longer by NULs, which fill an array.
func equal(a, b gc.Value) bool {
	switch {
	case a == nil || b == nil || a.Kind() != b.Kind():
		return false
	case a.Kind() == gc.String:
		x, y := gc.StringVal(a), gc.StringVal(b)
		return x != "" && strings.TrimRight(x, "\x00") == strings.TrimRight(y, "\x00")
	}
	return a.Kind() == gc.Int && gc.Compare(a, token.EQL, b)
}

// wrapped returns an integer constant in 64 bits.
func wrapped(v gc.Value) uint64 {
	if u, ok := gc.Uint64Val(v); ok {
		return u
	}
	i, _ := gc.Int64Val(v)
	return uint64(i)
}

// A named is bits with a name.
type named struct {
	name string
	bits uint64
}

// flags prints v as generated String methods of flags do.
func flags(e *cstruct.Enum, v any) string {
	x := wrapped(constantOf(v))
	size := uint(8 * e.Under.Bytes)
	x &= ^uint64(0) >> (64 - size)
	var fs []named
	for _, ev := range e.Values {
		fs = append(fs, named{ev.Name, wrapped(ev.Value) & (^uint64(0) >> (64 - size))})
	}
	return joined(x, fs)
}

// joined prints x as names joined by |, and what has no name as a number.
func joined(x uint64, fs []named) string {
	if x == 0 {
		for _, f := range fs {
			if f.bits == 0 {
				return f.name
			}
		}
		return "0"
	}
	// A name for a combination wins over its parts.
	slices.SortStableFunc(fs, func(a, b named) int {
		return cmp.Compare(bits.OnesCount64(b.bits), bits.OnesCount64(a.bits))
	})
	var names []string
	for _, f := range fs {
		if f.bits != 0 && x&f.bits == f.bits {
			names = append(names, f.name)
			x &^= f.bits
		}
	}
	if x != 0 {
		names = append(names, "0x"+strconv.FormatUint(x, 16))
	}
	return strings.Join(names, "|")
}

// word is what may be a constant's name in a comment: whole, the start of
// several ("FLAG_*"), or the end of one like that before it ("A_ZLIB or _ZSTD").
var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*\*?`)

// mentioned returns the constant with value v that the comment of n names.
// Where the names are of flags, as the word in them or in the field's name
// says or their values do, it returns all whose bits are set.
func (s *symbols) mentioned(n Node, v any) string {
	c := constantOf(v)
	if c == nil {
		return ""
	}
	names := s.inComment(n.Field.Doc)
	for _, name := range names {
		if equal(s.values[name], c) || text(c) && numberIs(s.values[name], v) {
			return name
		}
	}
	x, ok := v.(uint64)
	if !ok || x == 0 {
		return ""
	}
	if n.Bits == 0 && n.Size > 1 {
		// The most common mistake with an unknown file.
		swapped := gc.MakeUint64(bits.ReverseBytes64(x) >> (64 - 8*n.Size))
		for _, name := range names {
			if equal(s.values[name], swapped) && x > 0xff && wrapped(swapped) > 0xff {
				return name + " in the other byte order"
			}
		}
	}
	allBits := s.allBits(names)
	var fs []named
	for _, name := range names {
		if s.values[name].Kind() != gc.Int || !allBits && !isFlag(n.Field.Name) && !isFlag(name) {
			continue
		}
		if b, exact := gc.Uint64Val(s.values[name]); exact && bits.OnesCount64(b) == 1 && x&b != 0 {
			fs = append(fs, named{name, b})
		}
	}
	if len(fs) == 0 {
		return ""
	}
	return joined(x, fs)
}

// allBits reports whether constants are bits and no numbers from 0 on: each a
// power of two or zero, one of them more than 2.
func (s *symbols) allBits(names []string) bool {
	most := uint64(0)
	for _, name := range names {
		b, exact := uint64(0), false
		if s.values[name].Kind() == gc.Int {
			b, exact = gc.Uint64Val(s.values[name])
		}
		if !exact || bits.OnesCount64(b) > 1 {
			return false
		}
		most = max(most, b)
	}
	return len(names) > 1 && most > 2
}

func text(c gc.Value) bool { return c.Kind() == gc.String }

// numberIs reports whether a constant is the number that short byte arrays,
// such as magics, spell in either order.
func numberIs(c gc.Value, v any) bool {
	b, ok := v.([]byte)
	if !ok || c.Kind() != gc.Int || len(b) < 2 || len(b) > 8 {
		return false
	}
	want, exact := gc.Uint64Val(c)
	if !exact || want == 0 {
		return false
	}
	var big, little uint64
	for i := range b {
		big = big<<8 | uint64(b[i])
		little = little<<8 | uint64(b[len(b)-1-i])
	}
	return want == big || want == little
}

func isFlag(name string) bool { return strings.Contains(strings.ToUpper(name), "FLAG") }

// inComment lists the constants that a comment names, in its order.
func (s *symbols) inComment(doc string) []string {
	var names []string
	last := ""
	for _, w := range word.FindAllString(doc, -1) {
		stem, many := strings.CutSuffix(w, "*")
		switch {
		case many && strings.HasSuffix(stem, "_"):
			at, _ := slices.BinarySearch(s.names, stem)
			for ; at < len(s.names) && strings.HasPrefix(s.names[at], stem); at++ {
				names = append(names, s.names[at])
			}
		case s.values[w] != nil:
			names, last = append(names, w), w
		case strings.HasPrefix(w, "_"):
			for cut := strings.LastIndexByte(last, '_'); cut > 0; cut = strings.LastIndexByte(last[:cut], '_') {
				if name := last[:cut] + w; s.values[name] != nil {
					names = append(names, name)
					break
				}
			}
		}
	}
	return names
}

// zeros reports whether b holds nothing else.
func zeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
