package qcow2

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A gate opens the files that images name: backing files and data files. An
// image may come from anybody, so a name in it is a wish, not an order. The
// gate opens what lies under the directories its owner allows and nothing
// else, reads only, and answers every other wish with one and the same error,
// so that an image cannot be used to ask which files exist.
//
//	name in the image -> lexical resolution -> allowed directory -> os.Root -> regular file
//
// Names are resolved as text, like QEMU does (path_combine): "../b.qcow2" in
// /a/link/o.qcow2 is /a/b.qcow2, wherever the symbolic link /a/link leads.
// Symbolic links below an allowed directory are followed as [os.Root] does:
// those that lead outside of it, and all absolute ones, are refused.
//
// On Windows [filepath.IsLocal] refuses what is more than the name of a file
// under a directory: streams of files ("a:b"), devices ("NUL"), other drives
// and machines, which are not even asked. The case of letters is nothing there;
// elsewhere "A" and "a" are two names, also where the file system has one file.
type gate struct {
	dirs    []allowedDir
	devices bool // also open block devices
}

type allowedDir struct {
	name string // absolute and clean
	root *os.Root
}

// errGate is the gate's only answer to a name that it does not open. It holds
// no cause: a missing file and a forbidden one look alike.
var errGate = errors.New("missing, not a regular file, or not under an allowed directory")

// newGate returns a gate to the files under dirs, which must exist. Relative
// names of directories count from the working directory. Block devices are
// opened only if devices is set. The caller must close the gate.
func newGate(dirs []string, devices bool) (*gate, error) {
	g := &gate{devices: devices}
	for _, dir := range dirs {
		name, err := filepath.Abs(dir)
		if dir == "" { // a variable that was not set: not the working directory
			err = fs.ErrInvalid
		}
		if err == nil {
			var root *os.Root
			if root, err = os.OpenRoot(name); err == nil {
				g.dirs = append(g.dirs, allowedDir{name, root})
				continue
			}
		}
		g.Close()
		if e := (*fs.PathError)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("allowed directory %q: %w", dir, err)
	}
	return g, nil
}

// Close closes the directories; files opened through the gate stay open.
func (g *gate) Close() error {
	var errs []error
	for _, d := range g.dirs {
		errs = append(errs, d.root.Close())
	}
	g.dirs = nil
	return errors.Join(errs...)
}

// open opens for reading the file called name in the image file from, whose
// own name is absolute. It returns the file and its resolved absolute name.
// The error is errGate whatever the cause.
func (g *gate) open(from, name string) (*os.File, string, error) {
	resolved, ok := resolveReference(from, name)
	if !ok {
		return nil, "", errGate
	}
	for _, dir := range g.dirs {
		local, err := filepath.Rel(dir.name, resolved)
		if err != nil || !filepath.IsLocal(local) {
			continue
		}
		if f := g.openIn(dir.root, local); f != nil {
			return f, resolved, nil
		}
	}
	return nil, "", errGate
}

// openIn opens the file local under root, or returns nil.
func (g *gate) openIn(root *os.Root, local string) *os.File {
	// Opening can be an act in itself: it rewinds a tape, and a FIFO waits
	// for its writer. So the kind of file is asked first, and once more of
	// what was opened, which may have been put there since.
	if info, err := root.Stat(local); err != nil || !g.permits(info.Mode()) {
		return nil
	}
	return g.openNow(root, local)
}

// openNow is openIn, whatever local was when it was asked about before.
func (g *gate) openNow(root *os.Root, local string) *os.File {
	f, err := root.OpenFile(local, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err != nil || !g.permits(info.Mode()) {
		f.Close()
		return nil
	}
	return f
}

// permits reports whether files of this kind are opened.
func (g *gate) permits(mode fs.FileMode) bool {
	switch mode.Type() {
	case 0:
		return true
	case fs.ModeDevice: // a character device has ModeCharDevice as well
		return g.devices
	}
	return false
}

// resolveReference returns the absolute name that name, found in the image
// file from, stands for. It looks at the text alone. Names with a protocol
// ("nbd:...", "json:{...}": QEMU's path_has_protocol) are not file names, and
// neither are those with a NUL byte or a separator at the end.
func resolveReference(from, name string) (resolved string, ok bool) {
	if name == "" || strings.ContainsRune(name, 0) || os.IsPathSeparator(name[len(name)-1]) {
		return "", false
	}
	if filepath.VolumeName(name) == "" {
		if i := strings.IndexAny(name, ":/"); i >= 0 && name[i] == ':' {
			return "", false
		}
	}
	switch volume := filepath.VolumeName(name); {
	case filepath.IsAbs(name):
	case volume != "":
		return "", false // Windows: C:x is where that drive's current directory is
	case os.IsPathSeparator(name[0]):
		name = filepath.VolumeName(from) + name // Windows: on the same drive
	default:
		name = filepath.Join(filepath.Dir(from), name)
	}
	name = filepath.Clean(name)
	return name, filepath.IsAbs(name)
}
