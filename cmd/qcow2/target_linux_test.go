package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file without a name cannot be replaced: nothing is written under the name
// that the link of an open file shows for it.
func TestConvertToDeletedFile(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	c := newFakeDisk(1 << 20).copier()
	err = convert(t.Context(), c, destination{name: fmt.Sprintf("/proc/self/fd/%d", f.Fd())}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "cannot replace") {
		t.Errorf("%v", err)
	}
	if left := entries(t, dir); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}
