package qcow2

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"cstructgen/internal/testseed"
)

// A lossList collects what is lost.
type lossList struct {
	mu   sync.Mutex
	list []Lost
}

func (l *lossList) add(x Lost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, x)
}

// String returns the ranges in order, joined where they touch, with what the
// errors wrap.
func (l *lossList) String() string {
	slices.SortFunc(l.list, func(a, b Lost) int { return cmp.Compare(a.Offset, b.Offset) })
	var parts []string
	var start, end int64
	var why string
	flush := func() {
		if end > start {
			parts = append(parts, fmt.Sprintf("%d+%d %s", start, end-start, why))
		}
	}
	for _, x := range l.list {
		kind := x.Err.Error()
		for _, err := range []error{ErrCorrupt, ErrTruncated, ErrReference, ErrUnsupported, ErrLimit, errTransient} {
			if errors.Is(x.Err, err) {
				kind = err.Error()
			}
		}
		if x.Offset != end || kind != why {
			flush()
			start, why = x.Offset, kind
		}
		end = x.Offset + x.Length
	}
	flush()
	return strings.Join(parts, "; ")
}

// salvaged opens file and returns its disk, as ReadAt, WriteTo, and reads of
// what Extents calls data give it, which must be the same; and what was lost.
func salvaged(t *testing.T, file *faultyReader, opts Options) ([]byte, string) {
	t.Helper()
	var reading, both lossList
	opts.Salvage = reading.add
	im, err := New(file, int64(len(file.file)), &opts)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	disk := make([]byte, im.Size())
	if n, err := im.ReadAt(disk, 0); n != len(disk) || err != nil {
		t.Fatalf("ReadAt: %d of %d, %v", n, len(disk), err)
	}

	opts.Salvage = both.add
	again, err := New(file, int64(len(file.file)), &opts)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	byExtents := make([]byte, again.Size())
	at := int64(0)
	for e, err := range again.Extents(0, again.Size()) {
		if err != nil || e.Start != at {
			t.Fatalf("extent %+v, %v; want one at %d", e, err, at)
		}
		at += e.Length
		if e.Zero {
			continue
		}
		if n, err := again.ReadAt(byExtents[e.Start:e.Start+e.Length], e.Start); int64(n) != e.Length || err != nil {
			t.Fatalf("ReadAt of %+v: %d, %v", e, n, err)
		}
	}
	if at != again.Size() || !bytes.Equal(disk, byExtents) {
		t.Errorf("by extents up to %d another disk is read", at)
	}
	if reading.String() != both.String() {
		t.Errorf("lost %v; by extents %v", &reading, &both)
	}
	var out bytes.Buffer
	if n, err := again.WriteTo(&out); n != again.Size() || err != nil || !bytes.Equal(out.Bytes(), disk) {
		t.Errorf("WriteTo: %d, %v, or other bytes", n, err)
	}
	return disk, reading.String()
}

