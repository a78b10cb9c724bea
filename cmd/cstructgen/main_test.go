package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A result is what one run of the command did.
type result struct {
	code           int
	stdout, stderr string
}

func call(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// inDir makes a directory of files the current one.
func inDir(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		write(t, name, text)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// list returns the names of all files, to see that none is left behind.
func list(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

const point = "struct point { int x, y; };\n"

func TestUsage(t *testing.T) {
	inDir(t, map[string]string{"a.h": point})
	for _, c := range []struct {
		args string
		want string // in standard error
	}{
		{"", "want the C files"},
		{"layout", "want the C files"},
		{"--package p -o a.txt a.h", "ends with .go"},
		{"--package p -o a_test.go a.h", "not with _test.go"},
		{"a.h", "--package is required"},
		{"--package p --nonsense a.h", "unknown flag"},
		{"--package p --endian middle a.h", "want little, big or both"},
		{"--package p --align a.h", "need --dialect dissect"},
		{"--package p --dialect dissect --pointer-size 3 a.h", "want 1, 2, 4 or 8"},
		{"--package p --dialect pascal a.h", "want c"},
		{"--package p --check a.h", "need -o"},
		{"--package p --test a.h", "need -o"},
		{"--package 7up a.h", "no package name"},
		{"--package func a.h", "no package name"},
		{"--package p --types [ a.h", "pattern"},
		{"--package p --types nope a.h", "matches no declaration"},
		{"--package p --rename point a.h", "want C=GO"},
		{"--package p --rename point=P --rename point=Q a.h", "point twice"},
		{"--package p --rename point=p a.h", "no exported Go name"},
		{"--package p --rename line=Line a.h", "no such declaration"},
		{"layout --endian both a.h", "one byte order"},
		{"layout --nonsense a.h", "unknown flag"},
		{"dump", "want the C files and the data"},
		{"dump --type point a.h", "want the C files and the data"},
		{"dump a.h a.h", "--type is required"},
		{"dump --type point --endian both a.h a.h", "one byte order"},
		{"dump --type point --offset -1 a.h a.h", "--offset"},
		{"dump --type point --offset 8388608T a.h a.h", "--offset"},
		{"dump --type point --offset K a.h a.h", "--offset"},
		{"dump --type point --count 0 a.h a.h", "--count"},
		{"dump --type point --color red a.h a.h", "--color"},
	} {
		r := call(strings.Fields(c.args)...)
		if r.code != 2 || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
			t.Errorf("cstructgen %s: %+v, want code 2 and %q", c.args, r, c.want)
		}
	}
	if names := list(t); names != "a.h" {
		t.Errorf("files: %s", names)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "generate --help", "layout --help", "dump --help"} {
		r := call(strings.Fields(args)...)
		if r.code != 0 || !strings.Contains(r.stdout, "--endian") {
			t.Errorf("cstructgen %s: %+v", args, r)
		}
	}
}

func TestInputErrors(t *testing.T) {
	inDir(t, map[string]string{
		"broken.h":  "struct a { struct a x; };\n",
		"missing.h": "#include \"nowhere.h\"\n",
		"sub/up.h":  "#include \"../secret.h\"\n",
		"sub/abs.h": "#include \"/etc/hostname\"\n",
		"secret.h":  point,
	})
	for _, c := range []struct{ file, want string }{
		{"broken.h", "broken.h:1:21: "},
		{"missing.h", "missing.h:1:"},
		{"sub/up.h", "sub/up.h:1:"},
		{"sub/abs.h", "sub/abs.h:1:"},
		{"absent.h", "absent.h"},
	} {
		for _, args := range [][]string{{"--package", "p", "-o", "out.go", c.file}, {"layout", c.file}} {
			r := call(args...)
			if r.code != 1 || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
				t.Errorf("cstructgen %v: %+v, want code 1 and %q", args, r, c.want)
			}
		}
	}
	if names := list(t); strings.Contains(names, "out.go") {
		t.Errorf("files: %s", names)
	}
}

// Where the output cannot go, one line says so, and nothing is written.
func TestOutputErrors(t *testing.T) {
	inDir(t, map[string]string{
		"a.h":         point,
		"mine.go":     "package mine\n",
		"tool.go":     "//go:build ignore\n\npackage main\n",
		"dir.go/x":    "",
		"sub/other.h": point,
	})
	for _, c := range []struct{ args, want string }{
		{"--package mine -o mine.go a.h", "mine.go is not a generated file"},
		{"--package p -o gen.go a.h", "gen.go would be of package p, and mine.go beside it is of package mine"},
		{"--package p -o no/dir/gen.go a.h", "cannot write gen.go into " + filepath.FromSlash("no/dir") + ": "},
		{"--package p -o dir.go a.h", "dir.go"},
		{"--package mine -I nowhere -o gen.go a.h", "-I nowhere: "},
	} {
		r := call(strings.Fields(c.args)...)
		if r.code != 1 || !strings.Contains(r.stderr, c.want) || strings.Count(r.stderr, "\n") != 1 || r.stdout != "" {
			t.Errorf("cstructgen %s: %+v, want code 1 and a line with %q", c.args, r, c.want)
		}
	}
	if names := list(t); names != "a.h dir.go mine.go sub tool.go" {
		t.Errorf("files: %s", names)
	}
	if r := call("--package", "mine", "-o", "gen.go", "a.h"); r.code != 0 {
		t.Errorf("beside files of the same package, and a constrained one: %+v", r)
	}
}

// A header that declares nothing itself is not passed over in silence.
func TestNothingToEmit(t *testing.T) {
	inDir(t, map[string]string{"a.h": point, "all.h": "#include \"a.h\"\n"})
	r := call("--package", "p", "-o", "gen.go", "all.h")
	if r.code != 0 || !strings.Contains(r.stderr, "all.h itself declares nothing to emit; --types") {
		t.Errorf("%+v", r)
	}
	if r := call("--package", "p", "-o", "gen.go", "--types", "point", "all.h"); r.code != 0 || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

// What a generator left that was killed is not in the way of one that has its
// number, as those in containers have.
func TestLeftByKilled(t *testing.T) {
	left := fmt.Sprintf(".gen.go.%d.0", os.Getpid())
	inDir(t, map[string]string{"a.h": point, left: "half of it"})
	if r := call("--package", "p", "-o", "gen.go", "a.h"); r.code != 0 || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	if got := list(t); got != left+" a.h gen.go" || read(t, left) != "half of it" {
		t.Errorf("there are %s", got)
	}
}

// Of more than anybody wants Go code of, such as all types of a kernel, --types
// makes a part.
func TestTooMuchToEmit(t *testing.T) {
	var text strings.Builder
	for i := range 1<<14 + 1 {
		fmt.Fprintf(&text, "struct a%d { int x; };\n", i)
	}
	inDir(t, map[string]string{"a.h": text.String()})
	r := call("--package", "p", "-o", "gen.go", "a.h")
	if r.code != 1 || !strings.Contains(r.stderr, "a.h:16385:1: structs and unions, more than 16384\n") ||
		!strings.HasSuffix(r.stderr, "cstructgen: --types A,B* makes Go of these declarations alone, and of what they need\n") {
		t.Errorf("%+v", r)
	}
	if r := call("--package", "p", "-o", "gen.go", "--types", "a77*", "a.h"); r.code != 0 || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

// What a header includes stays under its directory and those of -I, also
// through symbolic links, which may lead from one into another.
func TestIncludesStayInside(t *testing.T) {
	inDir(t, map[string]string{
		"secret.h":     point,
		"sub/link.h":   "#include \"out.h\"\nstruct s { struct point p; };\n",
		"sub/up.h":     "#include \"../secret.h\"\n",
		"sub/round.h":  "#include \"../sub/../secret.h\"\n",
		"sub/away.h":   "#include \"/etc/passwd\"\n",
		"sub/inside.h": "#include \"near.h\"\n",
		"sub/real.h":   point,
	})
	for name, target := range map[string]string{"sub/out.h": "../secret.h", "sub/near.h": "real.h"} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "up", "round", "away"} {
		if r := call("layout", "sub/"+name+".h"); r.code != 1 || !strings.Contains(r.stderr, "sub/"+name+".h:1:") {
			t.Errorf("%s.h leads out: %+v", name, r)
		}
	}
	if r := call("layout", "-I", ".", "sub/up.h"); r.code != 1 {
		t.Errorf("up.h leads out of the directory of -I, too: %+v", r)
	}
	if r := call("layout", "sub/inside.h"); r.code != 0 {
		t.Errorf("a link that stays inside: %+v", r)
	}
	if r := call("layout", "sub/link.h"); !strings.Contains(r.stderr, "it is a link to ") || !strings.Contains(r.stderr, "secret.h, in no -I directory") {
		t.Errorf("where the link leads is not said: %+v", r)
	}
	if r := call("layout", "-I", ".", "sub/link.h"); r.code != 0 || !strings.Contains(r.stdout, "point") {
		t.Errorf("a link into a directory of -I: %+v", r)
	}
	// The link is followed through the directory that it leads into, no further.
	if err := os.Symlink("../secret.h", "other"); err != nil {
		t.Fatal(err)
	}
	if r := call("layout", "-I", "sub", "-I", "other", "sub/link.h"); r.code == 0 {
		t.Errorf("-I of what is no directory: %+v", r)
	}
}

func TestGenerate(t *testing.T) {
	inDir(t, map[string]string{"defs/a.h": point, "out/keep": ""})
	r := call("generate", "--package", "p", "-o", "out/a_gen.go", "--test", "defs/a.h")
	if r != (result{}) {
		t.Fatalf("%+v", r)
	}
	text := read(t, "out/a_gen.go")
	if !strings.HasPrefix(text, "// Code generated by cstructgen from a.h; DO NOT EDIT.\n\npackage p\n") {
		t.Errorf("text: %s", text)
	}
	if test := read(t, "out/a_gen_test.go"); !strings.Contains(test, "func TestPointCodec(t *testing.T)") {
		t.Errorf("test: %s", test)
	}
	t.Run("the default command and standard output", func(t *testing.T) {
		r := call("--package", "p", "defs/a.h")
		if r != (result{stdout: text}) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a second run", func(t *testing.T) {
		if r := call("--package", "p", "-o", "out/a_gen.go", "defs/a.h"); r != (result{}) {
			t.Fatalf("%+v", r)
		}
		if again := read(t, "out/a_gen.go"); again != text {
			t.Errorf("another text: %s", again)
		}
	})
	t.Chdir("out")
	if names := list(t); names != "a_gen.go a_gen_test.go keep" {
		t.Errorf("files: %s", names)
	}
}

func TestFlagsReachThePreprocessor(t *testing.T) {
	inDir(t, map[string]string{
		"a.h":          "#include <dep.h>\n#include \"near.h\"\nstruct a { dep_t x[N]; near_t y; };\n",
		"near.h":       "typedef int near_t;\n",
		"inc/dep.h":    "#include <other.h>\ntypedef other_t dep_t;\n",
		"inc2/other.h": "typedef short other_t;\n",
	})
	for _, args := range []string{
		"-I inc -I inc2 -D N=3 a.h",
		"-Iinc -Iinc2 -DN=3 a.h",
		"--include inc --include=inc2 --define N=3 a.h",
	} {
		r := call(append([]string{"--package", "p"}, strings.Fields(args)...)...)
		if r.code != 0 || !strings.Contains(r.stdout, "[3]int16") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestHandWrittenFilesAreKept(t *testing.T) {
	const mine = "package p\n"
	inDir(t, map[string]string{"a.h": point, "mine.go": mine, "gen_test.go": mine})
	r := call("--package", "p", "-o", "mine.go", "a.h")
	if r.code != 1 || !strings.Contains(r.stderr, "not a generated file") {
		t.Errorf("%+v", r)
	}
	r = call("--package", "p", "-o", "gen.go", "--test", "a.h")
	if r.code != 1 || !strings.Contains(r.stderr, "gen_test.go is not a generated file") {
		t.Errorf("%+v", r)
	}
	if read(t, "mine.go") != mine || read(t, "gen_test.go") != mine {
		t.Error("a hand-written file was changed")
	}
	if names := list(t); names != "a.h gen_test.go mine.go" {
		t.Errorf("files: %s", names)
	}
}

func TestCheck(t *testing.T) {
	inDir(t, map[string]string{"a.h": point})
	args := []string{"--package", "p", "-o", "a_gen.go", "a.h"}
	r := call(append(args, "--check")...)
	if r.code != 1 || !strings.Contains(r.stdout, "+package p") {
		t.Errorf("without output: %+v", r)
	}
	if names := list(t); names != "a.h" {
		t.Errorf("files: %s", names)
	}
	if r := call(args...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := call(append(args, "--check")...); r != (result{}) {
		t.Errorf("fresh: %+v", r)
	}
	before := read(t, "a_gen.go")
	write(t, "a.h", "struct point { int x, z; };\n")
	r = call(append(args, "--check")...)
	if r.code != 1 || !strings.Contains(r.stdout, "\n-\tY int32") || !strings.Contains(r.stdout, "\n+\tZ int32") {
		t.Errorf("stale: %+v", r)
	}
	if read(t, "a_gen.go") != before {
		t.Error("--check wrote")
	}
}
