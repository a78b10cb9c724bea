package qcow2

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"
)

// isTyped reports whether err is one that callers can tell apart.
func isTyped(err error) bool {
	for _, known := range []error{ErrFormat, ErrUnsupported, ErrCorrupt, ErrTruncated, ErrLimit, ErrPassword, ErrReference} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// What exercise may take. An image that reads as anything at all does it in
// milliseconds and a few megabytes; the rest of the time is for a machine that
// has other things to do.
const (
	exerciseTime   = time.Minute
	exerciseMemory = 48 << 20 // bytes allocated, all together, and again as often as the file has
	exerciseDisk   = 1 << 20  // bytes of the disk that are read
)

// exercise does with an image all that can be done, and checks that it is done
// in little time and memory, that errors have a type, and that the disk is the
// same however it is read. It returns what was read of the disk.
func exercise(t testing.TB, file []byte, opts *Options) reading {
	t.Helper()
	return exerciseAs(t, file, opts, true)
}

// exerciseAs is exercise. If it is not to be thorough it leaves out to check
// the image, and to read its disk in more ways than one.
func exerciseAs(t testing.TB, file []byte, opts *Options, thorough bool) (r reading) {
	t.Helper()
	start, before := time.Now(), allocatedSoFar()
	im, err := New(bytes.NewReader(file), int64(len(file)), opts)
	if err != nil {
		mustBeTyped(t, "New", err)
	} else {
		extents := exerciseTables(t, im, thorough)
		r = exerciseDisks(t, im, thorough)
		for _, e := range extents {
			if p := r.between(e.Start, e.Length); e.Zero && !e.Data && len(bytes.Trim(p, "\x00")) > 0 {
				t.Fatalf("extent %+v has other bytes", e)
			}
		}
		if err := im.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		if _, err := im.ReadAt(make([]byte, 1), 0); im.Size() > 0 && !errors.Is(err, fs.ErrClosed) {
			t.Fatalf("after Close: %v", err)
		}
	}
	if n, limit := allocatedSoFar()-before, uint64(exerciseMemory+64*len(file)); n > limit {
		t.Fatalf("%d bytes allocated for a file of %d", n, len(file))
	}
	if d := time.Since(start); d > exerciseTime {
		t.Fatalf("it takes %v", d)
	}
	return r
}

// A reading is what was read of a disk: its first bytes, and where there are
// gaps, in which they could not be read.
type reading struct {
	disk []byte // zeros in gaps
	gaps []gap
}

// A gap is where reading stopped, and up to where it is not known what there is.
type gap struct{ from, to int }

// between returns what of n bytes at off was read.
func (r *reading) between(off, n int64) []byte {
	size := int64(len(r.disk))
	return r.disk[min(off, size):min(off+n, size)]
}

// inGap returns the first gap that ends behind off, and whether it begins before.
func (r *reading) nextGap(off int) (g gap, inside, ok bool) {
	i := slices.IndexFunc(r.gaps, func(g gap) bool { return g.to > off })
	if i < 0 {
		return g, false, false
	}
	return r.gaps[i], r.gaps[i].from < off, true
}

// allocatedSoFar returns how many bytes the program has allocated.
func allocatedSoFar() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func mustBeTyped(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil && !isTyped(err) {
		t.Fatalf("%s: an error of no type: %v", doing, err)
	}
}

// exerciseTables looks at everything but the disk. It returns extents.
func exerciseTables(t testing.TB, im *Image, thorough bool) (extents []Extent) {
	t.Helper()
	d := im.Describe()
	mustBeTyped(t, "Snapshots", d.SnapshotsError)
	mustBeTyped(t, "Bitmaps", d.BitmapsError)
	for i := range d.Bitmaps[:min(len(d.Bitmaps), 4)] {
		n, end := 0, int64(0)
		for r, err := range im.DirtyRanges(&d.Bitmaps[i]) {
			if err != nil {
				mustBeTyped(t, "DirtyRanges", err)
				break
			}
			if r.Start < end || r.Length <= 0 || r.Length > im.Size()-r.Start {
				t.Fatalf("dirty range %+v after %d", r, end)
			}
			end = r.Start + r.Length
			if n++; n > 1000 {
				break
			}
		}
	}
	_, err := im.LUKS()
	mustBeTyped(t, "LUKS", err)
	end := int64(0)
	for e, err := range im.Extents(0, im.Size()) {
		if err != nil {
			mustBeTyped(t, "Extents", err)
			break
		}
		if e.Start != end || e.Length <= 0 || e.Length > im.Size()-e.Start {
			t.Fatalf("extent %+v after %d", e, end)
		}
		end = e.Start + e.Length
		if extents = append(extents, e); len(extents) > 1000 {
			break
		}
	}
	if thorough {
		_, err = im.Check(t.Context(), &CheckOptions{MemoryLimit: 4 << 20, MaxFindings: 10})
		mustBeTyped(t, "Check", err)
	}
	return extents
}

// exerciseDisks reads the disk, what is at its far end, and snapshots with
// their VM state. It returns what was read of the disk.
func exerciseDisks(t testing.TB, im *Image, thorough bool) reading {
	t.Helper()
	r := readEveryWay(t, im, thorough)
	var p, q [700]byte
	for _, off := range []int64{im.Size() - 600, im.Size() / 2, im.Size() / 3} {
		n, err := im.ReadAt(p[:], max(off, 0))
		if m, again := im.ReadAt(q[:], max(off, 0)); m != n || (err == nil) != (again == nil) || p != q {
			t.Fatalf("ReadAt(700 bytes, %#x): %d, %v; and again: %d, %v", off, n, err, m, again)
		}
		if err != io.EOF {
			mustBeTyped(t, "ReadAt", err)
		}
	}
	list, _ := im.Snapshots()
	for i := range list[:min(len(list), 3)] {
		s := &list[i]
		view, err := im.OpenListedSnapshot(s)
		mustBeTyped(t, "OpenListedSnapshot", err)
		if err == nil {
			readEveryWay(t, view, thorough)
		}
		state, err := im.OpenVMState(s)
		mustBeTyped(t, "OpenVMState", err)
		if err == nil {
			if _, err := io.CopyN(io.Discard, state, 1<<16); err != io.EOF {
				mustBeTyped(t, "VM state", err)
			}
		}
	}
	return r
}

// readEveryWay reads the first bytes of a disk in order; then, to be thorough,
// in any order, concurrently, and, if it is no longer, with WriteTo. It returns
// them, as far as they can be read.
func readEveryWay(t testing.TB, im *Image, thorough bool) reading {
	t.Helper()
	disk := make([]byte, min(im.Size(), exerciseDisk))
	r := reading{disk: disk}
	step := int(min(im.ClusterSize(), 1<<16))
	for off := 0; off < len(disk); off += step {
		p := disk[off:min(off+step, len(disk))]
		n, err := im.ReadAt(p, int64(off))
		if n < len(p) && err == nil || n > len(p) || err != nil && n == len(p) && err != io.EOF {
			t.Fatalf("ReadAt(%d bytes, %#x): %d, %v", len(p), off, n, err)
		}
		if n < len(p) {
			mustBeTyped(t, "ReadAt", err)
			r.gaps = append(r.gaps, gap{off + n, off + len(p)})
			clear(p[n:])
		}
	}
	if !thorough {
		return r
	}
	// compare reads from off on, where it must stop at the next gap.
	compare := func(p []byte, off int) {
		want := off + len(p)
		g, inside, ok := r.nextGap(off)
		if ok {
			want = min(want, g.from)
		}
		n, err := im.ReadAt(p, int64(off))
		if inside { // what of it can be read is not known
			return
		}
		if n != want-off || !bytes.Equal(p[:n], disk[off:want]) || n < len(p) && err == nil {
			t.Errorf("ReadAt(%d bytes, %#x): %d, %v: not what was read in order, %d bytes", len(p), off, n, err, want-off)
		}
	}
	rnd := rand.New(rand.NewPCG(uint64(len(disk)), uint64(len(r.gaps))))
	random := func(rnd *rand.Rand, count int) {
		p := make([]byte, 3*step)
		for range count {
			off := rnd.IntN(len(disk))
			compare(p[:min(1+rnd.IntN(len(p)), len(disk)-off)], off)
		}
	}
	if len(disk) > 0 {
		random(rnd, 8)
		var wg sync.WaitGroup
		for range 3 {
			own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
			wg.Go(func() { random(own, 4) })
		}
		wg.Wait()
	}
	if im.Size() == int64(len(disk)) {
		want := len(disk)
		if len(r.gaps) > 0 {
			want = r.gaps[0].from
		}
		var b bytes.Buffer
		n, err := im.WriteTo(&b)
		if int(n) != want || (err == nil) != (want == len(disk)) || !bytes.Equal(b.Bytes(), disk[:want]) {
			t.Errorf("WriteTo: %d bytes, %v: not what was read in order, %d bytes", n, err, want)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return r
}

// exercise is exercise for the file of a seed, altered perhaps: what is read of
// it is what the plain reader reads. It returns how much that was.
func (s *seed) exercise(t testing.TB, file []byte, thorough bool) (n int) {
	t.Helper()
	r := exerciseAs(t, file, s.options(), thorough)
	plain := s.reference(file)
	for off := 0; off < len(r.disk); off += 512 {
		end := min(off+512, len(r.disk))
		if g, _, ok := r.nextGap(off); ok && g.from < end {
			continue // it was refused, in part at least
		}
		want, err := plain.sector(uint64(off))
		if err != nil || !bytes.Equal(r.disk[off:end], want[:end-off]) {
			t.Fatalf("%s: the sector at %#x is not what the plain reader reads (%v)", s.name, off, err)
		}
		n += end - off
	}
	return n
}
