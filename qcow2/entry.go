package qcow2

import "iter"

// What the entries of an image's tables mean depends on its header. The
// methods here say it, for those who look at an image entry by entry. They
// take a header whose cluster_bits are MIN_CLUSTER_BITS to MAX_CLUSTER_BITS.

func (h *QCowHeader) geometry() geometry {
	return newGeometry(h.ClusterBits, h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0)
}

func (h *QCowHeader) classifier() classifier {
	return classifier{
		extended: h.IncompatibleFeatures&QCOW2_INCOMPAT_EXTL2 != 0,
		dataFile: h.IncompatibleFeatures&QCOW2_INCOMPAT_DATA_FILE != 0,
	}
}

// L2Entries returns how many entries an L2 table has, and the size of each in
// bytes: L2E_SIZE_NORMAL or L2E_SIZE_EXTENDED.
func (h *QCowHeader) L2Entries() (n, size uint64) {
	g := h.geometry()
	return g.l2Entries(), 1 << g.entryBits
}

// ClusterType returns what an L2 entry says of its cluster. Reserved bits are
// ignored. QEMU: qcow2_get_cluster_type.
func (h *QCowHeader) ClusterType(entry uint64) QCow2ClusterType {
	return h.classifier().cluster(entry)
}

// CompressedCluster returns where the compressed cluster of an L2 entry lies
// in the image file, and how many bytes it takes at most. Specification:
// "Compressed Clusters Descriptor".
func (h *QCowHeader) CompressedCluster(entry uint64) (off, size uint64) {
	g := h.geometry()
	host, size := g.compressed(entry)
	return uint64(host), size
}

// Subclusters yields the types of the subclusters of an extended L2 entry, in
// their order, and of how many subclusters in a row each is. Specification:
// "Extended L2 Entries".
func (h *QCowHeader) Subclusters(e *QCow2L2EntryExtended) iter.Seq2[QCow2SubclusterType, int] {
	return func(yield func(QCow2SubclusterType, int) bool) {
		cluster := classifier{extended: true, dataFile: h.classifier().dataFile}.cluster(e.Entry)
		for i := uint(0); i < subclusters; {
			kind, n := subclusterRun(cluster, e.Bitmap, i)
			if !yield(kind, int(n)) {
				return
			}
			i += n
		}
	}
}

// Refcounts returns how many refcounts a refcount block has. The header's
// refcount_order is at most QCOW2_MAX_REFCOUNT_ORDER.
func (h *QCowHeader) Refcounts() uint64 {
	g := h.geometry()
	return g.refcounts(h.RefcountOrder)
}

// Refcount returns the i-th refcount of a refcount block, one cluster long.
// Specification: "Host cluster management".
func (h *QCowHeader) Refcount(block []byte, i uint64) uint64 {
	return refcountAt(block, h.RefcountOrder, i)
}
