//go:build unix && !aix && !solaris

package qcow2

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
)

// A FIFO is refused, not waited for.
func TestOpenRefusesFIFO(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Open: %v", err)
	}
}
