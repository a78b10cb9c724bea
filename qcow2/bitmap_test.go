package qcow2

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// A testBitmap is an entry of the bitmap directory to build.
type testBitmap struct {
	name        string
	granularity uint8
	extra       string
	change      func(e *Qcow2BitmapDirEntry)
}

// addBitmaps appends a bitmap directory to b, and the extension that names it.
func addBitmaps(b *builder, list ...testBitmap) *Qcow2BitmapHeaderExt {
	var dir []byte
	for _, m := range list {
		bits := ceilDiv(b.header.Size, 1<<m.granularity)
		e := Qcow2BitmapDirEntry{
			BitmapTableOffset: uint64(b.alloc()), Type: BT_DIRTY_TRACKING_BITMAP, GranularityBits: m.granularity,
			BitmapTableSize: uint32(ceilDiv(ceilDiv(bits, 8), b.geometry.clusterSize())),
			NameSize:        uint16(len(m.name)), ExtraDataSize: uint32(len(m.extra)),
		}
		if m.change != nil {
			m.change(&e)
		}
		dir, _ = e.AppendBinary(dir)
		dir = append(append(dir, m.extra...), m.name...)
		dir = append(dir, make([]byte, -len(dir)&(QCOW2_ALIGNMENT-1))...)
	}
	x := &Qcow2BitmapHeaderExt{
		NbBitmaps: uint32(len(list)), BitmapDirectorySize: uint64(len(dir)), BitmapDirectoryOffset: uint64(b.put(dir)),
	}
	data, _ := x.MarshalBinary()
	b.extend(QCOW2_EXT_MAGIC_BITMAPS, data)
	b.header.AutoclearFeatures |= QCOW2_AUTOCLEAR_BITMAPS
	return x
}

func TestBitmaps(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 30})
	long := strings.Repeat("b", BME_MAX_NAME_SIZE)
	flags := func(flags uint32) func(e *Qcow2BitmapDirEntry) {
		return func(e *Qcow2BitmapDirEntry) { e.Flags = flags }
	}
	addBitmaps(b,
		testBitmap{name: "fine", granularity: 9},
		testBitmap{name: "auto", granularity: 16, change: flags(BME_FLAG_AUTO)},
		testBitmap{name: long, granularity: 31, change: flags(BME_FLAG_IN_USE | BME_FLAG_AUTO)},
		testBitmap{name: "extra", granularity: 16, extra: "123"},
		testBitmap{name: "flag", granularity: 16, change: flags(BME_FLAG_EXTRA_DATA_COMPATIBLE)},
		testBitmap{name: "of another size", granularity: 9, change: func(e *Qcow2BitmapDirEntry) { e.Flags, e.BitmapTableSize = BME_FLAG_IN_USE, 5 }},
	)
	got, err := b.image(nil).Bitmaps()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Entry, got[i].Offset = Qcow2BitmapDirEntry{}, 0
	}
	want := []Bitmap{
		{Name: "fine", Granularity: 512},
		{Name: "auto", Granularity: 1 << 16, Auto: true},
		{Name: long, Granularity: 1 << 31, InUse: true, Auto: true},
		{Name: "extra", Granularity: 1 << 16, Unusable: true},
		{Name: "flag", Granularity: 1 << 16, Unusable: true},
		{Name: "of another size", Granularity: 512, InUse: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Bitmaps() = %+v, want %+v", got, want)
	}
}

