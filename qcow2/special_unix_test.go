//go:build unix && !aix && !solaris

package qcow2

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// within fails the test unless do ends soon.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s: still waiting", what)
	}
}

// An image is a regular file or a block device. All else is refused at once,
// by whatever name: pipes, sockets, terminals, directories, what /proc and
// /dev have.
func TestOpenSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(in("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	symlink(t, "fifo", in("to-fifo"))
	symlink(t, "loop", in("loop"))
	socket, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := strconv.Itoa(int(r.Fd()))
	// open is Open, or what it does after it has asked what the name is.
	refused := func(name string, open func(name string) (io.Closer, error), want error) {
		within(t, name, func() {
			f, err := open(name)
			if err == nil {
				f.Close()
			}
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%q: %v", name, err)
			}
		})
	}
	ask := func(name string) (io.Closer, error) { return Open(name, nil) }
	now := func(name string) (io.Closer, error) { f, _, err := openNow(name); return f, err }
	for _, name := range []string{ // no files
		dir, dir + "/", in("fifo"), in("to-fifo"), in("socket"),
		"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/fd/" + fd, "/dev", "/proc", "/proc/self", "/proc/self/fd/" + fd,
	} {
		if _, err := os.Stat(name); err == nil {
			refused(name, ask, fs.ErrInvalid)
		}
	}
	for _, name := range []string{dir, in("fifo"), in("to-fifo"), "/dev/null"} {
		refused(name, now, fs.ErrInvalid)
	}
	for _, name := range []string{ // none at all, or no images
		"", "a\x00b", in("loop"), in("none"), strings.Repeat("x", 5000),
		"/proc/self/cmdline", "/proc/self/mem", "/proc/self/maps", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled",
	} {
		refused(name, ask, nil)
	}
}

// A file that becomes a pipe between being asked for its kind and being
// opened does not make anybody wait.
func TestOpenOfFileThatBecomesFIFO(t *testing.T) {
	dir := t.TempDir()
	place, fifo, file := filepath.Join(dir, "place"), filepath.Join(dir, "fifo"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, newBuilder(t, recipe{size: 512}).bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for i := 0; !stop.Load(); i++ {
			link := filepath.Join(dir, "link")
			target := []string{file, fifo}[i%2]
			if os.Link(target, link) != nil || os.Rename(link, place) != nil {
				t.Error("the names cannot be swapped")
				return
			}
		}
	}()
	defer func() { stop.Store(true); <-swapped }()
	opened := 0
	within(t, "opening", func() {
		start := time.Now()
		for time.Since(start) < 200*time.Millisecond || opened == 0 && time.Since(start) < 20*time.Second {
			if im, err := Open(place, nil); err == nil {
				im.Close()
				opened++
			}
		}
	})
	if opened == 0 {
		t.Error("never was it the file")
	}
}

// Whatever is swapped under an allowed directory while a name in it is
// resolved, nothing outside is read.
func TestGateOfSwappedDirectories(t *testing.T) {
	dir := tree(t, "allowed/inside/base", "outside/base")
	in := func(name string) string { return filepath.Join(dir, name) }
	symlink(t, "../outside", in("allowed/out"))
	symlink(t, "inside", in("allowed/in"))
	g := gateTo(t, false, in("allowed"))
	var stop atomic.Bool
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for !stop.Load() { // "current" leads inside, then outside, then is a directory, then nothing
			os.Rename(in("allowed/in"), in("allowed/current"))
			os.Rename(in("allowed/current"), in("allowed/in"))
			os.Rename(in("allowed/out"), in("allowed/current"))
			os.Rename(in("allowed/current"), in("allowed/out"))
			os.Rename(in("allowed/inside"), in("allowed/current"))
			os.Rename(in("allowed/current"), in("allowed/inside"))
		}
	}()
	defer func() { stop.Store(true); <-swapped }()
	read := 0
	start := time.Now()
	for time.Since(start) < 200*time.Millisecond || read == 0 && time.Since(start) < 20*time.Second {
		f, _, err := g.open(in("allowed/overlay"), "current/base")
		if err != nil {
			if !errors.Is(err, errGate) || err.Error() != errGate.Error() {
				t.Fatalf("another error: %v", err)
			}
			continue
		}
		content, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(content) != "allowed/inside/base" {
			t.Fatalf("read %q, %v", content, err)
		}
		read++
	}
	if read == 0 {
		t.Error("never was it inside")
	}
}

// All names that are not opened have one error, but for the name itself as the
// image has it: that a file is there, or what it is, cannot be asked. Nothing
// tells where the image or the directories are.
func TestOneTextForEveryRefusal(t *testing.T) {
	dir := tree(t, "images/base", "images/sub/x", "secret/base")
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(in("images/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	symlink(t, in("images/base"), in("images/absolute"))
	symlink(t, "../secret/base", in("images/escape"))
	symlink(t, "none", in("images/dangling"))
	if err := os.WriteFile(in("images/unreadable"), nil, 0); err != nil {
		t.Fatal(err)
	}
	t.Chdir(in("images"))
	names := []string{
		"none", "sub", "sub/", "base/", "fifo", "absolute", "escape", "dangling", ".", "..", "/", "base/x",
		"../secret/base", "../secret/none", "../none/none", "/etc/passwd", "/etc/none", in("secret/base"), in("secret/none"),
		"a\x00b", "base\x00", "nbd:localhost:10809", "nbd+unix:///x?socket=base", "json:{}", `json:{"file.filename":"base"}`, "file:base", "file:///etc/passwd",
		"https://localhost/base", "fat:rw:/", "/dev/null", "/dev/zero", "/dev/tty", "/dev/stdin", "/proc/self/fd/0", "/proc/self/mem", "/proc/1/root/etc/passwd",
		strings.Repeat("x", 1023), strings.Repeat("../", 340), strings.Repeat("x/", 511), "\x1b[2J", "\u202eesab", "\xff",
	}
	if os.Getuid() != 0 {
		names = append(names, "unreadable")
	}
	texts := map[string]string{}
	for _, dirs := range [][]string{{"."}, {"sub", "."}} {
		for _, format := range []string{"raw", "qcow2"} {
			for _, kind := range []string{KindBacking, KindData} {
				for _, name := range names {
					r := recipe{size: 512, backing: name, format: format}
					if kind == KindData {
						r = recipe{size: 512, dataFile: name}
					}
					b := newBuilder(t, r)
					if kind == KindData {
						b.entry(0, QCOW_OFLAG_COPIED, 0)
					}
					if err := os.WriteFile("image", b.bytes(), 0o600); err != nil {
						t.Fatal(err)
					}
					within(t, name, func() {
						im, err := Open("image", &Options{AllowDirs: dirs})
						if err != nil {
							t.Errorf("%q: Open: %v", name, err)
							return
						}
						defer im.Close()
						_, err = im.ReadAt(make([]byte, 512), 0)
						if !errors.Is(err, ErrReference) {
							t.Errorf("%q: %v", name, err)
							return
						}
						text := strings.Replace(err.Error(), strconv.Quote(name), "NAME", 1)
						if !strings.Contains(text, "NAME") || strings.Contains(text, dir) {
							t.Errorf("%q: %s", name, text)
						}
						if first, ok := texts[kind]; ok && text != first {
							t.Errorf("%q: %q, and of others: %q", name, text, first)
						}
						texts[kind] = text
					})
				}
			}
		}
	}
}
