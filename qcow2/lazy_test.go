package qcow2

import (
	"bytes"
	"errors"
	"math"
	"sync/atomic"
	"testing"
)

// A countingReader counts what is read of a file.
type countingReader struct {
	bytes.Reader
	reads, bytes atomic.Int64
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads.Add(1)
	r.bytes.Add(int64(len(p)))
	return r.Reader.ReadAt(p, off)
}

// Opening an image costs its header, however large it is: neither the L1 table,
// here of a megabyte, nor snapshots are read before they are wanted, and tables
// are read in pages.
func TestOpeningIsLazy(t *testing.T) {
	const size = 64 << 40
	b := newBuilder(t, recipe{size: size})
	last := uint64(size>>16 - 1)
	b.data(last, text(1<<16, 1))
	b.header.NbSnapshots, b.header.SnapshotsOffset = 65536, 1<<60
	r := new(countingReader)
	file := b.bytes()
	r.Reset(file)
	im, err := New(r, int64(len(file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	if reads, n := r.reads.Load(), r.bytes.Load(); reads > 6 || n > 64<<10 {
		t.Errorf("opening took %d reads of %d bytes", reads, n)
	}
	before := r.bytes.Load()
	var p [512]byte
	if _, err := im.ReadAt(p[:], size-512); err != nil || !bytes.Equal(p[:], text(1<<16, 1)[1<<16-512:]) {
		t.Errorf("the end of the disk: %v, or wrong bytes", err)
	}
	if n := r.bytes.Load() - before; n > 2*pageSize+512 {
		t.Errorf("one sector took %d bytes", n)
	}
}

// What is known of an image is told even if its disk cannot be read.
func TestMetadataWithoutData(t *testing.T) {
	const size = 1 << 20
	for _, tt := range []struct {
		name      string
		recipe    recipe
		change    func(b *builder)
		err       error // of reading
		extents   error // of asking where data lies
		snapshots error
	}{
		{name: "encrypted", change: func(b *builder) { b.header.CryptMethod = QCOW_CRYPT_AES }, err: errAny},
		{name: "no backing file", recipe: recipe{backing: "b", format: formatRaw}, err: ErrReference, extents: ErrReference},
		{name: "a backing file of no format", recipe: recipe{backing: "b"}, err: ErrReference, extents: ErrReference},
		{name: "no data file", recipe: recipe{dataFile: "d"}, err: ErrReference},
		{name: "a data file without a name", recipe: recipe{dataFile: "-"}, err: ErrReference},
		{name: "broken snapshots", change: func(b *builder) { b.header.SnapshotsOffset = 1 << 50 }, snapshots: ErrTruncated},
		{name: "broken L2 table", change: func(b *builder) { b.entry(1, 0x200, 0) }, err: ErrCorrupt, extents: ErrCorrupt},
		{name: "broken refcounts", change: func(b *builder) { b.header.RefcountTableOffset = 1 << 50 }},
	} {
		r := tt.recipe
		r.size, r.bits = size, 16
		b := newBuilder(t, r)
		if r.dataFile != "" {
			b.entry(0, QCOW_OFLAG_COPIED, 0) // at the start of the data file
		} else {
			b.data(0, text(1<<16, 1))
		}
		addSnapshots(b, testSnapshot{id: "1", name: "s", extra: 24, size: size})
		if tt.change != nil {
			tt.change(b)
		}
		im := b.image(&Options{Name: "i"})
		d := im.Describe()
		if d.VirtualSize != size || d.Compat != "1.1" || im.Size() != size || im.Header().L1Size != b.header.L1Size {
			t.Errorf("%s: described as %+v", tt.name, d)
		}
		if name, _, ok := im.BackingFile(); ok != (r.backing != "") || name != r.backing {
			t.Errorf("%s: backing file %q", tt.name, name)
		}
		list, err := im.Snapshots()
		if !errors.Is(err, tt.snapshots) || err == nil && len(list) != 1 {
			t.Errorf("%s: %d snapshots, %v", tt.name, len(list), err)
		}
		_, err = im.ReadAt(make([]byte, size), 0)
		if err == nil != (tt.err == nil) || tt.err != errAny && !errors.Is(err, tt.err) {
			t.Errorf("%s: read: %v, want %v", tt.name, err, tt.err)
		}
		for _, err = range im.Extents(0, size) {
		}
		if !errors.Is(err, tt.extents) {
			t.Errorf("%s: extents: %v, want %v", tt.name, err, tt.extents)
		}
	}
}

// errAny stands for an error of any kind.
var errAny = errors.New("an error")

// What lies inside a file, up to where offset and length no longer add up.
func TestInsideTheFile(t *testing.T) {
	f := &hostFile{size: 1000}
	for _, c := range []struct {
		off     hostOffset
		n, clip uint64
		inside  bool
	}{
		{0, 1000, 1000, true},
		{999, 1, 1, true},
		{1000, 0, 0, true},
		{1000, 1, 0, false},
		{999, 2, 1, false},
		{1, 1000, 999, false},
		{0, math.MaxUint64, 1000, false},
		{math.MaxUint64, 0, 0, false},
		{math.MaxUint64, 1, 0, false},
		{math.MaxUint64 - 1, 500, 0, false},
		{1, math.MaxUint64, 999, false},
	} {
		if inside, clip := f.contains(c.off, c.n), f.clip(c.off, c.n); inside != c.inside || clip != c.clip {
			t.Errorf("%d bytes at %d of 1000: %v, %d of them; want %v, %d", c.n, uint64(c.off), inside, clip, c.inside, c.clip)
		}
	}
}
