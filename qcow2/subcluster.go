package qcow2

// subclusters is the number of subclusters of a cluster.
const subclusters = QCOW_EXTL2_SUBCLUSTERS_PER_CLUSTER

// subclusterRun returns the type of subcluster i of a cluster with an
// extended L2 entry, and how many subclusters from i on, within the cluster,
// have it. bitmap is the entry's second word. A bitmap that contradicts
// itself or its entry makes the whole cluster invalid. Specification:
// "Extended L2 Entries".
func subclusterRun(cluster QCow2ClusterType, bitmap uint64, i uint) (QCow2SubclusterType, uint) {
	// Two words of one bit for each subcluster; from here on bit 0 is
	// subcluster i, and the bits shifted in at the top are none.
	alloc := uint32(bitmap >> QCOW_L2_BITMAP_ALLOC_SHIFT)
	zero := uint32(bitmap >> QCOW_L2_BITMAP_ZERO_SHIFT)
	left := subclusters - i
	var kind QCow2SubclusterType
	switch cluster {
	case QCOW2_CLUSTER_COMPRESSED:
		return QCOW2_SUBCLUSTER_COMPRESSED, left // has no bitmap
	case QCOW2_CLUSTER_NORMAL:
		if alloc&zero != 0 {
			return QCOW2_SUBCLUSTER_INVALID, left
		}
		alloc >>= i
		zero >>= i
		switch {
		case zero&1 != 0:
			return QCOW2_SUBCLUSTER_ZERO_ALLOC, ones(zero)
		case alloc&1 != 0:
			return QCOW2_SUBCLUSTER_NORMAL, ones(alloc)
		}
		kind = QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC
	case QCOW2_CLUSTER_UNALLOCATED:
		if alloc != 0 {
			return QCOW2_SUBCLUSTER_INVALID, left
		}
		zero >>= i
		if zero&1 != 0 {
			return QCOW2_SUBCLUSTER_ZERO_PLAIN, ones(zero)
		}
		kind = QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN
	default:
		panic("qcow2: " + cluster.String() + " with an extended L2 entry")
	}
	return kind, uint(Ctz(uint64(alloc|zero), int(left)))
}

// ones returns the length of the run of ones that begins at bit 0.
func ones(x uint32) uint { return uint(Ctz(uint64(^x), subclusters)) }
