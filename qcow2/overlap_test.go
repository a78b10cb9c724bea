package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// An L1 entry may name what is no L2 table: the L1 table itself, the refcount
// table. That is read as a table, once, and not followed further; Check says
// what is wrong with it. An offset of 0, the header's, names nothing.
func TestTablesThatNameMetadata(t *testing.T) {
	for _, bits := range []uint32{9, 16} {
		const size = 1 << 20
		for name, at := range map[string]func(b *builder) uint64{
			"the header":         func(b *builder) uint64 { return 0 },
			"the L1 table":       func(b *builder) uint64 { return b.header.L1TableOffset },
			"the refcount table": func(b *builder) uint64 { return b.header.RefcountTableOffset },
			"the last cluster":   func(b *builder) uint64 { return uint64(len(b.file)) - b.geometry.clusterSize() },
		} {
			b := newBuilder(t, recipe{bits: bits, size: size})
			b.data(0, text(512, 1))
			b.header.RefcountTableOffset, b.header.RefcountTableClusters = uint64(b.alloc()), 1
			offset := at(b)
			for i := range uint64(b.header.L1Size) {
				binary.BigEndian.PutUint64(b.file[b.header.L1TableOffset+i*L1E_SIZE:], offset|QCOW_OFLAG_COPIED)
			}
			file := b.bytes()
			r := &counting{Reader: bytes.NewReader(file)}
			im, err := New(r, int64(len(file)), nil)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, size)
			n, err := im.ReadAt(p, 0)
			if err != nil && !isTyped(err) {
				t.Errorf("%s, %d: ReadAt: %d, %v", name, bits, n, err)
			}
			for _, err := range im.Extents(0, size) {
				if err != nil && !isTyped(err) {
					t.Errorf("%s, %d: Extents: %v", name, bits, err)
				}
			}
			if limit := 4*len(file) + 4*size; r.bytes > limit {
				t.Errorf("%s, %d: %d bytes read", name, bits, r.bytes)
			}
			result, err := im.Check(t.Context(), nil)
			switch {
			case errors.Is(err, ErrLimit): // tables over each other
			case err != nil:
				t.Errorf("%s, %d: Check: %v", name, bits, err)
			case offset != 0 && result.Corruptions == 0:
				t.Errorf("%s, %d: Check finds nothing", name, bits)
			}
			im.Close()
		}
	}
}

// One compressed cluster may be the data of a whole disk, however large: that
// is legal and reads, and who does not want it can tell before.
func TestOneClusterForTheWholeDisk(t *testing.T) {
	const bits, size = 16, 16 << 30
	b := newBuilder(t, recipe{bits: bits, size: size})
	entry := b.compressed(0, bytes.Repeat([]byte("x"), 1<<bits))
	table := binary.BigEndian.Uint64(b.file[b.header.L1TableOffset:])
	for c := range uint64(1) << (bits - 3) {
		b.entry(c, entry, 0)
	}
	for i := range uint64(b.header.L1Size) {
		binary.BigEndian.PutUint64(b.file[b.header.L1TableOffset+i*L1E_SIZE:], table)
	}
	file := b.bytes()
	if len(file) > 1<<18 {
		t.Fatalf("the file has %d bytes", len(file))
	}
	if _, err := New(bytes.NewReader(file), int64(len(file)), &Options{MaxVirtualSize: size - 1}); !errors.Is(err, ErrLimit) {
		t.Errorf("MaxVirtualSize: %v", err)
	}
	r := &counting{Reader: bytes.NewReader(file)}
	im, err := New(r, int64(len(file)), &Options{MaxVirtualSize: size})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	p := make([]byte, 100)
	for off := int64(0); off < size; off += size / 64 {
		if _, err := im.ReadAt(p, off+77); err != nil || !bytes.Equal(p, bytes.Repeat([]byte("x"), 100)) {
			t.Fatalf("at %d: %q, %v", off, p, err)
		}
	}
	if r.bytes > 2*len(file) {
		t.Errorf("%d bytes read: the cluster was decoded more than once", r.bytes)
	}
	for e, err := range im.Extents(0, size) {
		if err != nil || !e.Compressed || !e.Data {
			t.Fatalf("%+v, %v", e, err)
		}
		break
	}
	result, err := im.Check(t.Context(), nil)
	if err != nil && !errors.Is(err, ErrLimit) || err == nil && result.Clean() {
		t.Errorf("Check: %+v, %v", result, err)
	}
}
