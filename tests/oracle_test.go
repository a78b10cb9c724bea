package tests

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// oracleTimeout is how long one run of an outside tool may take. They are
// asked about images made to harm; none is allowed to hang the tests.
const oracleTimeout = 2 * time.Minute

var rounds = flag.Int("rounds", 0, "of tests with random input, of each; 0: as many as there is time for")

// randomRounds is how many random inputs a test takes, on a laptop and with
// the whole corpus, unless -rounds says more.
func randomRounds(laptop, ci int) int {
	switch {
	case *rounds > 0:
		return *rounds
	case wholeCorpus():
		return ci
	}
	return laptop
}

// requireTool returns the path of an outside tool that a test compares with:
// qemu-img, qemu-io, gcc. Without the tool the test is skipped, but where
// CI=true it fails: there a comparison that did not happen is no success.
func requireTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if name == "gcc" {
		path, err = findGCC()
	}
	switch {
	case err == nil:
		return path
	case inCI():
		t.Fatalf("%s is required where CI=true: %v", name, err)
	default:
		t.Skipf("no %s to compare with: %v", name, err)
	}
	return ""
}

// qemuVersion is what the qemu-img that is installed says of itself.
func qemuVersion(t testing.TB) string {
	t.Helper()
	requireTool(t, "qemu-img")
	out, err := askVersion()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var askVersion = sync.OnceValues(func() ([]byte, error) { return runFound("", "qemu-img", "--version") })

// findGCC returns the path of gcc 12 for x86-64 Linux, whose answers are ours:
// from 13 on, if one enumerator is too large for an int, the others have the
// enum's type, too. On Windows gcc has other layouts, on macOS it is clang.
var findGCC = sync.OnceValues(func() (string, error) {
	path, err := exec.LookPath("gcc-12")
	if err != nil {
		path, err = exec.LookPath("gcc")
	}
	if err != nil {
		return "", err
	}
	machine, err := exec.Command(path, "-dumpmachine").Output()
	if err != nil {
		return "", err
	}
	version, err := exec.Command(path, "-dumpversion").Output()
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(string(machine), "x86_64-linux") || string(bytes.TrimSpace(version)) != "12" {
		return "", fmt.Errorf("%s is version %s for %s", path, bytes.TrimSpace(version), bytes.TrimSpace(machine))
	}
	return path, nil
})

// wholeCorpus tells whether everything is compared that there is, images and
// headers: where CI=true, and the race detector, which a sample is enough for,
// is not watching.
func wholeCorpus() bool { return inCI() && !raceEnabled }

// inCI tells whether a missing oracle is a failure.
func inCI() bool { return os.Getenv("CI") == "true" }

// runTool runs an outside tool in dir and returns its standard output. The
// error of a run that failed is a *toolError.
func runTool(t testing.TB, dir, name string, args ...string) ([]byte, error) {
	t.Helper()
	return runFound(dir, requireTool(t, name), args...)
}

// mustTool is runTool for runs that cannot fail.
func mustTool(t testing.TB, dir, name string, args ...string) []byte {
	t.Helper()
	out, err := runTool(t, dir, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// runFound runs the tool at path. It needs no testing.TB, so that goroutines
// may call it.
func runFound(dir, path string, args ...string) ([]byte, error) {
	return runWith(nil, dir, path, args...)
}

// runWith is runFound with more in the environment.
func runWith(environment []string, dir, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), oracleTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	// Messages are compared and printed: one language for all machines.
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		e := &toolError{command: append([]string{path}, args...), exit: -1, stderr: stderr.String(), err: err}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			e.exit = exit.ExitCode()
		}
		if ctx.Err() != nil {
			e.err = ctx.Err()
		}
		return stdout.Bytes(), e
	}
	return stdout.Bytes(), nil
}

// A toolError is a run of an outside tool that did not end with 0.
type toolError struct {
	command []string
	exit    int // -1 where the tool did not run or was killed
	stderr  string
	err     error
}

func (e *toolError) Error() string {
	return fmt.Sprintf("%s: %v\n%s", strings.Join(e.command, " "), e.err, e.stderr)
}

func (e *toolError) Unwrap() error { return e.err }
