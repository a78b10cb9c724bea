package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A module that is not this one uses the generator in both ways there are: as
// a tool of its go.mod under go generate, as the README tells outsiders, and as
// a package. Nothing is fetched: what it needs is in the module cache.
func TestOutsideModule(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	// The same dependencies, so that nothing is looked up anywhere.
	_, requires, ok := strings.Cut(string(ours), "\nrequire ")
	if !ok {
		t.Fatal("go.mod requires nothing")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module outside\n\ngo 1.26.0\n\ntool cstructgen/cmd/cstructgen\n\n" +
			"require cstructgen v0.0.0\n\nreplace cstructgen => " + root +
			"\n\nrequire " + requires,
		"proto/proto.h": "struct __attribute__((packed)) packet { unsigned char kind; unsigned int len; };\n",
		"proto/proto.go": "// Package proto is about packets.\npackage proto\n\n" +
			"//go:generate go tool cstructgen --package proto --endian big --test -o proto_gen.go proto.h\n",
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
	copyFile(t, "../go.sum", filepath.Join(dir, "go.sum"))
	t.Setenv("GOPROXY", "off")
	goTool(t, dir, "generate", "./...")
	goTool(t, dir, "test", "./proto")
	if out := string(goTool(t, dir, "run", ".")); out != "7 256 <nil>\n0100000002\ntrue true\n" {
		t.Errorf("output: %s", out)
	}
}
