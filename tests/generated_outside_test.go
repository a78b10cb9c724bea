package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A module that is not this one uses the generator in both ways there are: as
// a tool of its go.mod under go generate, by the commands that the README tells
// outsiders, and as a package. Nothing is fetched that go.mod does not list: all
// of that is in the module cache then, also what other systems need.
func TestOutsideModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	goTool(t, root, "mod", "download")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GONOSUMDB", "*")
	dir := t.TempDir()
	goTool(t, dir, "mod", "init", "outside")
	for _, command := range []string{
		"go mod edit -replace cstructgen=/where/it/lies",
		"go get -tool cstructgen/cmd/cstructgen",
	} {
		if !strings.Contains(string(readme), command) {
			t.Fatalf("the README does not say %q", command)
		}
		args := strings.Fields(command)[1:]
		for i := range args { // after they are parted: root may have blanks
			args[i] = strings.ReplaceAll(args[i], "/where/it/lies", root)
		}
		goTool(t, dir, args...)
	}
	const directive = "//go:generate go tool cstructgen --package NAME -o defs_gen.go NAME.h"
	if !strings.Contains(string(readme), directive) {
		t.Fatalf("the README does not say %q", directive)
	}
	for name, text := range map[string]string{
		"proto/proto.h": "struct __attribute__((packed)) packet { unsigned char kind; unsigned int len; };\n",
		"proto/proto.go": "// Package proto is about packets.\npackage proto\n\n" +
			strings.Replace(strings.ReplaceAll(directive, "NAME", "proto"), "-o", "--endian big --test -o", 1) + "\n",
		"main.go": `package main

import (
	"errors"
	"fmt"

	"cstructgen/gen"
	"outside/proto"
)

func main() {
	var p proto.Packet
	err := p.UnmarshalBinary([]byte("\x07\x00\x00\x01\x00rest"))
	fmt.Println(p.Kind, p.Len, err)
	var b [proto.SizeofPacket]byte
	(&proto.Packet{Kind: 1, Len: 2}).Encode(&b)
	fmt.Printf("%x\n", b)
	_, err = gen.Generate(gen.Config{
		Package: "p",
		Files:   []gen.Source{{Name: "broken.h", Text: []byte("struct s {\n int x[-1]; };")}},
	})
	var e *gen.Error
	fmt.Println(errors.As(err, &e), e != nil && e.Pos.Line == 2)
}
`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), text)
	}
	goTool(t, dir, "generate", "./...")
	goTool(t, dir, "test", "./proto")
	if out := string(goTool(t, dir, "run", ".")); out != "7 256 <nil>\n0100000002\ntrue true\n" {
		t.Errorf("output: %s", out)
	}
}
