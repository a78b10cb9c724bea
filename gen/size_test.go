package gen

import (
	"go/ast"
	gc "go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"strings"
	"testing"
)

// unnatural matches what makes a layout another than that of natural alignment.
var unnatural = regexp.MustCompile(`pack|align|mode|Align|\\|\?\?`)

// checkSizes computes sizes and offsets a second time, from the Go types that
// were generated: what the fields encode to must add up to the size; and unless
// C says something of alignment, the layout must be the one that Go's own
// compiler gives the struct, whose rules for amd64 are those of C. It returns
// how many types it could say something of.
func checkSizes(t *testing.T, header string, code []byte) (checked int) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "code.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: stubImporter{}}
	pkg, err := conf.Check(file.Name.Name, fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	constant := func(name string) (int64, bool) {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			return 0, false
		}
		return gc.Int64Val(c.Val())
	}
	compiler := types.SizesFor("gc", "amd64")
	// Go has no bit-fields, and pads a struct that ends with nothing.
	var strange func(typ types.Type) (bits, other bool)
	strange = func(typ types.Type) (bits, other bool) {
		switch u := typ.Underlying().(type) {
		case *types.Array:
			if u.Len() == 0 {
				return false, true
			}
			return strange(u.Elem())
		case *types.Struct:
			for f := range u.Fields() {
				inner, more := strange(f.Type())
				_, placed := constant("Offsetof" + typ.(*types.Named).Obj().Name() + "_" + f.Name())
				bits = bits || inner || !placed && !strings.HasPrefix(f.Name(), "Pad") && !strings.HasPrefix(f.Name(), "Anon")
				other = other || more
			}
			return bits, other || u.NumFields() == 0
		}
		return false, false
	}
	for _, name := range pkg.Scope().Names() {
		typ, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		st, ok := typ.Type().Underlying().(*types.Struct)
		size, sized := constant("Sizeof" + name)
		if !ok || !sized {
			continue
		}
		bits, other := strange(typ.Type())
		if bits {
			continue
		}
		checked++
		var fields []*types.Var
		sum := int64(0)
		for f := range st.Fields() {
			fields = append(fields, f)
			sum += encodedSize(f.Type(), constant)
		}
		if sum < size && strings.Contains(header, ":") {
			continue // bit-fields without a name are in no Go type
		}
		if sum != size {
			t.Errorf("%s has %d bytes, its fields encode to %d", name, size, sum)
		}
		if other || unnatural.MatchString(header) {
			continue
		}
		if got := compiler.Sizeof(st); got != size {
			t.Errorf("%s has %d bytes, for Go's compiler %d", name, size, got)
		}
		for i, off := range compiler.Offsetsof(fields) {
			want, ok := constant("Offsetof" + name + "_" + fields[i].Name())
			if ok && off != want {
				t.Errorf("%s.%s lies at %d, for Go's compiler at %d", name, fields[i].Name(), want, off)
			}
		}
	}
	return checked
}

// encodedSize is the number of bytes that a value of a generated type encodes
// to.
func encodedSize(t types.Type, constant func(string) (int64, bool)) int64 {
	if named, ok := t.(*types.Named); ok {
		if size, ok := constant("Sizeof" + named.Obj().Name()); ok {
			return size
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return u.Len() * encodedSize(u.Elem(), constant)
	case *types.Basic:
		return types.SizesFor("gc", "amd64").Sizeof(u)
	}
	return -1 << 40
}

// The second computation has something to say of structs without bit-fields.
func TestSizesAreComputedTwice(t *testing.T) {
	const header = `
struct in { short a; long long b; char c; };
struct t { char a; struct in b[2]; union { long long u; char c; } d; double e; _Bool f; short g[3]; };
`
	code, err := generate(header, Little)
	if err != nil {
		t.Fatal(err)
	}
	if n := checkSizes(t, header, []byte(code)); n != 2 {
		t.Errorf("%d structs checked", n)
	}
}
