package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite testdata with what the command prints")

// Each file under testdata is an archive whose comment names the committed
// images it uses, on a line "images: NAME...", and other files of the tree, on
// a line "files: NAME...", and whose sections are command lines with what they print. Lines of standard error begin with "! ", and
// "[1]" is an exit code other than 0.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			for line := range strings.Lines(string(archive.Comment)) {
				if names, ok := strings.CutPrefix(line, "files:"); ok {
					for _, name := range strings.Fields(names) {
						copyFile(t, filepath.Join(here, name), filepath.Base(name))
					}
				}
				if names, ok := strings.CutPrefix(line, "images:"); ok {
					for _, name := range strings.Fields(names) {
						unpack(t, name)
					}
				}
			}
			for i := range archive.Files {
				f := &archive.Files[i]
				args := strings.Fields(f.Name)
				if len(args) == 0 || args[0] != "qcow2" {
					t.Fatalf("section %q is not a command line", f.Name)
				}
				got := transcript(command(args[1:]...))
				if want := onThisSystem(t, string(f.Data)); got != want && !*update {
					t.Errorf("%s\n got:\n%s\nwant:\n%s", f.Name, got, want)
				}
				f.Data = []byte(got)
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hostSizes are numbers that depend on the host's file system.
var hostSizes = regexp.MustCompile(`(?m)^(\s*disk size: |\s*"actual-size": ).*$`)

// onThisSystem returns what a script wants in the words of the system that the
// test runs on: it was written on Unix. What a file takes of the disk is left
// out where the system does not tell.
func onThisSystem(t *testing.T, want string) string {
	t.Helper()
	call := func(ask func(string) (fs.FileInfo, error)) string {
		_, err := ask("no such file")
		e, ok := errors.AsType[*fs.PathError](err)
		if !ok {
			t.Fatal(err)
		}
		return e.Op
	}
	here, err := os.Stat(".")
	if err != nil {
		t.Fatal(err)
	}
	if occupied(here) < 0 {
		want = regexp.MustCompile(`(?m)^\s*"actual-size": .*\n`).ReplaceAllString(want, "")
	}
	_, directory := os.ReadFile(".")
	return strings.NewReplacer(
		"read .: is a directory", fmt.Sprint(directory),
		"! qcow2: stat ", "! qcow2: "+call(os.Stat)+" ",
		"! qcow2: lstat ", "! qcow2: "+call(os.Lstat)+" ",
		"no such file or directory", syscall.ENOENT.Error(),
	).Replace(want)
}

func transcript(r result) string {
	text := hostSizes.ReplaceAllString(r.stdout, "${1}...")
	for line := range strings.Lines(r.stderr) {
		text += "! " + line
	}
	if r.code != 0 {
		text += fmt.Sprintf("[%d]\n", r.code)
	}
	return text
}
