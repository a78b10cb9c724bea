package tests

import (
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// compareConvert converts the image in dir with both tools, called with the
// same words. What they write has the same bytes, and holes in the same places.
func compareConvert(t *testing.T, tool, dir string) {
	t.Helper()
	out := t.TempDir()
	ours, theirs := filepath.Join(out, "ours"), filepath.Join(out, "theirs")
	size := virtualSize(t, dir)
	others := []string{"-S 512", "-S 0", "-S 1536", "-W -m 2 -t none", "-q -p"}
	if size <= 8<<20 {
		others = append(others, "-n", "-n -S 0")
	}
	h := fnv.New32()
	io.WriteString(h, t.Name()) // each image has its turn with some
	first := int(h.Sum32() % uint32(len(others)))
	for _, flags := range []string{"", others[first], others[(first+3)%len(others)]} {
		args := append([]string{"convert", "-f", "qcow2", "-O", "raw"}, strings.Fields(flags)...)
		for _, name := range []string{ours, theirs} {
			os.Remove(name)
			if strings.Contains(flags, "-n") {
				if err := os.WriteFile(name, noise(int(size)+5000, 9), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
		mustTool(t, dir, "qemu-img", append(args, diskName, theirs)...)
		mustTool(t, dir, tool, append(args, "--allow-dir", ".", diskName, ours)...)
		mustTool(t, dir, "cmp", ours, theirs)
		if flags == "-S 1536" {
			continue // depends on how QEMU cuts its reads
		}
		if flags == "-n" && !inPages(t, dir) {
			continue // QEMU zeroes parts of a page one by one, and so keeps it
		}
		if g, w := holesOf(t, ours, flags), holesOf(t, theirs, flags); g != w {
			t.Errorf("convert %s: %s\nqemu-img: %s", flags, g, w)
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
	if err := f.Sync(); err != nil { // blocks are counted when they are written
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(flags, "-S 0") {
		stored := info.Sys().(*syscall.Stat_t).Blocks * 512
		return fmt.Sprintf("all is stored: %v", stored >= info.Size())
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
