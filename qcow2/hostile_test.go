package qcow2

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// tinyImage has every kind of entry, a snapshot and a bitmap, in clusters of
// 512 bytes.
func tinyImage(t testing.TB) []byte {
	b := newBuilder(t, recipe{bits: 9, size: 8 * 512, backing: "b", format: "raw"})
	b.data(0, text(512, 1))
	b.compressed(1, text(512, 2))
	b.compressed(2, text(512, 3))
	b.entry(3, QCOW_OFLAG_ZERO, 0)
	b.data(7, text(512, 4))
	addSnapshots(b, testSnapshot{id: "1", name: "s", size: 4 * 512, extra: SizeofQCowSnapshotExtraData})
	addBitmaps(b, testBitmap{name: "m", granularity: 9})
	return b.bytes()
}

// A file that ends inside a cluster, after its last byte that is used, is
// whole.
func TestTruncationIsAboutBytesThatAreRead(t *testing.T) {
	const cluster = 1 << 16
	b := newBuilder(t, recipe{size: cluster + 1000})
	b.data(0, text(cluster, 1))
	last := int(b.data(1, text(cluster, 2)))
	file := b.bytes()
	want := append(text(cluster, 1), text(1000, 2)...)
	if got := readAll(t, open(t, file[:last+1000], nil)); !bytes.Equal(got, want) {
		t.Error("the disk differs")
	}
	im := open(t, file[:last+999], nil)
	p := make([]byte, cluster+1000)
	if n, err := im.ReadAt(p, 0); n != len(p)-1 || !errors.Is(err, ErrTruncated) || !bytes.Equal(p[:n], want[:n]) {
		t.Errorf("one byte short: %d, %v", n, err)
	}
	var e *Error
	if _, err := im.ReadAt(p[:1], cluster+999); !errors.As(err, &e) || e.Offset != int64(last+999) {
		t.Errorf("the byte that is missing: %v", err)
	}
	want[len(want)-1] = 0
	if got := readAll(t, open(t, file[:last+999], &Options{ZeroFillTruncated: true})); !bytes.Equal(got, want) {
		t.Error("ZeroFillTruncated: the disk differs")
	}
}

// Extended L2 entries: subclusters that are not allocated need not be there.
func TestTruncationOfUnallocatedSubclusters(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 16, extended: true})
	off := int(b.data(0, text(1<<16, 1)))
	b.entry(0, uint64(off), 1<<40|1) // the first is allocated, the ninth zero, others the backing file's
	want := make([]byte, 1<<16)
	copy(want, text(1<<16, 1)[:2048])
	if got := readAll(t, open(t, b.bytes()[:off+2048], nil)); !bytes.Equal(got, want) {
		t.Error("the disk differs")
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Numbers in an image do not become memory before it is known that they are
// those of something in the file.
func TestClaimsCostNothing(t *testing.T) {
	claims := map[string]func(b *builder){
		"65,536 snapshots past the end": func(b *builder) { b.header.NbSnapshots, b.header.SnapshotsOffset = 65536, 1<<40 },
		"65,536 snapshots at the end":   func(b *builder) { b.header.NbSnapshots, b.header.SnapshotsOffset = 65536, 6<<16 },
		"2^32-1 snapshots":              func(b *builder) { b.header.NbSnapshots = math.MaxUint32 },
		"an L1 table of 32 MiB":         func(b *builder) { b.header.L1Size, b.header.L1TableOffset = 4<<20, 1<<40 },
		"a refcount table of 8 MiB":     func(b *builder) { b.header.RefcountTableClusters, b.header.RefcountTableOffset = 128, 1<<40 },
		"a bitmap directory of 64 MiB": func(b *builder) {
			b.header.AutoclearFeatures = QCOW2_AUTOCLEAR_BITMAPS
			x := Qcow2BitmapHeaderExt{NbBitmaps: 65535, BitmapDirectorySize: 1024 * 65535, BitmapDirectoryOffset: 1 << 40}
			data, _ := x.MarshalBinary()
			b.extend(QCOW2_EXT_MAGIC_BITMAPS, data)
		},
		"an extension of 64 KiB past the end": func(b *builder) { b.extend(0x11, make([]byte, 60000)) },
	}
	for name, claim := range claims {
		for _, zeroFill := range []bool{false, true} {
			b := newBuilder(t, recipe{size: 1 << 20})
			for range 4 {
				b.alloc()
			}
			claim(b)
			file := b.bytes()
			if name == "an extension of 64 KiB past the end" {
				file = file[:1000]
			}
			n := allocated(func() {
				im, err := New(bytes.NewReader(file), int64(len(file)), &Options{ZeroFillTruncated: zeroFill})
				if err == nil {
					im.Describe()
					im.Close()
				}
			})
			if n > 32<<10 {
				t.Errorf("%s, zero fill %v: %d bytes allocated", name, zeroFill, n)
			}
		}
	}
}

// The cache's budget holds for all tables and clusters of a chain.
func TestCacheBudget(t *testing.T) {
	const layers, size = 3, 8 << 20
	s := &shelf{files: map[string][]byte{}}
	for i := range layers {
		r := recipe{bits: 9, size: size, backing: string(rune('1' + i)), format: formatQcow2}
		if i == layers-1 {
			r.backing, r.format = "", ""
		}
		b := newBuilder(t, r)
		for c := range uint64(size >> 9) {
			if c%(layers*3) == uint64(i) {
				b.compressed(c, text(512, byte(c)))
			} else if c%layers == uint64(i) {
				b.data(c, text(512, byte(c)))
			}
		}
		s.files[string(rune('0'+i))] = b.bytes()
	}
	const budget = 256 << 10
	im, err := s.image("0", Options{CacheBytes: budget})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 700)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range 30000 {
		if _, err := im.ReadAt(p, rnd.Int64N(size-700)); err != nil {
			t.Fatal(err)
		}
	}
	if n := heap() - before; int64(n) > budget*3/2 {
		t.Errorf("the caches hold %d bytes, with a budget of %d", int64(n), budget)
	}
	if im.decoded.used > budget/4 {
		t.Errorf("decoded clusters: %d bytes", im.decoded.used)
	}
	pages, held := im.active.tables.cache, 0
	for i := range pages.sets {
		for j := range pages.sets[i] {
			if p := pages.sets[i][j].Load(); p != nil {
				held += cap(p.data) + pageOverhead
			}
		}
	}
	if held > budget*3/4 || held < budget/2 {
		t.Errorf("tables: %d bytes, with a budget of %d", held, budget*3/4)
	}
}

