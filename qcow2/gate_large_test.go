package qcow2

import (
	"os"
	"path/filepath"
	"testing"
)

// A file of 2 GiB and more opens on 32-bit systems, too.
func TestGateLargeFile(t *testing.T) {
	const size = 3 << 30
	dir := t.TempDir()
	name := filepath.Join(dir, "large")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	f, _, err := gateTo(t, false, dir).open(filepath.Join(dir, "overlay"), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != size {
		t.Errorf("%v, %v", info, err)
	}
}
