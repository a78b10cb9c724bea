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
		text   string // part of the error's: place and value
	}{
		{"65537 snapshots", func(b *builder) { b.header.NbSnapshots = 65537 }, ErrLimit, "header field nb_snapshots at 0x3c: 0x10001: at most 65536"},
		{"not aligned", func(b *builder) { b.header.SnapshotsOffset += 8 }, ErrCorrupt, "header field snapshots_offset at 0x40: 0x5008: must be"},
		{"none, not aligned", func(b *builder) { b.header.NbSnapshots, b.header.SnapshotsOffset = 0, 1 }, ErrCorrupt, "header field snapshots_offset at 0x40: 0x1: must be"},
		{"past 2^63", func(b *builder) { b.header.SnapshotsOffset = 1 << 63 }, ErrCorrupt, "header field snapshots_offset at 0x40: 0x8000000000000000: must be"},
		{"past the end", func(b *builder) { b.header.SnapshotsOffset = 1 << 40 }, ErrTruncated, "snapshot table at 0x10000000000: 0x1: bytes needed"},
		{"one more than there are", func(b *builder) { b.header.NbSnapshots = 200 }, ErrTruncated, "snapshot header at 0x5fe0: 0x6000: the file ends before"},
		{"extra data of 1025 bytes", func(b *builder) {
			b.header.SnapshotsOffset = 0
			addSnapshots(b, testSnapshot{extra: 1025})
		}, ErrLimit, "snapshot extra_data_size at 0x7024: 0x401: at most 1024"},
	} {
		b := newBuilder(t, recipe{size: 1 << 20, bits: 12})
		b.data(0, text(4096, 1))
		addSnapshots(b, one)
		c.change(b)
		im := b.image(nil)
		list, err := im.Snapshots()
		if list != nil || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, %v; want %v, with %q", c.name, list, err, c.err, c.text)
		}
		if _, err := im.OpenSnapshot("1"); !errors.Is(err, c.err) {
			t.Errorf("%s: OpenSnapshot: %v", c.name, err)
		}
		if p := readAll(t, im); !bytes.Equal(p[:4096], text(4096, 1)) {
			t.Errorf("%s: the disk differs", c.name)
		}
	}
}

// A table of more than 64 MiB is refused before it is read to its end, which the
// reader here does not have.
func TestSnapshotsLimit(t *testing.T) {
	const name = math.MaxUint16
	entry, _ := (&QCowSnapshotHeader{IdStrSize: name, NameSize: name}).AppendBinary(nil)
	entry = append(entry, make([]byte, 2*name+2)...) // and the padding
	b := newBuilder(t, recipe{size: 512})
	b.header.SnapshotsOffset = uint64(len(b.bytes()))
	for count, want := range map[uint32]error{511: nil, 512: ErrLimit} {
		b.header.NbSnapshots = count
		r := &endless{start: b.bytes(), period: entry}
		im, err := New(r, 1<<40, nil)
		if err != nil {
			t.Fatal(err)
		}
		list, err := im.Snapshots()
		if !errors.Is(err, want) || err == nil && len(list) != int(count) {
			t.Errorf("%d snapshots of %d bytes: %d, %v, want %v", count, len(entry), len(list), err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "snapshots_offset at 0x40: 0x4005000: table of at most 67108864 bytes") {
			t.Errorf("%d snapshots of %d bytes: %v", count, len(entry), err)
		}
	}
}

// An endless file begins in one way and goes on in another, again and again.
type endless struct{ start, period []byte }

func (f *endless) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		from := f.start
		at := off + int64(n)
		if at >= int64(len(from)) {
			at, from = (at-int64(len(from)))%int64(len(f.period)), f.period
		}
		n += copy(p[n:], from[at:])
	}
	return n, nil
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
	for key, want := range map[string]struct {
		err  error
		text string
	}{
		"l1":              {ErrCorrupt, "offset of the L1 table at 0xc0c0: 0x8001: must be cluster aligned"},
		"huge":            {ErrLimit, "at 0xc100: 0x8000000000000000: disk size"},
		"l1 past the end": {ErrTruncated, "L1 table at 0x10000000000: 0x8: bytes needed"},
		"l1 too long":     {ErrLimit, "length of the L1 table at 0xc190: 0x800000: entries"},
		"none":            {fs.ErrNotExist, `"none"`},
	} {
		if _, err := im.OpenSnapshot(key); !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v, want %v, with %q", key, err, want.err, want.text)
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
