package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kflate "github.com/klauspost/compress/flate"

	"cstructgen/internal/testseed"
)

// A sample is a kind of data, and streams made from it use the parts of the
// format that such data brings out.
var samples = []struct {
	name string
	fill func(rng *rand.Rand, p []byte)
}{
	{"zeros", func(*rand.Rand, []byte) {}},
	{"random", func(rng *rand.Rand, p []byte) {
		for i := range p {
			p[i] = byte(rng.Uint32())
		}
	}},
	{"two letters", func(rng *rand.Rand, p []byte) {
		for i := range p {
			p[i] = "ab"[rng.IntN(2)]
		}
	}},
	{"skewed bytes", func(rng *rand.Rand, p []byte) { // codes of many lengths
		for i := range p {
			p[i] = byte(rng.ExpFloat64() * 9)
		}
	}},
	{"short periods", func(rng *rand.Rand, p []byte) { // matches that overlap
		for i := 0; i < len(p); {
			period := 1 + rng.IntN(20)
			for end := min(len(p), i+period+rng.IntN(600)); i < end; i++ {
				if i < period || rng.IntN(100) == 0 {
					p[i] = byte(rng.Uint32())
				} else {
					p[i] = p[i-period]
				}
			}
		}
	}},
	{"far copies", func(rng *rand.Rand, p []byte) { // distances up to 32 KiB
		for i := 0; i < len(p); {
			at := 0
			if i > 0 {
				at = i - 1 - rng.IntN(min(i, 32768))
			}
			n := copy(p[i:], p[at:min(i, at+4+rng.IntN(300))])
			i += n
			for k := rng.IntN(10) + 1; k > 0 && i < len(p); k-- {
				p[i] = byte(rng.Uint32())
				i++
			}
		}
	}},
	{"words", func(rng *rand.Rand, p []byte) {
		for i := 0; i < len(p); {
			i += copy(p[i:], fmt.Sprintf("%s=%d; ", []string{"size", "offset", "cluster", "table"}[rng.IntN(4)], rng.IntN(5000)))
		}
	}},
}

func sample(kind, size int, seed uint64) []byte {
	p := make([]byte, size)
	samples[kind].fill(rand.New(rand.NewPCG(seed, uint64(kind))), p)
	return p
}

