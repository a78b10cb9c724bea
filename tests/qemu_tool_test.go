package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestTool compares what cmd/qcow2 prints and writes with what qemu-img does,
// called with the same words.
func TestTool(t *testing.T) {
	b := newBuilder(t)
	tool := buildTool(t)
	step, special := 97, 5
	if inCI() {
		step, special = 11, 1
	}
	var recipes []recipe
	for i, r := range specialRecipes() {
		if i%special == 0 && !r.slow {
			recipes = append(recipes, r)
		}
	}
	for i, c := range combinations() {
		if i%step == 0 {
			recipes = append(recipes, c.recipe())
		}
	}
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) { compareTool(t, tool, &r, dir) })
		})
	}
}

// toolDir is where buildTool puts the program. TestMain removes it.
var toolDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if toolDir != "" {
		os.RemoveAll(toolDir)
	}
	os.Exit(code)
}

// buildTool compiles cmd/qcow2, once, and returns the program's name.
func buildTool(t testing.TB) string {
	t.Helper()
	tool, err := builtTool()
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

var builtTool = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cstructgen-tests-")
	if err != nil {
		return "", err
	}
	toolDir = dir
	tool := filepath.Join(dir, "qcow2")
	if out, err := exec.Command("go", "build", "-o", tool, "cstructgen/cmd/qcow2").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return tool, nil
})

// compareTool runs the tool and qemu-img on the image in dir.
func compareTool(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	both := func(args ...string) (ours, theirs []byte, ok bool) {
		t.Helper()
		theirs, theirErr := runTool(t, dir, "qemu-img", append(args, diskName)...)
		ours, ourErr := runFound(dir, tool, append(args, "--allow-dir", ".", diskName)...)
		if exitCode(ourErr) != exitCode(theirErr) {
			t.Errorf("%v: %v; qemu-img: %v", args, ourErr, theirErr)
		}
		return ours, theirs, ourErr == nil && theirErr == nil
	}

	if ours, theirs, ok := both("info", "--output=json"); ok {
		compareInfoText(t, ours, theirs)
	}
	if ours, theirs, ok := both("info", "--backing-chain", "--output=json"); ok {
		var a, b []json.RawMessage
		if err := errors.Join(json.Unmarshal(ours, &a), json.Unmarshal(theirs, &b)); err != nil || len(a) != len(b) {
			t.Fatalf("%d layers, qemu-img has %d: %v", len(a), len(b), err)
		}
		for i := range a {
			compareInfoText(t, a[i], b[i])
		}
	}
	if v := mustTool(t, dir, "qemu-img", "--version"); bytes.Contains(v, []byte(" version 7.")) {
		// For people, in the words of this version: later ones print more.
		if ours, theirs, ok := both("info"); ok && compact(ours) != compact(theirs) {
			t.Errorf("info\n%s\nqemu-img\n%s", ours, theirs)
		}
	}
	if r.noData {
		return // what follows qemu-img does only with the password
	}
	if ours, theirs, ok := both("snapshot", "-l"); ok && compact(ours) != compact(theirs) {
		t.Errorf("snapshot -l\n%s\nqemu-img\n%s", ours, theirs)
	}
	if ours, theirs, ok := both("map", "--output=json"); ok {
		var maps [2][]mapEntry
		for i, out := range [][]byte{ours, theirs} {
			entries, err := parseMap(out)
			if err != nil {
				t.Fatal(err)
			}
			maps[i] = normaliseMap(entries)
		}
		compareEntries(t, maps[0], maps[1])
	}
	if ours, theirs, ok := both("map"); ok && compact(ours) != compact(theirs) {
		t.Errorf("map\n%s\nqemu-img\n%s", ours, theirs)
	}
	compareMeasure(t, tool, dir)
	if size := virtualSize(t, dir); size > wholeLimit {
		return // copies of such are compared by TestCorpus
	}
	compareConvert(t, tool, dir)
}

// exitCode is how a program ended that runTool ran.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if e := new(toolError); errors.As(err, &e) {
		return e.exit
	}
	return -1
}

// compareInfoText compares two outputs of `info --output=json`.
func compareInfoText(t *testing.T, ours, theirs []byte) {
	t.Helper()
	var infos [2]map[string]any
	for i, out := range [][]byte{ours, theirs} {
		info, err := normaliseInfo(out)
		if err != nil {
			t.Fatal(err)
		}
		infos[i] = info
	}
	if g, w := jsonText(t, infos[0]), jsonText(t, infos[1]); g != w {
		t.Errorf("info\n%s\nqemu-img\n%s", g, w)
	}
}

// compact is text with one blank between words: how wide columns are is no
// part of the comparison. (QEMU counts bytes there, not characters.)
func compact(text []byte) string {
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

// virtualSize is the size of the disk in dir.
func virtualSize(t *testing.T, dir string) int64 {
	t.Helper()
	im := openImage(t, dir)
	return im.Size()
}

// TestToolBenchmarkRuns keeps tests/bench working, on a tiny disk.
func TestToolBenchmarkRuns(t *testing.T) {
	requireTool(t, "qemu-img")
	out, err := exec.Command("go", "run", "./bench", "-size", "2", "-runs", "1", "-dir", t.TempDir()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "\n"); n != 9 {
		t.Errorf("%d lines, want a title and 8 images\n%s", n, out)
	}
}
