package qcow2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A shelf is a directory in memory. It opens files as Options.OpenFile wants
// it and counts what is open.
type shelf struct {
	files  map[string][]byte
	asked  []Reference
	opened int
	closed int
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

func (s *shelf) open(ref Reference) (*Source, error) {
	s.asked = append(s.asked, ref)
	name := path.Join(path.Dir(ref.From), ref.Name)
	file, ok := s.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	src := source(name, file)
	s.opened++
	src.Closer = closerFunc(func() error { s.closed++; return nil })
	return src, nil
}

// image opens a file of the shelf.
func (s *shelf) image(name string, opts Options) (*Image, error) {
	opts.Name, opts.OpenFile = name, s.open
	return New(bytes.NewReader(s.files[name]), int64(len(s.files[name])), &opts)
}

// overlay returns an image with nothing in it.
func overlay(t testing.TB, size uint64, backing, format string) []byte {
	return newBuilder(t, recipe{size: size, backing: backing, format: format}).bytes()
}

func readAll(t testing.TB, im *Image) []byte {
	t.Helper()
	p := make([]byte, im.Size())
	if n, err := im.ReadAt(p, 0); n != len(p) || err != nil {
		t.Fatalf("ReadAt: %d, %v", n, err)
	}
	return p
}

// Each layer shows through where the ones above hold nothing; a layer that is
// shorter than the one above reads as zeros from its end on.
func TestChain(t *testing.T) {
	const cluster = 1 << 12
	base := newBuilder(t, recipe{bits: 12, size: 3 * cluster, backing: "../raw", format: formatRaw})
	base.compressed(2, text(cluster, 3))
	middle := newBuilder(t, recipe{bits: 12, size: 10*cluster + 512, backing: "base", format: formatQcow2})
	middle.data(1, text(cluster, 2))
	middle.data(10, text(cluster, 2)) // most of it is past the end of this layer
	top := newBuilder(t, recipe{bits: 12, size: 12 * cluster, backing: "sub/middle", format: formatQcow2})
	top.data(4, text(cluster, 1))
	raw := text(cluster+100, 4)

	s := &shelf{files: map[string][]byte{"top": top.bytes(), "sub/middle": middle.bytes(), "sub/base": base.bytes(), "raw": raw}}
	im, err := s.image("top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 12*cluster)
	copy(want, raw[:cluster])
	copy(want[cluster:], text(cluster, 2))
	copy(want[2*cluster:], text(cluster, 3))
	copy(want[4*cluster:], text(cluster, 1))
	copy(want[10*cluster:], text(cluster, 2)[:512])
	if !bytes.Equal(readAll(t, im), want) {
		t.Error("the disk differs")
	}
	if im.Backing() == nil || im.Backing().Size() != 10*cluster+512 || im.Backing().Backing() == nil || im.Backing().Backing().Backing() != nil {
		t.Error("Backing does not go down to the last qcow2 image")
	}
	if err := im.Backing().Close(); err != nil || s.closed != 0 {
		t.Errorf("closing a layer: %v, closed %d files", err, s.closed)
	}
	wantAsked := []Reference{
		{KindBacking, "sub/middle", "qcow2", "top", 0},
		{KindBacking, "base", "qcow2", "sub/middle", 1},
		{KindBacking, "../raw", "raw", "sub/base", 2},
	}
	if fmt.Sprint(s.asked) != fmt.Sprint(wantAsked) {
		t.Errorf("asked for %v, want %v", s.asked, wantAsked)
	}
	if err := im.Close(); err != nil || s.opened != 3 || s.closed != 3 {
		t.Errorf("Close: %v; %d files opened, %d closed", err, s.opened, s.closed)
	}
	if err := im.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

// What is asked about the file that an image names, and what the answer is.
// Where it is not to be had metadata can be read, and data that does not need
// it.
func TestReferences(t *testing.T) {
	raw := []byte("not empty")
	inner := overlay(t, 1<<16, "", "")
	disguised := newBuilder(t, recipe{size: 1 << 16})
	disguised.data(0, bytes.Repeat([]byte{0xdd}, 1<<16))
	for _, c := range []struct {
		name    string
		backing []byte // content of the file "b"
		format  string // as the overlay has it
		opts    Options
		given   *Source
		noFile  bool // no way to open files
		err     error
		text    string
		first   byte // of the disk
	}{
		{name: "raw", backing: raw, format: "raw", first: 'n'},
		{name: "qcow2", backing: inner, format: "qcow2"},
		{name: "the format binds: raw whatever it holds", backing: disguised.bytes(), format: "raw", first: 'Q'},
		{name: "format of a driver that we lack", backing: raw, format: "vmdk", err: ErrUnsupported, text: `format "vmdk"`},
		{name: "format in capitals", backing: raw, format: "RAW", err: ErrUnsupported},
		{name: "no format", backing: raw, err: ErrReference, text: "format"},
		{name: "no format, the caller says raw", backing: raw, opts: Options{BackingFormat: "raw"}, first: 'n'},
		{name: "no format, the caller says qcow2", backing: inner, opts: Options{BackingFormat: "qcow2"}},
		{name: "the image's own format wins over the caller's", backing: disguised.bytes(), format: "raw", opts: Options{BackingFormat: "qcow2"}, first: 'Q'},
		{name: "missing", format: "raw", err: fs.ErrNotExist},
		{name: "not allowed", backing: raw, format: "raw", noFile: true, err: ErrReference, text: `backing file "b"`},
		{name: "given", format: "raw", given: source("x", raw), noFile: true, first: 'n'},
		{name: "given, no format anywhere", given: source("x", raw), noFile: true, err: ErrReference, text: "format"},
		{name: "given with its format", given: &Source{Reader: bytes.NewReader(raw), Size: 9, Format: "raw"}, noFile: true, first: 'n'},
		{name: "given with a format that is not the overlay's", format: "qcow2", given: &Source{Reader: bytes.NewReader(raw), Size: 9, Format: "raw"}, noFile: true, first: 'n'},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shelf{files: map[string][]byte{}}
			if c.backing != nil {
				s.files["b"] = c.backing
			}
			b := newBuilder(t, recipe{size: 1 << 17, backing: "b", format: c.format})
			b.data(1, text(1<<16, 1))
			file := b.bytes()
			c.opts.Backing = c.given
			if !c.noFile {
				c.opts.OpenFile = s.open
			}
			im, err := New(bytes.NewReader(file), int64(len(file)), &c.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer im.Close()
			if name, format, ok := im.BackingFile(); name != "b" || format != c.format || !ok {
				t.Errorf("BackingFile() = %q, %q, %v", name, format, ok)
			}
			p := make([]byte, 1<<16)
			if n, err := im.ReadAt(p, 1<<16); n != len(p) || err != nil {
				t.Errorf("reading what does not need the file: %d, %v", n, err)
			}
			n, err := im.ReadAt(p, 0)
			if c.err == nil {
				if n != len(p) || err != nil || p[0] != c.first {
					t.Errorf("ReadAt: %d, %v, first byte %#x; want %#x", n, err, p[0], c.first)
				}
				return
			}
			var ref *ReferenceError
			if n != 0 || !errors.Is(err, c.err) || !errors.Is(err, ErrReference) || !errors.As(err, &ref) || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("ReadAt: %d, %v; want %v", n, err, c.err)
			}
			if ref.Name != "b" || ref.Kind != KindBacking {
				t.Errorf("reference %+v", ref.Reference)
			}
			for _, err := range im.Extents(0, 1<<16) {
				if !errors.As(err, &ref) {
					t.Errorf("Extents: %v", err)
				}
			}
		})
	}
}

// A file that was opened and is not what it should be is an error at once,
// and leaves nothing open.
func TestChainBroken(t *testing.T) {
	deep := func(n int) map[string][]byte { // "0" over "1" over ... n layers
		files := map[string][]byte{}
		for i := range n {
			next, format := fmt.Sprint(i+1), "qcow2"
			if i == n-1 {
				next, format = "", ""
			}
			files[fmt.Sprint(i)] = overlay(t, 1<<16, next, format)
		}
		return files
	}
	// Layers of clusters of 2 MiB, the first of which is extensions of n bytes.
	extended := func(layers, n int) map[string][]byte {
		files := map[string][]byte{}
		for i := range layers {
			b := newBuilder(t, recipe{size: 1 << 16, bits: 21, backing: fmt.Sprint(i + 1), format: "qcow2"})
			for left := 2<<20 - 1024; left >= n+SizeofQCowExtension; left -= n + SizeofQCowExtension {
				b.extend(0x12345678, make([]byte, n))
			}
			files[fmt.Sprint(i)] = b.bytes()
		}
		files[fmt.Sprint(layers)] = overlay(t, 1<<16, "", "")
		return files
	}
	for _, c := range []struct {
		name  string
		files map[string][]byte
		opts  Options
		err   error
	}{
		{name: "64 layers", files: deep(64)},
		{name: "extensions of 2 MiB in one of two layers", files: extended(1, 1<<20-1024)},
		{name: "extensions of 2 MiB in each of 9 layers", files: extended(9, 1<<20-1024), err: ErrLimit},
		{name: "a quarter of a million empty extensions", files: extended(1, 0)},
		{name: "twice as many in two layers", files: extended(2, 0), err: ErrLimit},
		{name: "65 layers", files: deep(65), err: ErrLimit},
		{name: "3 layers of 3", files: deep(3), opts: Options{MaxDepth: 3}},
		{name: "3 layers of 2", files: deep(3), opts: Options{MaxDepth: 2}, err: ErrLimit},
		{name: "one layer of 1", files: deep(1), opts: Options{MaxDepth: 1}},
		{name: "the image is its own backing file", files: map[string][]byte{"0": overlay(t, 512, "0", "qcow2")}, err: ErrCorrupt},
		{name: "even as a raw one", files: map[string][]byte{"0": overlay(t, 512, "0", "raw")}, err: ErrCorrupt},
		{name: "a loop of two", files: map[string][]byte{"0": overlay(t, 512, "1", "qcow2"), "1": overlay(t, 512, "0", "qcow2")}, err: ErrCorrupt},
		{name: "the data file is the image", files: map[string][]byte{"0": newBuilder(t, recipe{size: 512, dataFile: "0"}).bytes()}, err: ErrCorrupt},
		{name: "no image", files: map[string][]byte{"0": overlay(t, 512, "1", "qcow2"), "1": []byte("hello")}, err: ErrFormat},
		{name: "a broken image", files: map[string][]byte{"0": overlay(t, 512, "1", "qcow2"), "1": overlay(t, 512, "", "")[:100]}, err: ErrTruncated},
	} {
		s := &shelf{files: c.files}
		im, err := s.image("0", c.opts)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if err == nil {
			readAll(t, im)
			im.Close()
		}
		if s.opened != s.closed {
			t.Errorf("%s: %d files opened, %d closed", c.name, s.opened, s.closed)
		}
	}
}

// Sources that the caller gave are closed with the image, or at once if it
// does not open.
func TestGivenSourcesAreClosed(t *testing.T) {
	closed := 0
	given := func(name string) *Source {
		s := source(name, make([]byte, 512))
		s.Closer = closerFunc(func() error { closed++; return io.ErrClosedPipe })
		return s
	}
	good := newBuilder(t, recipe{size: 512, backing: "b", format: "raw", dataFile: "d"}).bytes()
	im, err := New(bytes.NewReader(good), int64(len(good)), &Options{Backing: given("b"), DataFile: given("d")})
	if err != nil {
		t.Fatal(err)
	}
	if err := im.Close(); !errors.Is(err, io.ErrClosedPipe) || closed != 2 {
		t.Errorf("Close: %v, %d closed", err, closed)
	}
	closed = 0
	if _, err := New(bytes.NewReader(good), 50, &Options{Backing: given("b"), DataFile: given("d")}); err == nil || closed != 2 {
		t.Errorf("an image that does not open: %v, %d closed", err, closed)
	}
}

// On disk: names are relative to the file that has them, files are opened
// under the allowed directories alone, and one file is one however it is
// called.
func TestAllowDirs(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, file []byte) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("base/b.raw", []byte("below"))
	middle := newBuilder(t, recipe{size: 512, backing: "b.raw", format: "raw"}).bytes()
	write("base/m.qcow2", middle)
	top := write("top/o.qcow2", overlay(t, 512, "../base/m.qcow2", "qcow2"))
	loop := write("top/loop.qcow2", overlay(t, 512, "hard.qcow2", "qcow2"))
	if err := os.Link(loop, filepath.Join(dir, "top/hard.qcow2")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		image string
		dirs  []string
		want  string // of the disk's beginning; "": a refused reference
		err   error  // of Open
	}{
		{"nothing allowed", top, nil, "", nil},
		{"all allowed", top, []string{dir}, "below", nil},
		{"just the directory of the files named", top, []string{filepath.Join(dir, "base")}, "below", nil},
		{"another directory", top, []string{filepath.Join(dir, "top")}, "", nil},
		{"a directory that is not there", top, []string{filepath.Join(dir, "none")}, "", fs.ErrNotExist},
		{"a hard link to itself", loop, []string{dir}, "", ErrCorrupt},
	} {
		im, err := Open(c.image, &Options{AllowDirs: c.dirs})
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: Open: %v, want %v", c.name, err, c.err)
		}
		if err != nil {
			continue
		}
		p := make([]byte, 5)
		_, err = im.ReadAt(p, 0)
		if c.want == "" && !errors.Is(err, ErrReference) || c.want != "" && (err != nil || string(p) != c.want) {
			t.Errorf("%s: %q, %v", c.name, p, err)
		}
		if err != nil && strings.Contains(err.Error(), "base/m.qcow2") && strings.Contains(err.Error(), filepath.Join(dir, "base")) {
			t.Errorf("%s: the error shows a resolved name: %v", c.name, err)
		}
		if err := im.Close(); err != nil {
			t.Errorf("%s: Close: %v", c.name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.TempDir(), nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := New(nil, 512, nil); err == nil {
		t.Error("no reader: no error")
	}
}

func TestDataFile(t *testing.T) {
	const cluster = 1 << 16
	b := newBuilder(t, recipe{size: 4 * cluster, dataFile: "d.raw", backing: "b", format: "raw"})
	for i := range uint64(2) {
		b.entry(i, i*cluster|QCOW_OFLAG_COPIED, 0)
	}
	b.entry(3, 3*cluster|QCOW_OFLAG_COPIED, 0)
	data := text(cluster+1000, 5) // ends inside the second cluster
	s := &shelf{files: map[string][]byte{"i": b.bytes(), "d.raw": data, "b": bytes.Repeat([]byte{7}, 4*cluster)}}
	im, err := s.image("i", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 4*cluster)
	copy(want, data)
	copy(want[2*cluster:], bytes.Repeat([]byte{7}, cluster))
	if !bytes.Equal(readAll(t, im), want) {
		t.Error("the disk differs")
	}
	if name, ok := im.DataFile(); name != "d.raw" || !ok {
		t.Errorf("DataFile() = %q, %v", name, ok)
	}

	for name, c := range map[string]struct {
		recipe recipe
		files  map[string][]byte
	}{
		"missing":   {recipe{dataFile: "d.raw"}, nil},
		"not named": {recipe{dataFile: "-"}, map[string][]byte{"": data}},
	} {
		c.recipe.size = 2 * cluster
		b := newBuilder(t, c.recipe)
		b.entry(1, cluster|QCOW_OFLAG_COPIED, 0)
		s := &shelf{files: map[string][]byte{"i": b.bytes()}}
		im, err := s.image("i", Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 2*cluster)
		var ref *ReferenceError
		if n, err := im.ReadAt(p, 0); n != cluster || !errors.As(err, &ref) || ref.Kind != KindData {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// Who wants to know whether the chain is whole need not read it.
func TestBackingError(t *testing.T) {
	s := &shelf{files: map[string][]byte{
		"alone":  overlay(t, 512, "", ""),
		"whole":  overlay(t, 512, "alone", formatQcow2),
		"broken": overlay(t, 512, "none", formatQcow2),
		"deeper": overlay(t, 512, "broken", formatQcow2),
		"vague":  overlay(t, 512, "alone", ""),
	}}
	for name, broken := range map[string]bool{"alone": false, "whole": false, "broken": true, "deeper": false, "vague": true} {
		im, err := s.image(name, Options{})
		if name == "vague" {
			im, err = New(bytes.NewReader(s.files[name]), int64(len(s.files[name])), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := im.BackingError(); errors.Is(err, ErrReference) != broken || (err != nil) != broken {
			t.Errorf("%s: %v", name, err)
		}
		if below := im.Backing(); name == "deeper" && !errors.Is(below.BackingError(), ErrReference) {
			t.Errorf("below %s: %v", name, below.BackingError())
		}
	}
}

// Files are shown as qemu-img shows them: each name joined to the one of the
// file that has it.
func TestFilesShown(t *testing.T) {
	data := newBuilder(t, recipe{size: 512, dataFile: "d", backing: "../raw", format: formatRaw})
	s := &shelf{files: map[string][]byte{
		"a/top":    overlay(t, 512, "b/data", formatQcow2),
		"a/b/data": data.bytes(), "a/b/d": make([]byte, 512), "a/raw": nil,
	}}
	im, err := s.image("a/top", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range im.Files() {
		got = append(got, f.Shown)
	}
	if want := []string{"a/top", "a/b/data", "a/b/d", "a/b/../raw"}; !slices.Equal(got, want) {
		t.Errorf("Shown: %q, want %q", got, want)
	}
	below := im.Backing().Describe()
	if below.Filename != "a/b/data" || below.FullBackingFilename != "a/b/../raw" {
		t.Errorf("the backing file's description: %q, %q", below.Filename, below.FullBackingFilename)
	}
	// A backing file that no name leads to is called what its source says.
	im = open(t, overlay(t, 512, "", ""), &Options{Name: "x/y", Backing: source("z", nil), BackingFormat: formatRaw})
	if got := im.Files()[1].Shown; got != "z" {
		t.Errorf("a given file: %q", got)
	}
}

// A raw backing file is a disk of whole sectors, whatever its length; the
// overlay's disk has its own size.
func TestFilesSizes(t *testing.T) {
	for _, c := range []struct{ length, disk int64 }{{0, 0}, {1, 512}, {100, 512}, {512, 512}, {1025, 1536}} {
		im := open(t, overlay(t, 4096, "", ""), &Options{
			Backing: source("z", make([]byte, c.length)), BackingFormat: formatRaw,
		})
		files := im.Files()
		if got := files[0].DiskSize; got != 4096 {
			t.Errorf("the overlay is a disk of %d bytes", got)
		}
		if got := files[1]; got.Size != c.length || got.DiskSize != c.disk {
			t.Errorf("%d bytes: size %d, disk %d, want a disk of %d", c.length, got.Size, got.DiskSize, c.disk)
		}
	}
}
