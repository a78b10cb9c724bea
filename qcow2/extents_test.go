package qcow2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"testing"
	"time"
)

// show prints extents, one a line.
func show(im *Image, off, n int64) string { return showAll(im.Extents(off, n)) }

// showAll prints extents, a line each.
func showAll(extents iter.Seq2[Extent, error]) string {
	var b strings.Builder
	for e, err := range extents {
		if err != nil {
			fmt.Fprintf(&b, "error %v\n", err)
			break
		}
		fmt.Fprintf(&b, "%d+%d depth %d", e.Start, e.Length, e.Depth)
		for _, flag := range []struct {
			name string
			set  bool
		}{{"present", e.Present}, {"zero", e.Zero}, {"data", e.Data}, {"compressed", e.Compressed}} {
			if flag.set {
				b.WriteString(" " + flag.name)
			}
		}
		if e.HasOffset {
			fmt.Fprintf(&b, " at %d of %q", e.Offset, e.File)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestExtents(t *testing.T) {
	const k = 4096 // the cluster
	b := newBuilder(t, recipe{bits: 12, size: 20*k - 100, backing: "middle", format: "qcow2"})
	for c := range uint64(3) {
		b.data(c, nil) // at 12288, behind header, L1 and L2
	}
	b.compressed(3, nil)
	b.compressed(4, nil)
	b.entry(5, QCOW_OFLAG_ZERO, 0)
	b.entry(6, QCOW_OFLAG_ZERO, 0)
	b.entry(7, QCOW_OFLAG_ZERO|0x7000, 0)
	b.entry(8, QCOW_OFLAG_ZERO|0x8000, 0)
	b.entry(9, QCOW_OFLAG_ZERO|0x3000, 0) // elsewhere
	b.entry(10, 0x4000, 0)                // shared
	b.entry(11, 0x3000, 0)                // before it
	middle := newBuilder(t, recipe{bits: 12, size: 18 * k, backing: "raw", format: "raw"})
	middle.data(12, nil)
	middle.entry(13, QCOW_OFLAG_ZERO, 0)
	s := &shelf{files: map[string][]byte{"top": b.bytes(), "middle": middle.bytes(), "raw": make([]byte, 16*k-600)}}
	im, err := s.image("top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	const want = `0+12288 depth 0 present data at 12288 of "top"
12288+8192 depth 0 present data compressed
20480+8192 depth 0 present zero
28672+8192 depth 0 present zero at 28672 of "top"
36864+4096 depth 0 present zero at 12288 of "top"
40960+4096 depth 0 present data at 16384 of "top"
45056+4096 depth 0 present data at 12288 of "top"
49152+4096 depth 1 present data at 12288 of "middle"
53248+4096 depth 1 present zero
57344+7592 depth 2 present data at 57344 of "raw"
64936+88 depth 2 present zero at 64936 of "raw"
65024+8704 depth 1 zero
73728+8092 depth 0 zero
`
	if got := show(im, 0, im.Size()); got != want {
		t.Errorf("extents:\n%swant:\n%s", got, want)
	}
	const part = `4096+8192 depth 0 present data at 16384 of "top"
12288+1 depth 0 present data compressed
`
	if got := show(im, k, 2*k+1); got != part {
		t.Errorf("extents of a part:\n%swant:\n%s", got, part)
	}
	if got := show(im, 5, 0); got != "" {
		t.Errorf("extents of nothing: %s", got)
	}
	for range im.Extents(0, im.Size()) {
		break // it stops when told to
	}
}

// With extended L2 entries extents end inside clusters.
func TestExtentsOfSubclusters(t *testing.T) {
	b := newBuilder(t, recipe{size: 3 << 16, extended: true})
	off := uint64(b.data(0, nil))
	b.data(1, nil)
	b.entry(0, off, 0xffff_0000) // the second half is allocated
	b.entry(1, off+1<<16, 0xff_0000<<32|0xffff)
	b.entry(2, 0, 0xf<<32)
	const want = `0+32768 depth 0 zero at 196608 of ""
32768+65536 depth 0 present data at 229376 of ""
98304+16384 depth 0 present zero at 294912 of ""
114688+16384 depth 0 zero at 311296 of ""
131072+8192 depth 0 present zero
139264+57344 depth 0 zero
`
	if got := show(b.image(nil), 0, 3<<16); got != want {
		t.Errorf("extents:\n%swant:\n%s", got, want)
	}
}

func TestExtentsErrors(t *testing.T) {
	b := newBuilder(t, recipe{size: 4 << 16})
	b.data(0, nil)
	b.entry(1, 0x10200, 0)
	im := b.image(nil)
	for _, c := range [][2]int64{{-1, 1}, {0, -1}, {0, 4<<16 + 1}, {4<<16 + 1, 0}, {1, 1<<63 - 1}} {
		n := 0
		for e, err := range im.Extents(c[0], c[1]) {
			if n++; !errors.Is(err, fs.ErrInvalid) || e != (Extent{}) {
				t.Errorf("Extents(%d, %d): %+v, %v", c[0], c[1], e, err)
			}
		}
		if n != 1 {
			t.Errorf("Extents(%d, %d) yields %d times", c[0], c[1], n)
		}
	}
	// What comes before a broken entry is yielded before the error.
	got := show(im, 0, im.Size())
	if !strings.HasPrefix(got, "0+65536 depth 0 present data at 196608") || !strings.Contains(got, "\nerror qcow2: L2 entry at 0x20008: 0x10200: ") {
		t.Errorf("extents: %s", got)
	}
}

// Who listens is heard from even if an image says the same for ever: here
// every L1 entry of two exbibytes names one table of zeros.
func TestExtentsOfEndlessZeros(t *testing.T) {
	const entries = 1 << 22
	b := newBuilder(t, recipe{bits: 21, l1Size: entries})
	b.header.Size = entries << (21 + 18)
	table := make([]byte, 1<<21)
	for i := range 1 << 18 {
		e := QCow2L2Entry{Entry: QCOW_OFLAG_ZERO}
		e.Encode((*[SizeofQCow2L2Entry]byte)(table[i*8:]))
	}
	e := QCow2L1Entry{Entry: uint64(b.put(table))}
	for i := range entries {
		e.Encode((*[SizeofQCow2L1Entry]byte)(b.file[int(b.header.L1TableOffset)+i*L1E_SIZE:]))
	}
	im := b.image(nil)
	const piece = (pageSize / L2E_SIZE_NORMAL) << 21
	if r, err := im.active.lookup(0, im.diskSize); err != nil || r.kind != QCOW2_SUBCLUSTER_ZERO_PLAIN || r.length != (maxPieces+1)*piece {
		t.Errorf("lookup: %+v, %v", r, err)
	}
	if e, err := im.status(0, im.diskSize, 0); err != nil || !e.Zero || e.Length != (maxPart+1)*piece {
		t.Errorf("status: %+v, %v", e, err)
	}

	// Who listens is heard from.
	next := int64(0)
	for e, err := range im.extents(t.Context(), 0, im.Size(), 3) {
		if err != nil || e.Start != next || e.Length != (3+1)*(maxPart+1)*piece {
			t.Fatalf("%+v, %v, want one of 4 parts at %#x", e, err, next)
		}
		if next += e.Length; e.Start > 0 {
			break
		}
	}

	// Its first extent would take minutes.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start, last := time.Now(), error(nil)
	for _, err := range im.ExtentsContext(ctx, 0, im.Size()) {
		last = err
	}
	if d := time.Since(start); !errors.Is(last, context.DeadlineExceeded) || d > 30*time.Second {
		t.Errorf("cancelled: %v after %v", last, d)
	}
}

// What lies below may cut a run into any number of parts: the tables above are
// not looked through again for each.
func TestExtentsLookOnce(t *testing.T) {
	const size, parts = 8 << 20, 1024
	top := newBuilder(t, recipe{bits: 9, size: size, backing: "b", format: formatQcow2})
	for c := uint64(0); c < size>>9; c += top.geometry.l2Entries() {
		top.slot(c) // tables in which nothing is allocated
	}
	below := newBuilder(t, recipe{bits: 9, size: size})
	for c := range uint64(parts / 2) {
		below.entry(2*c, QCOW_OFLAG_ZERO, 0)
		below.data(2*c+1, nil)
	}
	r := &faultyReader{file: top.bytes()}
	im, err := New(r, int64(len(r.file)), &Options{Backing: source("b", below.bytes()), CacheBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range im.Extents(0, size) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == parts {
			break
		}
	}
	if reads := r.reads.Load(); n != parts || reads > 10*parts {
		t.Errorf("%d extents with %d reads", n, reads)
	}
}
