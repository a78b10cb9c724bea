package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// fullDiskStage tells a process of tests how its disk is to be small.
const fullDiskStage = "QCOW2_TEST_FULL_DISK"

// noMount is how a process of tests ends that may not mount anything.
const noMount = 77

// onFullDisk runs the rest of the test where the directory "small" is a file
// system with little room, and reports whether that is now: in a process that
// has a mount table of its own, or, where none may be had, in one that may
// write no file of more bytes than that.
func onFullDisk(t *testing.T, room uint64) bool {
	t.Helper()
	switch os.Getenv(fullDiskStage) {
	case "mount":
		t.Chdir(t.TempDir())
		if err := os.Mkdir("small", 0o755); err != nil {
			t.Fatal(err)
		}
		// What is mounted here must not be seen elsewhere.
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			os.Exit(noMount) // the parent tries the other way
		}
		if err := syscall.Mount("tmpfs", "small", "tmpfs", 0, fmt.Sprintf("size=%d,nr_inodes=16", room)); err != nil {
			os.Exit(noMount)
		}
		t.Cleanup(func() { syscall.Unmount("small", 0) })
		return true
	case "limit":
		t.Chdir(t.TempDir())
		if err := os.Mkdir("small", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: room, Max: room}); err != nil {
			t.Fatal(err)
		}
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(stage string, attr *syscall.SysProcAttr) (string, error) {
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), stage)
		cmd.SysProcAttr = attr
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	flags := uintptr(syscall.CLONE_NEWNS)
	attr := &syscall.SysProcAttr{Cloneflags: flags}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := run(fullDiskStage+"=mount", attr)
	if e := new(exec.ExitError); err != nil && (!errors.As(err, &e) || e.ExitCode() == noMount) {
		t.Logf("no file system to be mounted (%v): a limit on the size of files instead", err)
		out, err = run(fullDiskStage+"=limit", nil)
	}
	if err != nil || !strings.Contains(out, "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// A disk that gets full ends the conversion: whatever was at the target is
// there as it was, or nothing is, and nothing is left beside it.
func TestConvertToFullDisk(t *testing.T) {
	const room = 7 << 20
	if !onFullDisk(t, room) {
		return
	}
	if err := os.WriteFile("small/old", []byte("as it was"), 0o640); err != nil {
		t.Fatal(err)
	}
	src := newFakeDisk(room + 1<<20)
	for i := range src.isData { // more than there is room for, with holes or without
		src.isData[i] = true
	}
	for i := range src.data {
		src.data[i] = 1
	}
	for _, target := range []string{"small/old", "small/new"} {
		for _, sparse := range []int{4096, 0} {
			c := src.copier()
			c.sparse = sparse
			err := convert(t.Context(), c, destination{name: target}, io.Discard)
			if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), ".tmp") {
				t.Errorf("%s, -S %d: %v", target, sparse, err)
			}
			if got := entries(t, "small"); !slices.Equal(got, []string{"old"}) {
				t.Errorf("%s, -S %d: left behind %q", target, sparse, got)
			}
			if got, err := os.ReadFile("small/old"); err != nil || string(got) != "as it was" {
				t.Errorf("%s, -S %d: the old target holds %.20q (%v)", target, sparse, got, err)
			}
		}
	}
	// What fits, fits.
	if err := convert(t.Context(), newFakeDisk(1<<20).copier(), destination{name: "small/old"}, io.Discard); err != nil {
		t.Error(err)
	}
	// The same through the command, and for a picture.
	writeAliased(t, "image", 4*room)
	for _, args := range [][]string{
		{"convert", "-S", "0", "image", "small/old"},
		{"convert", "-S", "0", "image", "small/new"},
	} {
		if r := command(args...); r.code != 1 || !strings.Contains(r.stderr, "no room for") && !strings.Contains(r.stderr, "file too large") {
			t.Errorf("%v: exit code %d, %q", args, r.code, r.stderr)
		}
	}
	if os.Getenv(fullDiskStage) != "mount" {
		return // files that fit have room
	}
	before, err := os.ReadFile("small/old")
	if err != nil {
		t.Fatal(err)
	}
	fill(t, "small/filler", room)
	unpack(t, "chain")
	for _, picture := range []string{"small/p.svg", "small/p.png"} {
		fail(t, "", "map", "--picture", picture, "--allow-dir", "chain", "chain/disk.qcow2")
	}
	if got := entries(t, "small"); !slices.Equal(got, []string{"filler", "old"}) {
		t.Errorf("left behind %q", got)
	}
	if got, err := os.ReadFile("small/old"); err != nil || !bytes.Equal(got, before) {
		t.Errorf("the old target changed (%v)", err)
	}
}

// fill writes a file until the disk is full, and leaves no room at all.
func fill(t *testing.T, name string, room int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := room; n > 0; {
		if _, err := f.Write(make([]byte, n)); err != nil {
			n /= 2
		}
	}
}