func compressed(t testing.TB, level int, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err == nil {
		_, err = w.Write(p)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fills reports whether r gives size bytes, and which.
func fills(r io.Reader, size int) ([]byte, bool) {
	p := make([]byte, size)
	_, err := io.ReadFull(r, p)
	return p, err == nil
}

// check decodes src into size bytes with d and holds the result to what the
// reference, compress/flate and klauspost's flate say. It reports whether they
// are there.
func check(t testing.TB, d *Decoder, src []byte, size int) bool {
	t.Helper()
	got := bytes.Repeat([]byte{0xa5}, size+40)
	err := d.Decode(got[:size], src[:len(src):len(src)])
	if err != nil && err != ErrCorrupt && err != ErrShort {
		t.Fatalf("size %d: unexpected error %v", size, err)
	}
	if bytes.Count(got[size:], []byte{0xa5}) != 40 {
		t.Fatalf("size %d: wrote behind the output", size)
	}
	want, why := referenceFills(src, size)
	if (err == nil) != (why == "") {
		t.Fatalf("size %d: got %v, the reference says %q", size, err, why)
	}
	if err == nil && !bytes.Equal(got[:size], want) {
		t.Fatalf("size %d: bytes differ from the reference's", size)
	}
	std, ok := fills(flate.NewReader(bytes.NewReader(src)), size)
	switch {
	case ok && why != "" && why != refStrict:
		t.Fatalf("size %d: the reference says %q, compress/flate fills it", size, why)
	case ok && err == nil && !bytes.Equal(got[:size], std):
		t.Fatalf("size %d: bytes differ from compress/flate's", size)
	case !ok && err == nil:
		// At the end of the input compress/flate asks for as many bits as the
		// end of a block has, even where a shorter code is whole. With bits
		// behind it, it must agree.
		longer := append(bytes.Clone(src), make([]byte, 8)...)
		if std, ok = fills(flate.NewReader(bytes.NewReader(longer)), size); !ok || !bytes.Equal(got[:size], std) {
			t.Fatalf("size %d: compress/flate does not fill it", size)
		}
	}
	if k, kok := fills(kflate.NewReader(bytes.NewReader(src)), size); kok && why != refStrict && (err != nil || !bytes.Equal(k, got[:size])) {
		t.Fatalf("size %d: got %v, but klauspost's flate fills it", size, err)
	}
	if again := new(Decoder).Decode(got[:size:size], src); again != err {
		t.Fatalf("size %d: used decoder gives %v, new one %v", size, err, again)
	}
	return err == nil
}

func TestDecode(t *testing.T) {
	var d Decoder
	for kind, s := range samples {
		for _, size := range []int{0, 1, 2, 3, 5, 26, 40, 300, 4096, 5000, 65536, 70000} {
			for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
				src := compressed(t, level, sample(kind, size, 1))
				if !check(t, &d, src, size) {
					t.Fatalf("%s, %d bytes, level %d: refused", s.name, size, level)
				}
				check(t, &d, append(src, "trailing"...), size)
				check(t, &d, src, max(0, size-1))
				if check(t, &d, src, size+1) {
					t.Fatalf("%s, %d bytes, level %d: gave a byte more", s.name, size, level)
				}
			}
		}
	}
}

// Every prefix of a stream, and every prefix of its output.
func TestDecodeCut(t *testing.T) {
	var d Decoder
	for kind := range samples {
		for _, level := range []int{flate.HuffmanOnly, 0, 9} {
			src := compressed(t, level, sample(kind, 500, 2))
			for cut := range src {
				check(t, &d, src[:cut], 500)
			}
			for size := range 500 {
				check(t, &d, src, size)
			}
		}
	}
}

// Streams with some bits turned over, cut or lengthened.
func TestDecodeDamaged(t *testing.T) {
	rng := testseed.Rand(t)
	var d Decoder
	filled, refused := 0, 0
	for i := range 2000 {
		size := 1 + rng.IntN(9000)
		src := compressed(t, rng.IntN(12)-2, sample(rng.IntN(len(samples)), size, uint64(i)))
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(src))
			if rng.IntN(2) == 0 {
				at = rng.IntN(min(len(src), 60)) // where the codes are
			}
			src[at] ^= 1 << rng.IntN(8)
		}
		switch rng.IntN(3) {
		case 0:
			src = src[:rng.IntN(len(src)+1)]
		case 1:
			src = append(src, make([]byte, rng.IntN(30))...)
		}
		if rng.IntN(3) == 0 {
			size = rng.IntN(size + 30)
		}
		if check(t, &d, src, size) {
			filled++
		} else {
			refused++
		}
	}
	if filled < 100 || refused < 100 {
		t.Errorf("%d filled, %d refused: the damage says little", filled, refused)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  []byte
		want error
	}{
		{"nothing", nil, ErrShort},
		{"reserved kind of block", []byte{0b111}, ErrCorrupt},
		{"stored, cut in its length", []byte{0b001, 4, 0, 0xfb}, ErrShort},
		{"stored, lengths disagree", []byte{0b001, 4, 0, 0xfb, 0xfe, 1, 2, 3, 4}, ErrCorrupt},
		{"stored, cut in its data", []byte{0b001, 4, 0, 0xfb, 0xff, 1, 2}, ErrShort},
		{"stored, too little", []byte{0b001, 2, 0, 0xfd, 0xff, 1, 2}, ErrShort},
		{"fixed, end at once", []byte{0b011, 0}, ErrShort},
		{"fixed, a match before the start", []byte{0b011, 0b10, 0, 0}, ErrCorrupt},
		{"dynamic, 287 literal codes", []byte{0b11110_101, 0, 0, 0}, ErrCorrupt},
		{"dynamic, no code lengths", []byte{0b00000_101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ErrCorrupt},
		// HCLEN 4: of symbols 16, 17, 18, 0 only 18 has a length, 1.
		{"dynamic, code lengths of one code", []byte{0b00000_101, 0b000_00000, 0b01_000_000, 0, 0xff, 0xff, 0xff}, ErrCorrupt},
		{"dynamic, cut in its header", []byte{0b00000_101, 0}, ErrShort},
	} {
		if err := new(Decoder).Decode(make([]byte, 4), tt.src); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	src, dst, d := compressed(t, 6, sample(6, 65536, 4)), make([]byte, 65536), new(Decoder)
	if n := testing.AllocsPerRun(10, func() {
		if err := d.Decode(dst, src); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	for kind := range samples {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			src := compressed(f, level, sample(kind, 700, 5))
			f.Add(src, uint16(700))
			f.Add(src[:len(src)/2], uint16(300))
		}
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, src []byte, size uint16) { check(t, &d, src, int(size)%3000) })
}

// dynamicHeader returns a block of dynamic codes: so many of literals and
// distances, whose lengths the given symbols say, of which there are four at most: their codes
// have two bits. Behind a symbol that repeats stand its extra bits. Zeros
// follow.
func dynamicHeader(literals, distances int, symbols ...int) []byte {
	out, n := []byte(nil), 0
	put := func(v, bits int) {
		for ; bits > 0; bits-- {
			if n%8 == 0 {
				out = append(out, 0)
			}
			out[n/8] |= byte(v&1) << (n % 8)
			v, n = v>>1, n+1
		}
	}
	extra := map[int]int{repeatLast: 2, repeatZero: 3, repeatZeroes: 7}
	var used [19]bool
	for i := 0; i < len(symbols); i++ {
		used[symbols[i]] = true
		if extra[symbols[i]] > 0 {
			i++
		}
	}
	count := 0
	for _, is := range used {
		if is {
			count++
		}
	}
	for symbol := 2; count < 4; symbol++ { // that is not used makes the code whole
		if !used[symbol] {
			used[symbol] = true
			count++
		}
	}
	put(1|dynamicBlock<<1, 3)
	put(literals-257, 5)
	put(distances-1, 5)
	put(len(lengthsOrder)-4, 4)
	for _, symbol := range lengthsOrder {
		length := 0
		if used[symbol] {
			length = 2
		}
		put(length, 3)
	}
	var code [19]int
	next := 0
	for symbol := range code {
		if used[symbol] {
			code[symbol] = next>>1 | next&1<<1 // codes begin with their highest bit
			next++
		}
	}
	for i := 0; i < len(symbols); i++ {
		put(code[symbols[i]], 2)
		if bits := extra[symbols[i]]; bits > 0 {
			i++
			put(symbols[i], bits)
		}
	}
	put(0, 64)
	return out
}

// What the header of a dynamic block may not say, beside headers that say nearly
// the same and are good.
func TestDynamicHeaders(t *testing.T) {
	// A code: 255 of 8 bits, and two of 9, the second of which ends the block.
	whole := append(slices.Repeat([]int{8}, 255), 9, 9)
	with := func(more ...int) []int { return append(slices.Clone(whole), more...) }
	zeros := func(n int) []int { return slices.Repeat([]int{0}, n) }
	for _, tt := range []struct {
		name                string
		literals, distances int
		symbols             []int
		want                error
	}{
		{"286 literal codes", 286, 1, with(append(zeros(29), 1)...), nil},
		{"287 literal codes", 287, 1, with(append(zeros(30), 1)...), ErrCorrupt},
		{"288 literal codes", 288, 1, with(append(zeros(31), 1)...), ErrCorrupt},
		{"30 distance codes", 257, 30, with(append(zeros(29), 1)...), nil},
		{"31 distance codes", 257, 31, with(append(zeros(30), 1)...), ErrCorrupt},
		{"a repetition up to the end", 257, 3, with(repeatZero, 0), nil},
		{"a repetition past the end", 257, 2, with(repeatZero, 0), ErrCorrupt},
		{"a repetition far past the end", 257, 1, with(repeatZeroes, 127), ErrCorrupt},
		{"a repetition of nothing", 257, 1, append([]int{repeatLast, 0}, with(0)...), ErrCorrupt},
		{"a block without an end", 257, 1, append(slices.Repeat([]int{8}, 256), 0, 0), ErrCorrupt},
		{"codes that are too many", 257, 1, append(slices.Repeat([]int{8}, 256), 9, 1), ErrCorrupt},
		{"codes that are too few", 257, 1, append(slices.Repeat([]int{8}, 254), 9, 9, 9, 1), ErrCorrupt},
	} {
		src := dynamicHeader(tt.literals, tt.distances, tt.symbols...)
		got := make([]byte, 4)
		if err := new(Decoder).Decode(got, src); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		check(t, new(Decoder), src, 4)
	}
}
