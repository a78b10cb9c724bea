// Package inflate decodes raw DEFLATE streams (RFC 1951) that lie whole in
// memory into output whose size is known beforehand: what a compressed
// cluster of a disk image is. It is not a reader of streams; for those there
// is compress/flate.
//
// Knowing both ends is what makes it fast. Input is loaded eight bytes at a
// time, matches are copied sixteen, and one test a symbol says that both
// still have room for that:
//
//	Decode -> block header -> tables -> fast   while both ends are far
//	                                 -> careful for the last bytes of either
//
// It uses neither unsafe nor assembly, and allocates nothing.
package inflate

import "errors"

var (
	// ErrCorrupt says that the input is not a DEFLATE stream.
	ErrCorrupt = errors.New("inflate: corrupt stream")
	// ErrShort says that the stream, or the input, ends before the output is
	// full.
	ErrShort = errors.New("inflate: stream ends before the output is full")
)

// A Decoder holds the tables of the codes in use. The zero value is ready. It
// may be used again, also after an error, but not concurrently. It is large
// (about 22 KiB): keep one rather than make many.
type Decoder struct {
	literal  [literalSize]entry
	distance [distanceSize]wideEntry
	lengths  [lengthsSize]entry
	coded    [codedSize]uint8 // code lengths as the block header gives them
	sorted   [literalCodes]uint16
	fixed    bool // literal and distance hold the fixed codes of section 3.2.6
}

// stream is where a decoder stands in its input and output.
type stream struct {
	bitReader
	out []byte
	op  int // bytes of out written
}

// Decode fills dst from the start of the stream src. It fails with ErrCorrupt
// or ErrShort if that is not to be had; dst then holds nothing of use. It does
// not look at what follows: the stream may be longer than dst, and the input
// longer than the stream.
func (d *Decoder) Decode(dst, src []byte) error {
	s := stream{bitReader: bitReader{in: src}, out: dst}
	for s.op < len(dst) {
		s.need(3)
		final, kind := s.take(1), s.take(2)
		if s.past() {
			return ErrShort
		}
		if err := d.block(&s, kind); err != nil {
			return err
		}
		if final != 0 && s.op < len(dst) {
			return ErrShort
		}
	}
	return nil
}

// Kinds of blocks (section 3.2.3).
const (
	storedBlock = iota
	fixedBlock
	dynamicBlock
)

// block decodes one block, or as much of it as dst has room for.
func (d *Decoder) block(s *stream, kind uint) error {
	switch kind {
	case storedBlock:
		return s.stored()
	case fixedBlock:
		d.useFixed()
	case dynamicBlock:
		if err := d.readCodes(&s.bitReader); err != nil {
			return err
		}
	default:
		return ErrCorrupt
	}
	if ended, err := d.fast(s); ended || err != nil {
		return err
	}
	return d.careful(s)
}
