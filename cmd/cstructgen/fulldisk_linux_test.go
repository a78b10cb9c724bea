package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// fullDiskStage is set for a process of tests whose disk is to be small.
const fullDiskStage = "CSTRUCTGEN_TEST_FULL_DISK"

// A disk that gets full leaves the generated files as they were, all of them,
// and nothing beside them.
func TestOutputToFullDisk(t *testing.T) {
	const room = 8 << 10
	if os.Getenv(fullDiskStage) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestOutputToFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), fullDiskStage+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	inDir(t, map[string]string{"a.h": point, "big.h": "/* " + strings.Repeat("x", 2*room) + " */\n" + point})
	if r := call("--package", "p", "--test", "-o", "gen.go", "a.h"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	want := read(t, "gen.go") + read(t, "gen_test.go")
	// No file may have more bytes now, in this process.
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: room, Max: room}); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"--package p --test -o gen.go big.h", "--package p -o new.go big.h"} {
		r := call(strings.Fields(args)...)
		if r.code != 1 || !strings.Contains(r.stderr, "cannot write ") || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %+v", args, r)
		}
		if got := read(t, "gen.go") + read(t, "gen_test.go"); got != want {
			t.Errorf("%s: the old files changed", args)
		}
		if names := list(t); names != "a.h big.h gen.go gen_test.go" {
			t.Errorf("%s: files %s", args, names)
		}
	}
}
