package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cstructgen/gen"
)

// faults are mistakes that a generator, or somebody who edits its output, may
// make: in decoding and encoding alike, so that a round trip does not show
// them.
var faults = []struct{ name, old, new string }{
	{"order of a field", "b[0:4]", "ORDER"},
	{"two fields change places", "b[8:12]|b[12:16]", "SWAP"},
	{"two elements of a short array", "x.Few[1]|x.Few[2]", "SWAP"},
	{"order of the elements of a long array", "x.Many[i]", "x.Many[19-i]"},
	{"shift of a bit-field", "<<3", "<<2"},
	{"sign of a bit-field", "int8(int16(", "int8(uint16("},
	{"member of a union", "x[0:2]", "x[2:4]"},
	{"order of a member of a union", "x[0:4]", "ORDER"},
	{"name of a flag", `"READ"`, `"RAED"`},
	{"size", "SizeofAll = 188", "SizeofAll = 192"},
}

const faulty = `
#include <stdint.h>
enum access { READ = 1, WRITE = 2 };
#pragma cstructgen flags access
struct in { uint32_t k; uint8_t l; };
union un { uint16_t a; uint32_t b; struct in c; };
struct all {
    uint32_t magic, version;
    uint32_t left, right;
    uint16_t kind; uint16_t few[3];
    unsigned short low : 6; short high : 7; unsigned short top : 3;
    uint16_t many[20];
    int16_t after;
    uint8_t pad[6];
    enum access access;
    uint32_t grid[3][5];
    struct in in[2];
    union un un[4];
};
`

// The tests that come with generated code fail if the code is wrong, also
// where decoding and encoding are wrong in the same way.
func TestEmittedTestsNoticeFaults(t *testing.T) {
	t.Parallel()
	files, err := gen.Generate(gen.Config{
		Package: "p", Order: gen.Big, Test: true, Name: "p.go",
		Files: []gen.Source{{Name: "faulty.h", Text: []byte(faulty)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	code := string(files[0].Text)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	pkg := func(name, code string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name, "p.go"), code)
		writeFile(t, filepath.Join(dir, name, "p_test.go"), string(files[1].Text))
	}
	pkg("right", code)
	for i, f := range faults {
		wrong := withFault(code, f.old, f.new)
		if wrong == code {
			t.Errorf("%s: no %q in the code", f.name, f.old)
		}
		pkg(fmt.Sprint("wrong", i), wrong)
	}
	cmd := exec.Command("go", "test", "-vet=off", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, _ := cmd.CombinedOutput()
	if !strings.Contains(string(out), "ok  \tm/right") {
		t.Fatalf("tests of what is right fail:\n%s", out)
	}
	for i, f := range faults {
		// A build that fails has no time behind it.
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^FAIL\tm/wrong%d\t`, i)).Match(out) {
			t.Errorf("%s: no test fails", f.name)
		}
	}
}

// withFault changes code: everywhere old to new, or old's two sides with each
// other, or the byte order on lines with old.
func withFault(code, old, new string) string {
	switch new {
	case "SWAP":
		a, b, _ := strings.Cut(old, "|")
		return strings.NewReplacer(a, b, b, a).Replace(code)
	case "ORDER":
		lines := strings.Split(code, "\n")
		for i, l := range lines {
			if strings.Contains(l, old) {
				lines[i] = strings.Replace(l, "BigEndian", "LittleEndian", 1)
			}
		}
		return strings.Join(lines, "\n")
	}
	return strings.ReplaceAll(code, old, new)
}
