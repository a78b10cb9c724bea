package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode"
)

// control is text that commands a terminal, hides, or turns round what follows
// it: escape sequences of 7 and of 8 bits, a deletion, right to left, nothing.
const control = "\x1b[31m\u009b2J\x7f\u202eevil\u200b\u2066"

// Whatever a header or data has for text, what is printed has no control: not
// for people, not as JSON, not in messages.
func TestHostileText(t *testing.T) {
	headers := map[string]string{
		"error":        "#error " + control + "\n",
		"warning":      "#warning " + control + "\nstruct s { char x[64]; };\n",
		"include":      "#include \"" + control + ".h\"\n",
		"comments":     "/* " + control + " */ struct s { char x[64]; /* " + control + " */ };\n",
		"strings":      "#define A \"" + control + "\"\n#define B \"\\x1b[31m\\u202e\"\nstruct s { char x[64]; };\n",
		"characters":   "#define A '\\x1b'\n#define B L'\\u202e'\nstruct s { char x[64]; };\n",
		"not C":        "struct s { char x[64]; };\nint " + control + ";\n",
		"a directive":  "#" + control + "\n#pragma " + control + "\nstruct s { char x[64]; };\n",
		"a line":       "#line 7 \"" + control + "\"\nstruct s { char x[64]; };\nint f(void);\nttab y;\n",
		"skipped":      "struct s { char x[64]; };\n#define F(x) " + control + " x\nint f(void);\nstatic const char *n = \"" + control + "\";\n",
		"an attribute": "struct s { char x[64] __attribute__((section(\"" + control + "\"))); };\n",
		"an assertion": "_Static_assert(0, \"" + control + "\");\n",
		"an enum":      "enum e { A /* " + control + " */ = 1 }; struct s { enum e x; char y[60]; };\n",
	}
	for name, header := range headers {
		inDir(t, map[string]string{"in.h": header, "data": control + strings.Repeat(control, 4)})
		files := []string{"in.h"}
		if runtime.GOOS != "windows" { // where no file is called so
			files = append(files, "in"+control+".h")
			if err := os.WriteFile(files[1], []byte(header), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range files {
			for _, args := range [][]string{
				{"layout", file}, {"layout", "--json", file}, {"dump", "--type", "s", file, "data"},
				{"dump", "--type", "s", "--json", file, "data"}, {"generate", "--package", "p", "-o", "out.go", file},
			} {
				r := call(args...)
				for _, text := range []string{r.stdout, r.stderr} {
					if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
						t.Errorf("%s: %q prints %q", name, args, text[max(0, i-40):min(len(text), i+40)])
					}
				}
				if r.code == 0 && r.stdout != "" && args[1] != file && strings.Contains(strings.Join(args, " "), "--json") && !json.Valid([]byte(r.stdout)) {
					t.Errorf("%s: %q prints what is no JSON: %q", name, args, r.stdout)
				}
			}
		}
	}
}
