package qcow2

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"testing"
	"testing/iotest"
)

// The words of io.ReaderAt, one after another.
func TestReadAtContract(t *testing.T) {
	const size = 3*4096 + 100
	b := newBuilder(t, recipe{bits: 12, size: size})
	disk := make([]byte, size)
	for i := range uint64(4) {
		copy(disk[i*4096:], text(4096, byte(i)))
		b.data(i, text(4096, byte(i))) // the last has bytes past the end of the disk
	}
	im := b.image(nil)
	for _, c := range []struct {
		n    int
		off  int64
		want int
		err  error
	}{
		{10, -1, 0, fs.ErrInvalid},
		{10, math.MinInt64, 0, fs.ErrInvalid},
		{0, 0, 0, nil},
		{0, size, 0, nil},
		{1, 0, 1, nil},
		{4096, 1, 4096, nil},
		{size, 0, size, nil},
		{size + 1, 0, size, io.EOF},
		{200, size - 100, 100, io.EOF},
		{100, size - 100, 100, nil},
		{1, size - 1, 1, nil},
		{2, size - 1, 1, io.EOF},
		{1, size, 0, io.EOF},
		{1, size + 1, 0, io.EOF},
		{1, math.MaxInt64, 0, io.EOF},
	} {
		const mark = 0xee
		p := bytes.Repeat([]byte{mark}, c.n+8)
		n, err := im.ReadAt(p[:c.n:c.n], c.off)
		if n != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("ReadAt(%d bytes, %d) = %d, %v; want %d, %v", c.n, c.off, n, err, c.want, c.err)
			continue
		}
		if n > 0 && !bytes.Equal(p[:n], disk[c.off:c.off+int64(n)]) {
			t.Errorf("ReadAt(%d bytes, %d): wrong bytes", c.n, c.off)
		}
		for i, x := range p[n:] {
			if x != mark {
				t.Errorf("ReadAt(%d bytes, %d) wrote to byte %d, past what it read", c.n, c.off, n+i)
				break
			}
		}
	}
	if err := iotest.TestReader(io.NewSectionReader(im, 0, im.Size()), disk); err != nil {
		t.Error(err)
	}
}

// Every kind of cluster, read whole, from its middle, and across its ends.
func TestReadAtKinds(t *testing.T) {
	below := text(1<<20, 99)
	for _, r := range []recipe{
		{bits: 12}, {bits: 12, zstd: true}, {bits: 9}, {bits: 21},
		{bits: 12, version: QCOW2_VERSION_2},
	} {
		r.backing, r.format = "below", formatRaw
		size := uint64(1) << r.bits
		r.size = 6 * size
		b := newBuilder(t, r)
		var want []byte
		add := func(content []byte) { want = append(want, content...) }
		b.data(0, text(int(size), 1))
		add(text(int(size), 1))
		add(slice(below, size, size)) // not allocated
		b.compressed(2, text(int(size), 2))
		add(text(int(size), 2))
		b.compressed(3, text(int(size), 3))
		add(text(int(size), 3))
		if r.version != QCOW2_VERSION_2 {
			b.entry(4, QCOW_OFLAG_ZERO, 0)
			b.entry(5, QCOW_OFLAG_ZERO|uint64(b.put(text(int(size), 4))), 0)
			add(make([]byte, 2*size))
		} else {
			add(slice(below, 4*size, 2*size))
		}
		im := b.image(&Options{Backing: source("below", below)})
		for from := uint64(0); from < r.size; from += size / 2 {
			for to := from + size/2; to <= r.size; to += size / 2 {
				p := make([]byte, to-from)
				if n, err := im.ReadAt(p, int64(from)); n != len(p) || err != nil || !bytes.Equal(p, want[from:to]) {
					t.Fatalf("%+v: ReadAt(%d bytes, %d): %d, %v", r, len(p), from, n, err)
				}
			}
		}
	}
}

