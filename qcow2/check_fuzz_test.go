package qcow2

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzCheck checks any bytes: no panic, no error without a type, the same
// result each time, no more read than is stated. And an image that passes
// keeps its word: nothing of its tables is corrupt to who reads it.
func FuzzCheck(f *testing.F) {
	f.Add(tinyImage(f))
	for _, image := range committedImages(f) {
		file := gunzip(f, filepath.Join(image, "disk.qcow2.gz"))
		if len(file) > 1<<15 {
			continue
		}
		f.Add(file)
		// And with something wrong past the header.
		rnd := rand.New(rand.NewPCG(1, uint64(len(file))))
		for range 4 {
			altered := bytes.Clone(file)
			for range 1 + rnd.IntN(3) {
				altered[len(file)/8+rnd.IntN(len(file)*7/8)] ^= 1 << rnd.IntN(8)
			}
			f.Add(altered)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, zeroFill := range []bool{false, true} {
			checkAnything(t, file, zeroFill)
		}
	})
}

func checkAnything(t *testing.T, file []byte, zeroFill bool) {
	opts := fuzzOptions()
	opts.ZeroFillTruncated = zeroFill
	r := &counting{Reader: bytes.NewReader(file)}
	im, err := New(r, int64(len(file)), opts)
	if err != nil {
		return // FuzzOpen is about that
	}
	defer im.Close()
	limits := &CheckOptions{MemoryLimit: 8 << 20}
	r.bytes = 0
	result, err := im.Check(t.Context(), limits)
	// The snapshot table and the bitmap directory are read by pages.
	if limit := 20 * (len(file) + excessTables); r.bytes > limit {
		t.Errorf("%d bytes read, of a file of %d", r.bytes, len(file))
	}
	if err != nil {
		if !isTyped(err) {
			t.Fatalf("Check: %v", err)
		}
		return
	}
	again, err := im.Check(t.Context(), limits)
	if err != nil || !reflect.DeepEqual(result, again) {
		t.Fatalf("%+v; and again: %+v, %v", result, again, err)
	}
	if report, err := im.Safety(t.Context()); err != nil || report.Safe() && !(result.Corruptions == 0) {
		t.Fatalf("Safety: %+v, %v, Check: %+v", report, err, result)
	}
	if len(result.Findings) == 0 {
		soundToReaders(t, im)
	}
}

// soundToReaders reads of the disk, and of snapshots, as far as it is little,
// and fails if a table is corrupt. Compressed data is not looked at by Check.
func soundToReaders(t *testing.T, im *Image) {
	views := []*Image{im}
	list, err := im.Snapshots()
	if err != nil {
		t.Fatalf("no findings; Snapshots: %v", err)
	}
	for i := range list[:min(len(list), 4)] {
		view, err := im.OpenSnapshot(list[i].ID)
		if err == nil {
			views = append(views, view)
		} else if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrTruncated) {
			t.Fatalf("no findings; snapshot %d: %v", i, err)
		}
	}
	p := make([]byte, 1<<16)
	for i, view := range views {
		for off := int64(0); off < min(view.Size(), 1<<20); off += int64(len(p)) {
			_, err := view.ReadAt(p, off)
			if e := new(Error); errors.As(err, &e) && errors.Is(err, ErrCorrupt) && e.What != whatComp {
				t.Fatalf("no findings; disk or snapshot %d at %#x: %v", i, off, err)
			} else if err != nil && err != io.EOF && !isTyped(err) {
				t.Fatal(err)
			}
		}
	}
}
