package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"cstructgen/gen"
)

// generatedLine is how Go tools know a generated file.
var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// writeFiles puts all files in place, or none: each is written beside its
// destination, and only when all are is the first renamed.
func writeFiles(files []gen.File) (err error) {
	temps := make([]string, 0, len(files))
	defer func() {
		if err != nil {
			for _, t := range temps {
				os.Remove(t)
			}
		}
	}()
	for _, f := range files {
		if err := replaceable(f.Name); err != nil {
			return err
		}
	}
	for _, f := range files {
		temp, err := writeBeside(f)
		if err != nil {
			return err
		}
		temps = append(temps, temp)
	}
	for i, f := range files {
		if err := os.Rename(temps[i], f.Name); err != nil {
			return err
		}
	}
	return nil
}

// replaceable returns an error if name exists and was not generated.
func replaceable(name string) error {
	old, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !generatedLine.Match(old) {
		return fmt.Errorf("%s is not a generated file: not overwritten", name)
	}
	return nil
}

// writeBeside writes f to a new file in its directory.
func writeBeside(f gen.File) (name string, err error) {
	name = filepath.Join(filepath.Dir(f.Name), fmt.Sprintf(".%s.%d", filepath.Base(f.Name), os.Getpid()))
	t, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = t.Write(f.Text)
	if err = errors.Join(err, t.Close()); err != nil {
		os.Remove(name)
		return "", err
	}
	return name, nil
}

// checkFiles prints how the files on disk differ from those that would be
// written. Any difference is errStale.
func checkFiles(w io.Writer, files []gen.File) error {
	stale := false
	for _, f := range files {
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
