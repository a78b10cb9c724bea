package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"cstructgen/gen"
)

// generatedLine is how Go tools know a generated file.
var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// writeFiles puts all files in place, or none: each is written beside its
// destination, and only when all are is the first renamed.
func writeFiles(files []gen.File, pkg string) (err error) {
	temps := make([]string, 0, len(files))
	places := make([]string, 0, len(files))
	defer func() {
		if err != nil {
			for _, t := range temps {
				os.Remove(t)
			}
		}
	}()
	for _, f := range files {
		place, err := replaceable(f.Name)
		if err != nil {
			return err
		}
		places = append(places, place)
	}
	if err := samePackage(files, pkg); err != nil {
		return err
	}
	for i, f := range files {
		temp, err := writeBeside(places[i], f)
		if err != nil {
			return err
		}
		temps = append(temps, temp)
	}
	for i, place := range places {
		if err := os.Rename(temps[i], place); err != nil {
			return err
		}
	}
	return nil
}

// replaceable returns the place of the file called name, which is another
// where name is a symbolic link. It is an error if something is there that was
// not generated.
func replaceable(name string) (place string, err error) {
	info, err := os.Stat(name) // asked first, as a pipe would wait for its writer
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(name); err == nil {
			return "", fmt.Errorf("%s is a symbolic link to nothing", name)
		}
		return name, nil
	}
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", name)
	}
	old, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if !generatedLine.Match(old) {
		return "", fmt.Errorf("%s is not a generated file and stays as it is: remove it, or give -o another name", name)
	}
	return filepath.EvalSymlinks(name)
}

// samePackage returns an error if the Go files among which files would stand
// are of another package. Those with a build constraint may be of any.
func samePackage(files []gen.File, pkg string) error {
	dir := filepath.Dir(files[0].Name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot write %s into %s: %w", filepath.Base(files[0].Name), dir, cause(err))
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || e.Name() == filepath.Base(files[0].Name) {
			continue
		}
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			continue // a pipe would be waited for
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil || file.Name.Name == pkg || constrained(file) {
			continue
		}
		return fmt.Errorf("%s would be of package %s, and %s beside it is of package %s", files[0].Name, pkg, name, file.Name.Name)
	}
	return nil
}

// constrained reports whether a file has a build constraint.
func constrained(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if constraint.IsGoBuild(c.Text) {
				return true
			}
		}
	}
	return false
}

// writeBeside writes f to a new file in the directory of place, with the mode
// of what is there.
func writeBeside(place string, f gen.File) (name string, err error) {
	// One that was killed left its file, and in a container the next one may
	// have the same number.
	var t *os.File
	for i := range 100 {
		name = filepath.Join(filepath.Dir(place), fmt.Sprintf(".%s.%d.%d", filepath.Base(place), os.Getpid(), i))
		t, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("cannot write %s into %s: %w", filepath.Base(f.Name), filepath.Dir(f.Name), cause(err))
	}
	if info, statErr := os.Stat(place); statErr == nil {
		err = t.Chmod(info.Mode().Perm())
	}
	if err == nil {
		_, err = t.Write(f.Text)
	}
	if err == nil {
		err = t.Sync() // not after a crash either is it there in part
	}
	if err = errors.Join(err, t.Close()); err != nil {
		os.Remove(name)
		return "", fmt.Errorf("cannot write %s: %w", f.Name, cause(err))
	}
	return name, nil
}

// checkFiles prints how the files on disk differ from those that would be
// written. Any difference is errStale.
func checkFiles(w io.Writer, files []gen.File) error {
	stale := false
	for _, f := range files {
		if info, err := os.Stat(f.Name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", f.Name) // a pipe would be waited for
		}
		old, err := os.ReadFile(f.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && bytes.Equal(old, f.Text) {
			continue
		}
		stale = true
		if _, err := io.WriteString(w, diff(f.Name, string(old), string(f.Text))); err != nil {
			return err
		}
	}
	if stale {
		return errStale
	}
	return nil
}
