package tests

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A checked is what "check" said of an image.
type checked struct {
	exit     int
	stdout   string
	findings []string // see normaliseFindings
	stricter int64    // findings that QEMU does not have
	message  string   // all of standard error
}

// stricterFindings are what our check finds and QEMU's does not: what QEMU
// tells only who reads the data.
var stricterFindings = []string{
	"zero cluster in a version 2 image",
	"the cluster lies elsewhere in the data file than on the disk",
}

// runCheck runs check of qemu-img, or of our tool, with the arguments that
// name the image.
func runCheck(t *testing.T, dir, tool, output string, image ...string) checked {
	t.Helper()
	out, err := runFound(dir, tool, append([]string{"check", "--output=" + output}, image...)...)
	c := checked{stdout: string(out)}
	if err != nil {
		te := new(toolError)
		if !errors.As(err, &te) || te.exit < 0 {
			t.Fatal(err)
		}
		c.exit, c.message = te.exit, te.stderr
		c.findings, c.stricter = normaliseFindings(te.stderr)
	}
	return c
}

// normaliseFindings returns the lines that say what is wrong, sorted, without
// the stricter ones, which it counts. Left out are, too, lines of the program
// itself, of why it came to no end (the exit code is what is compared then),
// and QEMU's advice on bitmaps that are out of date. An L2 table that
// snapshots share is walked once by us and once for each snapshot by QEMU, so
// counts that overflow come in another order, and together: every line is
// kept once.
func normaliseFindings(stderr string) (findings []string, stricter int64) {
	lines := map[string]bool{}
	for line := range strings.Lines(stderr) {
		line = strings.TrimSuffix(line, "\n")
		if i := strings.Index(line, "on the image file to fix."); i >= 0 {
			line = line[i+len("on the image file to fix."):]
		}
		switch {
		case line == "", strings.HasPrefix(line, "qemu-img: "), strings.HasPrefix(line, "qcow2: "), strings.HasPrefix(line, "WARNING: "), strings.HasPrefix(line, "You can "):
			continue
		case slices.ContainsFunc(stricterFindings, func(s string) bool { return strings.Contains(line, s) }):
			stricter++
			continue
		case strings.HasPrefix(line, "ERROR: overflow"):
			line, _, _ = strings.Cut(line, " (")
		case strings.HasPrefix(line, "ERROR snapshot ") && strings.Contains(line, " l1_"):
			line = "ERROR snapshot" + line[strings.LastIndex(line, " l1_"):] // without its name, which we quote
		}
		lines[line] = true
	}
	return slices.Sorted(maps.Keys(lines)), stricter
}

// compareCheck holds check of our tool against qemu-img's: the exit codes, the
// numbers, the findings.
func compareCheck(t *testing.T, tool, dir string, theirSource []string) {
	t.Helper()
	qemu := requireTool(t, "qemu-img")
	theirs := runCheck(t, dir, qemu, "json", theirSource...)
	ours := runCheck(t, dir, tool, "json", diskName)
	if ours.stricter > 0 && ours.stdout != "" {
		ours = withoutStricter(t, ours)
	}
	if ours.exit != theirs.exit {
		t.Errorf("check ends with %d, qemu-img with %d\n%s\nqemu-img\n%s", ours.exit, theirs.exit,
			ours.stdout+strings.Join(ours.findings, "\n"), theirs.stdout+strings.Join(theirs.findings, "\n"))
		return
	}
	if theirs.stdout == "" {
		if ours.stdout != "" {
			t.Errorf("qemu-img came to no end, we say\n%s", ours.stdout)
		}
		return
	}
	if o, w := normaliseCheck(t, ours.stdout), normaliseCheck(t, theirs.stdout); o != w {
		t.Errorf("check\n%s\nqemu-img\n%s", o, w)
	}
	compareFindings(t, ours.findings, theirs.findings)
}

// compareCheckText holds what our check prints for people against what
// qemu-img's does, down to the byte. It is for images that both agree on.
func compareCheckText(t *testing.T, tool, dir string) {
	t.Helper()
	theirs := runCheck(t, dir, "qemu-img", "human", "-f", "qcow2", diskName)
	ours := runCheck(t, dir, tool, "human", diskName)
	if ours.stricter > 0 {
		return // another number is in the text
	}
	if ours.stdout != theirs.stdout || ours.exit != theirs.exit {
		t.Errorf("check ends with %d\n%s\nqemu-img with %d\n%s", ours.exit, ours.stdout, theirs.exit, theirs.stdout)
	}
	compareFindings(t, ours.findings, theirs.findings)
}

