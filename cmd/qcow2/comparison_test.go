package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// verdict is what compare says of two disks.
func verdict(t *testing.T, one, two disk) string {
	t.Helper()
	var out bytes.Buffer
	c := newComparison(one, two, false)
	c.workers = 4
	var done atomic.Int64
	c.done = func(n int64) { done.Add(n) }
	f := c.run(t.Context())
	if n := done.Load(); f == nil && n != c.size() {
		t.Errorf("%d bytes counted as done, want %d", n, c.size())
	}
	printVerdict(&out, c, f)
	return out.String()
}

// The first sector that differs is found, wherever it lies and whichever
// worker comes to it; what both know to be zeros is not read.
func TestComparisonFindsTheFirst(t *testing.T) {
	const size = 5<<20 + 512
	rng := testseed.Rand(t)
	for range 8 {
		one, two := newFakeDisk(size), newFakeDisk(size)
		want := "Images are identical.\n"
		first := int64(size)
		for range rng.IntN(4) { // bytes of data that differ
			at := rng.Int64N(size)
			if two.isData[at/fakeExtent] {
				two.data[at] ^= 0x80
				first = min(first, at&^(sectorSize-1))
			}
		}
		if first < size {
			want = fmt.Sprintf("Content mismatch at offset %d!\n", first)
		}
		if got := verdict(t, one, two); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		for off := range size {
			if known := !one.isData[off/fakeExtent]; known && (one.read[off] > 0 || two.read[off] > 0) {
				t.Fatalf("byte %d, known to be zero in both, was read", off)
			}
		}
	}
}

// What lies behind the end of the shorter disk must be zeros.
func TestComparisonOfLengths(t *testing.T) {
	const warning, same = "Warning: Image size mismatch!\n", "Images are identical.\n"
	long, short := newFakeDisk(3<<20), newFakeDisk(3<<20)
	short.data, short.isData = short.data[:1<<20], short.isData[:16]
	clear(long.data[1<<20:])
	for _, tt := range []struct {
		at   int64 // of a byte that is not zero, -1: none
		want string
	}{
		{-1, warning + same},
		{1 << 20, warning + "Content mismatch at offset 1048576!\n"},
		{3<<20 - 1, warning + "Content mismatch at offset 3145216!\n"},
		{5000, "Content mismatch at offset 4608!\n"}, // before there is anything to say of lengths
	} {
		copy(long.data, short.data)
		clear(long.data[1<<20:])
		for i := range long.isData {
			long.isData[i] = true
		}
		if tt.at >= 0 {
			long.data[tt.at] ^= 1
		}
		for _, pair := range [][2]disk{{long, short}, {short, long}} {
			if got := verdict(t, pair[0], pair[1]); got != tt.want {
				t.Errorf("byte %d: %q, want %q", tt.at, got, tt.want)
			}
		}
	}
}

// A disk that ends inside a sector is as long as one that ends with it.
func TestComparisonOfOddSizes(t *testing.T) {
	odd, even := newFakeDisk(70<<10+100), newFakeDisk(70<<10+512)
	even.isData = odd.isData
	copy(even.data, odd.data)
	clear(even.data[len(odd.data):])
	if got := verdict(t, odd, even); got != "Images are identical.\n" {
		t.Errorf("%q", got)
	}
}

// A brokenDisk fails to tell its extents from some offset on.
type brokenDisk struct {
	*fakeDisk
	from int64
}

func (d *brokenDisk) ExtentsContext(ctx context.Context, off, n int64) iter.Seq2[qcow2.Extent, error] {
	return func(yield func(qcow2.Extent, error) bool) {
		for e, err := range d.fakeDisk.ExtentsContext(ctx, off, n) {
			if e.Start >= d.from {
				yield(qcow2.Extent{}, errBroken)
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// What fails first decides how the command ends.
func TestComparisonEnds(t *testing.T) {
	at := func(from int64) *brokenDisk { return &brokenDisk{newFakeDisk(4 << 20), from} }
	unreadable := at(4 << 20)
	unreadable.onRead = func(off int64) error { return errBroken }
	refused := at(4 << 20)
	refused.onRead = func(off int64) error { return &qcow2.ReferenceError{Reason: errBroken} }
	changed := at(2 << 20)
	for i := range changed.data[:1<<20] {
		changed.data[i] ^= 1
		changed.isData[i/fakeExtent] = true
	}
	for _, tt := range []struct {
		name string
		d    disk
		code int
	}{
		{"tables", at(2 << 20), exitNoStatus},
		{"data", unreadable, exitNotRead},
		{"a file that is not open", refused, exitNotOpen},
		{"a difference before", changed, exitDifferent},
	} {
		c := newComparison(newFakeDisk(4<<20), tt.d, false)
		err, _ := printVerdict(&bytes.Buffer{}, c, c.run(t.Context())).(*exitError)
		if err == nil || err.code != tt.code {
			t.Errorf("%s: %v, want exit code %d", tt.name, err, tt.code)
		}
	}
}

// Exbibytes of zeros, or of what claims to be data behind a difference, take
// no time.
func TestComparisonOfExbibytes(t *testing.T) {
	start := time.Now()
	huge := &emptyDisk{size: 1<<63 - 512}
	if got := verdict(t, huge, &emptyDisk{size: 1 << 40}); !strings.HasSuffix(got, "identical.\n") {
		t.Errorf("%q", got)
	}
	small := newFakeDisk(1 << 20)
	small.data[0], small.isData[0] = 1, true
	if got := verdict(t, small, &claimingDisk{emptyDisk{size: 1<<63 - 512}}); got != "Content mismatch at offset 0!\n" {
		t.Errorf("%q", got)
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("it took %v", d)
	}
}

// A claimingDisk says that all of it is data; it reads as zeros.
type claimingDisk struct{ emptyDisk }

func (d *claimingDisk) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

func (d *claimingDisk) ExtentsContext(_ context.Context, off, n int64) iter.Seq2[qcow2.Extent, error] {
	return func(yield func(qcow2.Extent, error) bool) {
		yield(qcow2.Extent{Start: off, Length: n, Present: true, Data: true}, nil)
	}
}
