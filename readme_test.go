package cstructgen_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// read returns the text of a file of the module.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fenced returns the blocks of the given language in a Markdown text.
func fenced(text, language string) []string {
	var blocks []string
	for {
		_, rest, ok := strings.Cut(text, "```"+language+"\n")
		if !ok {
			return blocks
		}
		block, after, ok := strings.Cut(rest, "```\n")
		if !ok {
			return blocks
		}
		blocks, text = append(blocks, block), after
	}
}

// exampleBody returns the statements of package qcow2's example, as they
// would stand outside of a function, and the output that it has when run.
func exampleBody(t *testing.T) (code, output string) {
	t.Helper()
	const name = "qcow2/example_test.go"
	src := read(t, name)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "Example" {
			continue
		}
		body := src[fset.Position(fn.Body.Lbrace).Offset+2 : fset.Position(fn.Body.Rbrace).Offset]
		body = strings.TrimPrefix(strings.ReplaceAll(body, "\n\t", "\n"), "\t")
		code, output, _ = strings.Cut(body, "// Output:\n")
		return code, output
	}
	t.Fatalf("%s has no Example", name)
	return "", ""
}

// The example in the README is the one that go test runs.
func TestREADMEExample(t *testing.T) {
	want, output := exampleBody(t)
	if output == "" {
		t.Error("the example has no output, so it is not run")
	}
	for _, block := range fenced(read(t, "README.md"), "go") {
		if block == want {
			return
		}
	}
	t.Errorf("no block of README.md is the example:\n%s", want)
}

// The C and Go texts that the README shows are those of the tree.
func TestREADMEExcerpts(t *testing.T) {
	readme := read(t, "README.md")
	defs, generated := read(t, "defs/qcow2.h"), read(t, "qcow2/defs_gen.go")
	c := fenced(readme, "c")
	if len(c) == 0 {
		t.Error("README.md shows no C")
	}
	for _, block := range c {
		if !strings.Contains(defs, block) {
			t.Errorf("not in defs/qcow2.h:\n%s", block)
		}
	}
	checked := 0
	for _, block := range fenced(readme, "go") {
		if !strings.Contains(block, "Decode(") {
			continue
		}
		for part := range strings.SplitSeq(block, "\n\n") {
			checked++
			if !strings.Contains(generated, part) {
				t.Errorf("not in qcow2/defs_gen.go:\n%s", part)
			}
		}
	}
	if checked == 0 {
		t.Error("README.md shows no generated code")
	}
}

// The digest that the README promises is the one that reading gives, which
// an example in qcow2 computes.
func TestREADMEDigest(t *testing.T) {
	const digest = "f3eecbd236cd700c3784f0de9075d61ca5afda4b30f5545bd7a42a495c1e0d35"
	for _, name := range []string{"README.md", "testdata/demo/README.md", "qcow2/example_test.go"} {
		if !strings.Contains(read(t, name), digest) {
			t.Errorf("%s does not have the digest of testdata/demo, %s", name, digest)
		}
	}
}
