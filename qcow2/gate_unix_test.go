//go:build unix

package qcow2

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Opening a FIFO waits for its writer, which an image could use to hang its
// reader for ever.
func TestGateDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	gates := []*gate{gateTo(t, false, dir, "/dev"), gateTo(t, true, dir, "/dev")}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, g := range gates {
			for _, name := range []string{"fifo", "socket", "/dev/null", "/dev/tty"} {
				if f, _, err := g.open(filepath.Join(dir, "o"), name); f != nil || err != errGate {
					t.Errorf("%s (devices: %v): %v", name, g.devices, err)
				}
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
	}
}

// What a name leads to may change between the question and the opening.
func TestGateAsksTwice(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gateTo(t, false, dir)
	f, err := g.dirs[0].root.OpenFile("fifo", openFlags, 0)
	if err != nil {
		t.Fatal("a FIFO must open at once:", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || g.permits(info.Mode()) {
		t.Errorf("an open FIFO passes: %v", err)
	}
}
