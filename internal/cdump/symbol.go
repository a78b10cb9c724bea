package cdump

import (
	"bytes"
	"cmp"
	gc "go/constant"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cstructgen/internal/cstruct"
)

// symbols are the constants of a model by name, and what was found out about
// its enums and comments, once for all nodes.
type symbols struct {
	names    []string // sorted
	values   map[string]gc.Value
	docs     map[*cstruct.Field]string // on one line
	comments map[*cstruct.Field]*vocabulary
	enums    map[*cstruct.Enum]*vocabulary
}

func symbolsOf(m *cstruct.Model) *symbols {
	s := &symbols{
		values:   make(map[string]gc.Value),
		docs:     make(map[*cstruct.Field]string),
		comments: make(map[*cstruct.Field]*vocabulary),
		enums:    make(map[*cstruct.Enum]*vocabulary),
	}
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

// A vocabulary is the names that a field's values can have, in order.
type vocabulary struct {
	names []string
	first map[string]int // by value, as spelled has it: the index of its first name
	flags []named        // what has bits, those of most bits first; one name for the same
	none  string         // the name of no bits
}

// add appends a name for a constant.
func (v *vocabulary) add(name string, c gc.Value) {
	if key := spelled(c); key != "" {
		if _, ok := v.first[key]; !ok {
			v.first[key] = len(v.names)
		}
	}
	v.names = append(v.names, name)
}

// setFlags enters flags, in the order of which names win.
func (v *vocabulary) setFlags(fs []named) {
	seen := make(map[uint64]bool)
	for _, f := range fs {
		switch {
		case seen[f.bits]:
		case f.bits == 0:
			v.none = f.name
		default:
			v.flags = append(v.flags, f)
		}
		seen[f.bits] = true
	}
	// A name for a combination wins over its parts.
	slices.SortStableFunc(v.flags, func(a, b named) int {
		return cmp.Compare(bits.OnesCount64(b.bits), bits.OnesCount64(a.bits))
	})
}

// name returns the first name that c has.
func (v *vocabulary) name(c gc.Value) string {
	if i, ok := v.first[spelled(c)]; ok {
		return v.names[i]
	}
	return ""
}

// spelled is a number or text as the key of a map, "" of anything else. Text
// may be longer by NULs, which fill an array.
func spelled(c gc.Value) string {
	if c == nil {
		return ""
	}
	switch c.Kind() {
	case gc.Int:
		return c.ExactString()
	case gc.String:
		if s := strings.TrimRight(gc.StringVal(c), "\x00"); s != "" {
			return `"` + s
		}
	}
	return ""
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
		words := n.root.symbols.ofEnum(e)
		if e.Flags {
			size := uint(8 * e.Under.Bytes)
			return n.joined(wrapped(constantOf(v))&(^uint64(0)>>(64-size)), words)
		}
		return words.name(constantOf(v))
	}
	if n.Field == nil || n.Field.Doc == "" {
		return ""
	}
	return n.mentioned(v)
}

// longName is how long a text may be that has a name.
const longName = 1 << 12

// constantOf is an integer or byte string as a constant, nil for other values.
func constantOf(v any) gc.Value {
	switch v := v.(type) {
	case int64:
		return gc.MakeInt64(v)
	case uint64:
		return gc.MakeUint64(v)
	case []byte:
		if v = bytes.TrimRight(v, "\x00"); len(v) <= longName {
			return gc.MakeString(string(v))
		}
	}
	return nil
}

