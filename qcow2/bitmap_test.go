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
	x := &Qcow2BitmapHeaderExt{NbBitmaps: uint32(len(list)), BitmapDirectorySize: uint64(len(dir))}
	for size := int(b.geometry.clusterSize()); len(dir) > 0; dir = dir[min(size, len(dir)):] {
		if off := b.put(dir[:min(size, len(dir))]); x.BitmapDirectoryOffset == 0 {
			x.BitmapDirectoryOffset = uint64(off)
		}
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
		name   string
		ext    func(x ext)
		entry  func(e entry)
		bitmap testBitmap // the second
		err    error
		text   string // part of the error's: place and value
	}{
		{name: "reserved word", ext: func(x ext) { x.Reserved32 = 1 }, err: ErrCorrupt, text: "bitmaps extension at 0x78: 0x1: reserved"},
		{name: "no bitmaps", ext: func(x ext) { x.NbBitmaps = 0 }, err: ErrCorrupt, text: "bitmaps extension at 0x78: 0x0: bitmaps, at least 1"},
		{name: "65536 bitmaps", ext: func(x ext) { x.NbBitmaps = 65536 }, err: ErrLimit, text: "bitmaps extension at 0x78: 0x10000: bitmaps, at most 65535"},
		{name: "directory too long", ext: func(x ext) { x.BitmapDirectorySize = 1024*65535 + 1 }, err: ErrLimit, text: "bitmaps extension at 0x78: 0x3fffc01: directory of at most 67107840 bytes"},
		{name: "directory of nothing", ext: func(x ext) { x.BitmapDirectorySize = 0 }, err: ErrCorrupt, text: "bitmaps extension at 0x78: 0x0: directory too small for 2"},
		{name: "directory not aligned", ext: func(x ext) { x.BitmapDirectoryOffset++ }, err: ErrCorrupt, text: "bitmaps extension at 0x78: 0x60001: directory must be cluster aligned"},
		{name: "directory past 2^63", ext: func(x ext) { x.BitmapDirectoryOffset = math.MaxUint64 &^ 0xffff }, err: ErrCorrupt, text: "bitmaps extension at 0x78: 0xffffffffffff0000: directory must"},
		{name: "directory past the end", ext: func(x ext) { x.BitmapDirectoryOffset = 1 << 40 }, err: ErrTruncated, text: "bitmap directory at 0x10000000000: 0x40: bytes needed"},
		{name: "more entries than announced", ext: func(x ext) { x.NbBitmaps = 1 }, err: ErrCorrupt, text: "bitmap directory at 0x60020: 0x1: entries announced"},
		{name: "fewer entries than announced", ext: func(x ext) { x.BitmapDirectorySize = 48; x.NbBitmaps = 2 }, err: ErrCorrupt, text: "bitmap directory at 0x60020: 0x10: bytes left"},
		{name: "a directory longer than its entries", ext: func(x ext) { x.BitmapDirectorySize += 8 }, err: ErrCorrupt, text: "bitmap directory at 0x60040: 0x2: entries announced"},
		{name: "a directory that ends inside an entry", ext: func(x ext) { x.BitmapDirectorySize -= 8 }, err: ErrCorrupt, text: "bitmap directory at 0x60038: 0x18: bytes left"},
		{name: "reserved flag", entry: func(e entry) { e.Flags = 1 << 31 }, err: ErrCorrupt, text: "at 0x6002c: 0x80000000: reserved flags"},
		{name: "type 0", entry: func(e entry) { e.Type = 0 }, err: ErrUnsupported, text: "at 0x60030: 0x0: unknown type"},
		{name: "granularity 8", entry: func(e entry) { e.GranularityBits = 8 }, err: ErrCorrupt, text: "at 0x60031: 0x8: granularity_bits 9 to 31"},
		{name: "granularity 32", entry: func(e entry) { e.GranularityBits = 32 }, err: ErrCorrupt, text: "at 0x60031: 0x20: granularity_bits 9 to 31"},
		{name: "granularity 255", entry: func(e entry) { e.GranularityBits = 255 }, err: ErrCorrupt, text: "at 0x60031: 0xff: granularity_bits 9 to 31"},
		{name: "no name", entry: func(e entry) { e.NameSize = 0 }, err: ErrCorrupt, text: "at 0x60032: 0x0: name of 1 to 1023 bytes"},
		{name: "name that leaves the directory", entry: func(e entry) { e.NameSize = 1023 }, err: ErrCorrupt, text: "at 0x60038: 0x20: bytes left"},
		{name: "name of 1024 bytes", bitmap: testBitmap{name: strings.Repeat("b", 1024)}, err: ErrCorrupt, text: "at 0x60032: 0x400: name of 1 to 1023 bytes"},
		{name: "entry of more than 64 KiB", bitmap: testBitmap{name: "b", extra: strings.Repeat("x", 1<<17)}, err: ErrLimit, text: "at 0x60020: 0x1041f: bytes, the longest entry that is read"},
		{name: "extra data that leaves the directory", entry: func(e entry) { e.ExtraDataSize = math.MaxUint32 }, err: ErrCorrupt, text: "at 0x60038: 0x20: bytes left"},
		{name: "table too long", entry: func(e entry) { e.BitmapTableSize = math.MaxUint32 }, err: ErrLimit, text: "at 0x60028: 0xffffffff: entries, at most 134217728"},
		{name: "table of more than 512 MiB", entry: func(e entry) { e.BitmapTableSize = 8193 }, err: ErrLimit, text: "at 0x60028: 0x2001: entries"},
		{name: "table past 2^63", entry: func(e entry) { e.BitmapTableOffset = 1 << 63 }, err: ErrCorrupt, text: "at 0x60020: 0x8000000000000000: the table must"},
		{name: "table too short", entry: func(e entry) { e.BitmapTableSize = 0 }, err: ErrCorrupt, text: "at 0x60028: 0x0: entries, at least 1"},
		{name: "table longer than the disk needs", entry: func(e entry) { e.BitmapTableSize = 2 }, err: ErrCorrupt, text: "at 0x60028: 0x2: entries, the disk needs 1"},
		{name: "no table, and in use", entry: func(e entry) { e.BitmapTableSize, e.Flags = 0, BME_FLAG_IN_USE }, err: ErrCorrupt, text: "at 0x60028: 0x0: entries, at least 1"},
		{name: "table at 0", entry: func(e entry) { e.BitmapTableOffset = 0 }, err: ErrCorrupt, text: "at 0x60020: 0x0: the table must"},
		{name: "table not aligned", entry: func(e entry) { e.BitmapTableOffset++ }, err: ErrCorrupt, text: "at 0x60020: 0x50001: the table must"},
		{name: "table past the end", entry: func(e entry) { e.BitmapTableOffset = 1 << 40 }, err: ErrTruncated, text: "bitmap table at 0x10000000000: 0x8: bytes needed"},
	} {
		b := newBuilder(t, recipe{size: 1 << 20})
		b.data(0, text(1<<16, 1))
		second := c.bitmap
		if second.name == "" {
			second.name = "b"
		}
		second.granularity, second.change = 16, c.entry
		x := addBitmaps(b, testBitmap{name: "a", granularity: 16}, second)
		if c.ext != nil {
			c.ext(x)
			b.extensions[0].Data, _ = x.MarshalBinary()
		}
		im := b.image(nil)
		list, err := im.Bitmaps()
		if list != nil || !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, %v; want %v, with %q", c.name, list, err, c.err, c.text)
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
