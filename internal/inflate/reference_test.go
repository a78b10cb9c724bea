package inflate

import "slices"

// A reference decodes the slow and plain way, a bit at a time, straight from
// RFC 1951. It is as strict as zlib. Decode must agree with it on everything.
type reference struct {
	in  []byte
	bit int // bits of in taken
	out []byte
}

// Errors of a reference are panics with these values.
const (
	refShort   = "the input ends"
	refCorrupt = "corrupt"
	refStrict  = "corrupt, but compress/flate takes it"
)

// referenceFills returns what src gives, size bytes at most, and "" or why
// there is less.
func referenceFills(src []byte, size int) (out []byte, why string) {
	r := reference{in: src}
	defer func() {
		if e := recover(); e != nil {
			out, why = r.out, e.(string)
		}
	}()
	for final := 0; len(r.out) < size; {
		if final == 1 {
			return r.out, refShort
		}
		final = r.bits(1)
		switch r.bits(2) {
		case 0:
			r.stored(size)
		case 1:
			r.symbols(refFixedLiterals, refFixedDistances, size)
		case 2:
			literals, distances := r.codes()
			r.symbols(literals, distances, size)
		default:
			panic(refCorrupt)
		}
	}
	return r.out, ""
}

// The fixed codes of section 3.2.6.
var (
	refFixedLiterals = newRefCode(slices.Concat(slices.Repeat([]int{8}, 144), slices.Repeat([]int{9}, 112),
		slices.Repeat([]int{7}, 24), slices.Repeat([]int{8}, 8)))
	refFixedDistances = newRefCode(slices.Repeat([]int{5}, 32))
)

func (r *reference) bits(n int) int {
	v := 0
	for i := range n {
		if r.bit/8 >= len(r.in) {
			panic(refShort)
		}
		v |= int(r.in[r.bit/8]>>(r.bit%8)&1) << i
		r.bit++
	}
	return v
}

func (r *reference) stored(size int) {
	r.bit = (r.bit + 7) / 8 * 8
	n := r.bits(16)
	if n^0xffff != r.bits(16) {
		panic(refCorrupt)
	}
	for ; n > 0 && len(r.out) < size; n-- {
		r.out = append(r.out, byte(r.bits(8)))
	}
}

// A refCode maps codes, each with a 1 in front, to symbols.
type refCode struct {
	symbols map[int]int
	free    int // of 1<<15 parts of all codes
}

func newRefCode(lens []int) refCode {
	c := refCode{symbols: map[int]int{}, free: 1 << 15}
	code := 0
	for l := 1; l <= 15; l++ {
		code <<= 1
		for symbol := range lens {
			if lens[symbol] != l {
				continue
			}
			if c.free -= 1 << (15 - l); c.free < 0 {
				panic(refCorrupt)
			}
			c.symbols[1<<l|code] = symbol
			code++
		}
	}
	return c
}

// valid refuses a code that leaves bits without meaning, unless it is a
// single one of one bit, or there is none.
func (c refCode) valid() refCode {
	if c.free != 0 && c.free != 1<<14 && c.free != 1<<15 || c.free == 1<<14 && len(c.symbols) > 1 {
		panic(refCorrupt)
	}
	return c
}

func (r *reference) symbol(c refCode) int {
	code := 1
	for range 15 {
		code = code<<1 | r.bits(1)
		if s, ok := c.symbols[code]; ok {
			return s
		}
		if c.free > 0 {
			panic(refCorrupt) // of one bit, and this is the other
		}
	}
	panic(refCorrupt)
}

func (r *reference) codes() (literals, distances refCode) {
	nl, nd, n := r.bits(5)+257, r.bits(5)+1, r.bits(4)+4
	if nl > 286 || nd > 30 {
		panic(refCorrupt)
	}
	lens := make([]int, 19)
	for _, symbol := range lengthsOrder[:n] {
		lens[symbol] = r.bits(3)
	}
	c := newRefCode(lens).valid()
	if c.free > 0 {
		panic(refStrict)
	}
	lens = nil
	for len(lens) < nl+nd {
		symbol, value, times := r.symbol(c), 0, 1
		switch symbol {
		case 16:
			if len(lens) == 0 {
				panic(refCorrupt)
			}
			value, times = lens[len(lens)-1], 3+r.bits(2)
		case 17:
			times = 3 + r.bits(3)
		case 18:
			times = 11 + r.bits(7)
		default:
			value = symbol
		}
		for range times {
			lens = append(lens, value)
		}
	}
	if len(lens) > nl+nd {
		panic(refCorrupt)
	}
	if lens[256] == 0 {
		panic(refStrict)
	}
	return newRefCode(lens[:nl]).valid(), newRefCode(lens[nl:]).valid()
}

// Bases and extra bits as section 3.2.5 lists them.
var (
	refLength     = []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	refLengthBits = []int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	refDist       = []int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	refDistBits   = []int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

func (r *reference) symbols(literals, distances refCode, size int) {
	for len(r.out) < size {
		s := r.symbol(literals)
		switch {
		case s < 256:
			r.out = append(r.out, byte(s))
			continue
		case s == 256:
			return
		case s > 285:
			panic(refCorrupt)
		}
		length := refLength[s-257] + r.bits(refLengthBits[s-257])
		if s = r.symbol(distances); s > 29 {
			panic(refCorrupt)
		}
		dist := refDist[s] + r.bits(refDistBits[s])
		if dist > len(r.out) {
			panic(refCorrupt)
		}
		for ; length > 0 && len(r.out) < size; length-- {
			r.out = append(r.out, r.out[len(r.out)-dist])
		}
	}
}
