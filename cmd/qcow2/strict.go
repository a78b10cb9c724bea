package main

import (
	"context"

	"cstructgen/qcow2"
)

// A blockStatus is what strict mode compares of a place of the disk: the
// flags of QEMU's bdrv_block_status_above.
type blockStatus struct {
	data, zero, offset, allocated bool
	last                          bool // the place belongs to the last piece of the disk
}

// status returns the status of the byte at off, which cur holds.
func (s *side) status(off int64) blockStatus {
	e := &s.cur
	// What lies behind the end of a backing file counts as that file's, also
	// where the layer above keeps a place for it.
	behind := !e.Present && e.Depth+1 < s.layers
	return blockStatus{
		data: e.Data, zero: e.Zero, offset: e.HasOffset && !behind,
		allocated: e.Present || behind,
		last:      off >= s.last,
	}
}

// Of an L2 table QEMU looks at one slice at a time, of so many bytes at most
// (DEFAULT_L2_CACHE_ENTRY_SIZE).
const maxSlice = 64 << 10

// lastPiece returns where the last piece of the disk begins that QEMU asks
// the status of at once: its strict mode holds even that against an image.
// A piece ends where the extent does, where the slice of an L2 table does in
// any layer that had to be asked, and with a compressed cluster.
func (s *side) lastPiece(ctx context.Context) int64 {
	im, _ := s.disk.(*qcow2.Image)
	var from int64
	if im != nil {
		from = sliceStart(im, s.size-1)
	}
	var last qcow2.Extent
	for e, err := range s.ExtentsContext(ctx, from, s.Size()-from) {
		if err != nil {
			break // who compares comes there, too
		}
		last = e
	}
	start := last.Start
	for depth := 0; im != nil && depth <= last.Depth; depth++ {
		start = max(start, sliceStart(im, s.size-1))
		if depth == last.Depth && last.Compressed {
			start = max(start, (s.size-1)&^(im.ClusterSize()-1))
		}
		im = im.Backing()
	}
	return start
}

// sliceStart returns the first byte of the disk that the slice maps which maps
// the one at off.
func sliceStart(im *qcow2.Image, off int64) int64 {
	entry := int64(qcow2.L2E_SIZE_NORMAL)
	if im.Header().IncompatibleFeatures&qcow2.QCOW2_INCOMPAT_EXTL2 != 0 {
		entry = qcow2.L2E_SIZE_EXTENDED
	}
	span := min(im.ClusterSize(), maxSlice) / entry * im.ClusterSize()
	return max(off, 0) / span * span
}
