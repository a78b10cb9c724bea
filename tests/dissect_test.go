package tests

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	gc "go/constant"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cstructgen/gen"
	"cstructgen/internal/cstruct"
)

func dissectModel(text string, c construct) (*cstruct.Model, error) {
	order := cstruct.LittleEndian
	if c.big {
		order = cstruct.BigEndian
	}
	return cstruct.Parse(cstruct.Config{
		Files: []cstruct.Source{{Name: "in.h", Text: []byte(text)}}, Order: order,
		Dialect: cstruct.DialectDissect, Aligned: c.aligned, PointerSize: c.pointer,
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each line of the table has the size it says; and the code that is generated
// for all of them, compiled and run, decodes the bytes to the value, and
// encodes it again.
func TestDissectConstructs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	var main strings.Builder
	fmt.Fprint(&main, "package main\n\nimport \"fmt\"\n\nfunc main() {\n")
	for i, c := range constructs {
		size, text, code, err := prepared(i, c)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if size != c.size {
			t.Errorf("%s: size %d, want %d", c.name, size, c.size)
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("p%d.go", i)), text)
		fmt.Fprintf(&main, "{\n%s\n}\n", code)
	}
	main.WriteString("}\n")
	writeFile(t, filepath.Join(dir, "main.go"), main.String())
	lines := strings.Split(strings.TrimSpace(string(goTool(t, dir, "run", "."))), "\n")
	if len(lines) != len(constructs) {
		t.Fatalf("%d results for %d lines of the table", len(lines), len(constructs))
	}
	for i, c := range constructs {
		decoded, encoded, _ := strings.Cut(lines[i], "\t")
		if decoded != c.want {
			t.Errorf("%s: %s decodes to\n%s, want\n%s", c.name, c.bytes, decoded, c.want)
		}
		if want := hex.EncodeToString(unhex(t, c.bytes)); encoded != "" && !c.lossy && !strings.HasPrefix(want, encoded) {
			t.Errorf("%s: encodes to %s, want %s", c.name, encoded, want)
		}
	}
}

// prepared generates code for line i of the table. It returns the size of its
// type, the Go text, with names that no other line has, and the statements
// that decode the bytes.
func prepared(i int, c construct) (size int64, text, code string, err error) {
	m, err := dissectModel(c.text, c)
	if err != nil {
		return 0, "", "", err
	}
	at := slices.IndexFunc(m.Structs, func(s *cstruct.Struct) bool { return s.Name == "t" })
	if at < 0 {
		return 0, "", "", errors.New("no struct t")
	}
	s := m.Structs[at]
	size = s.Bytes
	if s.Dynamic {
		size = -1
	}
	files, err := gen.Generate(gen.Config{
		Package: "main", Name: "a.go", Test: true, Order: dissectOrders[c.big],
		Files:   []gen.Source{{Name: "in.h", Text: []byte(c.text)}},
		Dialect: gen.Dissect, Aligned: c.aligned, PointerSize: c.pointer,
	})
	if err != nil {
		return size, "", "", err
	}
	text, err = distinct(string(files[0].Text), strconv.Itoa(i))
	if err != nil {
		return size, "", "", err
	}
	input := fmt.Sprintf("[]byte(%q)", must(hex.DecodeString(strings.ReplaceAll(c.bytes, " ", ""))))
	decode := "n, err := x.Decode(" + input + ")"
	if !s.Dynamic {
		decode = fmt.Sprintf("n, err := SizeofT%d, x.UnmarshalBinary(%s)", i, input)
	}
	encode := `b, err := x.MarshalBinary()
fmt.Printf("\t%x", b)
if err != nil {
fmt.Printf(" %v", err)
}`
	if !strings.Contains(text, fmt.Sprintf("func (x *T%d) MarshalBinary", i)) {
		encode = ""
	}
	return size, text, fmt.Sprintf(`var x T%d
%s
if err != nil {
fmt.Print(err)
} else {
fmt.Printf("%%+v", x)
if n != %d {
fmt.Printf(" %%d", n)
}
%s
}
fmt.Println()`, i, decode, len(strings.ReplaceAll(c.bytes, " ", ""))/2, encode), nil
}

// distinct adds a suffix to all names that a Go file declares.
func distinct(text, suffix string) (string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "a.go", text, 0)
	if err != nil {
		return "", err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Obj != nil && file.Scope.Objects[id.Obj.Name] == id.Obj {
			id.Name = id.Obj.Name + suffix
		}
		return true
	})
	var b bytes.Buffer
	err = printer.Fprint(&b, fset, file)
	return b.String(), err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A macro has the value that the table says.
func TestDissectValues(t *testing.T) {
	for _, c := range values {
		m, err := dissectModel(c.text+"\n", construct{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := "none"
		for _, k := range m.Constants {
			if k.Name != "X" {
				continue
			}
			switch k.Value.Kind() {
			case gc.Int:
				got = "int " + k.Value.ExactString()
			case gc.Float:
				got = "float " + k.Value.ExactString()
			default:
				got = "string " + strconv.QuoteToASCII(gc.StringVal(k.Value))
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

// What is no text of the dialect is refused, at its place.
func TestDissectRefusals(t *testing.T) {
	for _, c := range refusals {
		_, err := gen.Generate(gen.Config{
			Package: "p", Dialect: gen.Dissect, Files: []gen.Source{{Name: "in.h", Text: []byte(c.text + "\n")}},
		})
		got := ""
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != c.want {
			t.Errorf("%s\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}
