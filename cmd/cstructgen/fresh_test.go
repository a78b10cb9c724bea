package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every generated file in the module is what its line of generate.go makes of
// the definitions as they are now, and has such a line.
func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Chdir("../..")
	var made []string
	for line := range strings.Lines(read(t, "generate.go")) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:generate go run ./cmd/cstructgen ")
		if !ok {
			continue
		}
		args := strings.Fields(command)
		out := args[slices.Index(args, "-o")+1]
		made = append(made, out, strings.TrimSuffix(out, ".go")+"_test.go")
		if !slices.Contains(args, "--test") {
			t.Errorf("%s comes without tests", out)
		}
		if r := call(append(args, "--check")...); r != (result{}) {
			t.Errorf("go generate would change it: cstructgen %s\n%s%s", command, r.stdout, r.stderr)
		}
	}
	if len(made) == 0 {
		t.Fatal("generate.go generates nothing")
	}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_gen.go") && !strings.HasSuffix(name, "_gen_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err == nil && generatedLine.Match(text) && !slices.Contains(made, filepath.ToSlash(name)) {
			t.Errorf("%s is generated, but not by generate.go", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
