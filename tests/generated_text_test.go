package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cstructgen/gen"
	"cstructgen/qcow2"
)

// generatedFiles lists every generated file of the module that is no test.
func generatedFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, f := range formatsOf(t) {
		names = append(names, f.output)
	}
	return names
}

// arrays is C whose arrays are of all lengths that are decoded in a way of
// their own, and in all places.
const arrays = `
enum e { A, B };
struct in { unsigned short k[20]; unsigned q; };
struct t {
    int few[3]; int some[7]; unsigned long long many[16]; short odd[103];
    float f[33]; double d[2][4]; unsigned long long grid[16][17]; int cube[5][7][19];
    signed char i8[5][30]; __INT8_TYPE__ bytes[21]; _Bool bools[50]; enum e enums[18]; void *pointers[17];
    struct in in[6]; union { unsigned u[40]; struct in in[3]; } u[2];
};
`

// generatedModule makes a module of the generated files and of arrays, each in
// a package of its own.
func generatedModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
	for i, name := range generatedFiles(t) {
		sub := filepath.Join(dir, "p"+strconv.Itoa(i))
		if err := os.Mkdir(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// A main package without a function main does not link.
		writeFile(t, filepath.Join(sub, "a.go"), strings.Replace(string(text), "\npackage main\n", "\npackage p\n", 1))
	}
	for i, order := range []gen.Order{gen.Big, gen.Both} {
		files, err := gen.Generate(gen.Config{
			Package: "p", Order: order, Test: true, Name: "a.go",
			Files: []gen.Source{{Name: "arrays.h", Text: []byte(arrays)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sub := filepath.Join(dir, "arrays"+strconv.Itoa(i))
		if err := os.Mkdir(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			writeFile(t, filepath.Join(sub, f.Name), string(f.Text))
		}
	}
	return dir
}

// Decode and Encode, with what they call inlined, contain no bounds check: the
// length is in the type.
func TestNoBoundsChecks(t *testing.T) {
	dir := generatedModule(t)
	for _, arch := range []string{"amd64", "386"} {
		cmd := exec.Command("go", "build", "-gcflags=-d=ssa/check_bce", "./...")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOARCH="+arch, "GOFLAGS=", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		found := regexp.MustCompile(`(?m)^(?:\./)?(\w+/a\.go):(\d+):\d+: Found (\w+)`).FindAllSubmatch(out, -1)
		if len(found) == 0 {
			t.Errorf("%s: the compiler reports no check at all, not even in DecodePrefix:\n%s", arch, out)
		}
		for _, f := range found {
			line, _ := strconv.Atoi(string(f[2]))
			fn := functionAt(t, filepath.Join(dir, string(f[1])), line)
			// What is of dynamic size is checked as it is read.
			if fn != "AppendBinary" && fn != "decode" && fn != "encode" && fn != "check" && !strings.HasPrefix(fn, "Parse") && !strings.HasSuffix(fn, "Text") && !strings.HasPrefix(fn, "DecodePrefix") && !strings.HasSuffix(fn, "Tail") {
				t.Errorf("%s: %s in %s, %s:%d", arch, f[3], fn, f[1], line)
			}
		}
	}
	goTool(t, dir, "vet", "./...")
	if wholeCorpus() {
		// On a machine whose own order is the other one.
		t.Setenv("GOARCH", "s390x")
		goTool(t, dir, "vet", "./...")
		t.Setenv("GOARCH", "")
	}
	goTool(t, dir, "test", "./arrays0", "./arrays1")
}

// functionAt returns the name of the function that a line of a file is in.
func functionAt(t *testing.T, name string, line int) string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && fset.Position(f.Pos()).Line <= line && line <= fset.Position(f.End()).Line {
			return f.Name.Name
		}
	}
	return ""
}

// Every exported thing in generated files says what it is.
func TestGeneratedCodeIsDocumented(t *testing.T) {
	for _, name := range generatedFiles(t) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !strings.HasPrefix(d.Doc.Text(), d.Name.Name+" ") {
					t.Errorf("%s: func %s: doc %q", name, d.Name.Name, d.Doc.Text())
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					checkDoc(t, name, d, s)
				}
			}
		}
	}
}

func checkDoc(t *testing.T, file string, d *ast.GenDecl, s ast.Spec) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if !strings.HasPrefix(d.Doc.Text(), s.Name.Name+" is ") {
			t.Errorf("%s: type %s: doc %q", file, s.Name, d.Doc.Text())
		}
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				if f.Doc.Text()+f.Comment.Text() == "" {
					t.Errorf("%s: field %s.%s has no doc", file, s.Name, f.Names[0])
				}
			}
		}
	case *ast.ValueSpec:
		if d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
			t.Errorf("%s: %s %s has no doc", file, d.Tok, s.Names[0])
		}
	}
}

// Layout tables of all packages have one type, so that one function takes any.
func TestLayoutsHaveOneType(t *testing.T) {
	names := func(table []struct {
		Name, Type      string
		Offset, Size    int
		BitOffset, Bits int
		Doc             string
	}) (s []string) {
		for _, f := range table {
			s = append(s, f.Name+"@"+strconv.Itoa(f.Offset))
		}
		return s
	}
	got := strings.Join(names(qcow2.LayoutOfQCowExtension), " ")
	if want := "magic@0 len@4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(names(qcow2.LayoutOfQCowHeader)); n != 20 {
		t.Errorf("the header has %d fields", n)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
