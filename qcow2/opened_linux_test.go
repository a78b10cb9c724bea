package qcow2

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// An openWatch is told by the kernel which files in a directory are opened.
type openWatch struct {
	t  *testing.T
	fd int
}

func watchOpens(t *testing.T, dir string) *openWatch {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN|syscall.IN_ACCESS); err != nil {
		t.Fatal(err)
	}
	return &openWatch{t, fd}
}

// opened returns the names of files that were opened since it was last asked,
// each once. The directory itself is "".
func (w *openWatch) opened() []string {
	w.t.Helper()
	var names []string
	var b [64 << 10]byte
	for {
		n, err := syscall.Read(w.fd, b[:])
		if err == syscall.EAGAIN {
			slices.Sort(names)
			return slices.Compact(names)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for e := b[:n]; len(e) > 0; {
			length := binary.NativeEndian.Uint32(e[12:16])
			names = append(names, strings.TrimRight(string(e[16:16+length]), "\x00"))
			e = e[16+length:]
		}
	}
}

// Without options an image opens no file but itself, whatever it names and
// whatever is done with it; and New opens none at all. The kernel is witness.
func TestNothingElseIsOpened(t *testing.T) {
	dir := t.TempDir()
	names := []string{"b", "./b", filepath.Join(dir, "b"), "file:" + filepath.Join(dir, "b"), "../" + filepath.Base(dir) + "/b",
		`json:{"driver":"file","filename":"` + filepath.Join(dir, "b") + `"}`, "self.qcow2", "none"}
	write := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("b", overlay(t, 1<<16, "", ""))
	write("d", make([]byte, 1<<16))
	w := watchOpens(t, dir)
	if _, err := os.ReadFile(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if got := w.opened(); !slices.Equal(got, []string{"d"}) {
		t.Fatalf("the witness saw %q", got)
	}
	use := func(im *Image) {
		defer im.Close()
		im.Describe()
		im.Check(t.Context(), nil)
		im.ReadAt(make([]byte, 1<<16), 0)
		im.WriteTo(new(bytes.Buffer))
		im.BackingError()
		im.Files()
		for range im.Extents(0, im.Size()) {
		}
		if view, err := im.OpenSnapshot("1"); err == nil {
			view.ReadAt(make([]byte, 512), 0)
		}
		im.Safety(context.Background())
	}
	for _, name := range names {
		for _, format := range []string{"raw", "qcow2", ""} {
			for _, dataFile := range []string{"", "d", name} {
				b := newBuilder(t, recipe{size: 1 << 17, backing: name, format: format, dataFile: dataFile})
				addSnapshots(b, testSnapshot{id: "1", name: "s", extra: 24, size: 1 << 16})
				file := b.bytes()
				path := write("self.qcow2", file)
				w.opened()
				for _, opts := range []*Options{nil, {BackingFormat: "raw"}} {
					im, err := Open(path, opts)
					if err != nil {
						t.Fatal(err)
					}
					use(im)
					if got := w.opened(); !slices.Equal(got, []string{"self.qcow2"}) {
						t.Errorf("%q (%s), data file %q: Open opened %q", name, format, dataFile, got)
					}
				}
				im, err := New(bytes.NewReader(file), int64(len(file)), &Options{Name: path})
				if err != nil {
					t.Fatal(err)
				}
				use(im)
				if got := w.opened(); len(got) > 0 {
					t.Errorf("%q (%s), data file %q: New opened %q", name, format, dataFile, got)
				}
			}
		}
	}
}
