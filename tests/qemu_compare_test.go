package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// wholeLimit is the largest disk that is read from end to end. Of larger ones
// what is allocated, its borders and random places are.
const wholeLimit = 64 << 20

// compareWithQEMU holds everything our reader says of the image in dir, which
// r made, against everything qemu-img says of it: info, map, contents.
func compareWithQEMU(t *testing.T, r *recipe, dir string) {
	t.Helper()
	im := openRecipe(t, r, dir)
	var layers []json.RawMessage
	chain := mustTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--backing-chain", "--output=json", diskName)
	if err := json.Unmarshal(chain, &layers); err != nil || len(layers) == 0 {
		t.Fatalf("%v: %s", err, chain)
	}
	compareInfo(t, im, layers[0])
	if r.noData {
		return
	}
	compareMap(t, im, mustTool(t, dir, "qemu-img", append([]string{"map", "--output=json"}, source(r)...)...))
	if im.Size() <= wholeLimit {
		compareFiles(t, im, chain)
		compareCompressed(t, im, dir, source(r))
		compareSnapshots(t, im, r, dir)
	}
	if im.Size() <= referenceLimit {
		if err := compareReference(filesIn(t, dir)); err != nil {
			t.Error(err)
		}
	}
	raw := filepath.Join(t.TempDir(), "raw")
	mustTool(t, dir, "qemu-img", append([]string{"convert", "-O", "raw"}, append(source(r), raw)...)...)
	compareContents(t, im, raw)
}

// openImage opens the image in dir, with the files beside it allowed.
func openImage(t testing.TB, dir string) *qcow2.Image {
	t.Helper()
	return openRecipe(t, new(recipe), dir)
}

