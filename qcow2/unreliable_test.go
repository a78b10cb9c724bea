package qcow2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cstructgen/internal/testseed"
)

// An unreliable reader is a file that does, one time in so many, what readers
// may do and seldom do. Which time is chance at each run, as is the order in
// which goroutines come: a seed for all of them would take a lock, and that
// would hide from the race detector who else needs one.
type unreliable struct {
	file   []byte
	faults atomic.Bool  // errors, too; without it oddities alone
	end    atomic.Int64 // where the file ends now
}

func newUnreliable(file []byte) *unreliable {
	u := &unreliable{file: file}
	u.end.Store(int64(len(file)))
	return u
}

func (u *unreliable) ReadAt(p []byte, off int64) (int, error) {
	if left := max(u.end.Load()-off, 0); int64(len(p)) > left {
		return copy(p[:left], u.file[off:]), io.EOF
	}
	n, err := bytes.NewReader(u.file).ReadAt(p, off)
	kinds := 8
	if u.faults.Load() {
		kinds = 11
	}
	switch rand.IntN(kinds) {
	case 0: // short, without an error
		return (n + 1) / 2, nil
	case 1:
		return n, io.EOF
	case 2: // an error, though all is there
		return n, errTransient
	case 3:
		runtime.Gosched()
	case 4:
		time.Sleep(20 * time.Microsecond)
	case 8:
		return 0, errTransient
	case 9:
		return n / 2, errTransient
	case 10:
		return 0, &fs.PathError{Op: "read", Path: "secret", Err: errTransient}
	}
	return n, err
}

// A setting is an image over unreliable files.
type setting struct {
	name  string
	files []*unreliable
	open  func() (*Image, error)
}

// settings are all seeds that can be read, and a chain of several layers.
func settings(t testing.TB) (list []setting) {
	for _, s := range seeds(t) {
		if s.luks && s.password == "" {
			continue
		}
		image, backing, data := newUnreliable(s.file), newUnreliable(seedBacking), newUnreliable(seedData)
		list = append(list, setting{s.name, []*unreliable{image, backing, data}, func() (*Image, error) {
			opts := s.options()
			opts.Backing.Reader, opts.DataFile.Reader = backing, data
			return New(image, int64(len(s.file)), opts)
		}})
	}
	top := newBuilder(t, recipe{bits: 12, size: 1 << 16, backing: "zstd", format: formatQcow2})
	top.compressed(3, text(4096, 7))
	files := map[string]*unreliable{"top": newUnreliable(top.bytes()), "b": newUnreliable(seedBacking)}
	middle := newBuilder(t, recipe{bits: 14, zstd: true, extended: true, size: 1 << 16, backing: "b", format: formatRaw})
	middle.compressed(1, text(1<<14, 8))
	middle.entry(2, uint64(middle.put(text(1<<14, 9))), 0x00ff_0000_ff00_ff00)
	files["zstd"] = newUnreliable(middle.bytes())
	all := setting{name: "chain"}
	for _, f := range files {
		all.files = append(all.files, f)
	}
	all.open = func() (*Image, error) {
		return New(files["top"], int64(len(files["top"].file)), &Options{Name: "top", OpenFile: func(ref Reference) (*Source, error) {
			f := files[ref.Name]
			return &Source{Reader: f, Size: int64(len(f.file)), Name: ref.Name}, nil
		}})
	}
	return append(list, all)
}

// A task is something to do with an image. Its result is the same each time,
// whoever does what at that time, or it is an error.
type task struct {
	name string
	do   func(im *Image, rnd *rand.Rand) (any, error)
}

