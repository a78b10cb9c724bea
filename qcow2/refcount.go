package qcow2

import (
	"encoding/binary"
	"math"
)

const (
	whatRefcountTable = "refcount table"
	whatRefcountBlock = "refcount block"
)

// checkRefcountTable checks the place and the length of the refcount table.
func (im *Image) checkRefcountTable() error {
	g, f, h := &im.active.geometry, im.file, &im.header
	switch {
	case !g.aligned(hostOffset(h.RefcountTableOffset)):
		return f.headerError("refcount_table_offset", OffsetofQCowHeader_RefcountTableOffset,
			h.RefcountTableOffset, "must be cluster aligned", ErrCorrupt)
	case uint64(h.RefcountTableClusters) > QCOW_MAX_REFTABLE_SIZE>>g.clusterBits:
		return f.headerError("refcount_table_clusters", OffsetofQCowHeader_RefcountTableClusters,
			uint64(h.RefcountTableClusters), "the refcount table is too long", ErrLimit)
	case h.RefcountTableOffset > math.MaxInt64-QCOW_MAX_REFTABLE_SIZE:
		return f.headerError("refcount_table_offset", OffsetofQCowHeader_RefcountTableOffset,
			h.RefcountTableOffset, "the refcount table ends past 2^63", ErrCorrupt)
	}
	return nil
}

// refcounts returns how many refcounts of 1<<order bits a refcount block has.
func (g *geometry) refcounts(order uint32) uint64 { return g.clusterSize() * 8 >> order }

// refcountAt returns the i-th refcount of 1<<order bits in b. Those of less
// than a byte begin at its lowest bit. Specification: "Host cluster
// management".
func refcountAt(b []byte, order uint32, i uint64) uint64 {
	switch order {
	case 3:
		return uint64(b[i])
	case 4:
		return uint64(binary.BigEndian.Uint16(b[i*2:]))
	case 5:
		return uint64(binary.BigEndian.Uint32(b[i*4:]))
	case 6:
		return binary.BigEndian.Uint64(b[i*8:])
	}
	width := uint64(1) << order
	return uint64(b[i*width/8] >> (i * width % 8) & (1<<width - 1))
}

// maxRefcount returns the largest refcount of 1<<order bits.
func maxRefcount(order uint32) uint64 { return math.MaxUint64 >> (64 - 1<<order) }

// zeros reports whether all of b, whose length is a multiple of 8, is zero.
func zeros(b []byte) bool {
	for ; len(b) > 0; b = b[8:] {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
	}
	return true
}