// withoutStricter is what our check would have said without its stricter
// findings.
func withoutStricter(t *testing.T, c checked) checked {
	t.Helper()
	var v struct {
		Corruptions int64 `json:"corruptions"`
		Leaks       int64 `json:"leaks"`
	}
	if err := json.Unmarshal([]byte(c.stdout), &v); err != nil {
		t.Fatalf("%v: %s", err, c.stdout)
	}
	line := fmt.Sprintf("    \"corruptions\": %d,\n", v.Corruptions)
	left := ""
	switch {
	case v.Corruptions > c.stricter:
		left = fmt.Sprintf("    \"corruptions\": %d,\n", v.Corruptions-c.stricter)
	case c.exit == 2 && v.Leaks > 0:
		c.exit = 3
	case c.exit == 2:
		c.exit = 0
	}
	c.stdout = strings.Replace(c.stdout, line, left, 1)
	return c
}

// normaliseCheck is the output of check --output=json without the file's name.
// All else is compared to the byte.
func normaliseCheck(t *testing.T, out string) string {
	t.Helper()
	var v struct {
		Filename json.RawMessage `json:"filename"`
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Replace(out, string(v.Filename), "FILE", 1)
}

// compareFindings compares what was found to be wrong.
func compareFindings(t *testing.T, ours, theirs []string) {
	t.Helper()
	const shown = 20
	var only [2][]string
	for i, lists := range [2][2][]string{{ours, theirs}, {theirs, ours}} {
		for _, line := range lists[0] {
			if _, found := slices.BinarySearch(lists[1], line); !found {
				only[i] = append(only[i], line)
			}
		}
	}
	if len(only[0])+len(only[1]) > 0 {
		t.Errorf("found by us alone:\n%s\nby qemu-img alone:\n%s",
			strings.Join(only[0][:min(len(only[0]), shown)], "\n"), strings.Join(only[1][:min(len(only[1]), shown)], "\n"))
	}
}

// TestCheckCorpus compares check on images as QEMU makes them: those with
// special properties, random ones, and a sample of the combinations.
func TestCheckCorpus(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	step, special, random := 101, 5, 3
	if wholeCorpus() {
		step, special, random = 29, 2, 20 // TestTool has the other special ones
	}
	var recipes []recipe
	for i, r := range specialRecipes() {
		if i%special == 0 && (!r.slow || wholeCorpus()) {
			recipes = append(recipes, r)
		}
	}
	for i, c := range combinations() {
		if i%step == 5 {
			recipes = append(recipes, c.recipe())
		}
	}
	for seed := range uint64(random) {
		recipes = append(recipes, randomRecipe(seed+1000))
	}
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				compareCheck(t, tool, dir, source(&r))
				if r.password == "" {
					compareCheckText(t, tool, dir)
				}
			})
		})
	}
}

// TestCheckCommitted compares check on the committed images, with QEMU and
// with what it said when they were made.
func TestCheckCommitted(t *testing.T) {
	t.Parallel()
	tool := buildTool(t)
	for _, r := range committedRecipes() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, r.name)
			e := readExpectation(t, r.name)
			if e.Check != nil {
				ours := runCheck(t, dir, tool, "json", diskName)
				var got map[string]any
				d := json.NewDecoder(strings.NewReader(ours.stdout))
				d.UseNumber()
				if err := d.Decode(&got); err != nil {
					t.Fatal(err)
				}
				delete(got, "filename")
				delete(e.Check, "filename")
				if g, w := jsonText(t, got), jsonText(t, e.Check); g != w || ours.exit != e.CheckExit {
					t.Errorf("check ends with %d\n%s\nmanifest %d\n%s", ours.exit, g, e.CheckExit, w)
				}
			}
			if !r.noData {
				requireTool(t, "qemu-img")
				compareCheck(t, tool, dir, source(&r))
			}
		})
	}
}
