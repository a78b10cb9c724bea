package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// payloads are texts that would be code, or a directive, if they got out of
// the comment or string that holds them.
var payloads = []string{
	"\nfunc init() { panic(1) }\n",
	"\rfunc init() { panic(1) }\r",
	"\u2028func init() { panic(1) }\u2029",
	"\u0085func init() { panic(1) }",
	"\v\ffunc init() { panic(1) }",
	"\n//go:linkname evil runtime.evil\n",
	"\n//go:build ignore\n",
	"\n#cgo LDFLAGS: -evil\nimport \"C\"\n",
	"`+evil()+`",
	"\"+evil()+\"",
	"\\\"+evil()+\\\"",
	"\u202eevil\u2066",
	"\n//line evil.go:1\n",
	"\n// Output: evil\n",
	"*/ func init() {} /*",
}

// Wherever C text comes through, what a payload says stays text.
func TestInjection(t *testing.T) {
	const header = `
/* DOC */
#define A 1 /* DOC */
#define B "STRING"
#define C (1 + 1) // DOC
/* DOC */
enum e { /* DOC */
    E1, /* DOC */
    E2 = 3 // DOC
};
/* DOC */
struct s { // DOC
    /* DOC */
    int x; /* DOC */
    unsigned b : 3; /* DOC */
    /* DOC */
    char name[4];
    union { int u1; /* DOC */ } un; // DOC
    int tail[]; /* DOC */
};
`
	for _, payload := range payloads {
		inComment := strings.ReplaceAll(payload, "*/", "* /")
		inString := strings.NewReplacer("\n", `\n`, "\r", `\r`, `"`, `\"`, `\`, `\\`, "\v", `\v`, "\f", `\f`).Replace(payload)
		text := strings.NewReplacer("// DOC", "// "+oneLine(inComment, 1000), "DOC", inComment, "STRING", inString).Replace(header)
		for _, order := range []Order{Little, Both} {
			files, err := Generate(Config{
				Package: "p", Order: order, Test: true,
				Files: []Source{{Name: "in" + payload + ".h", Text: []byte(text)}},
			})
			if err != nil {
				t.Errorf("%q: %v", payload, err)
				continue
			}
			for _, f := range files {
				checkInert(t, payload, f.Text)
			}
			typeCheck(t, files)
		}
	}
}

// checkInert fails if text has a declaration that the header has not, a
// comment that is more than text, or a character that hides what stands there.
func checkInert(t *testing.T, payload string, text []byte) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" {
				t.Errorf("%q: func init", payload)
			}
		case *ast.Ident:
			if n.Name == "evil" || n.Name == "C" && n.Obj == nil && !strings.Contains(string(text), "C = 2") {
				t.Errorf("%q: identifier %s", payload, n.Name)
			}
		case *ast.ImportSpec:
			if _, ok := stubs()[strings.Trim(n.Path.Value, `"`)]; !ok {
				t.Errorf("%q: import %s", payload, n.Path.Value)
			}
		}
		return true
	})
	for i, line := range strings.Split(string(text), "\n") {
		if i > 0 && strings.HasPrefix(line, "// Code generated") {
			t.Errorf("%q: a second head", payload)
		}
		for _, bad := range []string{"//go:", "//line", "#cgo", "// +build", "//export"} {
			if strings.HasPrefix(strings.TrimSpace(line), bad) {
				t.Errorf("%q: directive %q", payload, line)
			}
		}
		for _, r := range line {
			if r != '\t' && r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0x202e || r == 0x2066 {
				t.Errorf("%q: %U in %q", payload, r, line)
			}
		}
	}
}

// The names of a header that are words of Go, or of generated code.
func TestGoWords(t *testing.T) {
	text, err := generate(`
struct type { int func, range, var, string, len, nil, b, x, n, v, u0, binary, fmt, true; };
union interface { int map; short go; };
enum switch_ { break_, case_, init, main };
#define import 1
`, Little)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"type Type struct", "type Interface [", "type Switch uint32", "Import = 1", "Init"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A field whose name is a generated method's is refused with its place.
func TestMethodNames(t *testing.T) {
	for _, name := range []string{"decode", "encode", "decode_prefix", "unmarshal_binary", "marshal_binary", "append_binary", "Decode"} {
		_, err := generate(fmt.Sprintf("struct s {\n  int %s;\n};\n", name), Little)
		if err == nil || !strings.Contains(err.Error(), "in.h:2:7: ") || !strings.Contains(err.Error(), "method") {
			t.Errorf("field %s: %v", name, err)
		}
	}
}
