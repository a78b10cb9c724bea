package qcow2

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// fuzzOptions give an image what it may name, in memory.
func fuzzOptions() *Options {
	return &Options{
		Backing: source("b", text(1<<16, 9)), BackingFormat: formatRaw,
		DataFile: source("d", text(1<<16, 8)), MaxVirtualSize: 1 << 40,
	}
}

// FuzzOpen does with any bytes all that can be done with an image: no panic,
// no error without a type, the same bytes when read again.
func FuzzOpen(f *testing.F) {
	f.Add(tinyImage(f))
	for _, r := range []recipe{{}, {version: QCOW2_VERSION_2}, {bits: 9}, {extended: true, bits: 14}, {dataFile: "d", bits: 10}} {
		r.size = 10000
		file := newBuilder(f, r).bytes()
		f.Add(file[:min(len(file), 4096)])
	}
	for _, image := range committedImages(f) {
		if file := gunzip(f, filepath.Join(image, "disk.qcow2.gz")); len(file) <= 1<<15 {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		exercise(t, file, fuzzOptions())
		opts := fuzzOptions()
		opts.ZeroFillTruncated = true
		opts.Password, opts.MaxIterations = []byte("open sesame"), 1000 // of the images in testdata
		exercise(t, file, opts)
	})
}

// FuzzRead alters sound images and compares each cluster with what a plain
// reader makes of the same bytes: equal, or an error for both.
func FuzzRead(f *testing.F) {
	f.Add(uint64(1), 0, uint64(0), 0, uint64(0))
	f.Add(uint64(2), 0x10000, uint64(0x10200), 512, uint64(1<<62))
	for seed := range uint64(20) {
		f.Add(seed, int(seed*8), seed<<48, int(seed*1000), uint64(1)<<(seed*3))
	}
	f.Fuzz(func(t *testing.T, seed uint64, at1 int, flip1 uint64, at2 int, flip2 uint64) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		image := newRandomImage(t, rnd)
		for at, flip := range map[int]uint64{at1: flip1, at2: flip2} {
			for i := range 8 { // past the header cluster: FuzzOpen is about that
				if at >= 1<<image.bits && at < len(image.file)-8 {
					image.file[at+i] ^= byte(flip >> (8 * i))
				}
			}
		}
		im, err := New(bytes.NewReader(image.file), int64(len(image.file)), image.options())
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		want := image.reference()
		step := max(512, uint64(im.ClusterSize())/subclusters)
		p := make([]byte, step)
		for range 50 {
			off := rnd.Uint64N(image.size) / step * step
			q := p[:min(step, image.size-off)]
			n, err := im.ReadAt(q, int64(off))
			expect, expectErr := want.disk(off, step)
			if (err == nil) != (expectErr == nil) || err != nil && !isTyped(err) {
				t.Fatalf("%+v: ReadAt(%d bytes, %d): %d, %v; the plain reader: %v", image.recipe, len(q), off, n, err, expectErr)
			}
			if err == nil && !bytes.Equal(q, expect) {
				t.Fatalf("%+v: ReadAt(%d bytes, %d) differs from the plain reader", image.recipe, len(q), off)
			}
		}
		readEveryWay(t, im, true)
	})
}

// FuzzChain opens three files that name one another as they like.
func FuzzChain(f *testing.F) {
	raw := text(3000, 1)
	small := func(r recipe) []byte { // of 512-byte clusters, the second of the disk in use
		r.bits, r.size = MIN_CLUSTER_BITS, 4096
		b := newBuilder(f, r)
		if r.dataFile == "" {
			b.data(1, text(512, 2))
		} else {
			b.entry(1, 512|QCOW_OFLAG_COPIED, 0)
		}
		return b.bytes()
	}
	f.Add(small(recipe{backing: "1", format: "qcow2"}), small(recipe{backing: "2", format: "raw"}), raw)
	f.Add(small(recipe{backing: "1"}), small(recipe{backing: "0", format: "qcow2"}), raw)
	f.Add(small(recipe{backing: "2", format: "qcow2"}), raw, tinyImage(f))
	f.Add(small(recipe{dataFile: "1", backing: "2", format: "raw"}), raw, raw)
	f.Fuzz(func(t *testing.T, file0, file1, file2 []byte) {
		s := &shelf{files: map[string][]byte{"0": file0, "1": file1, "2": file2}}
		exercise(t, file0, &Options{Name: "0", OpenFile: s.open, BackingFormat: formatQcow2, MaxVirtualSize: 1 << 40})
		if s.opened != s.closed {
			t.Errorf("%d files opened, %d closed", s.opened, s.closed)
		}
	})
}
