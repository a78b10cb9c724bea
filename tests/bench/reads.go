package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"

	"cstructgen/qcow2"
)

// A reading is work that is measured inside a process: some sides take turns.
type reading struct {
	work, against string
	images        []string
	// open returns the sides: ours first, then theirs. Each does its work n
	// times over.
	open func(r *reader) ([]side, error)
	// ratio says what is made of the times of one turn; nil: of ours, divided
	// by theirs.
	ratio func(times []float64) float64
}

// A side does one thing n times.
type side func(n int) error

// pageBytes is how much random reads and small sequential ones take at once.
const pageBytes = 4096

func readings() []reading {
	random := func(r *reader, image string) (side, error) { return r.random(image, 1) }
	pair := func(ours, theirs string, open func(*reader, string) (side, error)) func(*reader) ([]side, error) {
		return func(r *reader) ([]side, error) {
			a, err := open(r, ours)
			b, err2 := open(r, theirs)
			return []side{a, b}, errors.Join(err, err2)
		}
	}
	gain := func(r *reader) ([]side, error) {
		var sides []side
		var errs []error
		for _, image := range []string{plain, raw} {
			for goroutines := 1; goroutines <= 2; goroutines++ {
				s, err := r.random(image, goroutines)
				sides, errs = append(sides, s), append(errs, err)
			}
		}
		return sides, errors.Join(errs...)
	}
	sequential := func(size int) func(*reader, string) (side, error) {
		return func(r *reader, image string) (side, error) { return r.sequential(image, size, size) }
	}
	once := func(image string) func(*reader) ([]side, error) {
		return func(r *reader) ([]side, error) {
			small, err := r.sequential(image, pageBytes, 1<<20)
			whole, err2 := r.sequential(image, 64<<10, 1<<20)
			return []side{small, whole}, errors.Join(err, err2)
		}
	}
	return []reading{
		{"ReadAt 4 KiB random, plain", "os.File, raw file", []string{plain}, pair(plain, raw, random), nil},
		{"the same, 2 goroutines: gain over 1", "gain of os.File", []string{plain}, gain, func(t []float64) float64 {
			return (t[0] / t[1]) / (t[2] / t[3])
		}},
		{"ReadAt 4 KiB random, 512-byte clusters", "plain", []string{smallest, plain}, pair(smallest, plain, random), nil},
		{"ReadAt 4 KiB random, extended L2", "plain", []string{extended, plain}, pair(extended, plain, random), nil},
		{"ReadAt 4 KiB random, chain of three", "plain", []string{chain}, pair(chain, plain, random), nil},
		{"ReadAt 1 MiB sequential, plain", "os.File, raw file", []string{plain}, pair(plain, raw, sequential(1<<20)), nil},
		{"ReadAt 4 KiB sequential, deflate, by MiB", "each cluster once", []string{deflate}, once(deflate), nil},
		{"ReadAt 4 KiB sequential, zstd, by MiB", "each cluster once", []string{zstd}, once(zstd), nil},
		{"ReadAt 4 KiB random, deflate, nothing cached", "klauspost flate, the cluster", []string{deflate}, (*reader).cold, nil},
		{"open and close, 64 TiB", "header and L1 read by hand", []string{huge}, (*reader).opens, nil},
	}
}

// readRows returns the rows of readings. Each runs in a process of its own.
func readRows() []row {
	var rows []row
	for _, r := range readings() {
		rows = append(rows, row{r.work, r.against, r.images, func(b *bench) (result, error) { return b.reexecute(r.work) }})
	}
	return rows
}

// In a run the sides take so many turns, each of which takes about so long: so
// short that what else the machine does falls into few of them.
const (
	turns    = 151
	turnTime = 500 * time.Microsecond
)

// take returns how long s takes to do its work n times, in seconds.
func (s side) take(n int) (float64, error) {
	start := time.Now()
	err := s(n)
	return time.Since(start).Seconds(), err
}

// perTurn returns how often s does its work in a turn.
func (s side) perTurn() (int, error) {
	for n := 1; ; n *= 2 {
		least := math.Inf(1)
		for range 5 {
			t, err := s.take(n)
			if err != nil {
				return 0, err
			}
			least = min(least, t)
		}
		if least > turnTime.Seconds()/2 {
			return n, nil
		}
	}
}

