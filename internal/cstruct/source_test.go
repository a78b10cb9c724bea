package cstruct

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// TestLineEnds has every golden header with the line ends of other systems
// and with a byte order mark. The model is the same, and so are the errors.
func TestLineEnds(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := archiveConfig(a)
		if err != nil {
			t.Fatal(err)
		}
		show := func(cfg Config) string { return showModel(cfg) + showWarnings(cfg) }
		want := show(cfg)
		for what, change := range map[string]func(b []byte) []byte{
			"CRLF": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
			"CR":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r")) },
			"BOM":  func(b []byte) []byte { return append([]byte("\ufeff"), b...) },
			"form feeds": func(b []byte) []byte { // as they begin pages
				return bytes.ReplaceAll(b, []byte("\n\n"), []byte("\n\f\n"))
			},
			"joined": func(b []byte) []byte { // a line end that C does not see
				return bytes.ReplaceAll(b, []byte("struct "), []byte("str\\\nuct "))
			},
		} {
			if what == "joined" && (strings.Contains(want, "anonymous") || strings.Contains(want, ":")) {
				continue // positions differ
			}
			changed := cfg
			changed.Files = nil
			for _, s := range cfg.Files {
				s.Text = change(s.Text)
				changed.Files = append(changed.Files, s)
			}
			if got := show(changed); got != want {
				t.Errorf("%s with %s:\n%s\nwant:\n%s", name, what, got, want)
			}
		}
	}
}

// TestBadText has bytes that no C text may have.
func TestBadText(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"int a;\nint b\x00;\n", "main.h:2:6: NUL byte"},
		{"int a;\n/* \xff */\n", "main.h:2:4: invalid UTF-8"},
		{"int a; // \xc3\n", "main.h:1:11: invalid UTF-8"},
		{"/* a\n * b\n", "main.h:1:1: unterminated comment"},
		{"#define A \"a\n", "main.h:1:11: unterminated string"},
		{"char a[] = 'a;\n", "main.h:1:12: unterminated character constant"},
		{"#if 1\n#else\n", "main.h:1:2: unterminated #if"},
		{"int a\u202e;\n", "main.h:1:6: character U+202E in a name"},
		{"int \u2066a;\n", "main.h:1:5: character U+2066 is not allowed here"},
		{"int a\u200d\u0915;\n", "main.h:1:6: character U+200D in a name"},
		{"/* \u202e */ int größe, 变量;\f\v\n", ""},
		{"char a[] = \"\u202e\";\n", ""},
		{"int €;\n", "main.h:1:5: character '€' is not allowed here"},
		{"int a; \\ \nint b;\n", ""},
		{"int a;\\\n", ""},
		{"int a;\\", `main.h:1:7: expected a declaration, found "\"`},
	} {
		_, err := parseText(c.text)
		got := ""
		if err != nil {
			got = err.(ErrorList)[0].Error()
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestLatin1 has a header in an older encoding: included, its comments may be
// what they are, but nothing else.
func TestLatin1(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/* \xa9 1987 */\nstruct s { int x; /* \xfc */ };\n", ""},
		{"int \xfc;\n", "latin1.h:1:5: character U+FFFD is not allowed here"},
		{"int x\xfcx;\n", "latin1.h:1:6: character U+FFFD is not allowed here"},
	} {
		files := fstest.MapFS{"latin1.h": {Data: []byte(c.text)}}
		m, err := Parse(Config{
			Files:   []Source{{Name: "main.h", Text: []byte("#include <latin1.h>\n")}},
			Include: []Dir{{FS: files}},
		})
		got := ""
		if err != nil {
			got = err.(ErrorList)[0].Error()
		} else if doc := m.Structs[0].Fields[0].Doc; doc != "\ufffd" {
			t.Errorf("%q", doc)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestErrors checks the errors as values.
func TestErrors(t *testing.T) {
	_, err := parseText("struct a { ttab x; };\n\tint b[\n")
	list, ok := err.(ErrorList)
	if !ok || len(list) != 2 || len(list.Unwrap()) != 2 {
		t.Fatalf("%T %v", err, err)
	}
	e, ok := list[0].(*Error)
	if !ok || e.Pos != (Pos{"main.h", 1, 12}) || e.Msg != `unknown type name "ttab"` || e.Line != "struct a { ttab x; };" {
		t.Errorf("%#v", list[0])
	}
	if want := "main.h:1:12: unknown type name \"ttab\"\nmain.h:3:1: expected an expression, found end of file"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if want := "main.h:1:12: unknown type name \"ttab\"\n    struct a { ttab x; };\n               ^\n"; Format(list[0]) != want {
		t.Errorf("%q, want %q", Format(list[0]), want)
	}
	many := strings.Repeat("ttab x;\n", 500)
	if _, err := parseText(many); len(err.(ErrorList)) != maxErrors {
		t.Errorf("%d errors", len(err.(ErrorList)))
	}
}
