package cstruct

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// parseText parses one header that can include itself as main.h.
func parseText(text string) (*Model, error) {
	files := fstest.MapFS{"main.h": {Data: []byte(text)}}
	return Parse(Config{Files: []Source{{Name: "main.h", Text: []byte(text), Dir: Dir{FS: files}, Path: "main.h"}}})
}

// chain returns n lines, each of which refers to the one before.
func chain(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i+1, i)
	}
	return b.String()
}

// TestLimits has text that would cost time, memory or stack beyond any bound.
// Each ends in an error that wraps ErrLimit.
func TestLimits(t *testing.T) {
	deep := func(open, middle, closing string) func(int) string {
		return func(n int) string { return strings.Repeat(open, n) + middle + strings.Repeat(closing, n) }
	}
	enum := func(f func(int) string) func(int) string {
		return func(n int) string { return "enum { E = " + f(n) + " };" }
	}
	for name, text := range map[string]func(n int) string{
		"parentheses":      enum(deep("(", "1", ")")),
		"unary operators":  enum(deep("- ", "1", "")),
		"casts":            enum(deep("(int)", "1", "")),
		"conditionals":     enum(deep("1 ? 2 : ", "1", "")),
		"sizeof":           enum(deep("sizeof ", "1", "")),
		"subscripts":       enum(deep("x[", "1", "]")),
		"postfix":          enum(deep("", "x", "[0]")),
		"calls":            enum(deep("f(", "1", ")")),
		"typeof":           enum(deep("sizeof(typeof(", "1", "))")),
		"selections":       enum(deep("_Generic(1, default: ", "1", ")")),
		"initializers":     func(n int) string { return "int a[] = " + deep("{", "1", "}")(n) + "; enum { E = sizeof(a) };" },
		"type names":       enum(deep("sizeof(int[", "1", "])")),
		"structs":          deep("struct { ", "int x;", " };"),
		"enums in structs": deep("struct { int n[sizeof(", "int", ")]; }"),
		"pointers":         func(n int) string { return "int " + strings.Repeat("*", n) + "x;" },
		"dimensions":       func(n int) string { return "int x" + strings.Repeat("[1]", n) + ";" },
		"declarators":      func(n int) string { return "int " + deep("(", "x", ")")(n) + ";" },
		"braces":           func(n int) string { return "int f(void) " + deep("{", "", "}")(n) },
		"brackets":         func(n int) string { return "int f" + deep("(", "", ")")(n) + ";" },
		"attributes":       func(n int) string { return "int x __attribute__((aligned" + deep("(", "1", ")")(n) + "));" },
		"#if":              deep("#if 1\n", "", "#endif\n"),
		"#if of nothing":   func(n int) string { return "#if 0\n" + deep("#if 1\n", "", "#endif\n")(n) + "#endif\n" },
		"#if parentheses":  func(n int) string { return "#if " + deep("(", "1", ")")(n) + "\n#endif\n" },
		"pack":             deep("#pragma pack(push, 1)\n", "", ""),
		"typedef chain":    func(n int) string { return "typedef int t0;\n" + chain(n, "typedef t%[2]d t%[1]d;\n") },
		"array chain":      func(n int) string { return "typedef int t0;\n" + chain(n, "typedef t%[2]d t%[1]d[1];\n") },
		"struct chain": func(n int) string {
			return "struct s0 { int x; };\n" + chain(n, "struct s%[1]d { struct s%[2]d x; };\n")
		},
		"macro chain": func(n int) string {
			return "#define m0 1\n" + chain(n, "#define m%[1]d m%[2]d\n") + fmt.Sprintf("int x[m%d];", n)
		},
		"macro constants":     func(n int) string { return "#define m0 1\n" + chain(n, "#define m%[1]d (m%[2]d)\n") },
		"macro arguments":     func(n int) string { return "#define f(x) x\n#define y " + deep("f(", "1", ")")(n) + "\nint x[y];\n" },
		"parameters":          func(n int) string { return "#define f(a0" + chain(4*n, ",a%[1]d") + ") 1\n" },
		"__has_include":       func(n int) string { return "#if " + deep("__has_include(", "\"x\"", ")")(n) + "\n#endif\n" },
		"pointers of typeof":  func(n int) string { return "int *p0;\n" + chain(n, "typeof(p%[2]d) *p%[1]d;\n") },
		"addresses of typeof": func(n int) string { return "int *p0;\n" + chain(n, "typeof(&p%[2]d) p%[1]d;\n") },
		"function-like tail": func(n int) string {
			return "#define m0 1\n" + chain(n, "#define m%[1]d(x) m%[2]d(x)\n") + fmt.Sprintf("int x[m%d(1)];", n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{300, 5_000} {
				bounded(t, func() {
					_, err := parseText(text(n))
					if !errors.Is(err, ErrLimit) {
						t.Errorf("%d deep: %.300v", n, err)
					}
				})
			}
			// As deep as people write it is fine.
			if _, err := parseText(text(60)); errors.Is(err, ErrLimit) {
				t.Errorf("60 deep: %.300v", err)
			}
		})
	}
}

