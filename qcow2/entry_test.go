package qcow2

import (
	"fmt"
	"strings"
	"testing"
)

// What a header says of entries is what reading makes of them.
func TestEntriesByHeader(t *testing.T) {
	plain := QCowHeader{Version: QCOW2_VERSION_3, ClusterBits: 16, RefcountOrder: 4}
	extended, external := plain, plain
	extended.IncompatibleFeatures = QCOW2_INCOMPAT_EXTL2
	external.IncompatibleFeatures = QCOW2_INCOMPAT_DATA_FILE
	for _, tt := range []struct {
		h     *QCowHeader
		entry uint64
		want  QCow2ClusterType
	}{
		{&plain, 0, QCOW2_CLUSTER_UNALLOCATED},
		{&plain, QCOW_OFLAG_COPIED, QCOW2_CLUSTER_UNALLOCATED},
		{&external, QCOW_OFLAG_COPIED, QCOW2_CLUSTER_NORMAL},
		{&plain, QCOW_OFLAG_COPIED | 0x50000, QCOW2_CLUSTER_NORMAL},
		{&plain, QCOW_OFLAG_ZERO, QCOW2_CLUSTER_ZERO_PLAIN},
		{&plain, QCOW_OFLAG_ZERO | 0x50000, QCOW2_CLUSTER_ZERO_ALLOC},
		{&extended, QCOW_OFLAG_ZERO | 0x50000, QCOW2_CLUSTER_NORMAL},
		{&plain, QCOW_OFLAG_COMPRESSED | 0x50000, QCOW2_CLUSTER_COMPRESSED},
	} {
		if got := tt.h.ClusterType(tt.entry); got != tt.want {
			t.Errorf("%#x: %v, want %v", tt.entry, got, tt.want)
		}
	}
	for _, tt := range []struct {
		h       *QCowHeader
		n, size uint64
	}{{&plain, 8192, 8}, {&extended, 4096, 16}} {
		if n, size := tt.h.L2Entries(); n != tt.n || size != tt.size {
			t.Errorf("%d entries of %d bytes, want %d of %d", n, size, tt.n, tt.size)
		}
	}
	// 8 bits of sectors above 54 of the offset.
	if off, size := plain.CompressedCluster(QCOW_OFLAG_COMPRESSED | 2<<54 | 0x50010); off != 0x50010 || size != 3*512-0x10 {
		t.Errorf("%#x, %d bytes", off, size)
	}
	if n := plain.Refcounts(); n != 32768 || plain.Refcount([]byte{0, 1, 2, 3}, 1) != 0x203 {
		t.Errorf("%d refcounts", n)
	}
}

func TestSubclustersByHeader(t *testing.T) {
	h := QCowHeader{Version: QCOW2_VERSION_3, ClusterBits: 16, IncompatibleFeatures: QCOW2_INCOMPAT_EXTL2}
	for _, tt := range []struct {
		e    QCow2L2EntryExtended
		want string
	}{
		{QCow2L2EntryExtended{}, "32 UNALLOCATED_PLAIN"},
		{QCow2L2EntryExtended{Bitmap: 0xf << 32}, "4 ZERO_PLAIN 28 UNALLOCATED_PLAIN"},
		{QCow2L2EntryExtended{Entry: 0x50000, Bitmap: 0x80000000<<32 | 0x3}, "2 NORMAL 29 UNALLOCATED_ALLOC 1 ZERO_ALLOC"},
		{QCow2L2EntryExtended{Entry: 0x50000, Bitmap: 1<<32 | 1}, "32 INVALID"},
		{QCow2L2EntryExtended{Entry: QCOW_OFLAG_COMPRESSED}, "32 COMPRESSED"},
	} {
		var got []string
		for kind, n := range h.Subclusters(&tt.e) {
			got = append(got, fmt.Sprint(n, " ", strings.TrimPrefix(kind.String(), "QCOW2_SUBCLUSTER_")))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%#x: %v, want %s", tt.e, got, tt.want)
		}
	}
	for range h.Subclusters(&QCow2L2EntryExtended{Bitmap: 1 << 32}) {
		break
	}
}
