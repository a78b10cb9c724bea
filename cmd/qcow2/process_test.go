package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asCommand is set in the environment of a process that is to be the command,
// not the tests.
const asCommand = "QCOW2_TEST_AS_COMMAND"

// asNobody is set for such a process that is to have no privileges.
const asNobody = "QCOW2_TEST_AS_NOBODY"

// peakFile names the file into which such a process writes how many KiB it had
// resident at most.
const peakFile = "QCOW2_TEST_PEAK"

// asProcess is main, and writes what it is asked to.
func asProcess() {
	name := os.Getenv(peakFile)
	if name == "" {
		main()
	}
	limitMemory()
	code := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if err := os.WriteFile(name, []byte(strings.Fields(after)[0]), 0o600); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// process returns the command line as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// finish runs the process and returns what it did. A process that a signal
// ended has exit code -1.
func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