// TestBombs has text that is small and would yield much.
func TestBombs(t *testing.T) {
	var objects, functions strings.Builder
	objects.WriteString("#define b0 1 +\n")
	functions.WriteString("#define g0(x) x + x\n")
	for i := range 40 {
		fmt.Fprintf(&objects, "#define b%d b%d b%d\n", i+1, i, i)
		fmt.Fprintf(&functions, "#define g%d(x) g%d(x + x)\n", i+1, i)
	}
	for name, text := range map[string]string{
		"objects":             objects.String() + "int x[b40 1];\n",
		"objects as constant": objects.String(),
		"objects in #if":      objects.String() + "#if b40 1\n#endif\n",
		"functions":           functions.String() + "int x[g40(1)];\n",
		"argument":            "#define d(x) x x x x x x x x\n#define e d(d(d(d(d(d(d(d(d(d(1))))))))))\nint x[e];\n",
		"strings":             "#define d(x) x x x x x x x x\n#define s(x) t(x)\n#define t(x) #x\nchar x[] = s(d(d(d(d(d(d(d(d(d(1))))))))));\n",
		"pastes":              "#define c(x) x##x##x##x##x##x##x##x\n#define d(x) c(x)\nint x = d(d(d(d(d(d(d(d(d(d(aaaaaaaa))))))))));\n",
		"includes":            "#include \"main.h\"\n#include \"main.h\"\n",
		"wide includes":       "#if __INCLUDE_LEVEL__ < 30\n#include \"main.h\"\n#include \"main.h\"\n#endif\n",
		"many files":          "#if __INCLUDE_LEVEL__ < 1\n" + strings.Repeat("#include \"main.h\"\n", 100_000) + "#endif\n",
		"file":                strings.Repeat(" ", maxFile+1),
		"tokens":              strings.Repeat(";", maxTokens+2),
		"number":              "int x[1" + strings.Repeat("0", maxLiteral) + "];",
		"_Pragma of itself":   "#define X _Pragma(\"pack(X)\")\nX\n",
		"_Pragma of much":     "#define X _Pragma(\"GCC " + strings.Repeat(" ", 1<<20) + "\")\n" + strings.Repeat("X\n", 1000),
		"names by #line":      "#line 1 \"" + strings.Repeat("a", 1<<20) + "\"\n" + strings.Repeat("__FILE__\n", 1000),
		"character constants": "#define C '" + strings.Repeat("a", 1<<20) + "'\nenum { E = C" + strings.Repeat("+C", 1000) + " };",
		"header names":        "#define M <" + strings.Repeat("a/", 1<<19) + ">\n" + strings.Repeat("#if __has_include(M)\n#endif\n", 1000),
		"names of places":     strings.Repeat("struct {", 200) + strings.Repeat("struct { int : 1; };", 50_000) + strings.Repeat("} x;", 200),
		"reasons":             "struct " + strings.Repeat("a", 4000) + ";\n#define P ((struct " + strings.Repeat("a", 4000) + " *)0)\n" + chain(50_000, "#define a%[1]d P\n"),
		"docs for members": "/*\n" + chain(5_000, " * @a%[1]d: x\n") + "*/\nstruct s { int a0" + chain(5_000, ", a%[1]d") +
			"; // " + strings.Repeat("x", 1<<20) + "\n};\n",
		"token of a file": "#define f(x) x\nf(" + strings.Repeat("1 ", maxList+1) + ")",
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, func() {
				_, err := parseText(text)
				if !errors.Is(err, ErrLimit) {
					t.Errorf("%.300v", err)
				}
			})
		})
	}
}

