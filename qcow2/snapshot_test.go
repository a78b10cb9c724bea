package qcow2

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"
)

// A testSnapshot is an entry of the snapshot table to build.
type testSnapshot struct {
	id, name string
	size     uint64
	extra    int // bytes of extra data
	change   func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData)
}

// addSnapshots appends a snapshot table to b. Each snapshot has a copy of the
// L1 table as it is now, and a name in its disk's first cluster.
func addSnapshots(b *builder, list ...testSnapshot) {
	var table []byte
	for _, s := range list {
		l1 := make([]byte, uint64(b.header.L1Size)*L1E_SIZE)
		copy(l1, b.file[b.header.L1TableOffset:])
		h := QCowSnapshotHeader{
			L1Size: b.header.L1Size, L1TableOffset: uint64(b.put(l1)),
			IdStrSize: uint16(len(s.id)), NameSize: uint16(len(s.name)), ExtraDataSize: uint32(s.extra),
			DateSec: 1e9, DateNsec: 5e8, VmClockNsec: 7e9, VmStateSize: 11,
		}
		x := QCowSnapshotExtraData{VmStateSizeLarge: 1 << 33, DiskSize: s.size, Icount: 1234}
		if s.change != nil {
			s.change(&h, &x)
		}
		table, _ = h.AppendBinary(table)
		extra, _ := x.MarshalBinary()
		extra = append(extra, bytes.Repeat([]byte{0xff}, max(0, s.extra-len(extra)))...)
		table = append(append(append(table, extra[:s.extra]...), s.id...), s.name...)
		table = append(table, make([]byte, -len(table)&(QCOW2_ALIGNMENT-1))...)
	}
	b.header.NbSnapshots = uint32(len(list))
	for size := int(b.geometry.clusterSize()); len(table) > 0; table = table[min(size, len(table)):] {
		if off := b.put(table[:min(size, len(table))]); b.header.SnapshotsOffset == 0 {
			b.header.SnapshotsOffset = uint64(off)
		}
	}
}

// The extra data grew over time; each length has its meaning.
func TestSnapshots(t *testing.T) {
	const size = 1 << 20
	long := strings.Repeat("n", math.MaxUint16)
	b := newBuilder(t, recipe{size: size, bits: 12})
	addSnapshots(b,
		testSnapshot{id: "1", name: "none", extra: 0},
		testSnapshot{id: "22", name: "state", extra: 8, size: 512},
		testSnapshot{id: "", name: "", extra: 15, size: 512},
		testSnapshot{id: "4", name: "disk", extra: 16, size: 512},
		testSnapshot{id: "5", name: "count", extra: 24, size: 1024},
		testSnapshot{id: "6", name: "later", extra: 1024, size: math.MaxUint64},
		testSnapshot{id: "7", name: "unknown", extra: 24, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) {
			x.Icount, h.VmClockNsec = math.MaxUint64, math.MaxUint64
		}},
		testSnapshot{id: long, name: long},
	)
	got, err := b.image(nil).Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	type short struct {
		id, name    string
		state, size uint64
		hasICount   bool
		icount      uint64
	}
	want := []short{
		{"1", "none", 11, size, false, 0},
		{"22", "state", 1 << 33, size, false, 0},
		{"", "", 1 << 33, size, false, 0},
		{"4", "disk", 1 << 33, 512, false, 0},
		{"5", "count", 1 << 33, 1024, true, 1234},
		{"6", "later", 1 << 33, math.MaxUint64, true, 1234},
		{"7", "unknown", 1 << 33, 0, false, 0},
		{long, long, 11, size, false, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%d snapshots, want %d", len(got), len(want))
	}
	for i, s := range got {
		if (short{s.ID, s.Name, s.VMStateSize, s.DiskSize, s.HasICount, s.ICount}) != want[i] {
			t.Errorf("snapshot %d: %.100v, want %.100v", i, s, want[i])
		}
		if !s.Date.Equal(time.Unix(1e9, 5e8)) || s.VMClock != 7*time.Second && s.VMClock != math.MaxInt64 {
			t.Errorf("snapshot %d: %v, %v", i, s.Date, s.VMClock)
		}
	}
}

