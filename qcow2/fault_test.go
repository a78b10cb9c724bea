package qcow2

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cstructgen/internal/testseed"
)

// A faultyReader is a file that can misbehave.
type faultyReader struct {
	file []byte
	// fault, if set, is asked before each read; it may answer for it.
	fault func(p []byte, off int64) (n int, err error, handled bool)
	reads atomic.Int64
}

func (r *faultyReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads.Add(1)
	if r.fault != nil {
		if n, err, handled := r.fault(p, off); handled {
			return n, err
		}
	}
	return bytes.NewReader(r.file).ReadAt(p, off)
}

var errTransient = errors.New("the disk is tired")

// faultyImage opens an image with a plain, a compressed and a zero cluster.
func faultyImage(t testing.TB) (*Image, *faultyReader, []byte) {
	t.Helper()
	const cluster = 1 << 16
	b := newBuilder(t, recipe{size: 3 * cluster})
	b.data(0, text(cluster, 1))
	b.compressed(1, text(cluster, 2))
	b.entry(2, QCOW_OFLAG_ZERO, 0)
	r := &faultyReader{file: b.bytes()}
	im, err := New(r, int64(len(r.file)), &Options{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	return im, r, append(append(text(cluster, 1), text(cluster, 2)...), make([]byte, cluster)...)
}

// An error of the reader below comes back wrapped, and is forgotten: the next
// read tries again. Which of the reads fails does not matter.
func TestTransientErrors(t *testing.T) {
	for fail := range int64(100) {
		im, r, want := faultyImage(t)
		start := r.reads.Load()
		r.fault = func([]byte, int64) (int, error, bool) {
			return 0, errTransient, r.reads.Load() == start+fail+1
		}
		failed := false
		for _, n := range []int{1 << 15, len(want)} { // parts of clusters, whole clusters
			for off := 0; off < len(want); off += n {
				p := make([]byte, min(n, len(want)-off))
				m, err := im.ReadAt(p, int64(off))
				if err != nil {
					var e *Error
					if failed || !errors.Is(err, errTransient) || !errors.As(err, &e) || e.File != "f" {
						t.Fatalf("read %d fails: %v", fail, err)
					}
					failed = true
					m, err = im.ReadAt(p, int64(off))
				}
				if m != len(p) || err != nil || !bytes.Equal(p, want[off:off+m]) {
					t.Fatalf("read %d failed, then ReadAt(%d bytes, %d): %d, %v", fail, len(p), off, m, err)
				}
			}
		}
		if !failed {
			if fail < 4 {
				t.Fatalf("only %d reads", fail)
			}
			return
		}
	}
	t.Fatal("no end of reads")
}

// Opening fails with the reader's error, too.
// A file of the system puts its name into its errors. It may be one that the
// image named and we resolved: it does not come back.
func TestErrorsShowNoResolvedNames(t *testing.T) {
	im, r, _ := faultyImage(t)
	r.fault = func([]byte, int64) (int, error, bool) {
		return 0, &fs.PathError{Op: "read", Path: "/secret/place", Err: errTransient}, true
	}
	_, err := im.ReadAt(make([]byte, 100), 0)
	if !errors.Is(err, errTransient) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestTransientErrorsOfOpen(t *testing.T) {
	_, r, _ := faultyImage(t)
	r.fault = func([]byte, int64) (int, error, bool) { return 0, errTransient, true }
	if _, err := New(r, int64(len(r.file)), nil); !errors.Is(err, errTransient) {
		t.Errorf("New: %v", err)
	}
}

// Readers that are worse than io.ReaderAt allows, or than the size they were
// given with.
func TestOddReaders(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(r *faultyReader, p []byte, off int64) (int, error, bool)
		err   error // nil: reads succeed
	}{
		"short reads without an error": {func(r *faultyReader, p []byte, off int64) (int, error, bool) {
			return copy(p[:(len(p)+1)/2], r.file[off:]), nil, true
		}, nil},
		"io.EOF with all the bytes": {func(r *faultyReader, p []byte, off int64) (int, error, bool) {
			return copy(p, r.file[off:]), io.EOF, true
		}, nil},
		"an error with all the bytes": {func(r *faultyReader, p []byte, off int64) (int, error, bool) {
			return copy(p, r.file[off:]), errTransient, true
		}, nil},
		"nothing and no error": {func(*faultyReader, []byte, int64) (int, error, bool) {
			return 0, nil, true
		}, io.ErrNoProgress},
		"a file that shrank": {func(r *faultyReader, p []byte, off int64) (int, error, bool) {
			return 0, io.EOF, true
		}, ErrTruncated},
	} {
		im, r, want := faultyImage(t)
		r.fault = func(p []byte, off int64) (int, error, bool) { return c.fault(r, p, off) }
		p := make([]byte, len(want))
		n, err := im.ReadAt(p, 0)
		if c.err == nil && (n != len(p) || err != nil || !bytes.Equal(p, want)) || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %v", name, n, err, c.err)
		}
	}
	for _, count := range []int{-1, 1 << 30} {
		im, r, _ := faultyImage(t)
		r.fault = func([]byte, int64) (int, error, bool) { return count, nil, true }
		if n, err := im.ReadAt(make([]byte, 10), 0); n != 0 || err == nil {
			t.Errorf("a reader that returns %d: %d, %v", count, n, err)
		}
	}
}

// However many read one compressed cluster, one of them decodes it.
func TestOneDecodeForManyReaders(t *testing.T) {
	const readers = 64
	for _, whole := range []bool{false, true} {
		im, r, want := faultyImage(t)
		if _, err := im.ReadAt(make([]byte, 1), 0); err != nil { // the tables
			t.Fatal(err)
		}
		start := r.reads.Load()
		arrived := make(chan struct{})
		r.fault = func([]byte, int64) (int, error, bool) { <-arrived; return 0, nil, false }
		var wg sync.WaitGroup
		for i := range readers {
			wg.Go(func() {
				off, n := 1<<16+i*1000, 1000
				if whole {
					off, n = 1<<16, 1<<16
				}
				p := make([]byte, n)
				if m, err := im.ReadAt(p, int64(off)); m != n || err != nil || !bytes.Equal(p, want[off:off+n]) {
					t.Errorf("ReadAt(%d bytes, %d): %d, %v", n, off, m, err)
				}
			})
		}
		for waiting := 0; waiting < readers; {
			im.decoded.mu.Lock()
			waiting = 0
			for _, e := range im.decoded.entries {
				waiting += e.readers
			}
			im.decoded.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		close(arrived)
		wg.Wait()
		if n := r.reads.Load() - start; n != 1 {
			t.Errorf("whole clusters %v: the cluster was read %d times", whole, n)
		}
	}
}

// A reader that panics takes nobody else down with it.
func TestPanickingReader(t *testing.T) {
	im, r, want := faultyImage(t)
	p := make([]byte, 100)
	im.ReadAt(p, 0) // the tables
	r.fault = func([]byte, int64) (int, error, bool) { panic("reader") }
	func() {
		defer func() { recover() }()
		im.ReadAt(p, 1<<16)
		t.Error("no panic")
	}()
	r.fault = nil
	if _, err := im.ReadAt(p, 1<<16); err != nil || !bytes.Equal(p, want[1<<16:][:100]) {
		t.Errorf("afterwards: %v", err)
	}
	if err := im.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Close waits for reads that are under way; later ones fail.
func TestCloseWhileReading(t *testing.T) {
	im, r, want := faultyImage(t)
	under := make(chan struct{})
	goOn := make(chan struct{})
	var once sync.Once
	r.fault = func([]byte, int64) (int, error, bool) {
		once.Do(func() { close(under) })
		<-goOn
		return 0, nil, false
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		p := make([]byte, len(want))
		if n, err := im.ReadAt(p, 0); n != len(p) || err != nil || !bytes.Equal(p, want) {
			t.Errorf("the read under way: %d, %v", n, err)
		}
	})
	<-under
	closed := make(chan error)
	go func() { closed <- im.Close() }()
	select {
	case err := <-closed:
		t.Errorf("Close did not wait: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	close(goOn)
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	if n, err := im.ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt of a closed image: %d, %v", n, err)
	}
	if n, err := im.WriteTo(io.Discard); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("WriteTo of a closed image: %d, %v", n, err)
	}
	if _, err := im.Snapshots(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Snapshots of a closed image: %v", err)
	}
	if _, err := im.Bitmaps(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Bitmaps of a closed image: %v", err)
	}
	for _, err := range im.Extents(0, im.Size()) {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Extents of a closed image: %v", err)
		}
	}
	if im.Header().Size != uint64(len(want)) {
		t.Error("the header of a closed image is gone")
	}
}

// Many goroutines, every kind of image, caches too small for them.
func TestConcurrentReads(t *testing.T) {
	rnd := testseed.Rand(t)
	for range 10 {
		image := newRandomImage(t, rnd)
		opts := image.options()
		opts.CacheBytes = 1 // as little as there is
		im := open(t, image.file, opts)
		want, err := image.reference().disk(0, image.size)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
			wg.Go(func() {
				for range 30 {
					off := own.IntN(len(want))
					p := make([]byte, 1+own.IntN(min(len(want)-off, 100000)))
					if n, err := im.ReadAt(p, int64(off)); n != len(p) || err != nil || !bytes.Equal(p, want[off:off+n]) {
						t.Errorf("%+v: ReadAt(%d bytes, %d): %d, %v", image.recipe, len(p), off, n, err)
						return
					}
				}
			})
		}
		wg.Go(func() {
			var disk bytes.Buffer
			if _, err := im.WriteTo(&disk); err != nil || !bytes.Equal(disk.Bytes(), want) {
				t.Errorf("%+v: WriteTo: %v", image.recipe, err)
			}
		})
		wg.Go(func() {
			for _, err := range im.Extents(0, im.Size()) {
				if err != nil {
					t.Errorf("%+v: Extents: %v", image.recipe, err)
				}
			}
		})
		wg.Wait()
	}
}
