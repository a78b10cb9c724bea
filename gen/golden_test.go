package gen

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A case of the golden tests is a txtar archive. Its comment holds settings,
// one a line (endian, types, test, define, rename, dialect,
// aligned), and words for the reader. main.h
// is translated, other headers can be included; want.go, want_test.go and
// errors are what comes out.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			cfg, want := goldenCase(t, ar)
			got := make(map[string]string)
			files, err := Generate(cfg)
			if _, ok := errors.AsType[ErrorList](err); ok {
				got["errors"] = FormatError(err)
			} else if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				got[f.Name] = string(f.Text)
			}
			typeCheck(t, files)
			if *update {
				rewriteGolden(t, name, ar, got)
				return
			}
			for _, section := range []string{"errors", "want.go", "want_test.go"} {
				if got[section] != want[section] {
					t.Errorf("%s: got:\n%s\nwant:\n%s", section, got[section], want[section])
				}
			}
		})
	}
}

// goldenCase reads settings, input and wanted output from an archive.
func goldenCase(t *testing.T, ar *txtar.Archive) (Config, map[string]string) {
	t.Helper()
	cfg := Config{Package: "want", Name: "want.go"}
	for line := range strings.Lines(string(ar.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "endian":
			cfg.Order = map[string]Order{"little": Little, "big": Big, "both": Both}[value]
		case "types":
			cfg.Types = strings.Split(value, ",")
		case "rename":
			c, name, _ := strings.Cut(value, "=")
			if cfg.Rename == nil {
				cfg.Rename = make(map[string]string)
			}
			cfg.Rename[c] = name
		case "dialect":
			if value == "dissect" {
				cfg.Dialect = Dissect
			}
		case "aligned":
			cfg.Aligned = value == "true"
		case "test":
			cfg.Test = value == "true"
		case "define":
			cfg.Defines = append(cfg.Defines, value)
		}
	}
	dir := fstest.MapFS{}
	want := make(map[string]string)
	for _, f := range ar.Files {
		if strings.HasSuffix(f.Name, ".h") {
			dir[f.Name] = &fstest.MapFile{Data: f.Data}
		} else {
			want[f.Name] = string(f.Data)
		}
	}
	main, err := fs.ReadFile(dir, "main.h")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Files = []Source{{Name: "main.h", Text: main, Dir: Dir{Name: ".", FS: dir}, Path: "main.h"}}
	return cfg, want
}

// rewriteGolden replaces what an archive wants by what came out.
func rewriteGolden(t *testing.T, name string, ar *txtar.Archive, got map[string]string) {
	t.Helper()
	out := &txtar.Archive{Comment: ar.Comment}
	for _, f := range ar.Files {
		if strings.HasSuffix(f.Name, ".h") {
			out.Files = append(out.Files, f)
		}
	}
	for _, section := range []string{"errors", "want.go", "want_test.go"} {
		if got[section] != "" {
			out.Files = append(out.Files, txtar.File{Name: section, Data: []byte(got[section])})
		}
	}
	if data := txtar.Format(out); !bytes.Equal(data, txtar.Format(ar)) {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// typeCheck type-checks files as one package, against the real standard
// library; Generate itself checks against stand-ins.
func typeCheck(t *testing.T, files []File) {
	t.Helper()
	if len(files) == 0 {
		return
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		p, err := parser.ParseFile(fset, f.Name, f.Text, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	for _, arch := range []string{"amd64", "386"} {
		conf := types.Config{Importer: standardLibrary, Sizes: types.SizesFor("gc", arch)}
		if _, err := conf.Check("want", fset, parsed, nil); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
	}
}

var standardLibrary = importer.ForCompiler(token.NewFileSet(), "gc", nil)

// generate is Generate of one C text.
func generate(text string, order Order) (string, error) {
	files, err := Generate(Config{
		Package: "p", Order: order,
		Files: []Source{{Name: "in.h", Text: []byte(text)}},
	})
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("%d files", len(files))
	}
	return string(files[0].Text), nil
}