// What is wrong in the tables is an error for who reads there, and nobody
// else.
func TestReadAtBrokenEntries(t *testing.T) {
	const size = 1 << 16
	type change = func(b *builder) // of cluster 1
	entry := func(entry, bitmap uint64) change { return func(b *builder) { b.entry(1, entry, bitmap) } }
	for _, c := range []struct {
		name   string
		recipe recipe
		change change
		err    error
	}{
		{"not aligned", recipe{}, entry(0x10200, 0), ErrCorrupt},
		{"zero, not aligned", recipe{}, entry(0x10200|QCOW_OFLAG_ZERO, 0), ErrCorrupt},
		{"past the end of the file", recipe{}, entry(0x100000000, 0), ErrTruncated},
		{"at the last offset there is", recipe{}, entry(L2E_OFFSET_MASK&^0xffff, 0), ErrTruncated},
		{"zero past the end of the file", recipe{}, entry(0x100000000|QCOW_OFLAG_ZERO, 0), nil},
		{"zero in version 2", recipe{version: QCOW2_VERSION_2}, entry(QCOW_OFLAG_ZERO, 0), ErrCorrupt},
		{"reserved bits", recipe{}, entry(L2E_STD_RESERVED_MASK, 0), nil},
		{"extended: allocated and zero", recipe{extended: true}, entry(0x10000, 1<<40|1<<8), ErrCorrupt},
		{"extended: allocated without a cluster", recipe{extended: true}, entry(0, 1), ErrCorrupt},
		{"extended: not aligned, zeros", recipe{extended: true}, entry(0x10200, QCOW_L2_BITMAP_ALL_ZEROES), ErrCorrupt},
		{"extended: not aligned, unallocated", recipe{extended: true}, entry(0x10200, 0), ErrCorrupt},
		{"extended: bitmap of a compressed cluster", recipe{extended: true}, func(b *builder) {
			b.entry(1, b.compressed(1, nil), math.MaxUint64)
		}, nil},
		{"compressed, past the end of the file", recipe{}, entry(QCOW_OFLAG_COMPRESSED|1<<40, 0), ErrTruncated},
		{"compressed, not decodable", recipe{}, func(b *builder) { b.stored(1, bytes.Repeat([]byte{0xff}, 600)) }, ErrCorrupt},
		{"compressed, too short", recipe{}, func(b *builder) { b.stored(1, compress(b.t, 0, make([]byte, size-1))) }, ErrCorrupt},
		{"compressed, longer than a cluster", recipe{}, func(b *builder) { b.stored(1, compress(b.t, 0, make([]byte, size+1))) }, nil},
		{"zstd, too short", recipe{zstd: true}, func(b *builder) { b.stored(1, compress(b.t, 1, make([]byte, size-1))) }, ErrCorrupt},
		{"zstd, longer than a cluster", recipe{zstd: true}, func(b *builder) { b.stored(1, compress(b.t, 1, make([]byte, size+1))) }, ErrCorrupt},
		{"data file: compressed", recipe{dataFile: "d"}, func(b *builder) { b.compressed(1, nil) }, ErrCorrupt},
		{"data file: elsewhere", recipe{dataFile: "d"}, entry(2*size|QCOW_OFLAG_COPIED, 0), ErrCorrupt},
		{"data file: zeros elsewhere", recipe{dataFile: "d"}, entry(2*size|QCOW_OFLAG_COPIED|QCOW_OFLAG_ZERO, 0), ErrCorrupt},
		{"data file: in place", recipe{dataFile: "d"}, entry(size|QCOW_OFLAG_COPIED, 0), nil},
		{"encrypted", recipe{}, func(b *builder) {
			b.header.CryptMethod = QCOW_CRYPT_AES
			b.data(1, nil)
		}, ErrPassword},
		{"encrypted: zeros", recipe{}, func(b *builder) {
			b.header.CryptMethod = QCOW_CRYPT_AES
			b.entry(1, QCOW_OFLAG_ZERO, 0)
		}, nil},
		{"encrypted: compressed clusters are not", recipe{}, func(b *builder) {
			b.header.CryptMethod = QCOW_CRYPT_AES
			b.compressed(1, nil)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.recipe.size = 3 * size
			b := newBuilder(t, c.recipe)
			c.change(b)
			im := b.image(&Options{DataFile: source("d", make([]byte, 3*size))})
			p := make([]byte, 3*size)
			for range 2 { // an error stays
				n, err := im.ReadAt(p, 0)
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || err != nil && n != size {
					t.Fatalf("ReadAt: %d, %v; want %v", n, err, c.err)
				}
				if n, err := im.ReadAt(p[:size], size+512); c.err != nil && n != 0 || !errors.Is(err, c.err) {
					t.Errorf("ReadAt of the cluster: %d, %v", n, err)
				}
			}
			for _, off := range []int64{0, 2 * size} {
				if n, err := im.ReadAt(p[:size], off); n != size || err != nil {
					t.Errorf("ReadAt of the cluster at %#x, which is whole: %d, %v", off, n, err)
				}
			}
		})
	}
}