// run measures r in this process. Of the turns of a side in a run the median
// counts. The first run is there to bring all into memory.
func (r reading) run(b *bench) (m result, err error) {
	open := &reader{bench: b}
	defer open.close()
	sides, err := r.open(open)
	if err != nil {
		return m, err
	}
	n := make([]int, len(sides))
	for i, s := range sides {
		if n[i], err = s.perTurn(); err != nil {
			return m, err
		}
	}
	times := make([][]float64, len(sides))
	var ratios []float64
	for run := range b.runs + 1 {
		turn := make([][]float64, len(sides))
		for range turns {
			for i, s := range sides {
				t, err := s.take(n[i])
				if err != nil {
					return m, err
				}
				turn[i] = append(turn[i], t/float64(n[i]))
			}
		}
		if run == 0 {
			continue
		}
		medians := make([]float64, len(sides))
		for i := range sides {
			medians[i] = summarise(turn[i]).Median
			times[i] = append(times[i], medians[i])
		}
		if r.ratio != nil {
			ratios = append(ratios, r.ratio(medians))
		}
	}
	m = compared(times[0], times[len(times)-1])
	if r.ratio != nil {
		m.Ratio = summarise(ratios)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := sides[0](turns * n[0]); err != nil {
		return m, err
	}
	runtime.ReadMemStats(&after)
	m.Allocs = float64(after.Mallocs-before.Mallocs) / float64(turns*n[0])
	if b.profile != "" {
		err = profile(b.profile, func() error { return sides[0](n[0]) })
	}
	return m, err
}

// profile writes a profile of some seconds of work to a file.
func profile(name string, work func() error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for start := time.Now(); time.Since(start) < 3*time.Second; {
		if err := work(); err != nil {
			return err
		}
	}
	return nil
}

// A reader opens files, and closes them in the end.
type reader struct {
	*bench
	closers []io.Closer
	sides   int // of random reads
}

func (r *reader) close() {
	for _, c := range r.closers {
		c.Close()
	}
}

// image opens an image, or the raw file.
func (r *reader) image(name string, opts qcow2.Options) (io.ReaderAt, error) {
	if name == raw {
		f, err := os.Open(r.path(name))
		if err == nil {
			r.closers = append(r.closers, f)
		}
		return f, err
	}
	opts.AllowDirs = []string{r.dir}
	im, err := qcow2.Open(r.path(name), &opts)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, im)
	return im, nil
}

// places returns where the disk has data, size bytes each, in random order.
func (r *reader) places(size int64) []int64 {
	var at []int64
	for off := int64(0); off+size <= r.size; off += size {
		if !isHole(off) {
			at = append(at, off)
		}
	}
	rand.New(rand.NewPCG(7, 8)).Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
	return at
}

// random returns a side that reads pages at random places, by so many
// goroutines together.
func (r *reader) random(image string, goroutines int) (side, error) {
	file, err := r.image(image, qcow2.Options{})
	if err != nil {
		return nil, err
	}
	at := r.places(pageBytes)
	bufs := make([][]byte, goroutines)
	for i := range bufs {
		bufs[i] = make([]byte, pageBytes)
	}
	// Tables come into memory once, which is not what is measured.
	for _, off := range at {
		if _, err := file.ReadAt(bufs[0], off); err != nil {
			return nil, err
		}
	}
	// Elsewhere than other sides, which would find in the processor's caches
	// what this one has just read.
	next := r.sides * len(at) / 7
	r.sides++
	return func(n int) error {
		share := n / goroutines
		work := func(k, n int) error {
			i := (next + k*len(at)/goroutines) % len(at)
			for range n {
				if _, err := file.ReadAt(bufs[k], at[i]); err != nil {
					return err
				}
				if i++; i == len(at) {
					i = 0
				}
			}
			return nil
		}
		errs := make([]error, goroutines)
		var wg sync.WaitGroup
		for k := 1; k < goroutines; k++ {
			wg.Go(func() { errs[k] = work(k, share) })
		}
		errs[0] = work(0, n-share*(goroutines-1))
		wg.Wait()
		next = (next + n) % len(at)
		return errors.Join(errs...)
	}, nil
}

// sequential returns a side that reads all the disk's data again and again, so
// many bytes a call; it counts steps of unit bytes.
func (r *reader) sequential(image string, size, unit int) (side, error) {
	file, err := r.image(image, qcow2.Options{})
	if err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	off := int64(0)
	return func(n int) error {
		for n *= unit / size; n > 0; off += int64(size) {
			if off+int64(size) > r.size {
				off = 0
			}
			if isHole(off) {
				continue
			}
			if _, err := file.ReadAt(buf, off); err != nil {
				return err
			}
			n--
		}
		return nil
	}, nil
}

