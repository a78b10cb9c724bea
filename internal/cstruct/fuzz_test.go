package cstruct

import (
	"errors"
	"go/constant"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"unicode/utf8"
)

// addHeaders adds the headers of the golden files as seeds.
func addHeaders(f *testing.F, add func(text string)) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".h") {
				add(string(file.Data))
			}
		}
	}
}

// fuzzConfig has text as a header that can include itself and one other.
func fuzzConfig(text string, order ByteOrder) Config {
	files := fstest.MapFS{
		"main.h":  {Data: []byte(text)},
		"other.h": {Data: []byte("#ifndef OTHER\n#define OTHER 1\nstruct other { int x : OTHER; };\n#endif\n")},
	}
	return Config{
		Files: []Source{{Name: "main.h", Text: []byte(text), Dir: Dir{FS: files}, Path: "main.h"}},
		Order: order,
	}
}

// checkErrors fails unless err is what Parse promises: a sorted list of at most
// 20 positioned errors.
func checkErrors(t *testing.T, err error) {
	var list ErrorList
	if !errors.As(err, &list) || len(list) == 0 || len(list) > maxErrors {
		t.Fatalf("%T of %d: %v", err, len(list), err)
	}
	for i, e := range list {
		p := errorPos(e)
		if p.File == "" || p.Line < 1 || p.Col < 1 {
			t.Errorf("%v is nowhere", e)
		}
		if q := errorPos(list[max(i-1, 0)]); q.File > p.File || q.File == p.File && q.Line > p.Line {
			t.Errorf("%v follows %v", p, q)
		}
	}
	Format(err)
}

// FuzzPreprocess looks for panics, endless loops and differences between two
// runs of the preprocessor.
func FuzzPreprocess(f *testing.F) {
	addHeaders(f, func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) {
		cfg := fuzzConfig(text, LittleEndian)
		toks, r := preprocess(cfg)
		again, _ := preprocess(cfg)
		if spell(toks) != spell(again) {
			t.Error("two runs differ")
		}
		for _, tok := range toks {
			if r.file(tok.pos) == nil && tok.kind != tNewline {
				t.Errorf("%s is nowhere", tok)
			}
		}
		if len(r.errs) > 0 {
			checkErrors(t, r.errs.sorted())
		}
	})
}

// FuzzParse checks that any text gives an error or a model that holds
// together.
func FuzzParse(f *testing.F) {
	addHeaders(f, func(text string) { f.Add(text, false) })
	f.Fuzz(func(t *testing.T, text string, big bool) {
		order := LittleEndian
		if big {
			order = BigEndian
		}
		cfg := fuzzConfig(text, order)
		m, err := Parse(cfg)
		if err != nil {
			checkErrors(t, err)
			return
		}
		checkModel(t, m)
		again, err := Parse(cfg)
		if err != nil || !reflect.DeepEqual(names(m), names(again)) {
			t.Errorf("two runs differ: %v", err)
		}
	})
}

func names(m *Model) (list []string) {
	for _, s := range m.Structs {
		list = append(list, s.Name)
	}
	for _, c := range m.Constants {
		list = append(list, c.Name+c.Value.ExactString())
	}
	for _, s := range m.Skipped {
		list = append(list, s.Name+s.Reason)
	}
	return list
}

// checkModel checks what every model keeps to, whatever the text.
func checkModel(t *testing.T, m *Model) {
	for _, s := range m.Structs {
		if s.Bytes < 0 || s.Aligns < 1 || s.Aligns&(s.Aligns-1) != 0 || s.Bytes%s.Aligns != 0 {
			t.Errorf("%s: size %d, align %d", s, s.Bytes, s.Aligns)
		}
		end := int64(0) // of the fields before, in bits
		for _, f := range s.Fields {
			start, size := f.Offset*8, f.Type.Size()*8
			if f.BitField {
				start, size = f.BitOffset, f.Bits
				if f.Offset != f.BitOffset/8 {
					t.Errorf("%s.%s: bit %d in byte %d", s, f.Name, f.BitOffset, f.Offset)
				}
			}
			switch {
			case size < 0 || start < 0 || start+size > s.Bytes*8 && f.Bits != 0:
				t.Errorf("%s.%s: bits %d to %d of %d bytes", s, f.Name, start, start+size, s.Bytes)
			case s.Union && start != 0:
				t.Errorf("%s.%s: at %d in a union", s, f.Name, start)
			case !s.Union && start < end:
				t.Errorf("%s.%s: at %d, before %d", s, f.Name, start, end)
			}
			end = start + size
		}
	}
	for _, e := range m.Enums {
		for _, v := range e.Values {
			if v.Value.Kind() != constant.Int || !fits(v.Value, e.Under) {
				t.Errorf("%s: %s = %v", e, v.Name, v.Value)
			}
		}
	}
	for _, c := range m.Constants {
		checkConstant(t, c)
	}
	for _, s := range m.Skipped {
		if s.Reason == "" || s.Pos.File == "" {
			t.Errorf("skipped %q at %v without a reason", s.Name, s.Pos)
		}
	}
}

func checkConstant(t *testing.T, c *Constant) {
	switch c.Value.Kind() {
	case constant.Int:
		if !isInteger(c.Type) || !fits(c.Value, c.Type) {
			t.Errorf("%s: %v is no %s", c.Name, c.Value, c.Type)
		}
	case constant.Float:
		if c.Type.Kind != Float {
			t.Errorf("%s: %v is no %s", c.Name, c.Value, c.Type)
		}
	case constant.String:
		if !isInteger(c.Type) || c.Type != typeChar && !utf8.ValidString(constant.StringVal(c.Value)) {
			t.Errorf("%s: %v is no %s", c.Name, c.Value, c.Type)
		}
	default:
		t.Errorf("%s: %v", c.Name, c.Value)
	}
}

// FuzzConstExpr evaluates an expression as a macro, as an enumerator, as a
// length, in #if and as the operand of sizeof. What is a value in one place
// is no error of the expression in another.
func FuzzConstExpr(f *testing.F) {
	for _, x := range []string{
		"1 << 63", "'ab' + L'x'", "~0u / 3", "(char)200 >> 2", "sizeof(struct s)", "1.5 * 2", `"a" "b"`, "1 ? 2 : 1 / 0",
		"__builtin_offsetof(struct s, c[2])", "E2 & -1", "(long)&((struct s *)0)->c", "0x1p-3f", "((((1))))", "1 + 2 * 3 - 4 % 5",
	} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x string) {
		if strings.ContainsAny(x, "\n\r\\;{}#") || strings.Contains(x, "/*") {
			return
		}
		for _, text := range []string{
			"#define RESULT " + x, "enum { RESULT = (" + x + ") };", "typedef int t[" + x + "];",
			"#if " + x + "\n#endif", "enum { RESULT = sizeof(" + x + ") };",
		} {
			m, err := parseText(evalDeclarations + text + "\n")
			if err != nil {
				checkErrors(t, err)
			} else {
				checkModel(t, m)
			}
		}
	})
}
