package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// A fakeDisk is a disk whose extents are of 64 KiB: those of data hold data,
// the others are known zeros.
type fakeDisk struct {
	data   []byte
	isData []bool
	onRead func(off int64) error // called before each read, if not nil

	mu   sync.Mutex
	read []byte // 1 for each byte that was read
}

const fakeExtent = 64 << 10

// newFakeDisk returns a disk of the given size: some extents are known zeros,
// some are data, of which some blocks are zeros nevertheless.
func newFakeDisk(size int) *fakeDisk {
	rng := rand.New(rand.NewPCG(uint64(size), 1))
	d := &fakeDisk{data: make([]byte, size), read: make([]byte, size)}
	for off := 0; off < size; off += fakeExtent {
		d.isData = append(d.isData, rng.IntN(3) > 0)
		if !d.isData[len(d.isData)-1] {
			continue
		}
		for at := off; at < min(off+fakeExtent, size); at += 4096 {
			if rng.IntN(3) > 0 {
				d.data[min(at+rng.IntN(4096), size-1)] = 1
			}
		}
	}
	return d
}

func (d *fakeDisk) Size() int64         { return int64(len(d.data)) }
func (d *fakeDisk) Close() error        { return nil }
func (d *fakeDisk) Files() []qcow2.File { return nil }

func (d *fakeDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.onRead != nil {
		if err := d.onRead(off); err != nil {
			return 0, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range p {
		d.read[off+int64(i)]++
	}
	return copy(p, d.data[off:]), nil
}

func (d *fakeDisk) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(d, 0, d.Size()))
}

func (d *fakeDisk) ExtentsContext(_ context.Context, off, n int64) iter.Seq2[qcow2.Extent, error] {
	return func(yield func(qcow2.Extent, error) bool) {
		for at := off; at < off+n; at += fakeExtent {
			data := d.isData[at/fakeExtent]
			if !yield(qcow2.Extent{Start: at, Length: min(fakeExtent, off+n-at), Present: true, Data: data, Zero: !data}, nil) {
				return
			}
		}
	}
}

func (d *fakeDisk) copier() *copier {
	return &copier{src: d, sparse: 4096, workers: 4, done: func(int64) {}}
}

// A recorder is a target in memory that counts how often a byte is written.
type recorder struct {
	mu      sync.Mutex
	data    []byte
	written []byte
}

func (r *recorder) WriteAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range p {
		r.written[off+int64(i)]++
	}
	return copy(r.data[off:], p), nil
}

func TestCopier(t *testing.T) {
	const size = 9<<20 + 1234
	for _, tt := range []struct {
		name    string
		sparse  int
		zeroed  bool
		workers int
		all     bool // every byte is written
	}{
		{"sparse", 4096, true, 4, false},
		{"sparse, one worker", 4096, true, 1, false},
		{"sparse, small blocks", 512, true, 4, false},
		{"sparse, large blocks", 1 << 20, true, 4, false},
		{"sparse, blocks of no power of two", 3 * 512, true, 4, false},
		{"fully allocated", 0, false, 4, true},
		{"a device of unknown content", 4096, false, 4, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := newFakeDisk(size)
			dst := &recorder{data: bytes.Repeat([]byte{0xee}, size), written: make([]byte, size)}
			if tt.zeroed {
				clear(dst.data)
			}
			var mu sync.Mutex
			var done int64
			c := copier{src: src, dst: dst, zeroed: tt.zeroed, sparse: tt.sparse, workers: tt.workers,
				done: func(n int64) { mu.Lock(); done += n; mu.Unlock() }}
			if err := c.copy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(dst.data, src.data) {
				t.Error("wrong bytes")
			}
			if done != size {
				t.Errorf("%d bytes counted as done, want %d", done, size)
			}
			if slices.Max(src.read) > 1 || slices.Max(dst.written) > 1 {
				t.Error("some bytes were read or written twice")
			}
			if tt.all && slices.Min(dst.written) == 0 {
				t.Error("some bytes were not written")
			}
			for off := range size {
				known := !src.isData[off/fakeExtent]
				if known && src.read[off] > 0 {
					t.Fatalf("byte %d, known to be zero, was read", off)
				}
				if known && !tt.all && dst.written[off] > 0 {
					t.Fatalf("byte %d, known to be zero, was written", off)
				}
			}
			if tt.all {
				return
			}
			block := 1 << (bits.Len(uint(tt.sparse)) - 1)
			for off, end := 0, 0; off < size; off = end + block {
				for end = off; end < size && isZero(src.data[end:min(end+block, size)]); {
					end = min(end+block, size)
				}
				if end-off >= tt.sparse && slices.Max(dst.written[off:end]) > 0 {
					t.Fatalf("the zeros from %d to %d were written", off, end)
				}
			}
		})
	}
}

