package inflate

import "encoding/binary"

const (
	// A turn of the fast loop loads at most 8 bytes at 7 bytes behind where
	// it started.
	inSlack = 16
	// It writes two literals, and a match copied 16 bytes at once, whose
	// last copy may reach 8 bytes too far.
	outSlack = 2 + 16 + 8
)

// fast decodes symbols while both input and output have room for the most
// that one turn of the loop takes. ended says that it met the end of the
// block.
//
// In here bits above the n-th of the buffer are not zero but what the stream
// holds there, so that a load may simply be or'ed in again; and of n itself
// only the low six bits count, so that a whole entry can be subtracted.
func (d *Decoder) fast(s *stream) (ended bool, err error) {
	in, out := s.in[:len(s.in):len(s.in)], s.out[:len(s.out):len(s.out)]
	ip, op, b, n := s.ip, s.op, s.bits, s.n
	if len(in)-ip < inSlack {
		return false, nil
	}
	b |= binary.LittleEndian.Uint64(in[ip:ip+8:ip+8]) << (n & 63)
	ip += int(^n & 63 >> 3)
	n |= 56
	e := d.literal[b&(1<<literalBits-1)]
	// At the start of each turn at least 56 bits are there, and e is the entry
	// of the next symbol, whose bits are not taken yet.
	for len(in)-ip >= inSlack && len(out)-op >= outSlack {
		// Up to three literals of one level: 33 bits.
		dst := out[op : op+3 : op+3]
		if e&isLiteral != 0 {
			b >>= e & takeMask
			n -= uint(e)
			dst[0] = byte(e >> baseShift)
			op++
			e = d.literal[b&(1<<literalBits-1)]
			if e&isLiteral != 0 {
				b >>= e & takeMask
				n -= uint(e)
				dst[1] = byte(e >> baseShift)
				op++
				e = d.literal[b&(1<<literalBits-1)]
				if e&isLiteral != 0 {
					b >>= e & takeMask
					n -= uint(e)
					dst[2] = byte(e >> baseShift)
					op++
					b |= binary.LittleEndian.Uint64(in[ip:ip+8:ip+8]) << (n & 63)
					ip += int(^n & 63 >> 3)
					n |= 56
					e = d.literal[b&(1<<literalBits-1)]
					continue
				}
			}
		}
		// At least 34 bits are left.
		if e&isSpecial != 0 {
			if e&isLink != 0 {
				b >>= literalBits
				n -= literalBits
				e = d.literal[(e>>baseShift+entry(b)&(1<<(e>>codeShift&codeMask)-1))&(literalSize-1)]
				if e&isLiteral != 0 {
					b >>= e & takeMask
					n -= uint(e)
					out[op] = byte(e >> baseShift)
					op++
					b |= binary.LittleEndian.Uint64(in[ip:ip+8:ip+8]) << (n & 63)
					ip += int(^n & 63 >> 3)
					n |= 56
					e = d.literal[b&(1<<literalBits-1)]
					continue
				}
			}
			if e&isSpecial != 0 {
				if e&isEnd == 0 {
					return false, ErrCorrupt
				}
				b >>= e & takeMask
				n -= uint(e)
				ended = true
				break
			}
		}
		// A length takes at most 20 bits, the distance behind it 28.
		length := int(e>>baseShift&baseMask) + int(b>>(e>>codeShift&codeMask)&uint64(e>>extraShift))
		b >>= e & takeMask
		n -= uint(e)
		if n&63 < 28 {
			b |= binary.LittleEndian.Uint64(in[ip:ip+8:ip+8]) << (n & 63)
			ip += int(^n & 63 >> 3)
			n |= 56
		}
		w := d.distance[b&(1<<distanceBits-1)]
		if w&isSpecial != 0 {
			if w&isLink != 0 {
				b >>= distanceBits
				n -= distanceBits
				w = d.distance[(w>>baseShift&wideBaseMask+wideEntry(b)&(1<<(w>>codeShift&codeMask)-1))&(distanceSize-1)]
			}
			if w&isSpecial != 0 {
				return false, ErrCorrupt
			}
		}
		distance := int(w>>baseShift&wideBaseMask) + int(b>>(w>>codeShift&codeMask)&uint64(w>>wideExtraShift))
		b >>= w & takeMask
		n -= uint(w)
		// The next entry is on its way from memory while the match is copied.
		b |= binary.LittleEndian.Uint64(in[ip:ip+8:ip+8]) << (n & 63)
		ip += int(^n & 63 >> 3)
		n |= 56
		e = d.literal[b&(1<<literalBits-1)]

		from := op - distance
		if from < 0 {
			return false, ErrCorrupt
		}
		if length > len(out)-op-8 {
			op += copyMatch(out[op:], out[from:], length)
			break
		}
		end := op + length
		if distance < 8 {
			// Eight bytes one by one; from there on eight at once, from as
			// many periods back as make eight bytes or more.
			w, r := out[op:op+8:op+8], out[from:from+8:from+8]
			for i := range 8 {
				w[i] = r[i]
			}
			op += 8
			from = op - int(periods[distance&7])
			for op < end {
				binary.LittleEndian.PutUint64(out[op:op+8:op+8], binary.LittleEndian.Uint64(out[from:from+8:from+8]))
				op += 8
				from += 8
			}
			op = end
			continue
		}
		to, r := out[op:op+16:op+16], out[from:from+16:from+16]
		binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(r))
		binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(r[8:]))
		for length > 16 {
			op += 8
			from += 8
			length -= 8
			binary.LittleEndian.PutUint64(out[op+8:op+16:op+16], binary.LittleEndian.Uint64(out[from+8:from+16:from+16]))
		}
		op = end
	}
	s.ip, s.op, s.n = ip, op, n&63
	s.bits = b & (1<<s.n - 1)
	return ended, nil
}

// periods holds the least multiple of each distance that is 8 or more.
var periods = [8]uint8{0, 8, 8, 9, 8, 10, 12, 14}

// copyMatch copies length bytes, or as many as to has room for, from from to
// to, which lies behind it and may overlap it. It returns how many.
func copyMatch(to, from []byte, length int) int {
	to = to[:min(length, len(to))]
	for i := range to {
		to[i] = from[i]
	}
	return len(to)
}