// tasks are all that reads files.
var tasks = []task{
	{"ReadAt", func(im *Image, _ *rand.Rand) (any, error) {
		p := make([]byte, im.Size())
		_, err := im.ReadAt(p, 0)
		return p, err
	}},
	{"ReadAt in parts", func(im *Image, rnd *rand.Rand) (any, error) {
		p := make([]byte, im.Size())
		for off := 0; off < len(p); {
			n, err := im.ReadAt(p[off:min(len(p), off+1+rnd.IntN(3000))], int64(off))
			if err != nil {
				return nil, err
			}
			off += n
		}
		return p, nil
	}},
	{"WriteTo", func(im *Image, _ *rand.Rand) (any, error) {
		var b bytes.Buffer
		_, err := im.WriteTo(&b)
		return b.Bytes(), err
	}},
	{"Extents", func(im *Image, _ *rand.Rand) (any, error) {
		var list []Extent
		for e, err := range im.ExtentsContext(context.Background(), 0, im.Size()) {
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		return list, nil
	}},
	{"Snapshots", func(im *Image, _ *rand.Rand) (any, error) { return im.Snapshots() }},
	{"OpenSnapshot", func(im *Image, _ *rand.Rand) (any, error) {
		view, err := im.OpenSnapshot("1")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		p := make([]byte, view.Size())
		_, err = view.ReadAt(p, 0)
		return p, err
	}},
	{"DirtyRanges", func(im *Image, _ *rand.Rand) (any, error) {
		list, err := im.Bitmaps()
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return dirtyRanges(im, &list[0])
	}},
	{"Check", func(im *Image, _ *rand.Rand) (any, error) { return im.Check(context.Background(), nil) }},
	{"LUKS", func(im *Image, _ *rand.Rand) (any, error) { return im.LUKS() }},
	{"Safety", func(im *Image, _ *rand.Rand) (any, error) { return im.Safety(context.Background()) }},
}

// Whatever the readers below do, 64 goroutines get what is right or an error
// that wraps the reader's. When the fault is over everything is right again:
// no failure is kept. Nobody is left behind when the image is closed.
func TestUnreliableReaders(t *testing.T) {
	const goroutines, rounds = 64, 3
	for _, s := range settings(t) {
		t.Run(s.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			rnd := testseed.Rand(t)
			im, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			want := make([]any, len(tasks))
			for i, task := range tasks {
				if want[i], err = task.do(im, rnd); err != nil {
					t.Fatalf("%s: %v", task.name, err)
				}
			}
			// crowd does everything at once. Errors must be one of those given.
			crowd := func(phase string, im *Image, errs ...error) (failed int64) {
				var wg sync.WaitGroup
				var failures atomic.Int64
				for range goroutines {
					own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
					wg.Go(func() {
						for range rounds {
							i := own.IntN(len(tasks))
							got, err := tasks[i].do(im, own)
							switch {
							case err == nil && tasks[i].name == "Safety" && slices.Contains(errs, error(ErrTruncated)):
								failures.Add(1) // it is its result that the file ends too soon
							case err == nil && !reflect.DeepEqual(got, want[i]):
								t.Errorf("%s: %s: not what is right", phase, tasks[i].name)
							case err != nil && !slices.ContainsFunc(errs, func(e error) bool { return errors.Is(err, e) }):
								t.Errorf("%s: %s: %v", phase, tasks[i].name, err)
							case err != nil:
								failures.Add(1)
							}
						}
					})
				}
				wg.Wait()
				return failures.Load()
			}
			set := func(faults bool, share float64) {
				for _, f := range s.files {
					f.faults.Store(faults)
					f.end.Store(int64(float64(len(f.file)) * share))
				}
			}
			// Each phase has an image whose caches are empty.
			phase := func(name string, faults bool, share float64, errs ...error) {
				im, err := s.open()
				if err != nil {
					t.Fatal(err)
				}
				set(faults, share)
				if n := crowd(name, im, errs...); n == 0 {
					t.Errorf("%s: nothing failed", name)
				}
				set(false, 1)
				crowd("after "+name, im)
				idle(t, im)
				if err := im.Close(); err != nil {
					t.Error(err)
				}
			}
			phase("transient errors", true, 1, errTransient)
			phase("a file that shrank", false, 0.1, ErrTruncated)
			phase("a file that is gone", false, 0, ErrTruncated)

			var wg sync.WaitGroup
			set(true, 1)
			wg.Go(func() { crowd("Close", im, errTransient, fs.ErrClosed) })
			if err := im.Close(); err != nil {
				t.Error(err)
			}
			wg.Wait()
			if n := crowd("closed", im, fs.ErrClosed); n < goroutines*rounds/2 { // LUKS of an image without it needs no file
				t.Errorf("%d tasks failed after Close", n)
			}
			idle(t, im)
			settled(t, before)
		})
	}
}

// idle fails if somebody seems to use a decoded cluster still, or if the cache
// has lost count.
func idle(t *testing.T, im *Image) {
	t.Helper()
	c := im.decoded
	c.mu.Lock()
	defer c.mu.Unlock()
	used, ring := uint64(0), 0
	for e := c.ring.next; e != &c.ring; e = e.next {
		used += e.size()
		ring++
	}
	for key, e := range c.entries {
		if e.readers != 0 || !e.decoded || e.err != nil || e.gone {
			t.Errorf("cluster at %#x: %d readers, decoded %t, error %v", key.off, e.readers, e.decoded, e.err)
		}
	}
	if used != c.used || ring != len(c.entries) {
		t.Errorf("%d clusters of %d bytes in the ring, counted are %d of %d", ring, used, len(c.entries), c.used)
	}
}

