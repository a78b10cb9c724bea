package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// asCommand is set in the environment of a process that is to be the command,
// not the tests.
const asCommand = "QCOW2_TEST_AS_COMMAND"

// asNobody is set for such a process that is to have no privileges.
const asNobody = "QCOW2_TEST_AS_NOBODY"

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
