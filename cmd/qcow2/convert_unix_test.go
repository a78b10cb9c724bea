//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A signallingDisk is one of zeros, larger than anybody waits for. The first
// read sends a signal to this process, and waits until it is there.
type signallingDisk struct {
	claimingDisk
	first func()
}

func (d *signallingDisk) ReadAt(p []byte, off int64) (int, error) {
	d.first()
	return d.claimingDisk.ReadAt(p, off)
}

func TestConvertSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		// Not ignored, as it is where nohup runs the tests.
		notified := make(chan os.Signal, 1)
		signal.Notify(notified, sig)
		defer signal.Stop(notified)
		dir := t.TempDir()
		src := &signallingDisk{claimingDisk{emptyDisk{size: 512 << 30}}, sync.OnceFunc(func() {
			if err := syscall.Kill(syscall.Getpid(), sig); err != nil {
				t.Error(err)
			}
			<-notified
		})}
		c := &copier{src: src, sparse: 4096, workers: 1, done: func(int64) {}}
		err := convert(t.Context(), c, destination{name: filepath.Join(dir, "target")}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("%v: %v", sig, err)
		}
		if got := entries(t, dir); len(got) != 0 {
			t.Errorf("%v: left behind %q", sig, got)
		}
	}
}

// nohup makes a program ignore SIGHUP, and goes on to be obeyed.
func TestConvertIgnoresWhatIsIgnored(t *testing.T) {
	for _, ignored := range [][]os.Signal{{syscall.SIGHUP}, {syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}} {
		signal.Ignore(ignored...)
		defer signal.Reset(ignored...)
		src := newFakeDisk(4 << 20)
		src.onRead = func(int64) error {
			// SIGURG is the Go runtime's own.
			return errors.Join(syscall.Kill(syscall.Getpid(), syscall.SIGHUP), syscall.Kill(syscall.Getpid(), syscall.SIGURG))
		}
		target := filepath.Join(t.TempDir(), "target")
		if err := convert(t.Context(), src.copier(), destination{name: target}, io.Discard); err != nil {
			t.Errorf("%v ignored: %v", ignored, err)
		}
		if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, src.data) {
			t.Errorf("%v ignored: wrong bytes (%v)", ignored, err)
		}
	}
}

// A name may be as long as the file system lets it, in any script.
func TestConvertLongName(t *testing.T) {
	for _, name := range []string{strings.Repeat("x", 255), strings.Repeat("盘", 85)} {
		src := newFakeDisk(4 << 10)
		target := filepath.Join(t.TempDir(), name)
		for range 2 {
			if err := convert(t.Context(), src.copier(), destination{name: target}, io.Discard); err != nil {
				t.Errorf("name of %d bytes: %v", len(name), err)
			}
		}
	}
}

func TestConvertToPipe(t *testing.T) {
	src := newFakeDisk(3 << 20)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		data, err := os.ReadFile(fifo)
		if err != nil {
			t.Error(err)
		}
		got <- data
	}()
	if err := convert(t.Context(), src.copier(), destination{name: fifo}, io.Discard); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(<-got, src.data) {
		t.Error("wrong bytes")
	}
	if info, err := os.Stat(fifo); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("it is no longer a FIFO (%v)", err)
	}
}

func TestConvertToCharacterDevice(t *testing.T) {
	src := newFakeDisk(3 << 20)
	if err := convert(t.Context(), src.copier(), destination{name: os.DevNull}, io.Discard); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		if err := convert(t.Context(), src.copier(), destination{name: "/dev/full"}, io.Discard); err == nil {
			t.Error("a full device: no error")
		}
	}
}

func TestConvertLeavesHoles(t *testing.T) {
	dir := t.TempDir()
	src := newFakeDisk(8 << 20)
	stored := 0
	for off := 0; off < len(src.data); off += 4096 {
		if !isZero(src.data[off : off+4096]) {
			stored += 4096
		}
	}
	space := func(sparse int) int64 {
		c, target := src.copier(), filepath.Join(dir, "target")
		c.sparse = sparse
		if err := convert(t.Context(), c, destination{name: target}, io.Discard); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(target)
		if err != nil {
			t.Fatal(err)
		}
		return occupied(info)
	}
	if got := space(0); got < int64(len(src.data)) {
		t.Errorf("-S 0: %d bytes occupied, all %d should be", got, len(src.data))
	}
	if got := space(4096); got > int64(stored)+64<<10 {
		t.Errorf("-S 4k: %d bytes occupied, %d hold data", got, stored)
	}
}