// ofEnum returns the names of an enum's values.
func (s *symbols) ofEnum(e *cstruct.Enum) *vocabulary {
	v := s.enums[e]
	if v == nil {
		v = &vocabulary{first: make(map[string]int)}
		mask := ^uint64(0) >> (64 - uint(8*e.Under.Bytes))
		var fs []named
		for _, ev := range e.Values {
			v.add(ev.Name, ev.Value)
			fs = append(fs, named{ev.Name, wrapped(ev.Value) & mask})
		}
		v.setFlags(fs)
		s.enums[e] = v
	}
	return v
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

// joined prints x, of n, as generated String methods of flags do: names joined
// by |, and what has no name as a number.
func (n Node) joined(x uint64, words *vocabulary) string {
	if x == 0 {
		return cmp.Or(words.none, "0")
	}
	n.root.spend(int64(len(words.flags)) / stepBytes)
	var names []string
	for _, f := range words.flags {
		if x&f.bits == f.bits {
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
func (n Node) mentioned(v any) string {
	c := constantOf(v)
	if c == nil {
		return ""
	}
	words := n.root.symbols.ofComment(n.Field)
	if b, ok := v.([]byte); ok {
		// A number, too, that short arrays, such as magics, spell in either order.
		at, found := words.first[spelled(c)]
		for _, number := range numbers(b) {
			if i, ok := words.first[spelled(number)]; ok && (!found || i < at) {
				at, found = i, true
			}
		}
		if found {
			return words.names[at]
		}
		return ""
	}
	if name := words.name(c); name != "" {
		return name
	}
	x, ok := v.(uint64)
	if !ok || x == 0 {
		return ""
	}
	if n.Bits == 0 && n.Size > 1 {
		// The most common mistake with an unknown file.
		swapped := bits.ReverseBytes64(x) >> (64 - 8*n.Size)
		if name := words.name(gc.MakeUint64(swapped)); name != "" && x > 0xff && swapped > 0xff {
			return name + " in the other byte order"
		}
	}
	for _, f := range words.flags {
		if x&f.bits != 0 {
			return n.joined(x, words)
		}
	}
	return ""
}

// ofComment returns the names in the comment of f. Its flags are single bits.
func (s *symbols) ofComment(f *cstruct.Field) *vocabulary {
	v := s.comments[f]
	if v != nil {
		return v
	}
	v = &vocabulary{first: make(map[string]int)}
	names := s.inComment(f.Doc)
	flags := isFlag(f.Name) || s.allBits(names)
	var fs []named
	for _, name := range names {
		c := s.values[name]
		v.add(name, c)
		if c.Kind() != gc.Int || !flags && !isFlag(name) {
			continue
		}
		if b, exact := gc.Uint64Val(c); exact && bits.OnesCount64(b) == 1 {
			fs = append(fs, named{name, b})
		}
	}
	v.setFlags(fs)
	s.comments[f] = v
	return v
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

// numbers returns what 2 to 8 bytes are as numbers, but for 0.
func numbers(b []byte) []gc.Value {
	if len(b) < 2 || len(b) > 8 || zeros(b) {
		return nil
	}
	var big, little uint64
	for i := range b {
		big = big<<8 | uint64(b[i])
		little = little<<8 | uint64(b[len(b)-1-i])
	}
	return []gc.Value{gc.MakeUint64(big), gc.MakeUint64(little)}
}

func isFlag(name string) bool { return strings.Contains(strings.ToUpper(name), "FLAG") }

// longDoc is how much of a comment is searched for names.
const longDoc = 1 << 14

// inComment lists the constants that a comment names, in its order, each once.
func (s *symbols) inComment(doc string) []string {
	var names []string
	seen := make(map[string]bool)
	add := func(name string) {
		if !seen[name] {
			names = append(names, name)
		}
		seen[name] = true
	}
	last := ""
	for _, w := range word.FindAllString(doc[:min(len(doc), longDoc)], -1) {
		stem, many := strings.CutSuffix(w, "*")
		switch {
		case many && strings.HasSuffix(stem, "_"):
			if seen[w] {
				continue
			}
			seen[w] = true // no name ends so
			at, _ := slices.BinarySearch(s.names, stem)
			for ; at < len(s.names) && strings.HasPrefix(s.names[at], stem); at++ {
				add(s.names[at])
			}
		case s.values[w] != nil:
			add(w)
			last = w
		case strings.HasPrefix(w, "_"):
			tries := 8
			for cut := strings.LastIndexByte(last, '_'); cut > 0 && tries > 0; cut = strings.LastIndexByte(last[:cut], '_') {
				tries--
				if name := last[:cut] + w; s.values[name] != nil {
					add(name)
					break
				}
			}
		}
	}
	return names
}

// zeros reports whether b holds nothing else.
func zeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
