package tests

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compareConvert converts the image in dir with both tools, called with the
// same words. What they write has the same bytes, and holes in the same places.
func compareConvert(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	out := t.TempDir()
	ours, theirs := filepath.Join(out, "ours"), filepath.Join(out, "theirs")
	size := virtualSize(t, dir)
	others := []string{"-S 512", "-S 0", "-S 1536", "-W -m 2 -t none", "-q -p", "-S extents"}
	if size <= 8<<20 {
		others = append(others, "-n", "-n -S 0")
	}
	for _, flags := range []string{"", others[turn(t, len(others))]} {
		args := append([]string{"convert", "-f", "qcow2", "-O", "raw", "-t", "unsafe"}, strings.Fields(flags)...)
		for _, name := range []string{ours, theirs} {
			os.Remove(name)
			if strings.Contains(flags, "-n") {
				if err := os.WriteFile(name, noise(int(size)+5000, 9), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
		mustTool(t, dir, tool, withOptions(r, append(args, diskName, ours))...)
		if flags == "-S extents" {
			args = args[:len(args)-2] // QEMU has it not
		}
		mustTool(t, dir, "qemu-img", withSecret(append(args, diskName, theirs), r.password)...)
		compareCopies(t, ours, theirs)
		if flags == "-S 1536" || flags == "-S extents" {
			continue // where holes are depends on how QEMU cuts its reads, or on the image
		}
		if flags == "-n" && !inPages(t, dir) {
			continue // QEMU zeroes parts of a page one by one, and so keeps it
		}
		if g, w := holesOf(t, ours, flags), holesOf(t, theirs, flags); g != w {
			t.Errorf("convert %s: %s\nqemu-img: %s", flags, g, w)
		}
	}
}

// compareCopies compares two files byte by byte.
func compareCopies(t *testing.T, ours, theirs string) {
	t.Helper()
	var files [2]*os.File
	for i, name := range []string{ours, theirs} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	got, want := make([]byte, mib), make([]byte, mib)
	for at := int64(0); ; at += mib {
		n, err := io.ReadFull(files[0], got)
		m, wantErr := io.ReadFull(files[1], want)
		if i := firstDifference(got[:min(n, m)], want[:min(n, m)]); i >= 0 {
			t.Fatalf("%s: byte %#x is %#02x, in %s %#02x", ours, at+int64(i), got[i], theirs, want[i])
		}
		if n != m || err != wantErr {
			t.Fatalf("of %s %d bytes from %#x on, %v; of %s %d, %v", ours, n, at, err, theirs, m, wantErr)
		}
		if err != nil { // of both: the end
			return
		}
	}
}

const firstBlock = 4096

// inPages tells whether all extents of the disk begin with a page of memory,
// which is also a block of the file systems that tests run on.
func inPages(t *testing.T, dir string) bool {
	im := openImage(t, dir)
	for e, err := range im.Extents(0, im.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Start%int64(os.Getpagesize()) != 0 {
			return false
		}
	}
	return true
}

// turn returns a number below n, one of all that there are for each test.
// Together the images of the corpus have every turn.
func turn(t *testing.T, n int) int {
	h := fnv.New32a()
	io.WriteString(h, t.Name())
	return int(h.Sum32() % uint32(n))
}

// holesOf tells where the data of a file lies, as its file system says. Room
// that is kept for zeros is no hole and no data either, and where -S 0 asks for
// it only how much there is counts. QEMU writes the first block of every file
// that it makes (file-posix.c, allocate_first_block): that does not count.
func holesOf(t *testing.T, name, flags string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.Contains(flags, "-S 0") {
		if err := f.Sync(); err != nil { // blocks are counted when they are written
			t.Fatal(err)
		}
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(flags, "-S 0") {
		return fmt.Sprintf("all is stored: %v", storedBytes(info) >= info.Size())
	}
	var b strings.Builder
	for at := int64(0); at < info.Size(); {
		data, err := f.Seek(at, seekData)
		if err != nil {
			break // a hole up to the end
		}
		if at, err = f.Seek(data, seekHole); err != nil {
			t.Fatal(err)
		}
		if data = max(data, firstBlock); data < at {
			fmt.Fprintf(&b, "%#x-%#x ", data, at)
		}
	}
	return b.String()
}

// compareSnapshotCopies converts each snapshot of the image in dir with both
// tools, however it is named. QEMU writes as much as the disk has now, we as
// much as it had then: what both have is the same, and nothing comes after it.
func compareSnapshotCopies(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	im := openImage(t, dir)
	list, err := im.Snapshots()
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	ours, theirs := filepath.Join(out, "ours"), filepath.Join(out, "theirs")
	for _, s := range list {
		for _, selector := range []string{
			s.ID, s.Name, "snapshot.id=" + s.ID, "snapshot.name=" + s.Name, "snapshot.id=" + s.ID + ",snapshot.name=" + s.Name,
		} {
			args := []string{"convert", "-f", "qcow2", "-O", "raw", "-t", "unsafe", "-l", selector}
			mustTool(t, dir, "qemu-img", withSecret(append(args, diskName, theirs), r.password)...)
			mustTool(t, dir, tool, withOptions(r, append(args, diskName, ours))...)
			a, errA := os.ReadFile(ours)
			b, errB := os.ReadFile(theirs)
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if uint64(len(a)) != s.DiskSize {
				t.Errorf("-l %s: %d bytes, the disk had %d", selector, len(a), s.DiskSize)
			}
			n := min(len(a), len(b))
			if i := firstDifference(a[:n], b[:n]); i >= 0 {
				t.Errorf("-l %s: byte %#x differs", selector, i)
			}
			if rest := b[n:]; len(bytes.Trim(rest, "\x00")) > 0 {
				t.Errorf("-l %s: qemu-img has more than the snapshot", selector)
			}
		}
	}
	for _, selector := range []string{"no such", "snapshot.id=no such", "snapshot.frob=1"} {
		args := []string{"convert", "-f", "qcow2", "-O", "raw", "-l", selector, diskName, theirs}
		if _, err := runTool(t, dir, "qemu-img", withSecret(args, r.password)...); exitCode(err) != 1 {
			t.Errorf("qemu-img -l %s: %v", selector, err)
		}
		if _, err := runTool(t, dir, tool, withOptions(r, args)...); exitCode(err) != 1 {
			t.Errorf("-l %s: %v", selector, err)
		}
	}
}

// TestToolRaw compares what is said of raw images, and copies of them.
func TestToolRaw(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	dir := t.TempDir()
	r := recipe{name: "raw", steps: []command{
		{"sparse", "sparse", "3145728", "1"},
		{"sparse", "short", "200704", "2"},
		{"noise", "noise", "100352", "3"},
		img("create", "-q", "-f", "raw", "hole", "5M"),
		img("create", "-q", "-f", "raw", "empty", "0"),
		// A guest may write what it likes: this disk begins as an image does.
		create("disguised", 1<<20), img("resize", "-q", "-f", "raw", "disguised", "256k"),
	}}
	if err := b.build(&r, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sparse", "short", "noise", "hole", "empty", "disguised"} {
		for _, args := range [][]string{
			{"info"}, {"info", "--output=json"}, {"map"}, {"map", "--output=json"}, {"measure"}, {"measure", "-O", "qcow2"},
			{"map", "--output=json", "--start-offset=100k", "--max-length=1M"},
		} {
			args = append(args, "-f", "raw", name)
			ours, theirs := mustTool(t, dir, tool, args...), mustTool(t, dir, "qemu-img", args...)
			if string(asOldAs(theirs, ours)) != string(theirs) {
				t.Errorf("%q\n%s\nqemu-img\n%s", args, ours, theirs)
			}
		}
		for _, flags := range []string{"", "-S 64k", "-S 0"} {
			args := append([]string{"convert", "-f", "raw", "-O", "raw", "-t", "unsafe", name}, strings.Fields(flags)...)
			mustTool(t, dir, "qemu-img", append(args, "theirs")...)
			mustTool(t, dir, tool, append(args, "ours")...)
			compareCopies(t, filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"))
			g, w := holesOf(t, filepath.Join(dir, "ours"), flags), holesOf(t, filepath.Join(dir, "theirs"), flags)
			if g != w {
				t.Errorf("convert %s %s: %s\nqemu-img: %s", flags, name, g, w)
			}
		}
	}
}
