package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"cstructgen/internal/testseed"
)

// dirtyImage has one bitmap of the given granularity. Its table has the given
// entries; one with bytes in data names a cluster that begins with those.
func dirtyImage(t testing.TB, size uint64, granularity uint8, entries []uint64, data ...[]byte) (*Image, *Bitmap) {
	t.Helper()
	b := newBuilder(t, recipe{bits: 9, size: size})
	addBitmaps(b, testBitmap{name: "m", granularity: granularity, change: func(e *Qcow2BitmapDirEntry) {
		for i, x := range entries {
			if i < len(data) && data[i] != nil {
				x |= uint64(b.put(data[i]))
			}
			binary.BigEndian.PutUint64(b.file[e.BitmapTableOffset+uint64(i*8):], x)
		}
	}})
	im := b.image(nil)
	list, err := im.Bitmaps()
	if err != nil {
		t.Fatal(err)
	}
	return im, &list[0]
}

func dirtyRanges(im *Image, b *Bitmap) (list []Range, err error) {
	for r, e := range im.DirtyRanges(b) {
		if e != nil {
			return list, e
		}
		list = append(list, r)
	}
	return list, nil
}

// The table says of a cluster of the bitmap, 4096 bits here, that it is all
// ones, all zeros, or where it is.
func TestDirtyRanges(t *testing.T) {
	const (
		g    = 1 << 16 // the granularity
		all  = 4096 * g
		ones = BME_TABLE_ENTRY_FLAG_ALL_ONES
	)
	last := append(make([]byte, 511), 0x80)
	for _, c := range []struct {
		size    uint64
		entries []uint64
		data    [][]byte
		want    []Range
		err     error
	}{
		{size: all, entries: []uint64{0}},
		{size: all, entries: []uint64{ones}, want: []Range{{0, all}}},
		{size: 3 * all, entries: []uint64{ones, ones, 0}, want: []Range{{0, 2 * all}}},
		{size: 3 * all, entries: []uint64{ones, 0, ones}, want: []Range{{0, all}, {2 * all, all}}},
		{size: all + g - 5, entries: []uint64{0, ones}, want: []Range{{all, g - 5}}}, // the last granule is not whole
		{size: all, entries: []uint64{0}, data: [][]byte{{0x01}}, want: []Range{{0, g}}},
		{size: all, entries: []uint64{0}, data: [][]byte{{0x0e, 0x80, 0x01}}, want: []Range{{g, 3 * g}, {15 * g, 2 * g}}},
		{size: 2 * all, entries: []uint64{0, ones}, data: [][]byte{last}, want: []Range{{all - g, all + g}}},
		{size: 10 * g, entries: []uint64{0}, data: [][]byte{{0, 0xff}}, want: []Range{{8 * g, 2 * g}}}, // bits past the disk's end mean nothing
		{size: all, entries: []uint64{ones}, data: [][]byte{{1}}, err: ErrCorrupt},
		{size: all, entries: []uint64{1 << 63}, err: ErrCorrupt},
		{size: all, entries: []uint64{2}, err: ErrCorrupt},
		{size: 3 * all, entries: []uint64{ones, 0, 1 << 50}, err: ErrTruncated},
	} {
		im, b := dirtyImage(t, c.size, 16, c.entries, c.data...)
		got, err := dirtyRanges(im, b)
		if err == nil && !slices.Equal(got, c.want) || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%d bytes, %x, %x: %v, %v; want %v, %v", c.size, c.entries, c.data, got, err, c.want, c.err)
		}
	}
}

// Any bits, against looking at one after another.
func TestDirtyRangesOfRandomBits(t *testing.T) {
	rnd := testseed.Rand(t)
	for range 200 {
		data := make([]byte, 512)
		for i := range data {
			switch rnd.IntN(3) {
			case 0:
				data[i] = 0xff
			case 1:
				data[i] = byte(rnd.Uint32())
			}
		}
		n := 1 + rnd.Uint64N(4096)
		size := n*512 - rnd.Uint64N(512)
		im, b := dirtyImage(t, size, 9, []uint64{0}, data)
		var want []Range
		for i := uint64(0); i < n; {
			from := i
			for i < n && data[i/8]>>(i%8)&1 != 0 {
				i++
			}
			if i > from {
				want = append(want, Range{int64(from * 512), int64(min(i*512, size) - from*512)})
			}
			i++
		}
		if got, err := dirtyRanges(im, b); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%d bytes, %x: %v, %v; want %v", size, data, got, err, want)
		}
	}
}

func TestDirtyRangesRefused(t *testing.T) {
	im, b := dirtyImage(t, 1<<20, 9, []uint64{1})
	for name, c := range map[string]struct {
		change func(b *Bitmap)
		err    error
	}{
		"in use":                    {func(b *Bitmap) { b.InUse = true }, ErrCorrupt},
		"extra data":                {func(b *Bitmap) { b.Unusable = true }, ErrUnsupported},
		"an entry from nowhere":     {func(b *Bitmap) { b.Entry = Qcow2BitmapDirEntry{} }, ErrUnsupported},
		"a table out of bounds":     {func(b *Bitmap) { b.Entry.BitmapTableOffset = 1 << 40 }, ErrTruncated},
		"a table that is too short": {func(b *Bitmap) { b.Entry.BitmapTableSize = 0 }, ErrCorrupt},
	} {
		altered := *b
		c.change(&altered)
		if list, err := dirtyRanges(im, &altered); list != nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v", name, list, err, c.err)
		}
	}
	n := 0
	im, b = dirtyImage(t, 1<<20, 9, []uint64{0}, bytes.Repeat([]byte{0x55}, 256))
	for range im.DirtyRanges(b) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d ranges after the third", n)
	}
	im.Close()
	if _, err := dirtyRanges(im, b); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a closed image: %v", err)
	}
}
