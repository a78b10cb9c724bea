//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A target that cannot be one is refused before anything is written: what is
// there stays, nothing is left beside it, and the message names it.
func TestConvertRefusesTargets(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return dir + "/" + name }
	for _, d := range []string{"directory", "full"} {
		if err := os.Mkdir(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("file"), []byte("as it was"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"to-directory": "directory", "loop": "loop", "to-nowhere": "nowhere/file", "past-file": "file/x",
	} {
		if err := os.Symlink(target, in(name)); err != nil {
			t.Fatal(err)
		}
	}
	before := entries(t, dir)
	for _, tt := range []struct{ target, want string }{
		{"", "the target has no name"},
		{in("directory"), "neither a file nor a device nor a pipe"},
		{in("directory/"), "neither a file nor a device nor a pipe"},
		{in("directory/."), "neither a file nor a device nor a pipe"},
		{in("to-directory"), "neither a file nor a device nor a pipe"},
		{in("new/"), "no such file or directory"},
		{in("nowhere/new"), "no such file or directory"},
		{in("to-nowhere"), "no such file or directory"},
		{in("loop"), "too many levels of symbolic links"},
		{in("file/new"), "not a directory"},
		{in("past-file"), "not a directory"},
		{in("file/"), "not a directory"},
		{in("a\x00b"), "invalid argument"},
		{in(strings.Repeat("x", 256)), "file name too long"},
	} {
		err := convert(t.Context(), newFakeDisk(1<<20).copier(), destination{name: tt.target}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.target, err, tt.want)
		}
		if after := entries(t, dir); !slices.Equal(after, before) {
			t.Fatalf("%q: left %q", tt.target, after)
		}
	}
	if got, err := os.ReadFile(in("file")); err != nil || string(got) != "as it was" {
		t.Errorf("%q, %v", got, err)
	}
}

// Nothing is written over what is read, by whatever name.
func TestOutputIsNotTheInput(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	if err := os.Link("chain/base.raw", "base.png"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("base.png")
	if err != nil {
		t.Fatal(err)
	}
	open := func(flags int) io.Writer {
		f, err := os.OpenFile("base.png", flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	for _, tt := range []struct {
		stdout io.Writer
		args   []string
	}{
		{io.Discard, []string{"convert", "base.png"}},
		{io.Discard, []string{"convert", "-n", "base.png"}},
		{io.Discard, []string{"map", "--picture=base.png"}},
		{open(os.O_WRONLY), []string{"convert", "-"}},
		{open(os.O_WRONLY | os.O_APPEND), []string{"cat"}},
	} {
		var stderr strings.Builder
		args := slices.Insert(tt.args, len(tt.args)-1, "--allow-dir=chain", "chain/disk.qcow2")
		if tt.args[0] != "convert" {
			args = append(tt.args, "--allow-dir=chain", "chain/disk.qcow2")
		}
		code := run(args, strings.NewReader(""), tt.stdout, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), "is a file that the image is read from") {
			t.Errorf("%q: exit code %d, %q", args, code, stderr.String())
		}
		if got, err := os.ReadFile("base.png"); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q: %d bytes instead of %d, %v", args, len(got), len(want), err)
		}
	}
}

// A target that is there is the same file with the same bytes, mode and times
// while the disk is read, and another file after that. Its other names keep
// what it was.
func TestConvertKeepsTheOldUntilTheEnd(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("as it was"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(target, link); err != nil {
		t.Fatal(err)
	}
	old, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	src := newFakeDisk(8 << 20)
	looked := false
	src.onRead = func(int64) error {
		looked = true
		now, err := os.Stat(target)
		if err != nil || !os.SameFile(now, old) || now.Mode() != old.Mode() || !now.ModTime().Equal(old.ModTime()) {
			t.Errorf("while the disk is read the target is %v (%v)", now, err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != "as it was" {
			t.Errorf("while the disk is read the target holds %.20q (%v)", got, err)
		}
		return nil
	}
	c := src.copier()
	c.workers = 1
	if err := convert(t.Context(), c, destination{name: target}, io.Discard); err != nil || !looked {
		t.Fatal(looked, err)
	}
	now, err := os.Stat(target)
	if err != nil || os.SameFile(now, old) || now.Mode() != old.Mode() {
		t.Errorf("in the end the target is %v (%v)", now, err)
	}
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, src.data) {
		t.Errorf("in the end the target has the wrong bytes (%v)", err)
	}
	if got, err := os.ReadFile(link); err != nil || string(got) != "as it was" {
		t.Errorf("the other link holds %.20q (%v)", got, err)
	}
}

// Who may not write a file may not replace it either, though he may write to
// its directory: qemu-img, which writes in place, could not.
func TestConvertRefusesReadOnlyTargets(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "v3-plain")
	if err := os.Mkdir("out", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("out/target", []byte("as it was"), 0o444); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "out"} { // whatever the umask
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := process(t, "convert", "v3-plain/disk.qcow2", "out/target")
	cmd.Env = append(cmd.Env, asNobody+"=1") // root may write everything
	r := finish(t, cmd)
	if r.code != 1 || !strings.Contains(r.stderr, `"out/target"`) || !strings.Contains(r.stderr, "permission denied") {
		t.Errorf("exit code %d, %q", r.code, r.stderr)
	}
	if got, err := os.ReadFile("out/target"); err != nil || string(got) != "as it was" {
		t.Errorf("the target holds %.20q (%v)", got, err)
	}
	if got := entries(t, "out"); !slices.Equal(got, []string{"target"}) {
		t.Errorf("left behind: %q", got)
	}
}

// The signals that ask a process to stop, sent to one that is at work.
func TestConvertKilled(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("out", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("out/target", []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeAliased(t, "busy", 512<<30) // more than anybody waits for
	// What this process ignores a new one would ignore, too.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(caught)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := process(t, "convert", "busy", "out/target")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for len(entries(t, "out")) == 1 { // until it writes
			if time.Now().After(deadline) {
				t.Fatal("nothing is written")
			}
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		tooLate := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		tooLate.Stop()
		if cmd.ProcessState.ExitCode() != 1 || stderr.String() != "qcow2: interrupted; target \"out/target\" is as it was\n" {
			t.Errorf("%v: %v, %q", sig, err, stderr.String())
		}
		if got, err := os.ReadFile("out/target"); err != nil || string(got) != "as it was" {
			t.Errorf("%v: the target holds %.20q (%v)", sig, got, err)
		}
		if got := entries(t, "out"); !slices.Equal(got, []string{"target"}) {
			t.Errorf("%v: left behind %q", sig, got)
		}
	}
}