var errBroken = errors.New("the disk is broken")

// entries returns the names in a directory.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestConvertFailure(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(cancel context.CancelFunc) error // of a read in the middle
		want string
	}{
		{"a read fails", func(context.CancelFunc) error { return errBroken }, errBroken.Error()},
		{"interrupted", func(cancel context.CancelFunc) error { cancel(); return nil }, "interrupted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			old := filepath.Join(dir, "old")
			if err := os.WriteFile(old, []byte("as it was"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, target := range []string{old, filepath.Join(dir, "new")} {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				src := newFakeDisk(32 << 20)
				src.onRead = func(off int64) error {
					if off >= 16<<20 {
						return tt.fail(cancel)
					}
					return nil
				}
				err := convert(ctx, src.copier(), destination{name: target}, io.Discard)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
			if got := entries(t, dir); !slices.Equal(got, []string{"old"}) {
				t.Errorf("left behind: %q", got)
			}
			if got, err := os.ReadFile(old); err != nil || string(got) != "as it was" {
				t.Errorf("the old target holds %.20q (%v)", got, err)
			}
		})
	}
}

// A cut image fails in the middle of a real conversion.
func TestConvertCutImage(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "v3-plain")
	info, err := os.Stat("v3-plain/disk.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate("v3-plain/disk.qcow2", info.Size()-4096); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("out", 0o755); err != nil {
		t.Fatal(err)
	}
	fail(t, "beyond the end of the file", "convert", "v3-plain/disk.qcow2", "out/target")
	if got := entries(t, "out"); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	fail(t, "beyond the end of the file", "convert", "v3-plain/disk.qcow2", "-")
}