// TestLong has text that is long in a way that has no limit of its own, and is
// no more than long.
func TestLong(t *testing.T) {
	const n = 30_000
	for name, text := range map[string]string{
		"sum":         "enum { E = 1" + strings.Repeat(" + 1", n) + " };",
		"commas":      "enum { E = (1" + strings.Repeat(", 1", n) + ") };",
		"conjunction": "#if 1" + strings.Repeat(" && 1", n) + "\nint x;\n#endif\n",
		"string":      "#define S \"a\"" + strings.Repeat(" \"b\"", n) + "\n",
		"members":     "struct s { " + strings.Repeat("int : 1; ", n) + "};",
		"declarators": "struct s *a" + strings.Repeat(", *a", n) + ";",
		"comments of declarators": strings.Repeat("//\n", n) + "typedef int t0" + chain(n, ", t%[1]d") + "; // x\n" +
			strings.Repeat(strings.Repeat(" ", 40)+"//\n", n),
		"elements of many parts": "struct s0 { char a; };\n" + chain(40, "struct s%[1]d { struct s%[2]d a, b; };\n") +
			"struct s40 x[] = { 1, 2 };\n",
		"enumerators":    "enum { E0" + chain(n, ", E%[1]d = E%[2]d + 1") + " };",
		"macros":         chain(n, "#define M%[1]d %[2]d\n"),
		"comments":       strings.Repeat("/* a */ // b\n", n) + "int x;",
		"blank comments": "#define A 1\n" + strings.Repeat("//\n", n) + "#define B 2\n",
		"joined lines":   "int " + strings.Repeat("\\\n", n) + "x;",
		"typedefs":       "typedef int t;\n" + chain(n, "typedef t t%[1]d; extern t%[1]d *p%[2]d;\n"),
		"pointer typedefs": "typedef int *t0;\n" + chain(n, "typedef t%[2]d *t%[1]d;\n") +
			chain(n, "typedef t%[2]d *t%[1]d;\n"),
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, func() {
				if _, err := parseText(text); err != nil {
					t.Errorf("%.300v", err)
				}
			})
		})
	}
}

// TestDissectBombs has text in dialect dissect that is small, and would yield
// much or take long; without an error where it does neither after all.
func TestDissectBombs(t *testing.T) {
	const n = 60_000
	for name, c := range map[string]struct {
		text  string
		limit bool
	}{
		"definitions":        {chain(n, "#define a%[1]d 1\n"), false},
		"large definitions":  {chain(n, "#define a%[1]d 1 << 65000\n"), true},
		"flags":              {"flag f : uint8 {" + chain(n, "a%[1]d,") + "};", true},
		"lengths":            {"struct s { uint8 a0;" + chain(n, "uint8 a%[1]d;") + chain(n, fmt.Sprintf("char b%%[1]d[a%d];", n)) + "};", false},
		"anonymous members":  {"struct s0 { uint8 _; };\n" + chain(60, "struct s%[1]d { struct s%[2]d; struct s%[2]d; };\n"), true},
		"anonymous nothings": {"struct s0 { };\n" + chain(60, "struct s%[1]d { struct s%[2]d; struct s%[2]d; };\n"), true},
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, func() {
				_, err := Parse(Config{Files: []Source{{Name: "main.h", Text: []byte(c.text)}}, Dialect: DialectDissect})
				if errors.Is(err, ErrLimit) != c.limit || !c.limit && err != nil {
					t.Errorf("%.300v", err)
				}
			})
		})
	}
}