// openRecipe is openImage for an image that r made, with its password.
func openRecipe(t testing.TB, r *recipe, dir string) *qcow2.Image {
	t.Helper()
	opts := &qcow2.Options{AllowDirs: []string{dir}}
	if r.password != "" {
		opts.Password = []byte(r.password)
	}
	im, err := qcow2.Open(filepath.Join(dir, diskName), opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := im.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return im
}

// compareInfo compares what `qemu-img info --output=json` printed.
func compareInfo(t *testing.T, im *qcow2.Image, out []byte) {
	t.Helper()
	want, err := normaliseInfo(out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jsonText(t, infoOf(t, im)), jsonText(t, describable(want)); got != want {
		t.Errorf("info\n%s\nqemu-img\n%s", got, want)
	}
}

// describable is what the library can say of an image for which qemu-img said
// info. Of LUKS it says that it is LUKS: all else that qemu-img prints is read
// from the LUKS header, which is another format.
func describable(info map[string]any) map[string]any {
	specific, _ := info["format-specific"].(map[string]any)
	data, _ := specific["data"].(map[string]any)
	if encrypt, _ := data["encrypt"].(map[string]any); encrypt["format"] == "luks" {
		data["encrypt"] = map[string]any{"format": "luks"}
	}
	return info
}

// compareMap compares what `qemu-img map --output=json` printed.
func compareMap(t *testing.T, im *qcow2.Image, out []byte) {
	t.Helper()
	entries, err := parseMap(out)
	if err != nil {
		t.Fatal(err)
	}
	whole := mapOf(t, im, 0, im.Size())
	compareEntries(t, whole, normaliseMap(entries))
	compareParts(t, im, whole)
}

// compareParts asks for parts of the map, which must be parts of the whole.
func compareParts(t *testing.T, im *qcow2.Image, whole []mapEntry) {
	t.Helper()
	if im.Size() == 0 {
		return
	}
	r := testseed.Rand(t)
	for range 5 {
		// Near a border, where there is something to get wrong.
		from := whole[r.IntN(len(whole))].Start + r.Int64N(3*im.ClusterSize()) - im.ClusterSize()
		from = min(max(from, 0), im.Size())
		n := r.Int64N(min(im.Size()-from, 20*im.ClusterSize()) + 1)
		var want []mapEntry
		for _, e := range whole {
			if clipped, ok := clip(e, from, from+n); ok {
				want = append(want, clipped)
			}
		}
		compareEntries(t, mapOf(t, im, from, n), want)
		if t.Failed() {
			t.Logf("%d bytes from %d on", n, from)
			return
		}
	}
}

// clip is the part of e that lies in [from, to).
func clip(e mapEntry, from, to int64) (mapEntry, bool) {
	start, end := max(e.Start, from), min(e.Start+e.Length, to)
	if start >= end {
		return e, false
	}
	if e.Offset != nil {
		offset := *e.Offset + start - e.Start
		e.Offset = &offset
	}
	e.Start, e.Length = start, end-start
	return e, true
}

// compareFiles compares the file that each extent names with the layer that
// `info --backing-chain`, which printed chain, shows at its depth, or that
// layer's data file.
func compareFiles(t *testing.T, im *qcow2.Image, chain []byte) {
	t.Helper()
	var layers []struct {
		Filename string `json:"filename"`
		Specific struct {
			Data struct {
				DataFile string `json:"data-file"`
			} `json:"data"`
		} `json:"format-specific"`
	}
	if err := json.Unmarshal(chain, &layers); err != nil {
		t.Fatal(err)
	}
	for e, err := range im.Extents(0, im.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if !e.HasOffset {
			if e.File != "" {
				t.Errorf("extent %+v: a file without an offset", e)
			}
			continue
		}
		want := layers[e.Depth].Filename
		if data := layers[e.Depth].Specific.Data.DataFile; data != "" {
			want = data
		}
		if filepath.Base(e.File) != filepath.Base(want) {
			t.Errorf("extent %+v: in that file, qemu-img has %s", e, want)
		}
	}
}

// compareCompressed compares the number of compressed clusters, which map
// does not show before QEMU 8.2, with the one that `check` counts.
func compareCompressed(t *testing.T, im *qcow2.Image, dir string, source []string) {
	t.Helper()
	var check struct {
		Compressed int64 `json:"compressed-clusters"`
	}
	// It ends with 2 or 3 where it finds faults, and counts all the same.
	out, err := runTool(t, dir, "qemu-img", append([]string{"check", "--output=json"}, source...)...)
	if te := new(toolError); err != nil && (!errors.As(err, &te) || te.exit < 2) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &check); err != nil {
		t.Fatal(err)
	}
	var got int64
	for e, err := range im.Extents(0, im.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Compressed && e.Depth == 0 {
			got += (e.Length + im.ClusterSize() - 1) / im.ClusterSize()
		}
	}
	if got != check.Compressed {
		t.Errorf("%d compressed clusters, qemu-img counts %d", got, check.Compressed)
	}
}

// compareEntries reports the first difference of two maps.
func compareEntries(t *testing.T, got, want []mapEntry) {
	t.Helper()
	if slices.ContainsFunc(want, func(e mapEntry) bool { return e.Compressed == nil }) {
		got = withoutCompressed(got)
	}
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i].String()
		}
		if i < len(want) {
			w = want[i].String()
		}
		if g != w {
			t.Errorf("map, entry %d of %d\ngot  %s\nwant %s (of %d)", i, len(got), g, w, len(want))
			return
		}
	}
}

// mapOf is what our reader says of the n bytes of the disk from off on, in the
// form of normaliseMap.
func mapOf(t testing.TB, im *qcow2.Image, off, n int64) []mapEntry {
	t.Helper()
	var entries []mapEntry
	at := off
	for e, err := range im.Extents(off, n) {
		if err != nil {
			t.Fatalf("extents at %#x: %v", at, err)
		}
		if e.Start != at || e.Length <= 0 {
			t.Fatalf("extent %+v, want one from %#x on", e, at)
		}
		at += e.Length
		m := mapEntry{
			Start: e.Start, Length: e.Length, Depth: e.Depth,
			Present: e.Present, Zero: e.Zero, Data: e.Data, Compressed: &e.Compressed,
		}
		if e.HasOffset {
			m.Offset = &e.Offset
		}
		entries = append(entries, m)
	}
	if at != off+n {
		t.Fatalf("extents end at %#x, want %#x", at, off+n)
	}
	return normaliseMap(entries)
}

