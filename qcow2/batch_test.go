package qcow2

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"cstructgen/internal/testseed"
)

const batchCluster = 1 << 12

// batchImage is an image of n clusters, nearly all of them compressed, which
// lie in the file in any order.
func batchImage(t *testing.T, n int, zstd bool, rng *rand.Rand) (b *builder, disk []byte) {
	b = newBuilder(t, recipe{size: uint64(n) * batchCluster, bits: 12, zstd: zstd})
	disk = make([]byte, n*batchCluster)
	order := rng.Perm(n)
	if rng.IntN(2) == 0 {
		slices.Sort(order)
	}
	for _, i := range order {
		plain := disk[i*batchCluster:][:batchCluster]
		switch rng.IntN(12) {
		case 0: // nothing there
		case 1:
			copy(plain, text(batchCluster, byte(i)))
			b.data(uint64(i), plain)
		default:
			copy(plain, text(batchCluster, byte(i)))
			for j := range rng.IntN(1 << 10) {
				plain[j] = byte(rng.Uint32())
			}
			b.compressed(uint64(i), plain)
		}
	}
	return b, disk
}

// errorKind tells what kind of error err is. How many bytes it says are needed may
// differ.
func errorKind(err error) error {
	for _, kind := range []error{ErrCorrupt, ErrTruncated} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}

// A large read gives what small ones give, be it bytes, an error, or losses.
func TestBatches(t *testing.T) {
	rng := testseed.Rand(t)
	for i := range 12 {
		b, disk := batchImage(t, 60, i%2 == 0, rng)
		file := b.bytes()
		damaged := i%3 > 0
		switch i % 3 {
		case 1:
			for range 4 {
				clear(file[len(file)/4+rng.IntN(len(file)/2):][:1024])
			}
		case 2:
			file = file[:len(file)-rng.IntN(len(file)/4)]
		}
		for _, opts := range []Options{{}, {ZeroFillTruncated: true}} {
			small, large := open(t, file, &opts), open(t, file, &opts)
			for range 8 {
				off := rng.IntN(len(disk))
				got := make([]byte, rng.IntN(len(disk)-off)+1)
				n, err := large.ReadAt(got, int64(off))
				want, m := make([]byte, len(got)), 0
				var wantErr error
				for wantErr == nil && m < len(want) {
					var k int
					at := off + m
					k, wantErr = small.ReadAt(want[m:min(len(want), m+batchCluster-at%batchCluster)], int64(at))
					m += k
				}
				if n != m || errorKind(err) != errorKind(wantErr) || !bytes.Equal(got[:n], want[:m]) {
					t.Fatalf("image %d: ReadAt(%d bytes, %d): %d, %v; cluster by cluster %d, %v", i, len(got), off, n, err, m, wantErr)
				}
				if !damaged && (err != nil || !bytes.Equal(got, disk[off:][:n])) {
					t.Fatalf("image %d: wrong bytes, or %v", i, err)
				}
			}
		}
		var lostLarge, lostSmall lossList
		large := open(t, file, &Options{Salvage: lostLarge.add})
		small := open(t, file, &Options{Salvage: lostSmall.add})
		got, want := make([]byte, len(disk)), make([]byte, len(disk))
		if _, err := large.ReadAt(got, 0); err != nil {
			t.Fatal(err)
		}
		for off := 0; off < len(want); off += batchCluster {
			if _, err := small.ReadAt(want[off:][:batchCluster], int64(off)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) || lostLarge.String() != lostSmall.String() {
			t.Errorf("image %d: salvaged differently: lost %v; cluster by cluster %v", i, &lostLarge, &lostSmall)
		}
	}
}

// Neighbours are read from the file together, and in bounded amounts.
func TestBatchReadsOnce(t *testing.T) {
	const n = 64
	b := newBuilder(t, recipe{size: n << 16})
	noise := make([]byte, 1<<15)
	var disk []byte
	for i := range uint64(n) {
		rand.NewChaCha8([32]byte{byte(i)}).Read(noise)
		plain := append(slices.Clone(noise), text(1<<15, byte(i))...)
		disk = append(disk, plain...)
		b.compressed(i, plain)
	}
	r := &faultyReader{file: b.bytes()}
	im, err := New(r, int64(len(r.file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(disk))
	if _, err := im.ReadAt(got[:1], 0); err != nil { // now its tables are in memory
		t.Fatal(err)
	}
	largest := 0
	r.fault = func(p []byte, _ int64) (int, error, bool) {
		largest = max(largest, len(p))
		return 0, nil, false
	}
	before := r.reads.Load()
	if _, err := im.ReadAt(got, 0); err != nil || !bytes.Equal(got, disk) {
		t.Fatalf("wrong bytes, or %v", err)
	}
	if reads := r.reads.Load() - before; reads > n/8 || largest > maxBatch {
		t.Errorf("%d reads of up to %d bytes for %d clusters", reads, largest, n)
	}
}

// A reader that fails or panics does so to its caller, and leaves nothing
// behind.
func TestBatchOfBrokenReader(t *testing.T) {
	b, disk := batchImage(t, 20, false, rand.New(rand.NewPCG(1, 2)))
	r := &faultyReader{file: b.bytes()}
	im, err := New(r, int64(len(r.file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(disk))
	r.fault = func([]byte, int64) (int, error, bool) { panic("reader") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		im.ReadAt(got, 0)
	}()
	r.fault = func(p []byte, off int64) (int, error, bool) {
		return 0, errTransient, off+int64(len(p)) > int64(len(r.file)/2)
	}
	if _, err := im.ReadAt(got, 0); !errors.Is(err, errTransient) {
		t.Errorf("got %v", err)
	}
	r.fault = nil
	if _, err := im.ReadAt(got, 0); err != nil || !bytes.Equal(got, disk) {
		t.Errorf("wrong bytes, or %v", err)
	}
	if decoding.Load() != 0 {
		t.Errorf("%d decoders are counted still", decoding.Load())
	}
}

// A batch takes no more than 4 MiB of input, unless it is that of one cluster,
// whatever L2 entries say and however many processors there are.
func TestBatchInputIsBounded(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(64))
	for bits, clusters := range map[uint32]uint64{16: 64, 21: 8} {
		b := newBuilder(t, recipe{bits: bits, size: clusters << bits})
		entry := b.stored(0, []byte{1}) | (1<<62 - 1<<(62-(bits-8))) // as many sectors as can be said
		for c := range clusters {
			b.entry(c, entry, 0)
		}
		im := b.image(nil)
		r, err := im.active.lookup(0, 1<<bits)
		if err != nil {
			t.Fatal(err)
		}
		var x batch
		x.gather(im, r, make([]byte, clusters<<bits), 0)
		total := uint64(0)
		for _, part := range x.parts {
			total += part.run.size
		}
		if total > maxBatch && len(x.parts) > 1 || len(x.parts) == 0 {
			t.Errorf("clusters of %d bytes: %d of them, with %d bytes of input", 1<<bits, len(x.parts), total)
		}
	}
}