// Layers with clusters of other sizes do not make the cache hold more than it
// counts: a small cluster in the memory of a large one would.
func TestCacheBudgetOfMixedClusters(t *testing.T) {
	const budget = 16 << 20 // a quarter is for clusters: sixteen of 256 KiB
	for _, zstd := range []bool{false, true} {
		large := newBuilder(t, recipe{bits: 18, size: 64 << 18, zstd: zstd})
		for c := range uint64(64) {
			large.compressed(c, text(1<<18, byte(c)))
		}
		small := newBuilder(t, recipe{bits: 9, size: 64 << 18, zstd: zstd, backing: "1", format: formatQcow2})
		for c := range uint64(64) {
			small.compressed(c<<9, text(512, byte(c)))
		}
		s := &shelf{files: map[string][]byte{"0": small.bytes(), "1": large.bytes()}}
		im, err := s.image("0", Options{CacheBytes: budget})
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		var p [1]byte
		for c := range int64(64) {
			for _, in := range []int64{1 << 17, 0} { // the large cluster, then the small
				if _, err := im.ReadAt(p[:], c<<18+in); err != nil {
					t.Fatal(err)
				}
			}
		}
		held := 0
		for _, e := range im.decoded.entries {
			held += cap(e.data)
		}
		if held > budget/4 {
			t.Errorf("zstd %v: clusters hold %d bytes, with a budget of %d", zstd, held, budget/4)
		}
		if len(im.decoded.entries) < 25 {
			t.Errorf("zstd %v: no more than %d clusters in the cache", zstd, len(im.decoded.entries))
		}
	}
}

// Reading whole clusters and looking at tables allocates nothing once the
// tables are in memory, through backing files, too.
func TestReadAtAllocatesNothing(t *testing.T) {
	const size = 1 << 20
	for _, extended := range []bool{false, true} {
		base := newBuilder(t, recipe{bits: 14, size: size, extended: extended})
		for c := range uint64(size >> 14) {
			base.data(c, text(1<<14, byte(c)))
		}
		s := &shelf{files: map[string][]byte{"2": base.bytes()}}
		for i, name := range []string{"1", "0"} {
			b := newBuilder(t, recipe{bits: 14, size: size, extended: extended, backing: string(rune('2' - i)), format: formatQcow2})
			for c := uint64(i); c < size>>14; c += 3 {
				b.data(c, text(1<<14, byte(c)))
			}
			s.files[name] = b.bytes()
		}
		im, err := s.image("0", Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size)
		off := int64(0)
		n := testing.AllocsPerRun(100, func() {
			off = (off + 12345) % (size / 2)
			if _, err := im.ReadAt(p[:size/2], off); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if _, err := im.ReadAt(p[:100], off); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("extended %v: %v allocations", extended, n)
		}
	}
}