// A broken table is an error of Snapshots; the disk still reads.
func TestSnapshotsBroken(t *testing.T) {
	one := testSnapshot{id: "1", name: "one", extra: 16}
	for _, c := range []struct {
		name   string
		change func(b *builder)
		err    error
	}{
		{"65537 snapshots", func(b *builder) { b.header.NbSnapshots = 65537 }, ErrLimit},
		{"not aligned", func(b *builder) { b.header.SnapshotsOffset += 8 }, ErrCorrupt},
		{"none, not aligned", func(b *builder) { b.header.NbSnapshots, b.header.SnapshotsOffset = 0, 1 }, ErrCorrupt},
		{"past 2^63", func(b *builder) { b.header.SnapshotsOffset = 1 << 63 }, ErrCorrupt},
		{"past the end", func(b *builder) { b.header.SnapshotsOffset = 1 << 40 }, ErrTruncated},
		{"one more than there are", func(b *builder) { b.header.NbSnapshots = 200 }, ErrTruncated},
		{"extra data of 1025 bytes", func(b *builder) {
			b.header.SnapshotsOffset = 0
			addSnapshots(b, testSnapshot{extra: 1025})
		}, ErrLimit},
	} {
		b := newBuilder(t, recipe{size: 1 << 20, bits: 12})
		b.data(0, text(4096, 1))
		addSnapshots(b, one)
		c.change(b)
		im := b.image(nil)
		if list, err := im.Snapshots(); list != nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v", c.name, list, err, c.err)
		}
		if _, err := im.OpenSnapshot("1"); !errors.Is(err, c.err) {
			t.Errorf("%s: OpenSnapshot: %v", c.name, err)
		}
		if p := readAll(t, im); !bytes.Equal(p[:4096], text(4096, 1)) {
			t.Errorf("%s: the disk differs", c.name)
		}
	}
}

// A snapshot is a disk of its own: L1 table and size; backing file and caches
// are the image's.
func TestOpenSnapshot(t *testing.T) {
	const cluster = 1 << 12
	b := newBuilder(t, recipe{size: 3 * cluster, bits: 12, backing: "b", format: "raw"})
	b.data(0, text(cluster, 1))
	b.compressed(1, text(cluster, 2))
	addSnapshots(b,
		testSnapshot{id: "1", name: "2", extra: 16, size: 2 * cluster},
		testSnapshot{id: "2", name: "short", extra: 16, size: 100},
		testSnapshot{id: "3", name: "grown", extra: 16, size: 4 << 20},
		testSnapshot{id: "4", name: "l1", extra: 16, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) { h.L1TableOffset++ }},
		testSnapshot{id: "5", name: "huge", extra: 16, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) { x.DiskSize = 1 << 63 }},
		testSnapshot{id: "6", name: "l1 past the end", extra: 16, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) { h.L1TableOffset = 1 << 40 }},
		testSnapshot{id: "7", name: "l1 too long", extra: 16, change: func(h *QCowSnapshotHeader, x *QCowSnapshotExtraData) { h.L1Size = 1 << 23 }},
	)
	// Since then the image got a table of its own, and other data.
	clear(b.file[b.header.L1TableOffset:][:L1E_SIZE])
	b.data(0, text(cluster, 3))
	below := text(8<<20, 9)
	im := b.image(&Options{Backing: source("b", below)})

	first := append(text(cluster, 1), text(cluster, 2)...)
	for key, want := range map[string][]byte{
		"1":     first,
		"2":     first[:100], // the id is asked first, though another has that name
		"short": first[:100],
		"grown": append(bytes.Clone(first), below[2*cluster:4<<20]...), // past its L1 table nothing is allocated
	} {
		view, err := im.OpenSnapshot(key)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if got := readAll(t, view); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes differ from %d", key, len(got), len(want))
		}
		if err := view.Close(); err != nil {
			t.Errorf("%s: Close: %v", key, err)
		}
	}
	if got := readAll(t, im); !bytes.Equal(got[:cluster], text(cluster, 3)) {
		t.Error("the active disk differs")
	}
	for key, want := range map[string]error{
		"l1": ErrCorrupt, "huge": ErrLimit, "l1 past the end": ErrTruncated, "l1 too long": ErrLimit, "none": fs.ErrNotExist,
	} {
		if _, err := im.OpenSnapshot(key); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
}

// The caller's limit is for whatever disk is read.
func TestOpenSnapshotLimit(t *testing.T) {
	b := newBuilder(t, recipe{size: 512})
	addSnapshots(b, testSnapshot{id: "1", name: "huge", extra: 16, size: 1 << 60}, testSnapshot{id: "2", name: "small", extra: 16, size: 1024})
	im := b.image(&Options{MaxVirtualSize: 1024})
	if _, err := im.OpenSnapshot("huge"); !errors.Is(err, ErrLimit) {
		t.Errorf("huge: %v", err)
	}
	if _, err := im.OpenSnapshot("small"); err != nil {
		t.Errorf("small: %v", err)
	}
}
