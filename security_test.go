package cstructgen_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Tests that documents promise exist: those that they name with a directory
// there, others somewhere.
func TestNamedTestsExist(t *testing.T) {
	exist := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				exist[filepath.ToSlash(filepath.Dir(path))+"."+f.Name.Name] = true
				exist[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:[a-z0-9/]+\.)?\b(?:Test|Fuzz)[A-Z]\w*`)
	for document, least := range map[string]int{"SECURITY.md": 100, "README.md": 5} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		names := named.FindAllString(string(text), -1)
		if len(names) < least {
			t.Errorf("%s names %d tests, at least %d are expected", document, len(names), least)
		}
		for _, name := range names {
			if !exist[name] {
				t.Errorf("%s names %s, which is no test", document, name)
			}
		}
	}
}
