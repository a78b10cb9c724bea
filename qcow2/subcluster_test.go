package qcow2

import (
	"math/rand/v2"
	"testing"
)

// subclusterKind is the specification, one bit at a time.
func subclusterKind(cluster QCow2ClusterType, bitmap uint64, i uint) QCow2SubclusterType {
	alloc := func(i uint) bool { return bitmap>>i&1 != 0 }
	zero := func(i uint) bool { return bitmap>>(32+i)&1 != 0 }
	for j := range uint(32) {
		if cluster == QCOW2_CLUSTER_NORMAL && alloc(j) && zero(j) || cluster == QCOW2_CLUSTER_UNALLOCATED && alloc(j) {
			return QCOW2_SUBCLUSTER_INVALID
		}
	}
	switch {
	case cluster == QCOW2_CLUSTER_COMPRESSED:
		return QCOW2_SUBCLUSTER_COMPRESSED
	case cluster == QCOW2_CLUSTER_NORMAL && zero(i):
		return QCOW2_SUBCLUSTER_ZERO_ALLOC
	case cluster == QCOW2_CLUSTER_NORMAL && alloc(i):
		return QCOW2_SUBCLUSTER_NORMAL
	case cluster == QCOW2_CLUSTER_NORMAL:
		return QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC
	case zero(i):
		return QCOW2_SUBCLUSTER_ZERO_PLAIN
	}
	return QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN
}

func TestSubclusterRun(t *testing.T) {
	check := func(cluster QCow2ClusterType, bitmap uint64) {
		for i := range uint(subclusters) {
			want := subclusterKind(cluster, bitmap, i)
			n := uint(1)
			for i+n < subclusters && subclusterKind(cluster, bitmap, i+n) == want {
				n++
			}
			if kind, got := subclusterRun(cluster, bitmap, i); kind != want || got != n {
				t.Fatalf("%v, bitmap %#016x, from %d: %d of %v, want %d of %v", cluster, bitmap, i, got, kind, n, want)
			}
		}
	}
	clusters := []QCow2ClusterType{QCOW2_CLUSTER_UNALLOCATED, QCOW2_CLUSTER_NORMAL, QCOW2_CLUSTER_COMPRESSED}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, cluster := range clusters {
		for _, bitmap := range []uint64{0, QCOW_L2_BITMAP_ALL_ALLOC, QCOW_L2_BITMAP_ALL_ZEROES, ^uint64(0)} {
			check(cluster, bitmap)
		}
		for from := range 32 { // every run of ones there is
			for n := 1; from+n <= 32; n++ {
				ones := (uint64(1)<<n - 1) << from
				check(cluster, ones)
				check(cluster, ones<<32)
				check(cluster, ones|^ones<<32)
			}
		}
		for range 2000 {
			a, z := rnd.Uint32()|rnd.Uint32(), rnd.Uint32()&rnd.Uint32()
			check(cluster, uint64(z)<<32|uint64(a))
			check(cluster, uint64(z)<<32|uint64(a&^z))
			check(cluster, uint64(z)<<32)
		}
	}
}
