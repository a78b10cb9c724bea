package inflate

import "encoding/binary"

// Symbols and what they mean (section 3.2.5).
const (
	literalCodes  = 288 // of which the last two never occur
	endOfBlock    = 256
	firstLength   = 257
	longestMatch  = 258 // the meaning of symbol 285, which has no extra bits
	distanceCodes = 32  // of which the last two never occur

	maxLiteralCodes  = 286
	maxDistanceCodes = 30

	// The lengths of both codes follow one another. The last repetition may
	// reach past their end before that is noticed.
	codedSize = 512
)

// What each symbol means, without the bits of its code.
var (
	literalMeaning  = literalMeanings()
	distanceMeaning = distanceMeanings()
	lengthsMeaning  = lengthsMeanings()
)

func literalMeanings() (m [literalCodes]entry) {
	for i := range endOfBlock {
		m[i] = entry(i)<<baseShift | isLiteral
	}
	m[endOfBlock] = isSpecial | isEnd
	base := entry(3)
	for i := firstLength; i < maxLiteralCodes-1; i++ {
		extra := entry(max(0, (i-firstLength)/4-1))
		m[i] = (1<<extra-1)<<extraShift | base<<baseShift | extra
		base += 1 << extra
	}
	m[maxLiteralCodes-1] = longestMatch << baseShift
	m[maxLiteralCodes], m[maxLiteralCodes+1] = isSpecial, isSpecial
	return m
}

func distanceMeanings() (m [distanceCodes]wideEntry) {
	base := wideEntry(1)
	for i := range maxDistanceCodes {
		extra := wideEntry(max(0, i/2-1))
		m[i] = (1<<extra-1)<<wideExtraShift | base<<baseShift | extra
		base += 1 << extra
	}
	m[maxDistanceCodes], m[maxDistanceCodes+1] = isSpecial, isSpecial
	return m
}

func lengthsMeanings() (m [19]entry) {
	for i := range m {
		m[i] = entry(i) << baseShift
	}
	return m
}

// useFixed sets the tables to the fixed codes (section 3.2.6).
func (d *Decoder) useFixed() {
	if d.fixed {
		return
	}
	lens := d.coded[:literalCodes+distanceCodes]
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		case i < literalCodes:
			lens[i] = 8
		default:
			lens[i] = 5
		}
	}
	d.fixed = d.buildBoth(literalCodes, literalCodes+distanceCodes)
}

// buildBoth sets the tables to the codes whose lengths are in d.coded: up to
// literals those of literals and lengths, then up to end those of distances.
func (d *Decoder) buildBoth(literals, end uint) bool {
	return build(d.literal[:], literalBits, d.coded[:literals], literalMeaning[:], &d.sorted) &&
		build(d.distance[:], distanceBits, d.coded[literals:end], distanceMeaning[:], &d.sorted)
}

// lengthsOrder is the order in which the lengths of the code length code are
// written.
var lengthsOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// Symbols of the code length code that repeat (section 3.2.7).
const (
	repeatLast   = 16 // 3 to 6 times, 2 extra bits
	repeatZero   = 17 // 3 to 10 times, 3 extra bits
	repeatZeroes = 18 // 11 to 138 times, 7 extra bits
)

// readCodes reads the header of a dynamic block and builds its tables.
func (d *Decoder) readCodes(r *bitReader) error {
	r.need(14)
	literals, distances, lengths := r.take(5)+257, r.take(5)+1, r.take(4)+4
	if r.past() {
		return ErrShort
	}
	if literals > maxLiteralCodes || distances > maxDistanceCodes {
		return ErrCorrupt
	}
	var lens [len(lengthsOrder)]uint8
	for _, symbol := range lengthsOrder[:lengths] {
		r.need(3)
		lens[symbol] = uint8(r.take(3))
	}
	if r.past() {
		return ErrShort
	}
	d.fixed = false
	// Like zlib, and unlike compress/flate, this refuses a code length code
	// that leaves bits without meaning, and a block that has no end.
	if !complete(lens[:]) || !build(d.lengths[:], lengthsBits, lens[:], lengthsMeaning[:], &d.sorted) {
		return ErrCorrupt
	}
	if err := d.readLengths(r, literals+distances); err != nil {
		return err
	}
	if d.coded[endOfBlock] == 0 || !d.buildBoth(literals, literals+distances) {
		return ErrCorrupt
	}
	return nil
}

// complete reports whether a code length code uses all bits there are.
func complete(lens []uint8) bool {
	used := 0
	for _, l := range lens {
		if l != 0 {
			used += lengthsSize >> l
		}
	}
	return used == lengthsSize
}

// readLengths decodes the lengths of total codes into d.coded.
func (d *Decoder) readLengths(r *bitReader, total uint) error {
	// Half the time of a 4 KiB cluster goes into its codes, so the reader's
	// state is kept in variables here, and repetitions are written wide.
	in, ip, b, n := r.in, r.ip, r.bits, r.n
	i := uint(0)
	for i < total {
		if len(in)-ip >= 8 {
			b |= binary.LittleEndian.Uint64(in[ip:]) << (n & 63)
			ip += int((63 - n) >> 3)
			n |= 56
		} else {
			b &= 1<<(n&63) - 1
			*r = bitReader{in, ip, b, n, r.over}
			r.need(lengthsBits + 7)
			ip, b, n = r.ip, r.bits, r.n
		}
		e := d.lengths[b&(lengthsSize-1)]
		b >>= e & takeMask
		n -= uint(e & takeMask)
		if e&isSpecial != 0 {
			if r.over != 0 {
				return ErrShort
			}
			return ErrCorrupt
		}
		symbol := e >> baseShift
		if symbol < repeatLast {
			d.coded[i&(codedSize-1)] = uint8(symbol)
			i++
			continue
		}
		var value uint64
		var times, extra uint
		switch symbol {
		case repeatLast:
			if i == 0 {
				return ErrCorrupt
			}
			value = uint64(d.coded[i-1]) * 0x0101010101010101
			times, extra = 3+uint(b&3), 2
		case repeatZero:
			times, extra = 3+uint(b&7), 3
		default:
			times, extra = 11+uint(b&127), 7
		}
		b >>= extra
		n -= extra
		for k := uint(0); k < times; k += 8 {
			binary.LittleEndian.PutUint64(d.coded[i+k:], value)
		}
		i += times
	}
	*r = bitReader{in, ip, b & (1<<(n&63) - 1), n, r.over}
	if r.past() {
		return ErrShort
	}
	if i != total {
		return ErrCorrupt
	}
	return nil
}