// infoOf is what our reader says of the image, in the form of normaliseInfo.
func infoOf(t testing.TB, im *qcow2.Image) map[string]any {
	t.Helper()
	d := im.Describe()
	if err := errors.Join(d.SnapshotsError, d.BitmapsError); err != nil {
		t.Fatal(err)
	}
	data := map[string]any{
		"compat":           d.Compat,
		"compression-type": d.CompressionType,
		"refcount-bits":    d.RefcountBits,
	}
	if d.Compat != "0.10" {
		data["lazy-refcounts"] = d.LazyRefcounts
		data["corrupt"] = d.Corrupt
		data["extended-l2"] = d.ExtendedL2
	}
	if d.DataFile != "" {
		data["data-file"] = d.DataFile
	}
	if d.HasDataFile {
		data["data-file-raw"] = d.DataFileRaw
	}
	if d.Encryption != "" {
		data["encrypt"] = map[string]any{"format": d.Encryption}
	}
	if len(d.Bitmaps) > 0 {
		data["bitmaps"] = bitmapsInfo(d.Bitmaps)
	}
	info := map[string]any{
		"filename":        filepath.Base(d.Filename),
		"format":          d.Format,
		"virtual-size":    d.VirtualSize,
		"cluster-size":    d.ClusterSize,
		"dirty-flag":      d.Dirty,
		"format-specific": map[string]any{"type": d.Format, "data": data},
	}
	if d.Encrypted {
		info["encrypted"] = true
	}
	if d.HasBacking {
		info["backing-filename"] = d.BackingFilename
		info["full-backing-filename"] = filepath.Base(d.FullBackingFilename)
		if d.BackingFormat != "" {
			info["backing-filename-format"] = d.BackingFormat
		}
	}
	if len(d.Snapshots) > 0 {
		info["snapshots"] = snapshotsInfo(d.Snapshots)
	}
	return info
}

func bitmapsInfo(bitmaps []qcow2.Bitmap) []any {
	var list []any
	for _, b := range bitmaps {
		flags := []string{}
		if b.InUse {
			flags = append(flags, "in-use")
		}
		if b.Auto {
			flags = append(flags, "auto")
		}
		list = append(list, map[string]any{"name": b.Name, "granularity": b.Granularity, "flags": flags})
	}
	return list
}

func snapshotsInfo(snapshots []qcow2.Snapshot) []any {
	var list []any
	for _, s := range snapshots {
		m := map[string]any{
			"id": s.ID, "name": s.Name,
			"date-sec": s.Date.Unix(), "date-nsec": s.Date.Nanosecond(),
			"vm-clock-sec": int64(s.VMClock / 1e9), "vm-clock-nsec": int64(s.VMClock % 1e9),
			"vm-state-size": s.VMStateSize,
		}
		if s.HasICount {
			m["icount"] = s.ICount
		}
		list = append(list, m)
	}
	return list
}

// compareContents compares the disk with the raw copy of it that qemu-img
// made.
func compareContents(t *testing.T, im *qcow2.Image, rawName string) {
	t.Helper()
	raw, err := os.Open(rawName)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	size, err := raw.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	if im.Size() != size {
		t.Fatalf("a disk of %d bytes, qemu-img has %d", im.Size(), size)
	}
	if size > wholeLimit {
		compareAllocated(t, im, raw)
		return
	}
	c := &comparer{want: raw}
	n, err := im.WriteTo(c)
	if err != nil {
		t.Errorf("WriteTo: %v", err)
	} else if n != size || c.at != size {
		t.Errorf("WriteTo: %d bytes of %d, %d arrived", n, size, c.at)
	}
	// A stride that is no divisor of anything: pieces begin and end inside
	// clusters, and span borders of every kind.
	compareRange(t, im, raw, 0, size, 70003)
	compareRandom(t, im, raw, size, 50)
}

