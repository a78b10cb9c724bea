package qcow2

import "math/bits"

// A guestOffset counts bytes of the virtual disk, a hostOffset those of the
// image file or data file.
type (
	guestOffset uint64
	hostOffset  uint64
)

// A geometry is the arithmetic of an image: what its cluster size and kind of
// L2 entry make of an offset. It is pure; nothing can fail.
type geometry struct {
	clusterBits uint // log2 of the cluster size in bytes
	subBits     uint // log2 of the subcluster size in bytes
	entryBits   uint // log2 of the size of an L2 entry in bytes
	l2Bits      uint // log2 of the number of entries of an L2 table
}

// newGeometry returns the geometry of images with clusters of 1<<clusterBits
// bytes. The caller has checked clusterBits.
func newGeometry(clusterBits uint32, extended bool) geometry {
	g := geometry{clusterBits: uint(clusterBits), subBits: uint(clusterBits)}
	g.entryBits = uint(bits.TrailingZeros(L2E_SIZE_NORMAL))
	if extended {
		g.subBits -= uint(bits.TrailingZeros(QCOW_EXTL2_SUBCLUSTERS_PER_CLUSTER))
		g.entryBits = uint(bits.TrailingZeros(L2E_SIZE_EXTENDED))
	}
	g.l2Bits = g.clusterBits - g.entryBits // an L2 table is one cluster
	return g
}

// clusterSize returns the size of a cluster in bytes.
func (g *geometry) clusterSize() uint64 { return 1 << g.clusterBits }

// l2Entries returns the number of entries of an L2 table.
func (g *geometry) l2Entries() uint64 { return 1 << g.l2Bits }

// l2Span returns the bytes of the disk that one L2 table maps.
func (g *geometry) l2Span() uint64 { return 1 << (g.clusterBits + g.l2Bits) }

// l1Index returns the index of the L1 entry for off.
func (g *geometry) l1Index(off guestOffset) uint64 {
	return uint64(off) >> (g.clusterBits + g.l2Bits)
}

// l2Index returns the index of the entry for off in its L2 table.
func (g *geometry) l2Index(off guestOffset) uint64 {
	return uint64(off) >> g.clusterBits & (g.l2Entries() - 1)
}

// inCluster returns how far off lies inside its cluster.
func (g *geometry) inCluster(off guestOffset) uint64 {
	return uint64(off) & (g.clusterSize() - 1)
}

// subcluster returns the index of off's subcluster in its cluster.
func (g *geometry) subcluster(off guestOffset) uint {
	return uint(g.inCluster(off) >> g.subBits)
}

// inSpan returns how far off lies inside what its L2 table maps.
func (g *geometry) inSpan(off guestOffset) uint64 {
	return uint64(off) & (g.l2Span() - 1)
}

// aligned reports whether off is where a cluster may begin.
func (g *geometry) aligned(off hostOffset) bool {
	return uint64(off)&(g.clusterSize()-1) == 0
}

// l1Needed returns how many L1 entries a disk of size bytes has.
func (g *geometry) l1Needed(size uint64) uint64 {
	return ceilDiv(size, g.l2Span())
}

// compressed returns where a compressed cluster lies, and how long it is at
// most: its last sector may belong to the next cluster in part, or lie past
// the end of the file. Specification: "Compressed Clusters Descriptor".
func (g *geometry) compressed(entry uint64) (off hostOffset, size uint64) {
	desc := entry & L2E_COMPRESSED_OFFSET_SIZE_MASK
	sizeBits := g.clusterBits - QCOW2_COMPRESSED_SIZE_BITS_BASE
	offBits := uint(bits.Len64(L2E_COMPRESSED_OFFSET_SIZE_MASK)) - sizeBits
	off = hostOffset(desc & (1<<offBits - 1))
	sectors := desc>>offBits + 1
	return off, sectors*QCOW2_COMPRESSED_SECTOR_SIZE - uint64(off)%QCOW2_COMPRESSED_SECTOR_SIZE
}

// ceilDiv returns a / b, rounded up.
func ceilDiv(a, b uint64) uint64 {
	n := a / b
	if a%b != 0 {
		n++
	}
	return n
}
