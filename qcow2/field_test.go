package qcow2

import (
	"encoding/binary"
	"testing"
)

// A place is a structure in tinyImage, with the fields that it has by
// definition: a field that is added there is altered here.
type place struct {
	name   string
	at     uint64
	fields []struct {
		Name, Type      string
		Offset, Size    int
		BitOffset, Bits int
		Doc             string
	}
}

// places returns where the structures of an image are.
func places(t testing.TB, file []byte) []place {
	t.Helper()
	im := open(t, file, nil)
	h := im.Header()
	l1 := im.active.l1Offset
	var dir Qcow2BitmapHeaderExt
	bitmaps := find(im.Extensions(), QCOW2_EXT_MAGIC_BITMAPS)
	dir.Decode((*[SizeofQcow2BitmapHeaderExt]byte)(bitmaps.Data))
	list := []place{
		{"header", 0, LayoutOfQCowHeader},
		{"extension", uint64(bitmaps.Offset) - SizeofQCowExtension, LayoutOfQCowExtension},
		{"bitmaps extension", uint64(bitmaps.Offset), LayoutOfQcow2BitmapHeaderExt},
		{"bitmap", dir.BitmapDirectoryOffset, LayoutOfQcow2BitmapDirEntry},
		{"snapshot", h.SnapshotsOffset, LayoutOfQCowSnapshotHeader},
		{"extra data", h.SnapshotsOffset + SizeofQCowSnapshotHeader, LayoutOfQCowSnapshotExtraData},
		{"L1", uint64(l1), LayoutOfQCow2L1Entry},
	}
	for i := range uint64(8) {
		list = append(list, place{"L2", uint64(l1Entry(file[l1:])) + i*L2E_SIZE_NORMAL, LayoutOfQCow2L2Entry})
	}
	return list
}

// setField writes the lowest size bytes of v, in the order of the format.
func setField(b []byte, size int, v uint64) {
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], v)
	copy(b[:size], word[8-size:])
}

// Every field of every structure gets every value that is likely to hurt.
func TestEveryFieldEveryValue(t *testing.T) {
	file := tinyImage(t)
	values := []uint64{3, 5, 6, 7, 511, 513, 1 << 20, uint64(len(file)), uint64(len(file)) - 1, uint64(len(file)) &^ 511}
	for bit := range 64 {
		values = append(values, 1<<bit, 1<<bit-1, ^uint64(0)<<bit)
	}
	opts := &Options{Backing: source("b", text(4096, 9)), BackingFormat: formatRaw}
	altered := 0
	for _, p := range places(t, file) {
		for _, f := range p.fields {
			if f.Size > 8 {
				continue // text
			}
			b := file[p.at+uint64(f.Offset):]
			old := append([]byte(nil), b[:f.Size]...)
			for _, v := range values {
				setField(b, f.Size, v)
				exercise(t, file, opts)
				altered++
			}
			copy(b, old)
		}
	}
	if altered < 10000 {
		t.Errorf("only %d alterations", altered)
	}
}

// FuzzFields alters two fields at a time.
func FuzzFields(f *testing.F) {
	for i := range byte(50) {
		f.Add(i, uint64(1)<<i, 3*i, uint64(i)*511)
	}
	f.Fuzz(func(t *testing.T, which1 byte, v1 uint64, which2 byte, v2 uint64) {
		file := tinyImage(t)
		type spot struct {
			at   uint64
			size int
		}
		var spots []spot
		for _, p := range places(t, file) {
			for _, f := range p.fields {
				if f.Size <= 8 {
					spots = append(spots, spot{p.at + uint64(f.Offset), f.Size})
				}
			}
		}
		for which, v := range map[byte]uint64{which1: v1, which2: v2} {
			s := spots[int(which)%len(spots)]
			setField(file[s.at:], s.size, v)
		}
		exercise(t, file, fuzzOptions())
	})
}
