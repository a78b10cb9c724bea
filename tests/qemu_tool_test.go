package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTool compares what cmd/qcow2 prints and writes with what qemu-img does,
// called with the same words.
func TestTool(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	step, special := 97, 5
	if wholeCorpus() {
		step, special = 29, 2
	}
	var recipes []recipe
	for i, r := range specialRecipes() {
		if i%special == special-1 && !r.slow {
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

// keyName is the file with the password of the image beside it.
const keyName = "password"

// withOptions is args, the arguments of our tool, with what it takes besides
// those of qemu-img: leave to open files, and the file with the password.
func withOptions(r *recipe, args []string) []string {
	args = append(slices.Clone(args), "--allow-dir", ".")
	if r.password != "" {
		args = append(args, "--secret-file", keyName)
	}
	return args
}

// compareTool runs the tool and qemu-img on the image in dir.
func compareTool(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	if r.password != "" {
		if err := os.WriteFile(filepath.Join(dir, keyName), []byte(r.password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	both := func(args ...string) (ours, theirs []byte, ok bool) {
		t.Helper()
		args = append(args, diskName)
		password := r.password
		if args[0] == "info" {
			password = "" // needs none, and would show options and no name with one
		}
		theirs, theirErr := runTool(t, dir, "qemu-img", withSecret(args, password)...)
		ours, ourErr := runFound(dir, tool, withOptions(r, args)...)
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
	if ours, theirs, ok := both("info"); ok && compact(asOldAs(theirs, ours)) != compact(theirs) {
		t.Errorf("info\n%s\nqemu-img\n%s", ours, theirs)
	}
	if r.noData {
		return // what follows qemu-img does only with the password
	}
	if ours, theirs, ok := both("snapshot", "-l"); ok && compact(asOldAs(theirs, ours)) != compact(theirs) {
		t.Errorf("snapshot -l\n%s\nqemu-img\n%s", ours, theirs)
	}
	if ours, theirs, ok := both("map", "--output=json"); ok {
		compareMapText(t, ours, theirs)
	}
	if ours, theirs, ok := both("map"); ok && compact(ours) != compact(theirs) {
		t.Errorf("map\n%s\nqemu-img\n%s", ours, theirs)
	}
	compareMeasure(t, tool, r, dir)
	if size := virtualSize(t, dir); size > wholeLimit {
		return // copies of such are compared by TestCorpus
	}
	compareConvert(t, tool, r, dir)
	compareSnapshotCopies(t, tool, r, dir)
	compareWithCopy(t, tool, r, dir)
}

// compareWithCopy runs compare on the image in dir and the copy that qemu-img
// makes of it.
func compareWithCopy(t *testing.T, tool string, r *recipe, dir string) {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "raw")
	mustTool(t, dir, "qemu-img", withSecret([]string{"convert", "-O", "raw", diskName, raw}, r.password)...)
	theirs := []string{"-f", "raw", "-F", "qcow2", raw, diskName}
	if r.password != "" {
		// Both are options then, in which commas are doubled.
		theirs = []string{"driver=raw,file.driver=file,file.filename=" + strings.ReplaceAll(raw, ",", ",,"), diskName}
	}
	for _, flags := range [][]string{nil, {"-s"}} {
		args := append([]string{"compare", "-f", "raw", "-F", "qcow2", raw, diskName}, flags...)
		ours, ourErr := runFound(dir, tool, withOptions(r, args)...)
		theirs, theirErr := runTool(t, dir, "qemu-img", withSecret(slices.Concat([]string{"compare"}, flags, theirs), r.password)...)
		if string(ours) != string(theirs) || exitCode(ourErr) != exitCode(theirErr) {
			t.Errorf("%v\n%s%v\nqemu-img\n%s%v", args, ours, ourErr, theirs, theirErr)
		}
	}
}

// compareToolVerdict runs the tool on the altered image in dir, of which
// qemu-img said theirs: it prints and ends in the same way.
func compareToolVerdict(t *testing.T, dir string, theirs *verdict) {
	t.Helper()
	tool := buildTool(t)
	ours := func(args ...string) []byte {
		out, err := runFound(dir, tool, append(args, "--allow-dir", ".", diskName)...)
		if te := new(toolError); errors.As(err, &te) && (te.exit != 1 || strings.Count(te.stderr, "\n") != 1) {
			t.Errorf("%v: %v", args, err)
		}
		if err != nil {
			return nil
		}
		return out
	}
	if info := ours("info", "--output=json"); info == nil || !theirs.opens {
		if info != nil || theirs.opens {
			t.Errorf("info\n%s\nqemu-img\n%s", info, theirs.info)
		}
	} else {
		compareInfoText(t, info, theirs.info)
	}
	if m := ours("map", "--output=json"); m == nil || !theirs.mapped {
		if m != nil || theirs.mapped {
			t.Errorf("map\n%s\nqemu-img\n%s", m, theirs.mapping)
		}
	} else {
		compareMapText(t, m, theirs.mapping)
	}
	if !theirs.opens {
		return // of a name alone qemu-img guesses formats
	}
	// Where it opens no other file than the image it opens fewer of them: see
	// tablesAlone. With those its other commands fail at once, ours later.
	theirList, err := runTool(t, dir, "qemu-img", "snapshot", "-l", diskName)
	if list := ours("snapshot", "-l"); list == nil || err == nil && compact(asOldAs(theirList, list)) != compact(theirList) {
		t.Errorf("snapshot -l\n%s\nqemu-img\n%s%v", list, theirList, err)
	}
	atOnce := err != nil
	// An image that cannot be read does not even compare with itself.
	args := []string{"compare", "-f", "qcow2", "-F", "qcow2", diskName, diskName}
	same, ourErr := runFound(dir, tool, append(args, "--allow-dir", ".")...)
	theirSame, theirErr := runTool(t, dir, "qemu-img", args...)
	if exitCode(ourErr) != exitCode(theirErr) && !(atOnce && exitCode(theirErr) == 2 && exitCode(ourErr) > 2) || theirErr == nil && string(same) != string(theirSame) {
		t.Errorf("%v\n%s%v\nqemu-img\n%s%v", args, same, ourErr, theirSame, theirErr)
	}
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
		info, err := parseInfo(out)
		if err != nil {
			t.Fatal(err)
		}
		withoutHost(info)
		infos[i] = info
	}
	withoutLater(infos[0], infos[1])
	for _, info := range infos {
		children, _ := info["children"].([]any)
		for _, c := range children {
			if file, ok := c.(map[string]any)["info"].(map[string]any); ok {
				withoutHost(file)
			}
		}
	}
	if g, w := jsonText(t, infos[0]), jsonText(t, infos[1]); g != w {
		t.Errorf("info\n%s\nqemu-img\n%s", g, w)
	}
}

// compareMapText compares two outputs of `map --output=json`.
func compareMapText(t *testing.T, ours, theirs []byte) {
	t.Helper()
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

// TestToolBenchmarkRuns keeps tests/bench working, on a small disk.
func TestToolBenchmarkRuns(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	cmd := exec.Command("go", "run", "./bench", "-size", "4", "-runs", "1", "-dir", t.TempDir(),
		"-rows", "^(convert plain|convert chain|convert deflate, 64k|map of 512|start|open|ReadAt .*(chain|nothing cached))")
	var table, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &table, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	const rows = 9
	if n := strings.Count(table.String(), "\n"); n != rows+4 {
		t.Errorf("%d lines, want a title, the head of the table, and %d rows\n%s", n, rows, table.Bytes())
	}
}
