package qcow2

import (
	"errors"
	"io"
)

// A HoleFinder is a reader that knows which of its bytes occupy no storage
// and read as zeros. Readers given to this package may implement it; for an
// *os.File it is done for them where the system can tell.
type HoleFinder interface {
	// NextData returns the lowest offset, off or more, of a byte that is not
	// in a hole, or io.EOF if there is none.
	NextData(off int64) (int64, error)
	// NextHole returns the lowest offset, off or more, of a byte in a hole.
	// The end of the file counts as one.
	NextHole(off int64) (int64, error)
}

// An allocationSizer is a HoleFinder that knows how many bytes of storage its
// file occupies.
type allocationSizer interface {
	AllocatedSize() (int64, error)
}

// A fileRange is a part of a file. One that has no holes is remembered: the
// system walks through all of it to find its end, and a disk may have a million
// pieces in it (QEMU: bdrv_bsc_fill).
type fileRange struct{ from, to hostOffset }

// holeAt reports whether the byte at off, inside the file or not, reads as
// zero for lack of storage, and how many of the n bytes there are alike.
// Bytes past the end are such. Where nobody can tell, all is data; so is what
// was cut off since the file was opened, as reading it says so.
func (f *hostFile) holeAt(off hostOffset, n uint64) (length uint64, hole bool) {
	inside := f.clip(off, n)
	if inside == 0 {
		return n, true
	}
	if f.holes == nil {
		return inside, false
	}
	if r := f.filled.Load(); r != nil && r.from <= off && off < r.to {
		return min(uint64(r.to-off), inside), false
	}
	data, err := f.holes.NextData(int64(off))
	switch {
	case errors.Is(err, io.EOF):
		// The hole reaches the end, and what follows is alike, provided that
		// the end is where it was.
		last := int64(off) + int64(inside) - 1
		if hole, err := f.holes.NextHole(last); err != nil || hole != last {
			return inside, false
		}
		return n, true
	case err != nil || data < int64(off):
		return inside, false
	case data > int64(off):
		return min(uint64(data)-uint64(off), n), true
	}
	next, err := f.holes.NextHole(int64(off))
	if err != nil || next <= int64(off) {
		return inside, false
	}
	f.filled.Store(&fileRange{off, hostOffset(next)})
	return min(uint64(next)-uint64(off), inside), false
}
