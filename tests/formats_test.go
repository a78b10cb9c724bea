package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cstructgen/internal/cstruct"
)

// A format is a line of generate.go: C text and what is generated from it.
type format struct {
	header  string // path from here
	output  string
	dialect string
	order   cstruct.ByteOrder
	tested  bool // tests come with it
}

// formatsOf returns every format in the tree.
func formatsOf(t *testing.T) []format {
	t.Helper()
	text, err := os.ReadFile("../generate.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []format
	for _, line := range regexp.MustCompile(`(?m)^//go:generate go run \./cmd/cstructgen (.*)$`).FindAllStringSubmatch(string(text), -1) {
		args := strings.Fields(line[1])
		f := format{header: filepath.Join("..", args[len(args)-1]), dialect: "c"}
		value := func(flag string) string {
			if i := slices.Index(args, flag); i >= 0 {
				return args[i+1]
			}
			return ""
		}
		f.output = filepath.Join("..", value("-o"))
		f.tested = slices.Contains(args, "--test")
		if d := value("--dialect"); d != "" {
			f.dialect = d
		}
		switch order := value("--endian"); order {
		case "big":
			f.order = cstruct.BigEndian
		case "little", "":
		default:
			t.Fatalf("%s: order %q", f.header, order)
		}
		all = append(all, f)
	}
	if len(all) < 4 {
		t.Fatalf("generate.go has %d formats", len(all))
	}
	return all
}

// Every format brings its tests, every file of defs is one, and every generated
// file of the tree is made from one.
func TestFormats(t *testing.T) {
	var headers, outputs []string
	for _, f := range formatsOf(t) {
		headers, outputs = append(headers, f.header), append(outputs, f.output)
		if !f.tested {
			t.Errorf("%s: generated without --test", f.header)
		}
	}
	var defs []string
	for _, dir := range []string{"../defs/*.h", "../defs/*/*.h"} {
		names, err := filepath.Glob(dir)
		if err != nil || len(names) == 0 {
			t.Fatalf("no definitions in %s: %v", dir, err)
		}
		defs = append(defs, names...)
	}
	for _, name := range defs {
		if !slices.Contains(headers, name) {
			t.Errorf("%s is in no line of generate.go", name)
		}
	}
	for _, depth := range []string{"../*", "../*/*", "../*/*/*"} {
		names, err := filepath.Glob(depth + "/*_gen.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !slices.Contains(outputs, name) {
				t.Errorf("%s is in no line of generate.go", name)
			}
		}
	}
}
