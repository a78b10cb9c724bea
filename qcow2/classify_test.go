package qcow2

import "testing"

func TestClassifyCluster(t *testing.T) {
	const (
		host       = 0x50000
		copied     = QCOW_OFLAG_COPIED
		compressed = QCOW_OFLAG_COMPRESSED
		zero       = QCOW_OFLAG_ZERO
	)
	standard, extended := classifier{}, classifier{extended: true}
	dataFile, both := classifier{dataFile: true}, classifier{extended: true, dataFile: true}
	for _, c := range []struct {
		name string
		classifier
		entry uint64
		want  QCow2ClusterType
	}{
		{"nothing", standard, 0, QCOW2_CLUSTER_UNALLOCATED},
		{"copied flag without a cluster", standard, copied, QCOW2_CLUSTER_UNALLOCATED},
		{"reserved bits alone", standard, L2E_STD_RESERVED_MASK, QCOW2_CLUSTER_UNALLOCATED},
		{"a cluster", standard, host | copied, QCOW2_CLUSTER_NORMAL},
		{"a shared cluster", standard, host, QCOW2_CLUSTER_NORMAL},
		{"a cluster and reserved bits", standard, host | L2E_STD_RESERVED_MASK, QCOW2_CLUSTER_NORMAL},
		{"zero", standard, zero, QCOW2_CLUSTER_ZERO_PLAIN},
		{"zero and copied", standard, zero | copied, QCOW2_CLUSTER_ZERO_PLAIN},
		{"zero over a cluster", standard, zero | host | copied, QCOW2_CLUSTER_ZERO_ALLOC},
		{"compressed", standard, compressed | host, QCOW2_CLUSTER_COMPRESSED},
		{"compressed wins over zero", standard, compressed | host | zero, QCOW2_CLUSTER_COMPRESSED},
		{"compressed at offset 0", standard, compressed, QCOW2_CLUSTER_COMPRESSED},

		{"extended: nothing", extended, 0, QCOW2_CLUSTER_UNALLOCATED},
		{"extended: bit 0 means nothing", extended, zero, QCOW2_CLUSTER_UNALLOCATED},
		{"extended: bit 0 means nothing over a cluster", extended, zero | host, QCOW2_CLUSTER_NORMAL},
		{"extended: compressed", extended, compressed | host, QCOW2_CLUSTER_COMPRESSED},

		{"data file: nothing", dataFile, 0, QCOW2_CLUSTER_UNALLOCATED},
		{"data file: the cluster at offset 0", dataFile, copied, QCOW2_CLUSTER_NORMAL},
		{"data file: zero at offset 0", dataFile, copied | zero, QCOW2_CLUSTER_ZERO_PLAIN},
		{"data file: a cluster", dataFile, copied | host, QCOW2_CLUSTER_NORMAL},
		{"data file, extended: the cluster at offset 0", both, copied, QCOW2_CLUSTER_NORMAL},
		{"data file, extended: nothing", both, zero, QCOW2_CLUSTER_UNALLOCATED},
	} {
		if got := c.cluster(c.entry); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Without extended entries the type of a cluster is that of its subclusters.
func TestClassifyWhole(t *testing.T) {
	for entry, want := range map[uint64]QCow2SubclusterType{
		0:                          QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN,
		0x10000:                    QCOW2_SUBCLUSTER_NORMAL,
		QCOW_OFLAG_ZERO:            QCOW2_SUBCLUSTER_ZERO_PLAIN,
		QCOW_OFLAG_ZERO | 0x10000:  QCOW2_SUBCLUSTER_ZERO_ALLOC,
		QCOW_OFLAG_COMPRESSED | 77: QCOW2_SUBCLUSTER_COMPRESSED,
	} {
		if got := (classifier{}).whole(entry); got != want {
			t.Errorf("%#x: %v, want %v", entry, got, want)
		}
	}
}

func TestSubclusterSets(t *testing.T) {
	for kind, want := range map[QCow2SubclusterType][3]bool{ // normal, zero, unallocated
		QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN: {false, false, true},
		QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC: {true, false, true},
		QCOW2_SUBCLUSTER_ZERO_PLAIN:        {false, true, false},
		QCOW2_SUBCLUSTER_ZERO_ALLOC:        {true, true, false},
		QCOW2_SUBCLUSTER_NORMAL:            {true, false, false},
		QCOW2_SUBCLUSTER_COMPRESSED:        {},
		QCOW2_SUBCLUSTER_INVALID:           {},
	} {
		got := [3]bool{NormalSubclusterTypes.Has(kind), ZeroSubclusterTypes.Has(kind), UnallocatedSubclusterTypes.Has(kind)}
		if got != want {
			t.Errorf("%v: normal, zero, unallocated %v, want %v", kind, got, want)
		}
	}
	const want = "QCOW2_SUBCLUSTER_ZERO_PLAIN|QCOW2_SUBCLUSTER_ZERO_ALLOC"
	if got := ZeroSubclusterTypes.String(); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got := SubclusterSet(1 << 20).String(); got != "0x100000" {
		t.Errorf("String() of an unknown type = %q", got)
	}
}