func TestSalvage(t *testing.T) {
	const cluster = 4096
	const span = cluster * cluster / 8 // of an L2 table
	// Two L2 tables: clusters 0-2 plain, 3 compressed, 5 plain, and one of
	// the second table; 4 is from the backing file.
	build := func() (*builder, []byte) {
		b := newBuilder(t, recipe{bits: 12, size: span + 2*cluster, backing: "b", format: formatRaw})
		want := make([]byte, b.header.Size)
		copy(want, text(9*cluster, 99))
		b.compressed(3, text(cluster, 50))
		copy(want[3*cluster:], text(cluster, 50))
		for i, c := range []uint64{0, 1, 2, 5, 512} {
			content := text(cluster, byte(i))
			b.data(c, content)
			copy(want[c*cluster:], content)
		}
		return b, want
	}
	base := source("b", text(9*cluster, 99))
	whole := base
	setEntry := func(b *builder, c, entry uint64) { b.entry(c, entry, 0) }
	setL1 := func(b *builder, i int, entry uint64) {
		e := QCow2L1Entry{Entry: entry}
		e.Encode((*[SizeofQCow2L1Entry]byte)(b.file[int(b.header.L1TableOffset)+i*L1E_SIZE:]))
	}
	for _, tt := range []struct {
		name   string
		damage func(b *builder)
		base   *Source
		cut    int // bytes cut off the end of the file
		lost   string
	}{
		{name: "nothing", base: whole},
		{name: "an L2 entry", base: whole, lost: "4096+4096 corrupt image",
			damage: func(b *builder) { setEntry(b, 1, 0x10200) }},
		{name: "two L2 entries", base: whole, lost: "4096+8192 corrupt image",
			damage: func(b *builder) { setEntry(b, 1, 0x10200); setEntry(b, 2, 0x10200) }},
		{name: "a compressed cluster", base: whole, lost: "12288+4096 corrupt image",
			damage: func(b *builder) { copy(b.file[b.compEnd-cluster:], "\xff\xff\xff") }},
		{name: "an L1 entry", base: whole, lost: fmt.Sprintf("%d+%d corrupt image", span, 2*cluster),
			damage: func(b *builder) { setL1(b, 1, 0x200) }},
		{name: "an L2 table past the end", base: whole, lost: fmt.Sprintf("0+%d beyond the end of the file", span),
			damage: func(b *builder) { setL1(b, 0, 1<<40) }},
		{name: "both L1 entries", base: whole, lost: fmt.Sprintf("0+%d corrupt image", span+2*cluster),
			damage: func(b *builder) { setL1(b, 0, 0x200); setL1(b, 1, 0x200) }},
		{name: "the L1 table past the end", base: whole, lost: fmt.Sprintf("0+%d beyond the end of the file", span+2*cluster),
			damage: func(b *builder) { b.header.L1TableOffset = 1 << 40 }},
		{name: "no backing file", lost: "16384+4096 a file that the image names is not open; " +
			fmt.Sprintf("%d+%d a file that the image names is not open; ", 6*cluster, span-6*cluster) +
			fmt.Sprintf("%d+%d a file that the image names is not open", span+cluster, cluster)},
		{name: "a backing file that is no image", base: &Source{Reader: base.Reader, Size: base.Size, Name: "b", Format: formatQcow2},
			lost: "16384+4096 qcow2: \"b\": magic at 0x0: not a qcow2 image; " +
				fmt.Sprintf("%d+%d qcow2: \"b\": magic at 0x0: not a qcow2 image; ", 6*cluster, span-6*cluster) +
				fmt.Sprintf("%d+%d qcow2: \"b\": magic at 0x0: not a qcow2 image", span+cluster, cluster)},
		{name: "a cut file", base: whole, cut: cluster + 1000,
			lost: fmt.Sprintf("%d+%d beyond the end of the file", span+cluster-1000, 1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, want := build()
			b.alloc() // something behind the last cluster
			if tt.damage != nil {
				tt.damage(b)
			}
			file := b.bytes()
			got, lost := salvaged(t, &faultyReader{file: file[:len(file)-tt.cut]}, Options{Backing: tt.base, Name: "i"})
			if lost != tt.lost {
				t.Errorf("lost %s\nwant %s", lost, tt.lost)
			}
			for _, part := range strings.Split(tt.lost, "; ") {
				var off, n int
				if part != "" {
					fmt.Sscanf(part, "%d+%d", &off, &n)
					clear(want[off : off+n])
				}
			}
			if !bytes.Equal(got, want) {
				t.Error("wrong bytes")
			}
		})
	}
}

