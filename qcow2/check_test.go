package qcow2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The numbers of images that QEMU made are those of "qemu-img check".
func TestCheckCommittedImages(t *testing.T) {
	for _, image := range committedImages(t) {
		t.Run(filepath.Base(image), func(t *testing.T) {
			var expect struct {
				Check *struct {
					ImageEnd   int64 `json:"image-end-offset"`
					Total      int64 `json:"total-clusters"`
					Allocated  int64 `json:"allocated-clusters"`
					Fragmented int64 `json:"fragmented-clusters"`
					Compressed int64 `json:"compressed-clusters"`
					Leaks      int64 `json:"leaks"`
				}
			}
			text, err := os.ReadFile(filepath.Join(image, "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &expect); err != nil {
				t.Fatal(err)
			}
			im := open(t, gunzip(t, filepath.Join(image, "disk.qcow2.gz")), nil)
			r, err := im.Check(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Clean() || len(r.Findings) > 0 {
				t.Errorf("findings: %v", r.Findings)
			}
			if w := expect.Check; w != nil {
				got := []int64{r.ImageEndOffset, r.TotalClusters, r.AllocatedClusters, r.FragmentedClusters, r.CompressedClusters, r.Leaks}
				want := []int64{w.ImageEnd, w.Total, w.Allocated, w.Fragmented, w.Compressed, w.Leaks}
				if !slices.Equal(got, want) {
					t.Errorf("%v, qemu-img has %v", got, want)
				}
			}
		})
	}
}

// committed returns the disk.qcow2 of a committed image.
func committed(t testing.TB, name string) []byte {
	t.Helper()
	return gunzip(t, filepath.Join("testdata", "images", name, "disk.qcow2.gz"))
}

// Findings say what, where and the value.
func TestCheckFindings(t *testing.T) {
	file := committed(t, "v3-plain")
	im := open(t, file, nil)
	h := im.Header()
	var e QCow2L1Entry
	e.Decode((*[SizeofQCow2L1Entry]byte)(file[h.L1TableOffset:]))
	table := e.Entry & L1E_OFFSET_MASK
	entry := QCow2L2Entry{Entry: l2Entry(file[table:]) &^ QCOW_OFLAG_COPIED}
	entry.Encode((*[SizeofQCow2L2Entry]byte)(file[table:]))
	file = append(file, make([]byte, 4096)...)

	var reported []Finding
	r, err := open(t, file, nil).Check(t.Context(), &CheckOptions{Report: func(f Finding) { reported = append(reported, f) }})
	if err != nil {
		t.Fatal(err)
	}
	want := []Finding{{Kind: FindingCopiedData, Offset: uint64(table), Value: entry.Entry, References: 1, Times: 1}}
	if !slices.Equal(r.Findings, want) || !slices.Equal(reported, want) || r.Corruptions != 1 || r.Leaks != 0 {
		t.Errorf("%+v, reported %+v\nwant %+v", r, reported, want)
	}
	if s := r.Findings[0].String(); s != "ERROR OFLAG_COPIED data cluster: l2_entry=5000 refcount=1" {
		t.Errorf("in words: %s", s)
	}
}

// All findings are counted, and no more kept than was asked for.
func TestCheckKeepsFindingsInBounds(t *testing.T) {
	b := newBuilder(t, recipe{bits: 9, size: 1 << 20}) // without refcounts
	for i := range uint64(1500) {
		b.data(i, nil)
	}
	for _, limit := range []int{0, 7} {
		r, err := b.image(nil).Check(t.Context(), &CheckOptions{MaxFindings: limit})
		if err != nil {
			t.Fatal(err)
		}
		want := limit
		if limit == 0 {
			want = defaultMaxFindings
		}
		if len(r.Findings) != want || r.Corruptions < 3000 {
			t.Errorf("%d findings kept of %d, want %d", len(r.Findings), r.Corruptions, want)
		}
	}
}

func TestCheckEnds(t *testing.T) {
	file := committed(t, "snapshots")
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r, err := open(t, file, nil).Check(ctx, nil); !errors.Is(err, context.Canceled) || r != nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		im := open(t, file, nil)
		im.Close()
		if _, err := im.Check(t.Context(), nil); !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	})
	t.Run("closed meanwhile", func(t *testing.T) {
		im := open(t, file, nil)
		_, err := im.Check(t.Context(), &CheckOptions{Progress: func(int64, int64) { im.Close() }})
		if !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	})
	t.Run("memory", func(t *testing.T) {
		if _, err := open(t, file, nil).Check(t.Context(), &CheckOptions{MemoryLimit: 1000}); !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	})
	t.Run("clusters", func(t *testing.T) {
		file := committed(t, "v2-plain") // of 512 bytes a cluster
		im, err := New(bytes.NewReader(file), 1<<31*512+1, &Options{ZeroFillTruncated: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := im.Check(t.Context(), nil); !errors.Is(err, ErrLimit) {
			t.Error(err)
		}
	})
	t.Run("reader fails", func(t *testing.T) {
		im, err := New(&failing{bytes.NewReader(file), 3}, int64(len(file)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := im.Check(t.Context(), nil); !errors.Is(err, errFailing) {
			t.Error(err)
		}
	})
}

var errFailing = errors.New("the disk is on fire")

// A failing reader fails after so many reads.
type failing struct {
	*bytes.Reader
	left int
}

func (r *failing) ReadAt(p []byte, off int64) (int, error) {
	if r.left--; r.left < 0 {
		return 0, errFailing
	}
	return r.Reader.ReadAt(p, off)
}

// Checks and reads of one image go on side by side.
func TestCheckConcurrently(t *testing.T) {
	im := open(t, committed(t, "snapshots"), nil)
	want, err := im.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r, err := im.Check(t.Context(), nil); err != nil || !reflect.DeepEqual(r, want) {
				t.Errorf("%+v, %v", r, err)
			}
			if _, err := im.ReadAt(make([]byte, 4096), 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// The largest refcount, of each width.
func TestReferenceCounts(t *testing.T) {
	for order := range uint32(QCOW2_MAX_REFCOUNT_ORDER + 1) {
		max := maxRefcount(order)
		if bits := uint64(1) << order; order < QCOW2_MAX_REFCOUNT_ORDER && max != 1<<bits-1 || order == QCOW2_MAX_REFCOUNT_ORDER && max != math.MaxUint64 {
			t.Errorf("order %d: largest refcount %#x", order, max)
		}
		r := newReferences(10, max, 1<<20)
		add := func(n, wantCount, wantExcess uint64) {
			t.Helper()
			if excess, ok := r.add(3, n); !ok || excess != wantExcess || r.count(3) != wantCount {
				t.Errorf("order %d: add(%#x): count %#x, want %#x; excess %#x, want %#x; %v", order, n, r.count(3), wantCount, excess, wantExcess, ok)
			}
		}
		add(1, 1, 0)
		add(max-1, max, 0)
		add(1, max, 1)
		add(math.MaxUint64, max, math.MaxUint64)
		if r.count(2) != 0 || r.count(4) != 0 {
			t.Error("neighbours are counted")
		}
	}
	// Where counts go over from the small to the large.
	r := newReferences(10, math.MaxUint64, 1<<20)
	for want := uint64(inLarge - 2); want < inLarge+3; want++ {
		if r.count(9) == 0 {
			r.add(9, want-1)
		}
		if excess, ok := r.add(9, 1); excess != 0 || !ok || r.count(9) != want {
			t.Errorf("count %d, want %d, excess %d", r.count(9), want, excess)
		}
	}
}

// Refcounts of less than a byte begin at its lowest bit, others are
// big-endian. Specification: "Host cluster management".
func TestRefcountAt(t *testing.T) {
	b := []byte{0x1b, 0xff, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a}
	for _, c := range []struct {
		order uint32
		want  []uint64
	}{
		{0, []uint64{1, 1, 0, 1, 1, 0, 0, 0, 1}},
		{1, []uint64{3, 2, 1, 0, 3, 3, 3, 3, 0}},
		{2, []uint64{0xb, 1, 0xf, 0xf, 0, 0, 2, 1}},
		{3, []uint64{0x1b, 0xff, 0, 0x12}},
		{4, []uint64{0x1bff, 0x0012, 0x3456, 0x789a}},
		{5, []uint64{0x1bff0012, 0x3456789a}},
		{6, []uint64{0x1bff00123456789a}},
	} {
		for i, want := range c.want {
			if got := refcountAt(b, c.order, uint64(i)); got != want {
				t.Errorf("order %d, refcount %d: %#x, want %#x", c.order, i, got, want)
			}
		}
	}
}

func TestCheckProgress(t *testing.T) {
	last, total := int64(-1), int64(0)
	_, err := open(t, committed(t, "snapshots"), nil).Check(t.Context(), &CheckOptions{Progress: func(done, n int64) {
		if done < last || done > n || total != 0 && n != total {
			t.Errorf("%d of %d after %d of %d", done, n, last, total)
		}
		last, total = done, n
	}})
	if err != nil || last != total || total == 0 {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}

// A snapshot's view belongs to the same file: its check is the file's.
func TestCheckOfSnapshotView(t *testing.T) {
	im := open(t, committed(t, "snapshots"), nil)
	view, err := im.OpenSnapshot("1")
	if err != nil {
		t.Fatal(err)
	}
	a, errA := im.Check(t.Context(), nil)
	b, errB := view.Check(t.Context(), nil)
	if errA != nil || errB != nil || !b.Clean() || a.AllocatedClusters != b.AllocatedClusters {
		t.Errorf("%+v, %v\n%+v, %v", a, errA, b, errB)
	}
}

// Tables that are used again and again, and claims of size, cost neither time
// nor memory.
func TestCheckOfHostileTables(t *testing.T) {
	tests := map[string]func(b *builder){
		"one L2 table for the whole disk": func(b *builder) {
			b.data(0, nil)
			first := b.file[b.header.L1TableOffset:][:L1E_SIZE]
			for i := range uint64(b.header.L1Size) {
				copy(b.file[b.header.L1TableOffset+i*L1E_SIZE:], first)
			}
		},
		"snapshots that share an L1 table": func(b *builder) {
			b.data(0, nil)
			shareL1(b, 20000)
		},
		"snapshots that share an L1 table of one L2 table": func(b *builder) {
			b.data(0, nil)
			first := b.file[b.header.L1TableOffset:][:L1E_SIZE]
			for i := range uint64(b.header.L1Size) {
				copy(b.file[b.header.L1TableOffset+i*L1E_SIZE:], first)
			}
			// Only the snapshots have it, so that counting may wait.
			shareL1(b, 20000)
			b.header.L1Size, b.header.Size = 0, 0
		},
		"a refcount table of 8 MiB past the end": func(b *builder) {
			b.header.RefcountTableOffset, b.header.RefcountTableClusters = 1<<40, QCOW_MAX_REFTABLE_SIZE>>b.geometry.clusterBits
		},
		"one refcount block for all": func(b *builder) {
			var all []byte
			at := b.alloc()
			for range b.geometry.clusterSize() / REFTABLE_ENTRY_SIZE {
				all, _ = (&QCow2RefcountTableEntry{Entry: uint64(at)}).AppendBinary(all)
			}
			copy(b.file[at:], all)
			b.header.RefcountTableOffset, b.header.RefcountTableClusters = uint64(at), 1
		},
	}
	for name, alter := range tests {
		for _, bits := range []uint32{9, 16} {
			b := newBuilder(t, recipe{bits: bits, size: 1 << 30, l1Size: 1 << 16})
			alter(b)
			file := b.bytes()
			r := &counting{Reader: bytes.NewReader(file)}
			im, err := New(r, int64(len(file)), nil)
			if err != nil {
				t.Fatal(err)
			}
			n := allocated(func() { _, err = im.Check(t.Context(), &CheckOptions{MemoryLimit: 8 << 20}) })
			if err != nil && !errors.Is(err, ErrLimit) {
				t.Errorf("%s, %d: %v", name, bits, err)
			}
			if n > 40<<20 {
				t.Errorf("%s, %d: %d bytes allocated", name, bits, n)
			}
			if limit := 6*len(file) + excessTables; r.bytes > limit {
				t.Errorf("%s, %d: %d bytes read, of a file of %d", name, bits, r.bytes, len(file))
			}
		}
	}
}

// A counting reader counts the bytes that are read.
type counting struct {
	*bytes.Reader
	bytes int
}

func (r *counting) ReadAt(p []byte, off int64) (int, error) {
	r.bytes += len(p)
	return r.Reader.ReadAt(p, off)
}

// shareL1 gives the image n snapshots, all with the L1 table of the disk.
func shareL1(b *builder, n int) {
	h := QCowSnapshotHeader{L1TableOffset: b.header.L1TableOffset, L1Size: b.header.L1Size}
	var list []byte
	for range n {
		list, _ = h.AppendBinary(list)
	}
	b.header.NbSnapshots, b.header.SnapshotsOffset = uint32(n), uint64(len(b.file))
	for len(list) > 0 {
		at := b.alloc()
		list = list[copy(b.file[at:], list):]
	}
}

// Findings in words are for terminals, whatever the image holds.
func TestFindingWords(t *testing.T) {
	seen := map[string]FindingKind{}
	for kind := FindingOutside; kind <= FindingCopiedData; kind++ {
		words := Finding{Kind: kind, Offset: 1 << 63, Index: 7, Value: 1<<64 - 1, References: 3, ID: "1", Name: "\x1b]0;\a"}.String()
		if strings.ContainsAny(words, "\x1b\a") || strings.HasPrefix(words, "finding ") {
			t.Errorf("%d: %q", kind, words)
		}
		if other, ok := seen[words]; ok {
			t.Errorf("%d and %d: %q", kind, other, words)
		}
		seen[words] = kind
	}
}