// settled fails if there are more goroutines than there were, after a while.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, there were %d", runtime.NumGoroutine(), before)
}

// Opening reads, too: whichever read fails, opening says so, or did not need
// it. It says what went wrong, not that the image is bad.
func TestOpeningWithTransientErrors(t *testing.T) {
	for _, s := range seeds(t) {
		failed := 0
		for fail := range int64(200) {
			r := &faultyReader{file: s.file}
			r.fault = func([]byte, int64) (int, error, bool) { return 0, errTransient, r.reads.Load() == fail+1 }
			im, err := New(r, int64(len(s.file)), s.options())
			if err == nil {
				if r.reads.Load() > fail {
					t.Errorf("%s: read %d failed, opening did not", s.name, fail)
				}
				im.Close()
				break
			}
			if failed++; !errors.Is(err, errTransient) || isTyped(err) {
				t.Errorf("%s: read %d fails: %v", s.name, fail, err)
			}
		}
		if failed < 2 {
			t.Errorf("%s: opening failed %d times", s.name, failed)
		}
	}
}

// A password is asked for again where the file could not be read, and keys are
// not taken for wrong.
func TestUnlockingWithTransientErrors(t *testing.T) {
	for _, s := range seeds(t) {
		if !s.luks || s.password != "" {
			continue
		}
		r := &faultyReader{file: s.file}
		im, err := New(r, int64(len(s.file)), s.options())
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		right := func(EncryptedLayer) ([]byte, error) { return []byte("open sesame"), nil }
		r.fault = func([]byte, int64) (int, error, bool) { return 0, errTransient, true }
		if err := im.Unlock(t.Context(), right); !errors.Is(err, errTransient) || isTyped(err) {
			t.Errorf("the file cannot be read: %v", err)
		}
		r.fault = nil
		if err := im.Unlock(t.Context(), right); err != nil {
			t.Errorf("then it can: %v", err)
		}
		if _, err := im.ReadAt(make([]byte, 512), 0); err != nil {
			t.Error(err)
		}
	}
}

// Who does not take what WriteTo writes gets the error back, and nobody goes
// on reading for him.
func TestWriteToWriterFails(t *testing.T) {
	before := runtime.NumGoroutine()
	im, _, want := faultyImage(t)
	for n := range 3 {
		errFull := fmt.Errorf("full after %d", n)
		w := writerFunc(func(p []byte) (int, error) {
			if n == 0 {
				return 0, errFull
			}
			n--
			return len(p) / 2, nil
		})
		if written, err := im.WriteTo(w); err == nil || written >= int64(len(want)) {
			t.Errorf("%d bytes written, %v", written, err)
		}
	}
	settled(t, before)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Memory that a failed read took is used again by the next.
func TestFailedReadsGiveBackMemory(t *testing.T) {
	im, r, _ := faultyImage(t)
	p := make([]byte, 100)
	im.ReadAt(p, 0) // the tables
	r.fault = func([]byte, int64) (int, error, bool) { return 0, errTransient, true }
	const reads = 1000
	before := allocatedSoFar()
	for range reads {
		if _, err := im.ReadAt(p, 1<<16); !errors.Is(err, errTransient) {
			t.Fatal(err)
		}
	}
	limit := uint64(8 << 10)
	if raceEnabled { // sync.Pool forgets things then, on purpose
		limit = 40 << 10
	}
	if n := (allocatedSoFar() - before) / reads; n > limit {
		t.Errorf("%d bytes allocated for each failed read of a compressed cluster of 64 KiB", n)
	}
	idle(t, im)
}

// Whoever is asked for a password may take his time, and may do with the image
// what he wants: it is not held meanwhile.
func TestPasswordClosesImage(t *testing.T) {
	for _, s := range seeds(t) {
		if !s.luks || s.password != "" {
			continue
		}
		im := open(t, s.file, s.options())
		done := make(chan error)
		go func() {
			done <- im.Unlock(t.Context(), func(EncryptedLayer) ([]byte, error) {
				if err := im.Close(); err != nil {
					t.Error(err)
				}
				return []byte("open sesame"), nil
			})
		}()
		select {
		case err := <-done:
			if !errors.Is(err, fs.ErrClosed) {
				t.Errorf("Unlock: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Close waits for the password")
		}
	}
}
