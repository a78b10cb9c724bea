package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// What several tests need is made once in a process, in processDir, by the
// first that asks: the tool, what images take their bytes from, the layers that
// many of them lie on, QEMU's clock. Nobody writes to any of it afterwards.

// processDir is a directory of this process. TestMain removes it.
var processDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cstructgen-tests-")
	madeDir = dir
	return dir, err
})

var madeDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if madeDir != "" {
		os.RemoveAll(madeDir)
	}
	os.Exit(code)
}

// newProcessDir makes a directory in processDir.
func newProcessDir(pattern string) (string, error) {
	dir, err := processDir()
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, pattern)
}

// buildTool compiles cmd/qcow2 and returns the program's name.
func buildTool(t testing.TB) string {
	t.Helper()
	tool, err := builtTool()
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

var builtTool = sync.OnceValues(func() (string, error) {
	dir, err := newProcessDir("tool-")
	if err != nil {
		return "", err
	}
	tool := filepath.Join(dir, "qcow2.exe") // the name that Windows wants; others do not mind
	_, err = runFound("", "go", "build", "-o", tool, "cstructgen/cmd/qcow2")
	return tool, err
})

// sharedDir has the files that writes take their bytes from: see
// combination.writes.
var sharedDir = sync.OnceValues(func() (string, error) {
	dir, err := newProcessDir("shared-")
	if err != nil {
		return "", err
	}
	for _, c := range sharedFiles {
		if err := new(builder).run(c, dir); err != nil {
			return "", err
		}
	}
	return dir, nil
})

// fastClock is a library to be loaded into qemu-img, or "" where there is no
// gcc to compile it. To choose how often a LUKS key is hashed QEMU measures how
// often the processor can in a second, for one to two seconds an image. With
// the library its clock is clockFactor times as fast: asked for as many times
// the time, it chooses as before.
var fastClock = sync.OnceValues(func() (string, error) {
	gcc, err := findGCC()
	if err != nil {
		return "", nil
	}
	dir, err := newProcessDir("clock-")
	if err != nil {
		return "", err
	}
	library := filepath.Join(dir, "clock.so")
	source, err := filepath.Abs("testdata/clock.c")
	if err != nil {
		return "", err
	}
	_, err = runFound(dir, gcc, "-shared", "-fPIC", "-O", fmt.Sprint("-DFACTOR=", clockFactor), "-o", library, source)
	return library, err
})

// clockFactor is how many times as fast the clock of fastClock is.
const clockFactor = 32
