//go:build unix && !aix && !solaris

package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A raw image, or one that --safety is asked about, that becomes a pipe
// between being asked for its kind and being opened makes nobody wait.
func TestRawThatBecomesFIFO(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for i := 0; !stop.Load(); i++ {
			if os.Link([]string{"file", "fifo"}[i%2], "link") != nil || os.Rename("link", "place") != nil {
				t.Error("the names cannot be swapped")
				return
			}
		}
	}()
	defer func() { stop.Store(true); <-swapped }()
	opened := make(chan int)
	go func() {
		n := 0
		for start := time.Now(); time.Since(start) < 200*time.Millisecond || n == 0 && time.Since(start) < 20*time.Second; {
			if d, err := openRaw("place"); err == nil {
				d.Close()
				n++
			}
		}
		opened <- n
	}()
	select {
	case n := <-opened:
		if n == 0 {
			t.Error("never was it the file")
		}
	case <-time.After(time.Minute):
		t.Fatal("still waiting")
	}
}
