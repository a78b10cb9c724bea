package qcow2

import (
	"fmt"
	"strings"
)

// A SubclusterSet is a set of subcluster types.
type SubclusterSet uint32

// The kinds of subcluster that are treated alike, as QEMU groups them.
const (
	// NormalSubclusterTypes have a place in the file.
	NormalSubclusterTypes SubclusterSet = 1<<QCOW2_SUBCLUSTER_NORMAL | 1<<QCOW2_SUBCLUSTER_ZERO_ALLOC | 1<<QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC
	// ZeroSubclusterTypes read as zeros.
	ZeroSubclusterTypes SubclusterSet = 1<<QCOW2_SUBCLUSTER_ZERO_PLAIN | 1<<QCOW2_SUBCLUSTER_ZERO_ALLOC
	// UnallocatedSubclusterTypes read the backing file.
	UnallocatedSubclusterTypes SubclusterSet = 1<<QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN | 1<<QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC
)

// Has reports whether t is in s.
func (s SubclusterSet) Has(t QCow2SubclusterType) bool { return s>>t&1 != 0 }

// String returns the C names of the types in s, joined by "|".
func (s SubclusterSet) String() string {
	var names []string
	for t := QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN; t <= QCOW2_SUBCLUSTER_INVALID; t++ {
		if s.Has(t) {
			names = append(names, t.String())
			s &^= 1 << t
		}
	}
	if s != 0 || names == nil {
		names = append(names, fmt.Sprintf("%#x", uint32(s)))
	}
	return strings.Join(names, "|")
}

// classifier says what L2 entries of an image mean. It is pure.
type classifier struct {
	extended bool // entries have a bitmap of subclusters
	dataFile bool // guest data lies in another file
}

// cluster returns the type of the cluster of an L2 entry. The order of the
// questions is QEMU's (qcow2_get_cluster_type) and decides what an entry with
// contradictory bits means; reserved bits are ignored.
func (c classifier) cluster(entry uint64) QCow2ClusterType {
	switch {
	case entry&QCOW_OFLAG_COMPRESSED != 0:
		return QCOW2_CLUSTER_COMPRESSED
	case entry&QCOW_OFLAG_ZERO != 0 && !c.extended:
		if entry&L2E_OFFSET_MASK != 0 {
			return QCOW2_CLUSTER_ZERO_ALLOC
		}
		return QCOW2_CLUSTER_ZERO_PLAIN
	case entry&L2E_OFFSET_MASK == 0:
		// In a data file offset 0 is a place like any other, and the copied
		// flag, which is always set there, tells the cluster from none.
		if c.dataFile && entry&QCOW_OFLAG_COPIED != 0 {
			return QCOW2_CLUSTER_NORMAL
		}
		return QCOW2_CLUSTER_UNALLOCATED
	}
	return QCOW2_CLUSTER_NORMAL
}

// whole returns the type that all subclusters of a cluster have in an image
// without extended L2 entries.
func (c classifier) whole(entry uint64) QCow2SubclusterType {
	switch c.cluster(entry) {
	case QCOW2_CLUSTER_COMPRESSED:
		return QCOW2_SUBCLUSTER_COMPRESSED
	case QCOW2_CLUSTER_ZERO_PLAIN:
		return QCOW2_SUBCLUSTER_ZERO_PLAIN
	case QCOW2_CLUSTER_ZERO_ALLOC:
		return QCOW2_SUBCLUSTER_ZERO_ALLOC
	case QCOW2_CLUSTER_NORMAL:
		return QCOW2_SUBCLUSTER_NORMAL
	}
	return QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN
}
