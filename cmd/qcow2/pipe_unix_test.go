//go:build unix

package main

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

// Who reads from a pipe may have enough: the program ends then, without a
// word, as programs do, however much it had still to say.
func TestClosedPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "v3-plain")
	writeAliased(t, "endless", 512<<30)
	for _, tt := range []struct {
		args []string
		read int64 // bytes, before it is closed
	}{
		{[]string{"cat", "endless"}, 1 << 20},
		{[]string{"convert", "endless", "-"}, 1 << 20},
		{[]string{"cat", "v3-plain/disk.qcow2"}, 0},
		{[]string{"map", "--output=json", "v3-plain/disk.qcow2"}, 0},
		{[]string{"map", "--picture", "-", "v3-plain/disk.qcow2"}, 0},
		{[]string{"info", "v3-plain/disk.qcow2"}, 0},
		{[]string{"dump", "v3-plain/disk.qcow2"}, 0},
		{[]string{"dump", "--output=json", "endless"}, 100},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := process(t, tt.args...)
		cmd.Stdout = w
		if tt.read == 0 {
			r.Close()
		} else {
			go func() {
				io.CopyN(io.Discard, r, tt.read)
				r.Close()
			}()
		}
		start := time.Now()
		got := finish(t, cmd)
		w.Close()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != syscall.SIGPIPE || got.stderr != "" {
			t.Errorf("%q: %v, %q", tt.args, cmd.ProcessState, got.stderr)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%q: went on for %v", tt.args, took)
		}
	}
}
