package inflate

// careful decodes symbols up to the end of the block or of the output, and
// looks at every byte it reads and writes.
func (d *Decoder) careful(s *stream) error {
	for s.op < len(s.out) {
		s.need(32)
		e := d.literal[s.bits&(1<<literalBits-1)]
		if e&isSpecial != 0 && e&isLink != 0 {
			s.take(literalBits)
			e = d.literal[(e>>baseShift+entry(s.bits)&(1<<(e>>codeShift&codeMask)-1))&(literalSize-1)]
		}
		if e&isSpecial != 0 && e&isEnd == 0 {
			return s.noCode()
		}
		length := int(e>>baseShift&baseMask) + int(s.bits>>(e>>codeShift&codeMask)&uint64(e>>extraShift))
		s.take(uint(e & takeMask))
		if s.past() {
			return ErrShort
		}
		if e&isSpecial != 0 {
			return nil
		}
		if e&isLiteral != 0 {
			s.out[s.op] = byte(e >> baseShift)
			s.op++
			continue
		}

		s.need(32)
		w := d.distance[s.bits&(1<<distanceBits-1)]
		if w&isSpecial != 0 && w&isLink != 0 {
			s.take(distanceBits)
			w = d.distance[(w>>baseShift&wideBaseMask+wideEntry(s.bits)&(1<<(w>>codeShift&codeMask)-1))&(distanceSize-1)]
		}
		if w&isSpecial != 0 {
			return s.noCode()
		}
		distance := int(w>>baseShift&wideBaseMask) + int(s.bits>>(w>>codeShift&codeMask)&uint64(w>>wideExtraShift))
		s.take(uint(w & takeMask))
		if s.past() {
			return ErrShort
		}
		if distance > s.op {
			return ErrCorrupt
		}
		s.op += copyMatch(s.out[s.op:], s.out[s.op-distance:], length)
	}
	return nil
}

// noCode is the error for bits that are no code: with zeros from behind the
// end of the input among them, they might have become one.
func (r *bitReader) noCode() error {
	if r.over != 0 {
		return ErrShort
	}
	return ErrCorrupt
}
