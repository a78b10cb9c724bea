package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A holedReader has holes where it says so. Its storage is allocated, if that
// is not negative.
type holedReader struct {
	*bytes.Reader
	holes     [][2]int64 // from, to
	allocated int64
	asked     int // for the end of data
}

func (r *holedReader) NextData(off int64) (int64, error) {
	for _, h := range r.holes {
		if off >= h[0] && off < h[1] {
			off = h[1]
		}
	}
	if off >= r.Size() {
		return 0, io.EOF
	}
	return off, nil
}

func (r *holedReader) NextHole(off int64) (int64, error) {
	r.asked++
	for _, h := range r.holes {
		if off < h[1] {
			return max(off, h[0]), nil
		}
	}
	return r.Size(), nil
}

// sizedReader also knows what it occupies.
type sizedReader struct{ holedReader }

func (r *sizedReader) AllocatedSize() (int64, error) { return r.allocated, nil }

// Holes of the file are told if the image has clusters that were allocated and
// not written: if clearly more are in use than the file occupies.
func TestExtentsOfPreallocatedImage(t *testing.T) {
	const cluster = 1 << 12
	build := func(order uint32) *builder {
		b := newBuilder(t, recipe{bits: 12, size: 40 * cluster})
		b.header.RefcountOrder = order
		b.header.RefcountTableOffset, b.header.RefcountTableClusters = uint64(b.alloc()), 1
		block := b.put(bytes.Repeat([]byte{0xff}, cluster))
		binary.BigEndian.PutUint64(b.file[b.header.RefcountTableOffset:], uint64(block))
		for c := range uint64(40) {
			b.data(c, nil)
		}
		return b
	}
	for order := range uint32(QCOW2_MAX_REFCOUNT_ORDER + 1) {
		file := build(order).bytes() // 45 clusters: header, L1, refcount table, block, L2, 40 of data
		first := int64(5 * cluster)
		holes := [][2]int64{{first + 10*cluster, first + 20*cluster}, {first + 30*cluster, int64(len(file))}}
		const plain = "0+163840 depth 0 present data at 20480 of \"\"\n"
		const holed = `0+40960 depth 0 present data at 20480 of ""
40960+40960 depth 0 present zero data at 61440 of ""
81920+40960 depth 0 present data at 102400 of ""
122880+40960 depth 0 present zero data at 143360 of ""
`
		for allocated, want := range map[int64]string{
			25 * cluster: holed, 41 * cluster: holed, 42 * cluster: plain, 45 * cluster: plain, 1 << 40: plain,
		} {
			r := &sizedReader{holedReader{bytes.NewReader(file), holes, allocated, 0}}
			im, err := New(r, r.Size(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(im, 0, im.Size()); got != want {
				t.Errorf("refcount order %d, %d of 45 clusters stored:\n%swant:\n%s", order, allocated/cluster, got, want)
			}
		}
		r := &holedReader{bytes.NewReader(file), holes, -1, 0}
		im, err := New(r, r.Size(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(im, 0, im.Size()); got != holed {
			t.Errorf("a reader that knows its holes alone:\n%swant:\n%s", got, holed)
		}
	}
	// Where refcounts cannot be read nothing is concluded from them.
	for name, change := range map[string]func(h *QCowHeader){
		"table past the end": func(h *QCowHeader) { h.RefcountTableOffset = 1 << 40 },
		"table past 2^63":    func(h *QCowHeader) { h.RefcountTableOffset = 1<<64 - cluster },
		"table not aligned":  func(h *QCowHeader) { h.RefcountTableOffset++ },
		"table too long":     func(h *QCowHeader) { h.RefcountTableClusters = 1 << 31 },
		"block not aligned":  func(h *QCowHeader) { h.RefcountTableOffset = h.L1TableOffset - cluster }, // the header
		"no table":           func(h *QCowHeader) { h.RefcountTableClusters = 0 },
	} {
		b := build(4)
		change(&b.header)
		r := &sizedReader{holedReader{bytes.NewReader(b.bytes()), [][2]int64{{0, 1 << 20}}, 0, 0}}
		im, err := New(r, r.Size(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if yes, err := im.mayHaveHoles(); yes || err != nil {
			t.Errorf("%s: preallocated: %t, %v", name, yes, err)
		}
	}
	// Where they cannot be read now, Extents say so, and ask again later.
	b := build(4)
	file := &faultyReader{file: b.bytes()}
	r := &struct {
		*faultyReader
		HoleFinder
		allocationSizer
	}{file, &holedReader{bytes.NewReader(file.file), [][2]int64{{5 * cluster, 1 << 20}}, 0, 0}, &sizedReader{}}
	im, err := New(r, int64(len(file.file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	im.ReadAt(make([]byte, 1), 0) // the tables of the disk
	file.fault = func([]byte, int64) (int, error, bool) { return 0, errTransient, true }
	for e, err := range im.Extents(0, im.Size()) {
		if !errors.Is(err, errTransient) {
			t.Errorf("%+v, %v", e, err)
		}
	}
	file.fault = nil
	if got, want := show(im, 0, im.Size()), "0+163840 depth 0 present zero data at 20480 of \"\"\n"; got != want {
		t.Errorf("after an error:\n%swant:\n%s", got, want)
	}
}

// Holes of a raw backing file are always told. It ends with a sector, the rest
// of which is a hole, too.
func TestExtentsOfRawBackingFile(t *testing.T) {
	b := newBuilder(t, recipe{bits: 12, size: 10000, backing: "b", format: "raw"})
	raw := &holedReader{bytes.NewReader(make([]byte, 7000)), [][2]int64{{0, 100}, {5000, 6000}}, -1, 0}
	im := b.image(&Options{Backing: &Source{Reader: raw, Size: raw.Size(), Name: "b"}})
	const want = `0+100 depth 1 present zero at 0 of "b"
100+4900 depth 1 present data at 100 of "b"
5000+1000 depth 1 present zero at 5000 of "b"
6000+1000 depth 1 present data at 6000 of "b"
7000+168 depth 1 present zero at 7000 of "b"
7168+2832 depth 0 zero
`
	if got := show(im, 0, im.Size()); got != want {
		t.Errorf("extents:\n%swant:\n%s", got, want)
	}
}

// Where data ends is asked once, however many pieces of the disk lie in it: a
// system that has to walk there would take a time that is quadratic.
func TestHolesAreAskedOnce(t *testing.T) {
	const cluster, clusters = 1 << 12, 256
	b := newBuilder(t, recipe{bits: 12, size: clusters * cluster, backing: "b", format: "raw"})
	for c := uint64(0); c < clusters; c += 2 {
		b.data(c, nil)
	}
	holes := [][2]int64{{100 * cluster, 102 * cluster}}
	raw := &holedReader{bytes.NewReader(make([]byte, clusters*cluster)), holes, -1, 0}
	im := b.image(&Options{Backing: &Source{Reader: raw, Size: raw.Size(), Name: "b"}})
	extents, zeros := 0, 0
	for e, err := range im.Extents(0, im.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		extents++
		if e.Zero {
			zeros++
			if e.Start != 101*cluster || e.Length != cluster {
				t.Errorf("zeros: %d bytes at %d", e.Length, e.Start)
			}
		}
	}
	if extents != clusters || zeros != 1 || raw.asked != 2 {
		t.Errorf("%d extents, %d of zeros; asked %d times", extents, zeros, raw.asked)
	}
}

func TestNonZero(t *testing.T) {
	b := []byte{0b0000_0001, 0b1000_0000, 0, 0, 0, 0, 0, 1}
	for _, c := range []struct {
		order uint32
		n     uint64
		want  uint64
	}{
		{0, 64, 3}, {0, 1, 1}, {0, 15, 1}, {0, 16, 2}, {0, 57, 3}, {0, 56, 2},
		{1, 32, 3}, {2, 2, 1}, {2, 4, 2}, {3, 8, 3}, {3, 1, 1}, {4, 4, 2}, {4, 3, 1}, {5, 2, 2}, {6, 1, 1}, {6, 0, 0},
	} {
		if got := nonZero(b, c.order, c.n); got != c.want {
			t.Errorf("order %d: %d of the first %d, want %d", c.order, got, c.n, c.want)
		}
	}
}

// On a file of the system its holes are found, where the system can tell.
func TestFileHoles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	const size = 8 << 20
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 1<<20), 4<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	h := holeFinderOf(f)
	if h == nil {
		if runtime.GOOS == "linux" {
			t.Error("no hole finder")
		}
		return
	}
	// A file system without holes says that all is data; both are right.
	data, err := h.NextData(0)
	if err != nil || data != 0 && data != 4<<20 {
		t.Errorf("NextData(0) = %d, %v", data, err)
	}
	if data > 0 {
		if hole, err := h.NextHole(4 << 20); hole != 5<<20 || err != nil {
			t.Errorf("NextHole(4 MiB) = %d, %v", hole, err)
		}
		if _, err := h.NextData(6 << 20); err != io.EOF {
			t.Errorf("NextData(6 MiB): %v", err)
		}
	}
	if n, err := h.(allocationSizer).AllocatedSize(); err != nil || n < 0 || data > 0 && (n < 1<<20 || n >= size) {
		t.Errorf("AllocatedSize() = %d, %v", n, err)
	}
}

// A file that has shrunk has no holes where it was: what is gone is an error
// for who reads it, never zeros. Below it: data, a hole up to the end.
func TestHolesOfShrunkFile(t *testing.T) {
	const size = 8 << 20
	for _, cut := range []int64{6 << 20, 4 << 20, 1 << 20, 0} {
		name := filepath.Join(t.TempDir(), "raw")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(text(1<<20, 1), 1<<20); err != nil {
			t.Fatal(err)
		}
		b := newBuilder(t, recipe{size: size, backing: "raw", format: "raw"})
		im := b.image(&Options{Backing: &Source{Reader: f, Size: size, Name: name}})
		if err := f.Truncate(cut); err != nil {
			t.Fatal(err)
		}
		for e, err := range im.Extents(0, size) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Zero && e.Start+e.Length > cut {
				t.Errorf("cut at %d: %d bytes at %d are zeros", cut, e.Length, e.Start)
			}
		}
		if n, err := im.ReadAt(make([]byte, size), 0); int64(n) > cut || !errors.Is(err, ErrTruncated) {
			t.Errorf("cut at %d: read %d, %v", cut, n, err)
		}
	}
}

// A raw file is described as what lies below an image is.
func TestRawExtents(t *testing.T) {
	raw := &holedReader{bytes.NewReader(make([]byte, 7000)), [][2]int64{{0, 100}, {5000, 6000}}, -1, 0}
	s := &Source{Reader: raw, Size: raw.Size(), Name: "r"}
	const want = `0+100 depth 0 present zero at 0 of "r"
100+4900 depth 0 present data at 100 of "r"
5000+1000 depth 0 present zero at 5000 of "r"
6000+1000 depth 0 present data at 6000 of "r"
`
	if got := showAll(RawExtents(s, 0, s.Size)); got != want {
		t.Errorf("extents:\n%swant:\n%s", got, want)
	}
	if got, want := showAll(RawExtents(s, 4000, 1500)), "4000+1000 depth 0 present data at 4000 of \"r\"\n5000+500 depth 0 present zero at 5000 of \"r\"\n"; got != want {
		t.Errorf("extents:\n%swant:\n%s", got, want)
	}
	for _, c := range [][2]int64{{-1, 1}, {0, -1}, {0, 7001}, {7001, 0}} {
		for _, err := range RawExtents(s, c[0], c[1]) {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%v: %v", c, err)
			}
		}
	}
}
