//go:build unix && !aix && !solaris

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

// What a name leads to may change between the question and the opening: what is
// opened then is asked again, and a FIFO is not waited for.
func TestGateAsksTwice(t *testing.T) {
	dir := tree(t, "allowed/base", "outside")
	in := func(name string) string { return filepath.Join(dir, "allowed", name) }
	if err := syscall.Mkfifo(in("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	symlink(t, "../outside", in("escape"))
	symlink(t, in("base"), in("absolute"))
	g := gateTo(t, false, filepath.Join(dir, "allowed"))
	for name, want := range map[string]bool{"base": true, "fifo": false, ".": false, "escape": false, "absolute": false, "../outside": false} {
		within(t, name, func() {
			f := g.openNow(g.dirs[0].root, name)
			if f != nil {
				f.Close()
			}
			if (f != nil) != want {
				t.Errorf("%s: opened %v, want %v", name, f != nil, want)
			}
		})
	}
}