func TestConvertReplaces(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	src := newFakeDisk(3 << 20)
	for _, sub := range []string{"links", "files"} {
		if err := os.Mkdir(in(sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("files/old"), bytes.Repeat([]byte("longer than the disk "), 1<<20), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(in("files/old"), 0o604); err != nil { // whatever the umask
		t.Fatal(err)
	}
	old, err := os.Stat(in("files/old")) // Windows knows read-only files and others
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"links/old":   "../files/old",
		"links/twice": "old",
		"links/new":   "../files/new",
		"links/loop":  "loop",
		"links/dir":   dir + "/files",
	} {
		if err := os.Symlink(target, in(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ target, file string }{
		{"files/old", "files/old"},
		{"links/old", "files/old"},
		{"links/twice", "files/old"},
		{"links/new", "files/new"},
		{"links/dir/newer", "files/newer"},
		{"links/dir/../files/newest", "files/newest"},
	} {
		if err := convert(t.Context(), src.copier(), destination{name: dir + "/" + tt.target}, io.Discard); err != nil {
			t.Fatalf("%s: %v", tt.target, err)
		}
		got, err := os.ReadFile(in(tt.file))
		if err != nil || !bytes.Equal(got, src.data) {
			t.Errorf("%s: %s has the wrong bytes (%v)", tt.target, tt.file, err)
		}
	}
	if err := convert(t.Context(), src.copier(), destination{name: in("links/loop")}, io.Discard); err == nil {
		t.Error("a symbolic link to itself: no error")
	}
	info, err := os.Lstat(in("files/old"))
	if err != nil || info.Mode() != old.Mode() {
		t.Errorf("the mode changed from %v to %v (%v)", old.Mode(), info.Mode(), err)
	}
	if got := entries(t, in("links")); len(got) != 5 {
		t.Errorf("links: %q", got)
	}
	for _, name := range entries(t, in("links")) {
		if info, err := os.Lstat(in("links/" + name)); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%s is no longer a symbolic link (%v)", name, err)
		}
	}
	if got := entries(t, in("files")); !slices.Equal(got, []string{"new", "newer", "newest", "old"}) {
		t.Errorf("files: %q", got)
	}
}

// A file stands in for a block device: it is written in place, zeros too.
func TestConvertToDevice(t *testing.T) {
	src := newFakeDisk(3<<20 + 512)
	name := filepath.Join(t.TempDir(), "device")
	old := bytes.Repeat([]byte{0xee}, 4<<20)
	if err := os.WriteFile(name, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := convertInPlace(t.Context(), src.copier(), destination{name: name}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(got, append(bytes.Clone(src.data), old[len(src.data):]...)) {
		t.Errorf("wrong bytes (%v)", err)
	}
	if err := os.Truncate(name, 3<<20); err != nil {
		t.Fatal(err)
	}
	if err := convertInPlace(t.Context(), src.copier(), destination{name: name}); err == nil || !strings.Contains(err.Error(), "has 3145728 bytes") {
		t.Errorf("a device that is too small: %v", err)
	}
}

// An image that gets shorter while it is read is an error, not zeros.
func TestShrunkRaw(t *testing.T) {
	name := filepath.Join(t.TempDir(), "raw")
	if err := os.WriteFile(name, bytes.Repeat([]byte{1}, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openRaw(name)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Truncate(name, 3<<20); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "target")
	c := &copier{src: d, sparse: 4096, workers: 1, done: func(int64) {}}
	blind := &copier{src: d, sparse: 512, blind: true, workers: 2, done: func(int64) {}}
	for what, err := range map[string]error{
		"convert": convert(t.Context(), c, destination{name: target}, io.Discard),
		"blindly": convert(t.Context(), blind, destination{name: target}, io.Discard),
		"stream":  stream(io.Discard, d, 0, d.Size()),
		"part":    stream(io.Discard, d, 1<<20, 3<<20),
	} {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A watchedDisk counts the bytes that are read of it.
type watchedDisk struct {
	disk
	read atomic.Int64
}

func (d *watchedDisk) ReadAt(p []byte, off int64) (int, error) {
	d.read.Add(int64(len(p)))
	return d.disk.ReadAt(p, off)
}

// Where zeros are not looked for, the system copies what lies in files as it
// is on the disk, if it can.
func TestConvertInKernel(t *testing.T) {
	t.Chdir(t.TempDir())
	content := newFakeDisk(5<<20 + 512).data
	for at := 0; at < len(content); at += 4096 {
		content[at] = 1 // no file system makes holes of it
	}
	if err := os.WriteFile("raw", content, 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := openRaw("raw")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	probe, err := os.Create("probe")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	n, err := copyRange(probe, 0, raw.File, 0, 1<<20)
	able := err == nil && n > 0
	d := &watchedDisk{disk: raw}
	for _, tt := range []struct {
		blind bool
		reads bool
	}{{false, true}, {true, !able}} {
		d.read.Store(0)
		c := &copier{src: d, sparse: 512, blind: tt.blind, workers: 4, done: func(int64) {}}
		if err := convert(t.Context(), c, destination{name: "target"}, io.Discard); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile("target"); err != nil || !bytes.Equal(got, content) {
			t.Errorf("blind %v: wrong bytes (%v)", tt.blind, err)
		}
		if n := d.read.Load(); (n > 0) != tt.reads {
			t.Errorf("blind %v: %d bytes were read; the system copies: %v", tt.blind, n, able)
		}
	}
}

// However the parts of an image are copied, the disk is the same.
func TestConvertExtents(t *testing.T) {
	names := imageNames(t)
	t.Chdir(t.TempDir())
	for _, name := range names {
		want := unpack(t, name)
		args := []string{"convert", "--allow-dir", name, name + "/disk.qcow2"}
		if want.Password != "" {
			t.Setenv("SECRET", want.Password)
			args = append(args, "--secret-env", "SECRET")
		}
		succeed(t, append(args, "usual")...)
		succeed(t, append(args, "extents", "-S", "extents")...)
		usual, err := os.ReadFile("usual")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile("extents"); err != nil || !bytes.Equal(got, usual) {
			t.Errorf("%s: wrong bytes (%v)", name, err)
		}
	}
}

// An emptyDisk has nothing but zeros, any number of them.
type emptyDisk struct {
	fakeDisk
	size int64
}

func (d *emptyDisk) Size() int64 { return d.size }

func (d *emptyDisk) ExtentsContext(_ context.Context, off, n int64) iter.Seq2[qcow2.Extent, error] {
	return func(yield func(qcow2.Extent, error) bool) {
		yield(qcow2.Extent{Start: off, Length: n, Zero: true}, nil)
	}
}

// A disk's size is but a claim: zeros that are left out take no time.
func TestCopierLeavesOutExbibytes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var done int64
	c := copier{src: &emptyDisk{size: 1<<63 - 1}, zeroed: true, sparse: 4096, workers: 1, done: func(n int64) { done += n }}
	if err := c.copy(ctx); err != nil || done != 1<<63-1 {
		t.Errorf("%d bytes, %v", done, err)
	}
}

func TestConvertEmptyDisk(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "size-0")
	succeed(t, "convert", "size-0/disk.qcow2", "out")
	if info, err := os.Stat("out"); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if got := succeed(t, "convert", "size-0/disk.qcow2", "-"); got != "" {
		t.Errorf("standard output: %q", got)
	}
}

func TestConvertRaw(t *testing.T) {
	t.Chdir(t.TempDir())
	src := newFakeDisk(5<<20 + 100)
	if err := os.WriteFile("in", src.data, 0o644); err != nil {
		t.Fatal(err)
	}
	succeed(t, "convert", "-f", "raw", "-O", "raw", "in", "out")
	if got, err := os.ReadFile("out"); err != nil || !bytes.Equal(got, src.data) {
		t.Errorf("wrong bytes (%v)", err)
	}
	if got := succeed(t, "cat", "-f", "raw", "--offset", "4M", "--length", "1G", "in"); got != string(src.data[4<<20:]) {
		t.Errorf("cat gives %d bytes, wrong ones", len(got))
	}
}

func TestCatPart(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	all := succeed(t, "cat", "--allow-dir", "chain", "chain/disk.qcow2")
	for _, tt := range []struct {
		offset, length string
		want           string
	}{
		{"0", "1", all[:1]},
		{"5000", "20k", all[5000:25480]},
		{"40k", "1M", all[40960:]},
		{"48k", "1", ""},
		{"1k", "0", ""},
	} {
		got := succeed(t, "cat", "--allow-dir", "chain", "--offset", tt.offset, "--length", tt.length, "chain/disk.qcow2")
		if got != tt.want {
			t.Errorf("--offset %s --length %s: %d bytes, want %d", tt.offset, tt.length, len(got), len(tt.want))
		}
	}
}

// Of several errors the one that lies first is told, whichever came first.
func TestCopierTellsTheFirstError(t *testing.T) {
	rng := testseed.Rand(t)
	for range 8 {
		d := &brokenDisk{newFakeDisk(12 << 20), rng.Int64N(15 << 20)}
		for i := range d.isData {
			d.isData[i] = true
		}
		bad := map[int64]bool{}
		broken := (d.from + fakeExtent - 1) / fakeExtent * fakeExtent // and is not read from there
		first := broken
		for range 3 {
			off := rng.Int64N(6) * pieceSize
			bad[off] = true
			first = min(first, off)
		}
		d.onRead = func(off int64) error {
			if bad[off/pieceSize*pieceSize] {
				return fmt.Errorf("bad %d", off)
			}
			return nil
		}
		want := errBroken.Error()
		if first < broken {
			want = fmt.Sprintf("bad %d", first)
		}
		c := d.copier()
		c.src = d
		c.dst, c.zeroed = &recorder{data: make([]byte, 12<<20), written: make([]byte, 12<<20)}, true
		if err := c.copy(t.Context()); err == nil || err.Error() != want {
			t.Fatalf("%v, want %q", err, want)
		}
	}
}
