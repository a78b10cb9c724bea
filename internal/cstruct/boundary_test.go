package cstruct

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// Each limit is where it is said to be: the last that is allowed is no error of
// limits, one more is.
func TestLimitsExactly(t *testing.T) {
	deep := func(open, middle, closing string) func(int) string {
		return func(n int) string { return strings.Repeat(open, n) + middle + strings.Repeat(closing, n) }
	}
	for _, c := range []struct {
		name  string
		limit int
		text  func(n int) string
	}{
		{"conditionals", maxNesting, deep("#if 1\n", "int x;\n", "#endif\n")},
		{"conditionals that are left out", maxNesting, func(n int) string { return "#if 0\n" + deep("#if 1\n", "", "#endif\n")(n-1) + "#endif\n" }},
		{"pack", maxNesting, deep("#pragma pack(push, 1)\n", "", "")},
		{"declarator", maxNesting, func(n int) string { return "int " + strings.Repeat("*", n) + "x;" }},
		{"types", maxNesting, func(n int) string { // int is one of them
			return "struct s0 { int x; };\n" + chain(n-2, "struct s%[1]d { struct s%[2]d x; };\n")
		}},
		{"macros", maxNesting, func(n int) string {
			return "#define m0 1\n" + chain(n-1, "#define m%[1]d m%[2]d\n") + fmt.Sprintf("int x[m%d];", n-1)
		}},
		{"digits", maxLiteral, func(n int) string { return "#if 0" + strings.Repeat("0", n-1) + "\n#endif\n" }},
		{"name", maxLiteral, func(n int) string { return "int " + strings.Repeat("a", n) + ";\n" }},
		{"file", maxFile, func(n int) string { return "int x;//" + strings.Repeat("/", n-8) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for extra := range 2 {
				bounded(t, func() {
					_, err := parseText(c.text(c.limit + extra))
					if (extra == 1) != errors.Is(err, ErrLimit) {
						t.Errorf("%d: %.200v", c.limit+extra, err)
					}
				})
			}
		})
	}
}

// So deep may files include each other; one more is refused.
func TestIncludesExactly(t *testing.T) {
	for extra := range 2 {
		files := fstest.MapFS{}
		last := maxIncludes + 1 + extra // the first is included by nobody
		for i := range last {
			text := fmt.Sprintf("#include \"h%d.h\"\n", i+1)
			if i == last-1 {
				text = "int x;\n"
			}
			files[fmt.Sprintf("h%d.h", i)] = &fstest.MapFile{Data: []byte(text)}
		}
		_, err := Parse(Config{Files: []Source{{Name: "h0.h", Text: files["h0.h"].Data, Dir: Dir{FS: files}, Path: "h0.h"}}})
		if (extra == 1) != errors.Is(err, ErrLimit) {
			t.Errorf("%d files: %v", last, err)
		}
	}
}