func TestReadAtBrokenL1(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry uint64
		err   error
	}{
		{"an L2 table that is not aligned", 0x10200, ErrCorrupt},
		{"an L2 table past the end of the file", 1 << 40, ErrTruncated},
		{"an L2 table at the last offset there is", L1E_OFFSET_MASK &^ 0xffff, ErrTruncated},
		{"reserved bits", L1E_RESERVED_MASK, nil},
		{"the header as L2 table", 0, nil},
	} {
		b := newBuilder(t, recipe{size: 1 << 20})
		e := QCow2L1Entry{Entry: c.entry}
		e.Encode((*[SizeofQCow2L1Entry]byte)(b.file[b.header.L1TableOffset:]))
		p := make([]byte, 1<<20)
		if n, err := b.image(nil).ReadAt(p, 0); !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || err != nil && n != 0 {
			t.Errorf("%s: %d, %v; want %v", c.name, n, err, c.err)
		}
	}
	// A table that names itself is followed once.
	b := newBuilder(t, recipe{size: 1 << 20})
	e := QCow2L1Entry{Entry: b.header.L1TableOffset}
	e.Encode((*[SizeofQCow2L1Entry]byte)(b.file[b.header.L1TableOffset:]))
	p := make([]byte, 1<<20)
	if n, err := b.image(nil).ReadAt(p, 0); n != len(p) || err != nil || !bytes.Equal(p[:1<<16], b.file[1<<16:]) {
		t.Errorf("an L1 table that is its own L2 table: %d, %v", n, err)
	}
}

// The last sector that an L2 entry counts may lie past the end of the file.
func TestReadAtCompressedAtTheEndOfTheFile(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 16})
	packed := compress(t, 0, text(1<<16, 1))
	b.stored(0, packed)
	file := b.bytes()
	at := bytes.Index(file, packed)
	for _, cut := range []int{0, len(packed) / 2, len(packed)} {
		im := open(t, file[:at+len(packed)-cut], nil)
		p := make([]byte, 1<<16)
		n, err := im.ReadAt(p, 0)
		if cut == 0 && (err != nil || !bytes.Equal(p, text(1<<16, 1))) {
			t.Errorf("whole cluster: %d, %v", n, err)
		}
		if cut > 0 && !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes short: %d, %v", cut, n, err)
		}
	}
}

// A disk of terabytes costs what its tables cost.
func TestReadAtSparse(t *testing.T) {
	const size = 8 << 40
	b := newBuilder(t, recipe{size: size})
	last := uint64(size>>16 - 1)
	b.data(last, text(1<<16, 9))
	im := b.image(nil)
	p := make([]byte, 1<<17)
	if n, err := im.ReadAt(p, size-1<<17); n != len(p) || err != nil ||
		!bytes.Equal(p, append(make([]byte, 1<<16), text(1<<16, 9)...)) {
		t.Errorf("the end of the disk: %d, %v", n, err)
	}
	if n, err := im.ReadAt(p, 1<<42+12345); n != len(p) || err != nil || !bytes.Equal(p, make([]byte, len(p))) {
		t.Errorf("the middle of the disk: %d, %v", n, err)
	}
}

// A data file that says it is raw, in an image without data file, makes sense
// of nothing.
func TestReadAtRawDataFileWithoutDataFile(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 16})
	b.header.AutoclearFeatures = QCOW2_AUTOCLEAR_DATA_FILE_RAW
	im := b.image(nil)
	if n, err := im.ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, ErrCorrupt) {
		t.Errorf("ReadAt: %d, %v", n, err)
	}
	if d := im.Describe(); !d.DataFileRaw || d.HasDataFile {
		t.Errorf("Describe() = %+v", d)
	}
}

// What lies together is read together, whatever the clusters and the tables.
func TestReadAtMergesNeighbours(t *testing.T) {
	const size = 4 << 20
	for _, r := range []recipe{{bits: 9}, {bits: 12}, {bits: 16}, {bits: 21}, {bits: 16, extended: true}} {
		r.size = size
		b := newBuilder(t, r)
		cluster := b.geometry.clusterSize()
		for c := range size / cluster {
			b.slot(c) // all tables first
		}
		for c := range size / cluster {
			b.data(c, text(int(cluster), byte(c)))
		}
		file := &faultyReader{file: b.bytes()}
		im, err := New(file, int64(len(file.file)), nil)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size)
		for _, want := range []int64{-1, 1} { // the tables come to memory first
			start := file.reads.Load()
			if n, err := im.ReadAt(p, 0); n != size || err != nil {
				t.Fatalf("%+v: %d, %v", r, n, err)
			}
			if n := file.reads.Load() - start; want > 0 && n != want {
				t.Errorf("%+v: %d reads of the file, want %d", r, n, want)
			}
		}
	}
}
