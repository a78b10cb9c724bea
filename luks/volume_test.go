package luks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"cstructgen/internal/testseed"
)

// Reads of every place and length near borders, and of random ones, are
// io.ReaderAt's to the letter.
func TestVolumeReadAt(t *testing.T) {
	plain := plainData(9 * 512)
	for _, cut := range []int{0, 1, 511} { // a last sector that is cut does not count
		file := build(t, recipe{}, plain)
		v := openVolume(t, file[:len(file)-cut], testPassword)
		plain := plain[:(len(plain)-cut)/512*512]
		if v.Size() != int64(len(plain)) {
			t.Fatalf("%d bytes, want %d", v.Size(), len(plain))
		}
		check := func(off int64, n int) {
			t.Helper()
			p := bytes.Repeat([]byte{0xee}, n+1)
			got, err := v.ReadAt(p[:n], off)
			want := plain[min(off, int64(len(plain))):min(off+int64(n), int64(len(plain)))]
			if got != len(want) || !bytes.Equal(p[:got], want) || p[n] != 0xee {
				t.Fatalf("ReadAt(%d bytes, %d): %d bytes, want %d, or others", n, off, got, len(want))
			}
			if got < n != (err == io.EOF) || err != nil && err != io.EOF {
				t.Fatalf("ReadAt(%d bytes, %d): %d, %v", n, off, got, err)
			}
		}
		for _, off := range []int64{0, 1, 511, 512, 513, 1024, v.Size() - 513, v.Size() - 512, v.Size() - 1, v.Size(), v.Size() + 1, 1 << 62} {
			for _, n := range []int{0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 5000} {
				if n > 0 || off < v.Size() {
					check(off, n)
				}
			}
		}
		rnd := testseed.Rand(t)
		for range 200 {
			check(rnd.Int64N(v.Size()), 1+rnd.IntN(3000))
		}
		if err := iotest.TestReader(io.NewSectionReader(v, 0, v.Size()), plain); err != nil {
			t.Error(err)
		}
		if n, err := v.ReadAt(make([]byte, 1), -1); n != 0 || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("negative offset: %d, %v", n, err)
		}
	}
}

// A reader that fails, and tells of it, in many ways.
type faulty struct {
	file []byte
	from int64 // where the fault is
	err  error // of reads that reach it; nil: none, and no progress
}

func (f *faulty) ReadAt(p []byte, off int64) (int, error) {
	if f.from == 0 || off+int64(len(p)) <= f.from {
		// Whole, and in pieces: an io.ReaderAt may not, and some do.
		return copy(p[:(len(p)+1)/2], f.file[off:]), nil
	}
	return copy(p[:max(0, f.from-off)], f.file[off:]), f.err
}

func TestVolumeFaults(t *testing.T) {
	plain := plainData(8 * 512)
	f := &faulty{file: build(t, recipe{}, plain)}
	v, err := Open(context.Background(), f, int64(len(f.file)), []byte(testPassword), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	broken := errors.New("broken cable")
	for _, tt := range []struct{ err, want error }{{broken, broken}, {io.EOF, ErrTruncated}, {nil, io.ErrNoProgress}} {
		f.err = tt.err
		f.from = v.Header().PayloadOffset + 3*512 + 100
		p := make([]byte, len(plain))
		n, err := v.ReadAt(p, 0)
		var e *Error
		if n != 3*512 || !bytes.Equal(p[:n], plain[:n]) || !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Offset != 3*512 {
			t.Errorf("%v: %d bytes, %v", tt.want, n, err)
		}
		if n, err := v.ReadAt(p[:10], 3*512+10); n != 0 || !errors.Is(err, tt.want) {
			t.Errorf("part of a sector, %v: %d bytes, %v", tt.want, n, err)
		}
		f.from = 0
		if n, err := v.ReadAt(p, 0); n != len(p) || err != nil || !bytes.Equal(p, plain) {
			t.Errorf("after %v: %d bytes, %v", tt.want, n, err)
		}
		for _, from := range []int64{300, v.Header().Slots[0].KeyOffset + 5} {
			f.from = from
			if v, err := Open(context.Background(), f, int64(len(f.file)), []byte(testPassword), nil); v != nil || !errors.Is(err, tt.want) || !errors.As(err, &e) {
				t.Errorf("fault at %d, %v: %v", from, tt.want, err)
			}
		}
		f.from = 0
	}
}

func TestVolumeConcurrent(t *testing.T) {
	plain := plainData(64 * 512)
	v := openVolume(t, build(t, recipe{cipher: "aes", mode: "cbc-essiv:sha256", keyBytes: 32}, plain), testPassword)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 0))
			p := make([]byte, 4000)
			for range 200 {
				off := rnd.IntN(len(plain))
				n, err := v.ReadAt(p, int64(off))
				if err != nil && err != io.EOF || !bytes.Equal(p[:n], plain[off:off+n]) {
					t.Errorf("ReadAt(%d): %d, %v", off, n, err)
				}
			}
		})
	}
	wg.Wait()
	for range 4 {
		wg.Go(func() {
			p := make([]byte, 512)
			for {
				if _, err := v.ReadAt(p, 0); err != nil {
					if !errors.Is(err, fs.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestVolumeAllocatesNothing(t *testing.T) {
	for _, r := range []recipe{{cipher: "aes", mode: "xts-plain64", keyBytes: 64}, {cipher: "aes", mode: "cbc-essiv:sha256", keyBytes: 32}} {
		v := openVolume(t, build(t, r, plainData(64*512)), testPassword)
		p := make([]byte, 20000)
		least := 100.0
		for range 20 { // under the race detector pools forget some of what they hold
			least = min(least, testing.AllocsPerRun(1, func() {
				if _, err := v.ReadAt(p, 100); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if least > 0 {
			t.Errorf("%v: %g allocations a read", r, least)
		}
	}
}