// The least size of what doubles is found at once, and has a bound.
func TestMinSize(t *testing.T) {
	for _, array := range []string{"char x[n];", "char x[EOF];"} {
		text := "struct s0 { uint8 n; " + array + " };\n" + chain(80, "struct s%[1]d { s%[2]d a; s%[2]d b; };\n")
		m, err := Parse(Config{Files: []Source{{Name: "main.h", Text: []byte(text)}}, Dialect: DialectDissect})
		if err != nil {
			t.Fatal(err)
		}
		bounded(t, func() {
			for i, s := range m.Structs {
				if got, want := MinSize(s), int64(1)<<min(i, 62); got != want {
					t.Errorf("%s: %d, want %d", s, got, want)
				}
			}
		})
	}
}

// A macro that holds a pragma for the file that it stands in has a value when
// that file is closed.
func TestPragmaInMacro(t *testing.T) {
	m, err := parseText("#pragma push_macro(\"B\")\n#define A _Pragma(\"once\") _Pragma(\"pop_macro(\\\"B\\\")\") 1\n#define B 2\n")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"A=1", "B=2"} {
		if c := m.Constants[i]; c.Name+"="+c.Value.String() != want {
			t.Errorf("%s=%v, want %s", c.Name, c.Value, want)
		}
	}
}

// Files that need not be read again still take memory.
func TestOnceBomb(t *testing.T) {
	files, text := fstest.MapFS{}, ""
	big := []byte("#pragma once\n" + strings.Repeat(" ", 15<<20))
	for i := range 8 {
		name := fmt.Sprintf("%d/a.h", i)
		files[name] = &fstest.MapFile{Data: big}
		text += "#include \"" + name + "\"\n"
	}
	_, err := Parse(Config{Files: []Source{{Name: "main.h", Text: []byte(text), Dir: Dir{FS: files}, Path: "main.h"}}})
	if !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// A header may have 16 MiB, that which is included, too.
func TestIncludeOfLongFile(t *testing.T) {
	for n, want := range map[int]string{maxFile: "", maxFile + 1: `main.h:1:10: "a.h" has more than 16777216 bytes`} {
		files := fstest.MapFS{"a.h": {Data: bytes.Repeat([]byte{' '}, n)}}
		_, err := Parse(Config{Files: []Source{{Name: "main.h", Text: []byte("#include \"a.h\"\n"), Dir: Dir{FS: files}, Path: "main.h"}}})
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrLimit) || err.Error() != want) {
			t.Errorf("%d bytes: %.200v, want %q", n, err, want)
		}
	}
}

// TestMemory checks the bound that the package states: whatever the text, no
// more than 1 GiB. It runs in a process of its own, whose heap has nothing
// else in it but what the texts before needed.
func TestMemory(t *testing.T) {
	const child = "CSTRUCT_TEST_MEMORY"
	if os.Getenv(child) == "" {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestMemory$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("PASS: TestMemory")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	long := strings.Repeat("a", 15<<20)
	for _, tt := range []struct{ name, text string }{
		{"tokens", "#define f(x) x x x x x x x x\n" + strings.Repeat("f(f(f(f(f(f(;))))))\n", 8)},
		{"joined", "#define S \"" + long + "\"\n#define T S S S S S S S S S S S S S S S S\n#define U T T T T T T T T T T\n"},
		{"strings", "#define q(x) #x\n#define r(x) q(x)\n#define S q(" + long + ")\n#define T r(S) r(S S) r(S S S) r(S S S S S S S S)\nchar x[] = T;\n"},
		{"docs", "/* " + long + " */ struct s { int a " + strings.Repeat("/* x */, b /* y */", 1000) + "; };\n"},
		{"errors", strings.Repeat("#error "+long[:1<<20]+"\n", 15)},
		{"members", "struct s { " + strings.Repeat("int:1;", 2<<20) + "};"},
		{"macros", strings.Repeat("#define A 1\n", 16<<20/12)},
	} {
		if _, err := parseText(tt.text); err == nil && tt.name != "macros" {
			t.Errorf("%s: no error", tt.name)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%s: %d MiB", tt.name, m.HeapSys>>20)
		if m.HeapSys > 1<<30 {
			t.Fatalf("%s: %d MiB for %d bytes of text", tt.name, m.HeapSys>>20, len(tt.text))
		}
	}
}

// bounded fails if f takes longer than any honest text would. The time is
// generous: what it is there to find does not end.
func bounded(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("takes longer than a minute")
	}
}
