// Package cstructgen_test holds the walls of the house: who may import whom,
// as data. It reads the import graph in process, with go/parser, so that the
// test cache sees every file that it depends on.
package cstructgen_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "cstructgen"

// A room is a directory of Go files, by its path in the module.
type room struct {
	imports []string // rooms of the module that its code may import
	tests   []string // further rooms that its tests may import
}

// rooms is every directory that has Go files. A change here is a change of
// design.
var rooms = map[string]room{
	".":                 {}, // generate.go and this test
	"internal/cstruct":  {},
	"internal/inflate":  {},
	"internal/diskmap":  {},
	"internal/testseed": {}, // random numbers of tests, which all of them may import
	"gen":               {imports: []string{"internal/cstruct"}},
	"internal/cdump":    {imports: []string{"internal/cstruct"}},
	"cmd/cstructgen":    {imports: []string{"gen", "internal/cstruct", "internal/cdump"}},
	// The reader never sees the generator: it stands on what was generated.
	"luks":          {},
	"gpt":           {},
	"qcow2":         {imports: []string{"internal/inflate", "luks"}},
	"cmd/qcow2":     {imports: []string{"qcow2", "luks", "gpt", "internal/diskmap"}},
	"tests":         {tests: []string{"gen", "internal/cstruct", "internal/cdump", "qcow2", "luks", "gpt"}},
	"tests/dissect": {}, // generated, and the tests of it
	// Programs that measure the same work done by others.
	"tests/bench":         {imports: []string{"qcow2"}},
	"tests/bench/codec":   {imports: []string{"qcow2"}},
	"tests/bench/headers": {imports: []string{"internal/cstruct"}},
}

// dependencies is every module beyond the standard library that code, other
// than tests, may import: where, and why.
var dependencies = []struct {
	module string
	seenBy []string // rooms, or files
	why    string
}{
	{"github.com/klauspost/compress", []string{"qcow2/compressed.go", "qcow2/zstdframe.go"}, "zstd of compressed clusters"},
	{"github.com/klauspost/compress", []string{"tests/bench"}, "another decoder to be measured"},
	{"golang.org/x/sync", []string{"cmd/qcow2"}, "errgroup: work in parallel that ends with the first error"},
	{"golang.org/x/crypto", []string{"luks"}, "twofish, cast5, ripemd160: ciphers and a hash of LUKS that the standard library has not"},
	{"github.com/lunixbochs/struc", []string{"tests/bench/codec"}, "another decoder to be measured"},
	{"github.com/spf13/cobra", []string{"cmd/cstructgen", "cmd/qcow2"}, "commands, help, completion"},
	{"golang.org/x/image", []string{"internal/diskmap/png.go"}, "a font: text in PNG pictures, which the standard library cannot write"},
	{"golang.org/x/sys", []string{"cmd/qcow2/ranger_linux.go"}, "copy_file_range(2), which the standard library uses only at files' positions"},
	{"golang.org/x/term", []string{"cmd/qcow2", "cmd/cstructgen"}, "progress and colours only where somebody looks: is this a terminal"},
}

// compiledIn is every package beyond the standard library that a program gets
// compiled in by importing a library of the module, whatever imports it. Nobody
// pays for a linter, a test or the tools in code, or in what must be trusted.
var compiledIn = map[string][]struct{ path, why string }{
	"qcow2": {
		{"cstructgen/internal/inflate", "deflate of compressed clusters"},
		{"cstructgen/luks", "encrypted images"},
		{"github.com/klauspost/compress/zstd", "zstd of compressed clusters"},
		{"github.com/klauspost/compress", "of zstd: how well data will compress, for its encoder"},
		{"github.com/klauspost/compress/fse", "of zstd: entropy coding"},
		{"github.com/klauspost/compress/huff0", "of zstd: entropy coding"},
		{"github.com/klauspost/compress/internal/cpuinfo", "of zstd: which instructions there are"},
		{"github.com/klauspost/compress/internal/le", "of zstd: little-endian loads"},
		{"github.com/klauspost/compress/internal/regmask", "of zstd: shifts whose counts are not checked"},
		{"github.com/klauspost/compress/internal/snapref", "of zstd: a converter from snappy, in the same package"},
		{"github.com/klauspost/compress/zstd/internal/xxhash", "of zstd: checksums of frames"},
		{"golang.org/x/crypto/cast5", "of luks"},
		{"golang.org/x/crypto/ripemd160", "of luks"},
		{"golang.org/x/crypto/twofish", "of luks"},
	},
	"luks": {
		{"golang.org/x/crypto/cast5", "a cipher of volumes"},
		{"golang.org/x/crypto/ripemd160", "a hash of volumes"},
		{"golang.org/x/crypto/twofish", "a cipher of volumes"},
	},
	"gpt": nil,
	"gen": {{"cstructgen/internal/cstruct", "reads C"}},
}

