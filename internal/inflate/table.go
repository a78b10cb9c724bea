package inflate

import "math/bits"

// An entry of a decoding table says what the bits that led to it mean:
//
//	0-5    bits to take: of the code, and of the extra bits behind it
//	6      it is a literal
//	7      it is special: a link, the end of the block, or no code at all
//	8-12   bits of the code alone, where its extra bits start;
//	       of a link: how many bits choose the entry of the second level
//	13     special: the end of the block
//	14     special: a link
//	16-24  literal, or base of a length
//	16-31  of a link: where the second level starts; of a code length code:
//	       its symbol
//	25-29  mask of the extra bits of a length
type entry uint32

// A wideEntry is an entry of a distance: its base needs bits 16-31, so that
// the mask of its extra bits starts at bit 32.
type wideEntry uint64

const (
	takeMask  = 63
	isLiteral = 1 << 6
	isSpecial = 1 << 7
	isEnd     = 1 << 13
	isLink    = 1 << 14

	codeShift  = 8
	codeMask   = 31
	oneBit     = 1<<codeShift | 1 // a code bit: to take, and of the code
	baseShift  = 16
	baseMask   = 1<<9 - 1
	extraShift = 25

	wideBaseMask   = 1<<16 - 1
	wideExtraShift = 32
)

// Bits that index the first level of each table, and room for both levels of
// the worst code: 2342 entries for 288 codes on 11 bits, 402 for 32 on 8, by
// enumeration (zlib's enough.c). Sizes are powers of two, as an index that is
// masked needs no bounds check.
const (
	literalBits  = 11
	literalSize  = 4096
	distanceBits = 8
	distanceSize = 512
	lengthsBits  = 7 // the longest code: there is one level
	lengthsSize  = 1 << lengthsBits

	maxBits = 15 // longest code of literals or distances
)

// build fills table, whose first level is indexed by level bits, for the
// canonical code (section 3.2.2) in which symbol i has lens[i] bits and means
// meaning[i]. It reports whether that is a code. One of a single one-bit code
// is, and so is one without codes: what it lacks becomes special entries.
func build[E entry | wideEntry](table []E, level uint, lens []uint8, meaning []E, sorted *[literalCodes]uint16) bool {
	var count, next [maxBits + 1]uint16
	for _, l := range lens {
		count[l&maxBits]++
	}
	count[0] = 0
	free, total, longest := 1, uint16(0), 0
	for l := 1; l <= maxBits; l++ {
		next[l] = total
		total += count[l]
		free = free<<1 - int(count[l])
		if free < 0 {
			return false // more codes than bits can tell apart
		}
		if count[l] != 0 {
			longest = l
		}
	}
	first := table[: 1<<level : 1<<level]
	if free > 0 {
		if longest > 1 {
			return false
		}
		for i := range first {
			first[i] = isSpecial
		}
		for symbol, l := range lens {
			if l == 1 {
				for i := 0; i < len(first); i += 2 {
					first[i] = meaning[symbol] + oneBit
				}
			}
		}
		return true
	}
	for symbol, l := range lens {
		if l != 0 {
			sorted[next[l&maxBits]] = uint16(symbol)
			next[l&maxBits]++
		}
	}

	// Codes come in the order of their lengths. Those of l bits own every
	// index whose low l bits are the code, reversed; so the part of the first
	// level that is filled doubles with each bit, by one copy.
	code, done, l := uint(0), 0, uint(1)
	for ; l <= level; l++ {
		if l > 1 {
			copy(table[1<<(l-1):1<<l], table[:1<<(l-1)])
		}
		add := E(l) * oneBit
		for _, symbol := range sorted[done : done+int(count[l])] {
			table[code] = meaning[symbol] + add
			code = following(code, l)
		}
		done += int(count[l])
		if done == int(total) {
			for ; l < level; l++ {
				copy(table[1<<l:2<<l], table[:1<<l])
			}
			return true
		}
	}

	// Longer codes: those with the same low bits share a second level.
	const none = ^uint(0)
	low, start, size := none, 1<<level, 0
	for ; l <= maxBits; l++ {
		for left := int(count[l]); left > 0; left-- {
			if prefix := code & (1<<level - 1); prefix != low {
				low = prefix
				start += size
				// As wide as it takes: until the codes that are left fill it.
				width, room := l-level, left
				for room < 1<<width {
					width++
					room = room<<1 + int(count[level+width])
				}
				size = 1 << width
				table[low] = E(start)<<baseShift | E(width)<<codeShift | E(level) | isSpecial | isLink
			}
			e := meaning[sorted[done]] + E(l-level)*oneBit
			done++
			for i := int(code >> level); i < size; i += 1 << (l - level) {
				table[start+i] = e
			}
			code = following(code, l)
		}
	}
	return true
}

// following returns the reversed code after the reversed code of l bits; 0
// after the last.
func following(code, l uint) uint {
	clear := bits.Len(code ^ (1<<l - 1)) // highest bit that is not set, plus 1
	if clear == 0 {
		return 0
	}
	top := uint(1) << (clear - 1)
	return code&(top-1) | top
}