// cold returns sides that read a page of a cluster that no cache holds, and
// that decode the cluster's compressed bytes.
func (r *reader) cold() ([]side, error) {
	file, err := r.image(deflate, qcow2.Options{CacheBytes: 1})
	if err != nil {
		return nil, err
	}
	at, packed, err := compressedClusters(r.path(deflate), r.places(64<<10), 512)
	if err != nil {
		return nil, err
	}
	page, cluster := make([]byte, pageBytes), make([]byte, 64<<10)
	inflater := flate.NewReader(nil)
	input := new(bytes.Reader)
	// Both decode the same bytes.
	for i, off := range at[:min(len(at), 8)] {
		input.Reset(packed[i])
		if err := inflater.(flate.Resetter).Reset(input, nil); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(inflater, cluster); err != nil {
			return nil, err
		}
		if _, err := file.ReadAt(page, off+pageBytes); err != nil {
			return nil, err
		}
		if !slices.Equal(page, cluster[pageBytes:2*pageBytes]) {
			return nil, fmt.Errorf("the two sides do not agree at %d", off)
		}
	}
	i, j := 0, 0
	ours := func(n int) error {
		for range n {
			if _, err := file.ReadAt(page, at[i]); err != nil {
				return err
			}
			i = (i + 1) % len(at)
		}
		return nil
	}
	theirs := func(n int) error {
		for range n {
			input.Reset(packed[j])
			if err := inflater.(flate.Resetter).Reset(input, nil); err != nil {
				return err
			}
			if _, err := io.ReadFull(inflater, cluster); err != nil {
				return err
			}
			j = (j + 1) % len(at)
		}
		return nil
	}
	return []side{ours, theirs}, nil
}

// compressedClusters returns the first n of the given places of the disk whose
// clusters are compressed, and what each is decoded from.
func compressedClusters(name string, places []int64, n int) (at []int64, packed [][]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var b [qcow2.SizeofQCowHeader]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return nil, nil, err
	}
	var h qcow2.QCowHeader
	h.Decode(&b)
	entry := func(table uint64, i int64) (uint64, error) {
		var b [qcow2.SizeofQCow2L2Entry]byte
		var e qcow2.QCow2L2Entry
		_, err := f.ReadAt(b[:], int64(table)+i*qcow2.L2E_SIZE_NORMAL)
		e.Decode(&b)
		return e.Entry, err
	}
	perTable := int64(1) << (h.ClusterBits - 3)
	for _, off := range places {
		if len(at) == n {
			break
		}
		cluster := off >> h.ClusterBits
		l1, err := entry(h.L1TableOffset, cluster/perTable)
		if err != nil {
			return nil, nil, err
		}
		l2, err := entry(l1&qcow2.L1E_OFFSET_MASK, cluster%perTable)
		if err != nil {
			return nil, nil, err
		}
		if l2&qcow2.QCOW_OFLAG_COMPRESSED == 0 {
			continue // noise, which gets longer
		}
		shift := 62 - (h.ClusterBits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE)
		l2 &= qcow2.L2E_COMPRESSED_OFFSET_SIZE_MASK
		host := l2 & (1<<shift - 1)
		p := make([]byte, (l2>>shift+1)*qcow2.QCOW2_COMPRESSED_SECTOR_SIZE-host%qcow2.QCOW2_COMPRESSED_SECTOR_SIZE)
		got, err := f.ReadAt(p, int64(host))
		if err != nil && err != io.EOF {
			return nil, nil, err
		}
		at, packed = append(at, off), append(packed, p[:got])
	}
	if len(at) == 0 {
		return nil, nil, fmt.Errorf("%s has no compressed cluster", name)
	}
	return at, packed, nil
}

// opens returns sides that open an image, and that read by hand what tells
// where its tables are.
func (r *reader) opens() ([]side, error) {
	name := r.path(huge)
	var first [qcow2.SizeofQCowHeader]byte
	var l1 []byte
	return []side{
		func(n int) error {
			for range n {
				im, err := qcow2.Open(name, nil)
				if err != nil {
					return err
				}
				if err := im.Close(); err != nil {
					return err
				}
			}
			return nil
		},
		func(n int) error {
			for range n {
				f, err := os.Open(name)
				if err != nil {
					return err
				}
				if _, err := f.Stat(); err != nil {
					return err
				}
				if _, err := f.ReadAt(first[:], 0); err != nil {
					return err
				}
				var h qcow2.QCowHeader
				h.Decode(&first)
				if l1 == nil {
					l1 = make([]byte, h.L1Size*qcow2.L1E_SIZE)
				}
				if _, err := f.ReadAt(l1, int64(h.L1TableOffset)); err != nil {
					return err
				}
				if err := f.Close(); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}
