package qcow2

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// A Range is a piece of the disk, in bytes.
type Range struct{ Start, Length int64 }

const (
	whatBitmapTable = "bitmap table"
	whatBitmapData  = "bitmap data"
)

// DirtyRanges yields the parts of the disk that a bitmap, one of those that
// Bitmaps lists, says were written to: in order, apart from each other, whole
// granules but for the disk's end. It stops after an error; a bitmap that is
// in use or unusable is one. Specification: "Bitmap table", "Bitmap data".
func (im *Image) DirtyRanges(b *Bitmap) iter.Seq2[Range, error] {
	return func(yield func(Range, error) bool) {
		s := dirtyScan{im: im, bitmap: b, yield: yield}
		if err := s.run(); err != nil {
			yield(Range{}, err)
		}
	}
}

// A dirtyScan walks through a bitmap, and merges what is dirty.
type dirtyScan struct {
	im     *Image
	bitmap *Bitmap
	yield  func(Range, error) bool

	from, to uint64 // the range so far, in bits; empty if they are equal
	stopped  bool   // the listener has heard enough
}

func (s *dirtyScan) run() error {
	im, b := s.im, s.bitmap
	fail := func(reason string, err error) error {
		return im.file.errorAt(whatBitmaps, hostOffset(b.Offset), uint64(b.Entry.Flags), reason, err)
	}
	switch {
	case b.Unusable:
		return fail("the bitmap has extra data", ErrUnsupported)
	case b.InUse:
		return fail("the bitmap was not saved properly", ErrCorrupt)
	}
	if err := im.checkBitmap(&b.Entry, hostOffset(b.Offset)); err != nil {
		return err
	}
	total := ceilDiv(im.header.Size, 1<<b.Entry.GranularityBits)
	span := im.active.clusterSize() * 8
	c := cursor{file: im.file}
	for first := uint64(0); first < total && !s.stopped; first += span {
		at := hostOffset(b.Entry.BitmapTableOffset + first/span*SizeofQcow2BitmapTableEntry)
		if err := s.cluster(&c, at, first, min(span, total-first)); err != nil {
			return err
		}
	}
	s.flush()
	return nil
}

// cluster scans the n bits, the first of which is bit first of the bitmap,
// that the bitmap table's entry at the given offset stands for.
func (s *dirtyScan) cluster(c *cursor, at hostOffset, first, n uint64) error {
	chain := s.im.chain
	if err := chain.enter(); err != nil {
		return err
	}
	raw, err := c.bytes(whatBitmapTable, at, SizeofQcow2BitmapTableEntry)
	chain.leave()
	if err != nil {
		return err
	}
	var e Qcow2BitmapTableEntry
	e.Decode((*[SizeofQcow2BitmapTableEntry]byte)(raw))
	off := hostOffset(e.Entry & BME_TABLE_ENTRY_OFFSET_MASK)
	ones := e.Entry&BME_TABLE_ENTRY_FLAG_ALL_ONES != 0
	switch {
	case e.Entry&BME_TABLE_ENTRY_RESERVED_MASK != 0, off != 0 && ones, !s.im.active.aligned(off):
		return s.im.file.errorAt(whatBitmapTable, at, e.Entry, "neither a cluster nor a constant", ErrCorrupt)
	case ones:
		s.add(first, first+n)
		return nil
	case off == 0:
		return nil
	}
	for n > 0 && !s.stopped {
		// Words are scanned whole: clusters, and pages, are made of them.
		size := min(ceilDiv(ceilDiv(n, 8), 8)*8, pageSize)
		var data [pageSize]byte
		if err := chain.enter(); err != nil {
			return err
		}
		_, err := s.im.file.read(whatBitmapData, data[:size], off)
		chain.leave()
		if err != nil {
			return err
		}
		count := min(n, size*8)
		s.scan(data[:size], first, count)
		first, n, off = first+count, n-count, off+hostOffset(size)
	}
	return nil
}

// scan adds what is set of the first n bits in b, whose length is a multiple
// of 8. The lowest bit of a byte comes first.
func (s *dirtyScan) scan(b []byte, first, n uint64) {
	for i := uint64(0); i < n; {
		word := binary.LittleEndian.Uint64(b[i/64*8:]) >> (i % 64)
		left := 64 - i%64
		if word == 0 {
			i += left
			continue
		}
		i += uint64(bits.TrailingZeros64(word))
		word = ^binary.LittleEndian.Uint64(b[i/64*8:]) >> (i % 64)
		run := min(uint64(bits.TrailingZeros64(word)), 64-i%64)
		if i < n {
			s.add(first+i, first+min(i+run, n))
		}
		i += run
	}
}

// add appends bits to the range so far, or yields that and begins another.
func (s *dirtyScan) add(from, to uint64) {
	if from != s.to {
		s.flush()
		s.from = from
	}
	s.to = to
}

// flush yields the range so far.
func (s *dirtyScan) flush() {
	if s.from == s.to || s.stopped {
		return
	}
	granularity := s.bitmap.Entry.GranularityBits
	start := s.from << granularity
	end := min(s.to<<granularity, s.im.header.Size)
	s.stopped = !s.yield(Range{int64(start), int64(end - start)}, nil)
	s.from = s.to
}
