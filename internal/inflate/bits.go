package inflate

import "encoding/binary"

// A bitReader takes bits from in, least significant first. Past the end it
// supplies zeros and counts them, so that a code may be looked up with more
// bits than are left; past says whether such bits were used.
type bitReader struct {
	in   []byte
	ip   int    // bytes of in loaded
	bits uint64 // loaded and not taken, the next bit lowest; 0 from bit n on
	n    uint   // how many
	over int    // zero bytes supplied
}

// need makes at least k of at most 32 bits available.
func (r *bitReader) need(k uint) {
	for r.n < k {
		if r.ip < len(r.in) {
			r.bits |= uint64(r.in[r.ip]) << r.n
			r.ip++
		} else {
			r.over++
		}
		r.n += 8
	}
}

// take takes k bits, which are available.
func (r *bitReader) take(k uint) uint {
	v := uint(r.bits) & (1<<k - 1)
	r.bits >>= k
	r.n -= k
	return v
}

// past reports whether bits behind the end of in were taken.
func (r *bitReader) past() bool { return r.over*8 > int(r.n) }

// align drops the rest of the current byte and gives whole bytes back to in.
func (r *bitReader) align() {
	r.ip -= int(r.n/8) - r.over
	r.over, r.bits, r.n = 0, 0, 0
}

// stored copies a stored block (section 3.2.4).
func (s *stream) stored() error {
	s.align()
	rest := s.in[s.ip:]
	if len(rest) < 4 {
		return ErrShort
	}
	size := int(binary.LittleEndian.Uint16(rest))
	if size != int(^binary.LittleEndian.Uint16(rest[2:])) {
		return ErrCorrupt
	}
	rest = rest[4:]
	n := copy(s.out[s.op:], rest[:min(size, len(rest))])
	s.ip += 4 + n
	s.op += n
	if n < size && s.op < len(s.out) {
		return ErrShort
	}
	return nil
}
