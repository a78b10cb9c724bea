package qcow2

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// tree makes files below a new directory: each holds its own slash-separated
// name. It returns the directory.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	err := os.Symlink(target, name)
	const privilegeNotHeld = syscall.Errno(1314)
	if runtime.GOOS == "windows" && errors.Is(err, privilegeNotHeld) && os.Getenv("CI") != "true" {
		t.Skip("a Windows account that may not make symbolic links:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func gateTo(t *testing.T, devices bool, dirs ...string) *gate {
	t.Helper()
	g, err := newGate(dirs, devices)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestGate(t *testing.T) {
	dir := tree(t, "vm/base", "vm/sub/base", "vm2/base", "outside", "images/base")
	oddName := ""
	if runtime.GOOS != "windows" { // where it is a stream of the file "odd"
		oddName = "vm/odd:name"
		if err := os.WriteFile(filepath.Join(dir, oddName), []byte(oddName), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	symlink(t, "base", in("vm/link"))
	symlink(t, "../base", in("vm/sub/up"))
	symlink(t, "../outside", in("vm/escape"))
	symlink(t, in("vm/base"), in("vm/absolute"))
	symlink(t, "loop", in("vm/loop"))
	symlink(t, "../images", in("vm/elsewhere"))
	symlink(t, "sub", in("vm/subdir"))

	for _, tt := range []struct {
		name    string
		from    string // below dir
		ref     string
		allowed []string // below dir
		want    string   // below dir; "" if refused
	}{
		{"beside the image", "vm/o", "base", []string{"vm"}, "vm/base"},
		{"below the image", "vm/o", "sub/base", []string{"vm"}, "vm/sub/base"},
		{"dot", "vm/o", "./base", []string{"vm"}, "vm/base"},
		{"dot dot", "vm/sub/o", "../base", []string{"vm"}, "vm/base"},
		{"dot dot into a sibling", "vm/o", "../images/base", []string{"images"}, "images/base"},
		{"out and in again", "vm/o", "../vm/base", []string{"vm"}, "vm/base"},
		{"through a directory that is missing", "vm/o", "none/../base", []string{"vm"}, "vm/base"},
		{"absolute", "elsewhere/o", in("vm/base"), []string{"vm"}, "vm/base"},
		{"absolute with dot dot", "elsewhere/o", in("vm/sub") + "/../base", []string{"vm"}, "vm/base"},
		{"a colon after a slash", "vm/o", "./odd:name", []string{"vm"}, oddName},
		{"second directory", "vm/o", "../images/base", []string{"vm", "images"}, "images/base"},
		{"inner of two directories", "vm/o", "sub/base", []string{"vm/sub", "vm"}, "vm/sub/base"},
		{"symbolic link", "vm/o", "link", []string{"vm"}, "vm/link"},
		{"symbolic link upwards", "vm/o", "sub/up", []string{"vm"}, "vm/sub/up"},
		{"symbolic link to a directory", "vm/o", "subdir/base", []string{"vm"}, "vm/subdir/base"},
		{"symbolic link beyond one directory, inside the other", "vm/o", "sub/up", []string{"vm/sub", "vm"}, "vm/sub/up"},
		{"dot dot behind a symbolic link is text", "vm/subdir/o", "../base", []string{"vm"}, "vm/base"},

		{"nothing allowed", "vm/o", "base", nil, ""},
		{"another directory allowed", "vm/o", "base", []string{"images"}, ""},
		{"missing", "vm/o", "none", []string{"vm"}, ""},
		{"dot dot out of the directory", "vm/o", "../outside", []string{"vm"}, ""},
		{"many dot dots", "vm/o", "../../../../../../../../../../etc/passwd", []string{"vm"}, ""},
		{"absolute, outside", "vm/o", in("outside"), []string{"vm"}, ""},
		{"same text, another directory", "vm/o", "../vm2/base", []string{"vm"}, ""},
		{"the directory itself", "vm/o", "../vm", []string{"vm"}, ""},
		{"a directory", "vm/o", "sub", []string{"vm"}, ""},
		{"slash at the end", "vm/o", "base/", []string{"vm"}, ""},
		{"slash at the end of a directory", "vm/o", "sub/", []string{"vm"}, ""},
		{"symbolic link outwards", "vm/o", "escape", []string{"vm"}, ""},
		{"symbolic link to a directory outside", "vm/o", "elsewhere/base", []string{"vm"}, ""},
		{"symbolic link outwards, to an allowed directory", "vm/o", "elsewhere/base", []string{"vm", "images"}, ""},
		{"absolute symbolic link", "vm/o", "absolute", []string{"vm"}, ""},
		{"symbolic link to itself", "vm/o", "loop", []string{"vm"}, ""},
		{"empty", "vm/o", "", []string{"vm"}, ""},
		{"NUL", "vm/o", "base\x00", []string{"vm"}, ""},
		{"json", "vm/o", `json:{"driver":"file","filename":"base"}`, []string{"vm"}, ""},
		{"nbd", "vm/o", "nbd:unix:/tmp/s", []string{"vm"}, ""},
		{"nbd URL", "vm/o", "nbd://localhost/x", []string{"vm"}, ""},
		{"http", "vm/o", "http://localhost/base", []string{"vm"}, ""},
		{"file protocol", "vm/o", "file:base", []string{"vm"}, ""},
		{"fat", "vm/o", "fat:rw:/etc", []string{"vm"}, ""},
		{"a colon, as QEMU has it", "vm/o", "odd:name", []string{"vm"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			allowed := make([]string, len(tt.allowed))
			for i, a := range tt.allowed {
				allowed[i] = in(a)
			}
			g := gateTo(t, false, allowed...)
			f, resolved, err := g.open(in(tt.from), tt.ref)
			if tt.want == "" {
				if f != nil || resolved != "" || err == nil || err.Error() != errGate.Error() {
					t.Fatalf("got %v, %q, %v; want %v", f, resolved, err, errGate)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if resolved != in(tt.want) {
				t.Errorf("resolved to %q, want %q", resolved, in(tt.want))
			}
			got, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(in(tt.want))
			if err != nil || string(got) != string(want) {
				t.Errorf("read %q, want %q (%v)", got, want, err)
			}
			if _, err := f.Write([]byte("x")); err == nil {
				t.Error("the file is open for writing")
			}
		})
	}
}

func TestGateRelativeDirectory(t *testing.T) {
	dir := tree(t, "vm/base")
	t.Chdir(dir)
	g := gateTo(t, false, ".")
	t.Chdir(t.TempDir()) // the directory was opened; where we are now is nothing to it
	wd, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := g.open(filepath.Join(wd, "vm", "o"), "base")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestGateMissingDirectory(t *testing.T) {
	dir := tree(t, "file")
	for _, name := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file"), ""} {
		if g, err := newGate([]string{dir, name}, false); err == nil {
			g.Close()
			t.Errorf("%q: no error", name)
		}
	}
}

func TestGateClosed(t *testing.T) {
	dir := tree(t, "base")
	g := gateTo(t, false, dir)
	f, _, err := g.open(filepath.Join(dir, "o"), "base")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(g.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.open(filepath.Join(dir, "o"), "base"); err != errGate {
		t.Errorf("a closed gate gives %v", err)
	}
	if _, err := io.ReadAll(f); err != nil {
		t.Errorf("a file opened before: %v", err)
	}
}

func TestGatePermits(t *testing.T) {
	for _, tt := range []struct {
		mode            fs.FileMode
		plain, withDevs bool
	}{
		{0o644, true, true},
		{fs.ModeSetuid | 0o755, true, true},
		{fs.ModeDevice, false, true},
		{fs.ModeDevice | fs.ModeCharDevice, false, false},
		{fs.ModeDir, false, false},
		{fs.ModeNamedPipe, false, false},
		{fs.ModeSocket, false, false},
		{fs.ModeSymlink, false, false},
		{fs.ModeIrregular, false, false},
	} {
		if got := (&gate{}).permits(tt.mode); got != tt.plain {
			t.Errorf("%v: %v", tt.mode, got)
		}
		if got := (&gate{devices: true}).permits(tt.mode); got != tt.withDevs {
			t.Errorf("%v with devices: %v", tt.mode, got)
		}
	}
}