// fileSize is the length of a file in bytes.
func fileSize(t testing.TB, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// compareAllocated compares a disk too large to read from end to end: what
// either side says is there, 64 KiB around each border, and random places.
func compareAllocated(t *testing.T, im *qcow2.Image, raw *os.File) {
	t.Helper()
	const around = 64 << 10
	size := im.Size()
	for at := int64(0); at < size; {
		data, err := raw.Seek(at, seekData)
		if err != nil {
			break // nothing but a hole is left
		}
		hole, err := raw.Seek(data, seekHole)
		if err != nil {
			t.Fatal(err)
		}
		compareRange(t, im, raw, max(0, data-around), min(size, hole+around), 1<<20)
		at = hole
	}
	for e, err := range im.Extents(0, size) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Data {
			compareRange(t, im, raw, e.Start, e.Start+min(e.Length, wholeLimit), 1<<20)
		}
	}
	compareRandom(t, im, raw, size, 200)
}

// The values of lseek on Linux; package os hands them through.
const (
	seekData = 3
	seekHole = 4
)

// compareRange compares [from, to) in reads of step bytes.
func compareRange(t *testing.T, im *qcow2.Image, raw io.ReaderAt, from, to, step int64) {
	t.Helper()
	got, want := make([]byte, step), make([]byte, step)
	for at := from; at < to; at += step {
		n := int(min(step, to-at))
		if err := differs(im, raw, got[:n], want[:n], at); err != nil {
			t.Error(err)
			return
		}
	}
}

// compareRandom compares n reads of random places and lengths.
func compareRandom(t *testing.T, im *qcow2.Image, raw io.ReaderAt, size int64, n int) {
	t.Helper()
	if size == 0 {
		return
	}
	r := testseed.Rand(t)
	got, want := make([]byte, 128<<10), make([]byte, 128<<10)
	for range n {
		at := r.Int64N(size)
		length := min(1+r.IntN(len(got)), int(min(size-at, 1<<30)))
		if err := differs(im, raw, got[:length], want[:length], at); err != nil {
			t.Error(err)
			return
		}
	}
}

// differs reads len(got) bytes from both and says how they differ.
func differs(im *qcow2.Image, raw io.ReaderAt, got, want []byte, at int64) error {
	if _, err := raw.ReadAt(want, at); err != nil && err != io.EOF {
		return fmt.Errorf("the raw copy at %#x: %w", at, err)
	}
	n, err := im.ReadAt(got, at)
	if err != nil && err != io.EOF || n != len(got) {
		return fmt.Errorf("ReadAt of %d bytes at %#x: %d, %v", len(got), at, n, err)
	}
	if i := firstDifference(got, want); i >= 0 {
		return fmt.Errorf("ReadAt of %d bytes at %#x: byte %#x is %#02x, qemu-img has %#02x", len(got), at, at+int64(i), got[i], want[i])
	}
	return nil
}

// firstDifference is the index of the first byte that differs, or -1.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// A comparer is a writer that accepts nothing but the bytes of want.
type comparer struct {
	want io.ReaderAt
	at   int64
	buf  []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	c.buf = append(c.buf[:0], p...)
	if _, err := c.want.ReadAt(c.buf, c.at); err != nil && err != io.EOF {
		return 0, fmt.Errorf("the raw copy at %#x: %w", c.at, err)
	}
	if i := firstDifference(p, c.buf); i >= 0 {
		return i, fmt.Errorf("byte %#x is %#02x, qemu-img has %#02x", c.at+int64(i), p[i], c.buf[i])
	}
	c.at += int64(len(p))
	return len(p), nil
}
