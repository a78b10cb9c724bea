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

// Opening can be an act in itself, of a tape or a pipe: what is no file is not
// opened at all, and neither is what has no format, that would have to be
// guessed. What was opened is closed with the image, or at once if the image
// does not open.
func TestOnlyWhatIsNeededIsOpened(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, file []byte) string {
		if err := os.WriteFile(in(name), file, 0o600); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	write("b", make([]byte, 512))
	if err := syscall.Mkfifo(in("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	w := watchOpens(t, dir)
	Open(in("fifo"), nil)
	if got := w.opened(); len(got) > 0 {
		t.Errorf("a FIFO as image: opened %q", got)
	}
	for _, c := range []struct {
		name  string
		image []byte
		opens []string // "" is the directory
		fails bool
	}{
		{"a file", overlay(t, 512, "b", "raw"), []string{"", "b", "i"}, false},
		{"a FIFO", overlay(t, 512, "fifo", "raw"), []string{"", "i"}, false},
		{"a directory", overlay(t, 512, ".", "raw"), []string{"", "i"}, false},
		{"no format", overlay(t, 512, "b", ""), []string{"", "i"}, false},
		{"itself", overlay(t, 512, "i", "qcow2"), []string{"", "i"}, true},
		{"a file that is no image", overlay(t, 512, "b", "qcow2"), []string{"", "b", "i"}, true},
	} {
		name := write("i", c.image)
		w.opened()
		before := descriptors()
		im, err := Open(name, &Options{AllowDirs: []string{dir}})
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			im.ReadAt(make([]byte, 512), 0)
			im.Close()
		}
		if got := w.opened(); !slices.Equal(got, c.opens) {
			t.Errorf("%s: opened %q, want %q", c.name, got, c.opens)
		}
		if n := descriptors() - before; n != 0 {
			t.Errorf("%s: %d files are still open", c.name, n)
		}
	}
}
