package inflate

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"cstructgen/internal/testseed"
)

// randomCode returns the lengths of a complete code of n symbols: the leaves
// of a tree that is split at random, deep more often than flat.
func randomCode(rng *rand.Rand, n int) []uint8 {
	lens := []uint8{1, 1}
	for len(lens) < n {
		i := rng.IntN(len(lens))
		if rng.IntN(4) != 0 {
			i = len(lens) - 1 - rng.IntN(min(len(lens), 3))
		}
		if lens[i] < maxBits {
			lens[i]++
			lens = append(lens, lens[i])
		}
	}
	rng.Shuffle(n, func(i, j int) { lens[i], lens[j] = lens[j], lens[i] })
	return lens
}

// canonical gives each symbol its code as section 3.2.2 says, reversed.
func canonical(lens []uint8) []uint {
	codes := make([]uint, len(lens))
	code := uint(0)
	for l := uint8(1); l <= maxBits; l++ {
		for symbol := range lens {
			if lens[symbol] == l {
				codes[symbol] = uint(bits.Reverse16(uint16(code))) >> (16 - l)
				code++
			}
		}
		code <<= 1
	}
	return codes
}

func TestBuild(t *testing.T) {
	rng := testseed.Rand(t)
	var sorted [literalCodes]uint16
	var table [literalSize]entry
	var meaning [literalCodes]entry
	for i := range meaning {
		meaning[i] = entry(i) << baseShift
	}
	for range 400 {
		level, n := uint(literalBits), 2+rng.IntN(maxLiteralCodes-1)
		room := table[:]
		if rng.IntN(3) == 0 { // as small as that of the distances
			level, n = distanceBits, 2+rng.IntN(maxDistanceCodes-1)
			room = table[:distanceSize]
		}
		lens := randomCode(rng, n)
		if !build(room, level, lens, meaning[:], &sorted) {
			t.Fatalf("complete code refused: %v", lens)
		}
		for symbol, code := range canonical(lens) {
			in := code | uint(rng.Uint32())<<lens[symbol] // whatever follows
			e, taken := room[in&(1<<level-1)], uint8(0)
			if e&isLink != 0 {
				taken = uint8(level)
				in >>= level
				e = room[uint(e>>baseShift)+in&(1<<(e>>codeShift&codeMask)-1)]
			}
			if int(e>>baseShift) != symbol || taken+uint8(e&takeMask) != lens[symbol] || taken+uint8(e>>codeShift&codeMask) != lens[symbol] {
				t.Fatalf("code %b of symbol %d gives entry %#x; lengths %v", code, symbol, e, lens)
			}
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	var sorted [literalCodes]uint16
	var table [lengthsSize]entry
	for _, tt := range []struct {
		name string
		lens []uint8
		ok   bool
	}{
		{"no codes", []uint8{0, 0, 0}, true},
		{"one code of one bit", []uint8{0, 1, 0}, true},
		{"one code of two bits", []uint8{0, 2, 0}, false},
		{"two codes of one bit", []uint8{1, 1}, true},
		{"three codes of one bit", []uint8{1, 1, 1}, false},
		{"three codes of two bits", []uint8{2, 2, 2}, false},
		{"five codes of two bits", []uint8{2, 2, 2, 2, 2}, false},
		{"too many behind a short one", []uint8{1, 2, 2, 2}, false},
	} {
		if got := build(table[:], lengthsBits, tt.lens, lengthsMeaning[:], &sorted); got != tt.ok {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// Tables of meanings against the ends of their ranges in section 3.2.5.
func TestMeanings(t *testing.T) {
	for _, tt := range []struct{ symbol, base, extra int }{
		{257, 3, 0}, {264, 10, 0}, {265, 11, 1}, {268, 17, 1}, {269, 19, 2}, {273, 35, 3}, {277, 67, 4}, {281, 131, 5}, {284, 227, 5}, {285, 258, 0},
	} {
		e := literalMeaning[tt.symbol]
		if int(e>>baseShift&baseMask) != tt.base || int(e&takeMask) != tt.extra || int(e>>extraShift) != 1<<tt.extra-1 {
			t.Errorf("length symbol %d: %#x", tt.symbol, e)
		}
	}
	for _, tt := range []struct{ symbol, base, extra int }{
		{0, 1, 0}, {3, 4, 0}, {4, 5, 1}, {5, 7, 1}, {6, 9, 2}, {10, 33, 4}, {20, 1025, 9}, {28, 16385, 13}, {29, 24577, 13},
	} {
		e := distanceMeaning[tt.symbol]
		if int(e>>baseShift&wideBaseMask) != tt.base || int(e&takeMask) != tt.extra || int(e>>wideExtraShift) != 1<<tt.extra-1 {
			t.Errorf("distance symbol %d: %#x", tt.symbol, e)
		}
	}
}