// A broken directory is an error of Bitmaps; the disk still reads.
func TestBitmapsBroken(t *testing.T) {
	type ext = *Qcow2BitmapHeaderExt
	type entry = *Qcow2BitmapDirEntry
	for _, c := range []struct {
		name  string
		ext   func(x ext)
		entry func(e entry)
		err   error
	}{
		{name: "reserved word", ext: func(x ext) { x.Reserved32 = 1 }, err: ErrCorrupt},
		{name: "no bitmaps", ext: func(x ext) { x.NbBitmaps = 0 }, err: ErrCorrupt},
		{name: "65536 bitmaps", ext: func(x ext) { x.NbBitmaps = 65536 }, err: ErrLimit},
		{name: "directory too long", ext: func(x ext) { x.BitmapDirectorySize = 1024*65535 + 1 }, err: ErrLimit},
		{name: "directory of nothing", ext: func(x ext) { x.BitmapDirectorySize = 0 }, err: ErrCorrupt},
		{name: "directory not aligned", ext: func(x ext) { x.BitmapDirectoryOffset++ }, err: ErrCorrupt},
		{name: "directory past 2^63", ext: func(x ext) { x.BitmapDirectoryOffset = math.MaxUint64 &^ 0xffff }, err: ErrCorrupt},
		{name: "directory past the end", ext: func(x ext) { x.BitmapDirectoryOffset = 1 << 40 }, err: ErrTruncated},
		{name: "more entries than announced", ext: func(x ext) { x.NbBitmaps = 1 }, err: ErrCorrupt},
		{name: "fewer entries than announced", ext: func(x ext) { x.BitmapDirectorySize = 48; x.NbBitmaps = 2 }, err: ErrCorrupt},
		{name: "a directory longer than its entries", ext: func(x ext) { x.BitmapDirectorySize += 8 }, err: ErrCorrupt},
		{name: "a directory that ends inside an entry", ext: func(x ext) { x.BitmapDirectorySize -= 8 }, err: ErrCorrupt},
		{name: "reserved flag", entry: func(e entry) { e.Flags = 1 << 31 }, err: ErrCorrupt},
		{name: "type 0", entry: func(e entry) { e.Type = 0 }, err: ErrUnsupported},
		{name: "granularity 8", entry: func(e entry) { e.GranularityBits = 8 }, err: ErrCorrupt},
		{name: "granularity 32", entry: func(e entry) { e.GranularityBits = 32 }, err: ErrCorrupt},
		{name: "granularity 255", entry: func(e entry) { e.GranularityBits = 255 }, err: ErrCorrupt},
		{name: "no name", entry: func(e entry) { e.NameSize = 0 }, err: ErrCorrupt},
		{name: "name of 1024 bytes", entry: func(e entry) { e.NameSize = 1024 }, err: ErrCorrupt},
		{name: "extra data that leaves the directory", entry: func(e entry) { e.ExtraDataSize = math.MaxUint32 }, err: ErrCorrupt},
		{name: "table too long", entry: func(e entry) { e.BitmapTableSize = math.MaxUint32 }, err: ErrLimit},
		{name: "table too short", entry: func(e entry) { e.BitmapTableSize = 0 }, err: ErrCorrupt},
		{name: "table longer than the disk needs", entry: func(e entry) { e.BitmapTableSize = 2 }, err: ErrCorrupt},
		{name: "no table, and in use", entry: func(e entry) { e.BitmapTableSize, e.Flags = 0, BME_FLAG_IN_USE }, err: ErrCorrupt},
		{name: "table at 0", entry: func(e entry) { e.BitmapTableOffset = 0 }, err: ErrCorrupt},
		{name: "table not aligned", entry: func(e entry) { e.BitmapTableOffset++ }, err: ErrCorrupt},
		{name: "table past the end", entry: func(e entry) { e.BitmapTableOffset = 1 << 40 }, err: ErrTruncated},
	} {
		b := newBuilder(t, recipe{size: 1 << 20})
		b.data(0, text(1<<16, 1))
		x := addBitmaps(b, testBitmap{name: "a", granularity: 16}, testBitmap{name: "b", granularity: 16, change: c.entry})
		if c.ext != nil {
			c.ext(x)
			b.extensions[0].Data, _ = x.MarshalBinary()
		}
		im := b.image(nil)
		if list, err := im.Bitmaps(); list != nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v", c.name, list, err, c.err)
		}
		if p := readAll(t, im); !bytes.Equal(p[:1<<16], text(1<<16, 1)) {
			t.Errorf("%s: the disk differs", c.name)
		}
	}
}

// Who knows nothing of bitmaps clears their feature bit: they are stale then.
func TestBitmapsStale(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 20})
	b.extend(QCOW2_EXT_MAGIC_BITMAPS, []byte("nonsense"))
	if list, err := b.image(nil).Bitmaps(); list != nil || err != nil {
		t.Errorf("feature bit clear: %v, %v", list, err)
	}
	b.header.AutoclearFeatures = QCOW2_AUTOCLEAR_BITMAPS
	if list, err := b.image(nil).Bitmaps(); list != nil || !errors.Is(err, ErrCorrupt) {
		t.Errorf("feature bit set: %v, %v", list, err)
	}
	b.extensions = nil
	if list, err := b.image(nil).Bitmaps(); list != nil || err != nil {
		t.Errorf("no extension: %v, %v", list, err)
	}
}