// testDependencies may be imported by every test, in addition.
var testDependencies = []string{
	"github.com/google/go-cmp",
	"github.com/klauspost/compress", // another decoder to compare with
	"github.com/lunixbochs/struc",   // another decoder to compare with
	"golang.org/x/tools",            // txtar, go/packages
}

// A file is a Go file and what it imports.
type file struct {
	name    string // path in the module, with slashes
	imports []string
}

func (f *file) room() string { return path.Dir(f.name) }
func (f *file) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }
func (f *file) generated() bool {
	return strings.HasSuffix(f.name, "_gen.go") || strings.HasSuffix(f.name, "_gen_test.go")
}

// goFiles parses every Go file of the module, whatever its build constraints.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == "." {
				return nil
			}
			if base := d.Name(); base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				return filepath.SkipDir // another module
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(name)}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// standard tells whether an import path is the standard library's.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != module && !strings.Contains(first, ".")
}

// within tells whether path is dir or lies below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func TestEveryRoomIsKnown(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range goFiles(t) {
		seen[f.room()] = true
		if _, ok := rooms[f.room()]; !ok {
			t.Errorf("%s: the room %q is not in the table", f.name, f.room())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rooms)) {
		if !seen[name] {
			t.Errorf("the table has a room %q without Go files", name)
		}
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, f := range goFiles(t) {
		r := rooms[f.room()]
		for _, imported := range f.imports {
			if !within(imported, module) {
				continue
			}
			target := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			allowed := slices.Contains(r.imports, target) ||
				f.isTest() && (target == f.room() || target == "internal/testseed" || slices.Contains(r.tests, target))
			if !allowed {
				t.Errorf("%s imports %s: %q may not see %q", f.name, imported, f.room(), target)
			}
		}
	}
}

func TestDependenciesAreThoseAgreed(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range goFiles(t) {
		for _, imported := range f.imports {
			if standard(imported) || within(imported, module) {
				continue
			}
			ok := false
			for _, d := range dependencies {
				if within(imported, d.module) && (slices.Contains(d.seenBy, f.room()) || slices.Contains(d.seenBy, f.name)) {
					ok = true
					used[d.module] = used[d.module] || !f.isTest()
				}
			}
			if !ok && f.isTest() {
				ok = slices.ContainsFunc(testDependencies, func(m string) bool { return within(imported, m) })
			}
			if !ok {
				t.Errorf("%s imports %s, which is not agreed for it", f.name, imported)
			}
		}
	}
	for _, d := range dependencies {
		if !used[d.module] {
			t.Errorf("%s is agreed, for %s, and nobody imports it", d.module, d.why)
		}
	}
}

// TestLibrariesBringNothingElse asks go list what importing each library brings
// along, on all systems that differ in it.
func TestLibrariesBringNothingElse(t *testing.T) {
	// What go list says follows from these; to read them here tells the test
	// cache so.
	goFiles(t)
	read(t, "go.mod")
	read(t, "go.sum")
	for library, want := range compiledIn {
		for _, system := range []string{"linux/amd64", "linux/386", "windows/amd64", "darwin/arm64", "js/wasm"} {
			goos, goarch, _ := strings.Cut(system, "/")
			cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+library)
			cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=")
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %v", cmd, err)
			}
			got := strings.Fields(string(out))
			for _, p := range want {
				if !slices.Contains(got, p.path) && goarch == "amd64" {
					t.Errorf("%s on %s: no longer brings %s", library, system, p.path)
				}
			}
			for _, path := range got {
				known := path == module+"/"+library
				for _, p := range want {
					known = known || p.path == path
				}
				if !known {
					t.Errorf("%s on %s brings %s, which is not in the table", library, system, path)
				}
			}
		}
	}
}

// TestGeneratedCodeStandsAlone holds emitted code to its promise: nothing but
// the standard library, no reflection, nothing unsafe.
func TestGeneratedCodeStandsAlone(t *testing.T) {
	found := 0
	for _, f := range goFiles(t) {
		if !f.generated() {
			continue
		}
		found++
		for _, imported := range f.imports {
			if !standard(imported) || imported == "reflect" || imported == "unsafe" || imported == "C" {
				t.Errorf("%s imports %s", f.name, imported)
			}
		}
	}
	if found == 0 {
		t.Error("no generated file found")
	}
}

// TestNoUnsafeAnywhere keeps cgo and unsafe out of the module.
func TestNoUnsafeAnywhere(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, imported := range f.imports {
			if imported == "unsafe" || imported == "C" {
				t.Errorf("%s imports %q", f.name, imported)
			}
		}
	}
}