// Of a file with bad places as little is lost as there is to lose, with few
// more reads than places, whether the reader says how far it got or not.
func TestSalvageBadPlaces(t *testing.T) {
	const cluster, clusters = 1 << 16, 64
	b := newBuilder(t, recipe{size: clusters * cluster})
	want := text(clusters*cluster, 7)
	start := 0
	for i := range clusters {
		off := b.data(uint64(i), want[i*cluster:(i+1)*cluster])
		if i == 0 {
			start = int(off)
		}
	}
	file := b.bytes()
	first := testseed.Of(t)
	for _, bad := range []int{1, 7, 300, len(want) / salvageUnit} {
		for _, honest := range []bool{false, true} {
			rng := rand.New(rand.NewPCG(first, uint64(bad)))
			isBad := make([]bool, len(want)/salvageUnit)
			for _, i := range rng.Perm(len(isBad))[:bad] {
				isBad[i] = true
			}
			r := &faultyReader{file: file}
			r.fault = func(p []byte, off int64) (int, error, bool) {
				at := int(off) - start
				for i := 0; at >= 0 && i < len(p); i += salvageUnit - (at+i)%salvageUnit {
					if isBad[(at+i)/salvageUnit] {
						if !honest {
							i = 0
						}
						return copy(p[:i], file[off:]), errTransient, true
					}
				}
				return 0, nil, false
			}
			var lost lossList
			im, err := New(r, int64(len(file)), &Options{Salvage: lost.add})
			if err != nil {
				t.Fatal(err)
			}
			before := r.reads.Load()
			got := make([]byte, len(want))
			if n, err := im.ReadAt(got, 0); n != len(got) || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
			total := int64(0)
			for _, x := range lost.list {
				total += x.Length
			}
			good := bytes.Clone(want)
			for i, bad := range isBad {
				if bad {
					clear(good[i*salvageUnit : (i+1)*salvageUnit])
				}
			}
			if !bytes.Equal(got, good) || total != int64(bad)*salvageUnit {
				t.Errorf("%d bad places: %d bytes lost, or wrong bytes", bad, total)
			}
			if reads := r.reads.Load() - before; reads > int64(bad)*24+4 {
				t.Errorf("%d bad places: %d reads", bad, reads)
			}
		}
	}
}

// Whichever byte is wrong, or the file cut: an image that opens is
// read from end to end, and what is not lost is what a read without salvage
// gives.
func TestSalvageAnything(t *testing.T) {
	whole := tinyImage(t)
	try := func(file []byte) {
		var lost lossList
		below := &Options{Backing: source("b", text(4096, 9)), BackingFormat: formatRaw}
		strict, _ := New(bytes.NewReader(file), int64(len(file)), below)
		opts := *below
		opts.Salvage = lost.add
		im, err := New(bytes.NewReader(file), int64(len(file)), &opts)
		if err != nil {
			if strict != nil {
				t.Fatalf("opens, but not to salvage: %v", err)
			}
			return
		}
		disk := make([]byte, min(im.Size(), 1<<20))
		if n, err := im.ReadAt(disk, 0); n != len(disk) || err != nil && err != io.EOF {
			t.Fatalf("%d of %d bytes, %v", n, len(disk), err)
		}
		isLost := make([]bool, len(disk))
		for _, x := range lost.list {
			for i := x.Offset; i < x.Offset+x.Length; i++ {
				isLost[i] = true
			}
		}
		var sector [512]byte
		for off := 0; off < len(disk) && strict != nil; off += len(sector) {
			n, err := strict.ReadAt(sector[:], int64(off))
			for i, b := range sector[:n] {
				if err == nil && (isLost[off+i] || disk[off+i] != b) {
					t.Fatalf("byte %d reads as %#x, lost %v; it is %#x", off+i, disk[off+i], isLost[off+i], b)
				}
			}
		}
	}
	for i := range whole {
		flip := []byte{1 << (i / 2 % 8), 0xff}[i%2]
		whole[i] ^= flip
		try(whole)
		whole[i] ^= flip
	}
	for n := 0; n < len(whole); n += 5 {
		try(whole[:n])
	}
}

// What cannot be salvaged is an error: the header, and the caller's own.
func TestSalvageNeedsAHeader(t *testing.T) {
	b := newBuilder(t, recipe{size: 1 << 20})
	b.header.ClusterBits = 99
	file := b.bytes()
	if _, err := New(bytes.NewReader(file), int64(len(file)), &Options{Salvage: func(Lost) {}}); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrLimit) {
		t.Errorf("cluster_bits 99: %v", err)
	}
}
