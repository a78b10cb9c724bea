package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// imagesDir holds the images that are committed with the reader.
const imagesDir = "../../qcow2/testdata/images"

// imageNames returns the names of the committed images.
func imageNames(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(imagesDir, "*", "expect.json"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no images under %s (%v)", imagesDir, err)
	}
	for i := range dirs {
		dirs[i] = filepath.Base(filepath.Dir(dirs[i]))
	}
	return dirs
}

// An expectation is what qemu-img said of a committed image.
type expectation struct {
	SHA256    string           `json:"sha256"`
	Password  string           `json:"password"`
	Map       []map[string]any `json:"map"`
	Info      map[string]any   `json:"info"`
	Snapshots []any            `json:"snapshots"`
}

// unpack makes NAME/ with the files of a committed image in the working
// directory.
func unpack(t *testing.T, name string) expectation {
	t.Helper()
	packed, err := filepath.Glob(filepath.Join(imagesRoot, name, "*.gz"))
	if err != nil || len(packed) == 0 {
		t.Fatalf("image %s: no files (%v)", name, err)
	}
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range packed {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, strings.TrimSuffix(filepath.Base(p), ".gz")), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(imagesRoot, name, "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e expectation
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// imagesRoot is imagesDir as an absolute name: tests change the directory.
// goodPartitions is a disk with a GPT of two partitions.
var imagesRoot, goodPartitions string

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		if os.Getenv(asNobody) != "" {
			dropPrivileges()
		}
		asProcess()
	}
	root, err := filepath.Abs(imagesDir)
	if err != nil {
		panic(err)
	}
	imagesRoot, goodPartitions = root, filepath.Join(root, "../../../gpt/testdata/disk.img")
	time.Local = time.UTC // dates are printed in local time
	os.Exit(m.Run())
}

// A result is what a command line did.
type result struct {
	code           int
	stdout, stderr string
}

func command(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(args, strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// succeed runs a command line that must do so silently, and returns its
// output.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	r := command(args...)
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("%v: exit code %d, %s", args, r.code, r.stderr)
	}
	return r.stdout
}

// fail runs a command line that must fail with one line that holds want.
func fail(t *testing.T, want string, args ...string) {
	t.Helper()
	r := command(args...)
	if r.code != 1 || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "qcow2: ") {
		t.Fatalf("%v: exit code %d, %q; want 1 and one line with %q", args, r.code, r.stderr, want)
	}
}
