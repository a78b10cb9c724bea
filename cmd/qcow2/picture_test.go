package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Pictures go to files, which are whole or not there.
func TestPictureFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	args := func(name string, more ...string) []string {
		return append([]string{"map", "--picture", name, "chain/disk.qcow2"}, more...)
	}
	for _, name := range []string{"a.svg", "b.SVG", "c.png"} {
		var first []byte
		for range 2 { // the second replaces the first, with the same bytes
			if out := succeed(t, args(name, "--allow-dir", "chain")...); out != "" {
				t.Errorf("%s: printed %q", name, out)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(first, data) {
				t.Errorf("%s: other bytes the second time", name)
			}
			first = data
		}
		if strings.HasSuffix(name, "png") {
			if _, err := png.Decode(bytes.NewReader(first)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if text := string(first); !strings.HasPrefix(text, "<svg ") || !strings.Contains(text, "virtual size 48 KiB (49152 bytes), 3 layers") ||
			!strings.Contains(text, "layer 2: chain/base.raw") {
			t.Errorf("%s: %s", name, text)
		}
	}

	// A disk that cannot be walked leaves what was there.
	if err := os.WriteFile("old.svg", []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	fail(t, hint, args("old.svg")...)
	if data, err := os.ReadFile("old.svg"); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
	}
	if err := os.Mkdir("dir.png", 0o755); err != nil {
		t.Fatal(err)
	}
	fail(t, "not a regular file", args("dir.png", "--allow-dir", "chain")...)
	fail(t, "nowhere", args("nowhere/a.png", "--allow-dir", "chain")...)
	names, err := os.ReadDir(".")
	if err != nil || len(names) != 6 { // those made, chain, and no leftovers
		t.Errorf("%v, %v", names, err)
	}
}

// The picture in the README is the one that is drawn.
func TestDemoPicture(t *testing.T) {
	t.Chdir("../../testdata/demo")
	want, err := os.ReadFile("disk.svg")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "disk.svg")
	if *update {
		name = "disk.svg"
	}
	succeed(t, "map", "--picture", name, "--allow-dir", ".", "disk.qcow2")
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another picture than testdata/demo/disk.svg (%v); rewrite it with -update, and look at it", err)
	}
}

// A name from an image commands no terminal.
func TestPictureOfHostileNames(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	evil := "\x1b[2J\u202e.raw"
	if runtime.GOOS == "windows" { // no file's name has control characters there
		evil = "\u202e[2J\u202e.raw"
	}
	if err := os.Rename("chain/base.raw", "chain/"+evil); err != nil {
		t.Fatal(err)
	}
	rewrite(t, "chain/middle.qcow2", func(b []byte) {
		at := bytes.Index(b, []byte("base.raw"))
		copy(b[at:], evil)
		b[19] = byte(len(evil)) // backing_file_size
	})
	for _, name := range []string{"-", "p.svg"} {
		out := succeed(t, "map", "--picture", name, "--allow-dir", "chain", "chain/disk.qcow2")
		if name != "-" {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out = string(data)
		}
		if strings.ContainsAny(out, "\x1b\u202e") || !strings.Contains(out, strings.Trim(strconv.Quote(evil), `"`)) {
			t.Errorf("%s: %q", name, out)
		}
	}
}
