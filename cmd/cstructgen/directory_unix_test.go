//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"cstructgen/internal/cstruct"
)

// swapped is a directory in which a header becomes a pipe as soon as it was
// seen to be a file.
type swapped struct {
	directory
	name string
}

func (s *swapped) Stat(name string) (fs.FileInfo, error) {
	info, err := s.directory.Stat(name)
	if err == nil && info.Mode().IsRegular() {
		if err := os.Remove(s.name); err != nil {
			return nil, err
		}
		err = syscall.Mkfifo(s.name, 0o600)
	}
	return info, err
}

// TestHeaderThatBecomesFIFO includes a file that is swapped for a pipe before
// it is opened: that is not waited for, and not read.
func TestHeaderThatBecomesFIFO(t *testing.T) {
	inDir(t, map[string]string{"b.h": point})
	root, err := os.OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	done := make(chan error)
	go func() {
		_, err := cstruct.Parse(cstruct.Config{Files: []cstruct.Source{{
			Name: "a.h", Text: []byte("#include \"b.h\"\n"), Dir: cstruct.Dir{FS: &swapped{directory{root, func() []*os.Root { return nil }}, "b.h"}}, Path: "a.h",
		}}})
		done <- err
	}()
	select {
	case err := <-done:
		const want = `a.h:1:10: "b.h": no such file in the include directories`
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("waits for the pipe")
	}
}

// TestCheckOfFIFO compares with an output that is a pipe.
func TestCheckOfFIFO(t *testing.T) {
	inDir(t, map[string]string{"a.h": point})
	if err := syscall.Mkfifo("a.go", 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan result)
	go func() { done <- call("--package", "p", "--check", "-o", "a.go", "a.h") }()
	select {
	case r := <-done:
		if want := "cstructgen: a.go is not a regular file\n"; r.code != 1 || r.stderr != want {
			t.Errorf("%+v, want %s", r, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("waits for the pipe")
	}
}
