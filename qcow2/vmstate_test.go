package qcow2

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"testing"
)

// stateImage builds an image with a disk of one cluster too many for one L2
// table, and VM state behind it: a cluster of data, a hole, a compressed
// cluster.
func stateImage(t *testing.T, extended bool, snapshots ...testSnapshot) (*builder, []byte) {
	r := recipe{bits: 9, l1Size: 4, backing: "b", format: formatRaw}
	if extended {
		r.bits = 14
	}
	g := newGeometry(r.bits, extended)
	r.size, r.extended = g.l2Span()+g.clusterSize(), extended
	b := newBuilder(t, r)
	b.data(0, text(512, 1))
	first := 2 * g.l2Entries() // the third L2 table: the disk needs two
	cluster := int(g.clusterSize())
	b.data(first, text(cluster, 2))
	b.compressed(first+2, text(cluster, 3))
	want := append(text(cluster, 2), make([]byte, cluster)...)
	addSnapshots(b, snapshots...)
	return b, append(want, text(cluster, 3)[:cluster-100]...)
}

func TestVMState(t *testing.T) {
	for _, extended := range []bool{false, true} {
		var size uint64
		of := func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) { x.VmStateSizeLarge = size }
		g := newGeometry(9, false)
		if extended {
			g = newGeometry(14, true)
		}
		size = 3*g.clusterSize() - 100
		disk := g.l2Span() + g.clusterSize()
		b, want := stateImage(t, extended,
			testSnapshot{id: "1", name: "state", extra: 24, size: disk, change: of},
			testSnapshot{id: "2", name: "none", extra: 24, size: disk, change: func(_ *QCowSnapshotHeader, x *QCowSnapshotExtraData) { x.VmStateSizeLarge = 0 }},
			testSnapshot{id: "3", name: "no room", extra: 24, size: disk, change: func(_ *QCowSnapshotHeader, x *QCowSnapshotExtraData) {
				x.VmStateSizeLarge = 2*g.l2Span() + 1
			}},
			testSnapshot{id: "4", name: "endless", extra: 24, size: disk, change: func(_ *QCowSnapshotHeader, x *QCowSnapshotExtraData) {
				x.VmStateSizeLarge = math.MaxUint64
			}},
			testSnapshot{id: "5", name: "short L1", extra: 24, size: disk, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) {
				h.L1Size, x.VmStateSizeLarge = 2, 1
			}},
			// Its disk was smaller then, so that its state begins earlier.
			testSnapshot{id: "6", name: "small", extra: 24, size: 512, change: of},
		)
		// A backing file longer than the disk is no part of the state.
		below := bytes.Repeat([]byte{0xbb}, int(4*g.l2Span()))
		im := b.image(&Options{Backing: source("b", below)})
		list, err := im.Snapshots()
		if err != nil {
			t.Fatal(err)
		}
		state, err := im.OpenVMState(&list[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(state)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("extended %v: %d bytes of state, want %d, or wrong ones (%v)", extended, len(got), len(want), err)
		}
		p := make([]byte, 10)
		if n, err := state.ReadAt(p, int64(size)-4); n != 4 || err != io.EOF || !bytes.Equal(p[:4], want[size-4:]) {
			t.Errorf("the end of the state: %d, %v", n, err)
		}
		if none, err := im.OpenVMState(&list[1]); err != nil || none.Size() != 0 {
			t.Errorf("no state: %v, %v", none, err)
		}
		for _, i := range []int{2, 3, 4} {
			if _, err := im.OpenVMState(&list[i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", list[i].Name, err)
			}
		}
		small, err := im.OpenVMState(&list[5])
		if err != nil {
			t.Fatal(err)
		}
		// There the state is what is the second half of the disk today: no
		// clusters, and nothing of the backing file.
		if got, err := io.ReadAll(small); err != nil || uint64(len(got)) != size || bytes.Count(got, []byte{0}) != len(got) {
			t.Errorf("of a smaller disk: %d bytes, %v", len(got), err)
		}
		im.Close()
		if _, err := state.ReadAt(p, 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// Of snapshots of one id or name the listed one opens.
func TestOpenListedSnapshot(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 20, bits: 12})
	addSnapshots(b, testSnapshot{id: "1", name: "x", extra: 24, size: 4096}, testSnapshot{id: "1", name: "x", extra: 24, size: 8192})
	im := b.image(nil)
	list, err := im.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if view, err := im.OpenListedSnapshot(&list[i]); err != nil || uint64(view.Size()) != list[i].DiskSize {
			t.Errorf("snapshot %d: %v", i, err)
		}
	}
}
