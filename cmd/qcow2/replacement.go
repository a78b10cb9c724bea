package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A replacement is a file that is written beside the place of another, or of
// none, and takes that place when it is whole.
type replacement struct {
	file  *os.File
	place string // where it goes
}

// newReplacement makes a file to take the place of name, or of the file that
// the symbolic link name leads to. info describes that file, whose mode the
// new one gets, and whose owner if that is allowed; nil if there is none. A
// file that may not be written may not be replaced.
func newReplacement(name string, info fs.FileInfo) (*replacement, error) {
	if info != nil {
		if err := writable(name); err != nil {
			return nil, err
		}
	}
	place, err := followLinks(name)
	if err != nil {
		return nil, err
	}
	if info != nil {
		// A link of /proc leads to a file also where that has no name any more.
		if now, err := os.Stat(place); err != nil || !os.SameFile(now, info) {
			return nil, fmt.Errorf("cannot replace %q: the file is not where the link leads; -n writes into it", name)
		}
	}
	// A new file gets the mode of any new file, which os.CreateTemp would not
	// give it. One that is to be like another is at first for its owner alone:
	// who may not read the other must not open it meanwhile.
	mode := fs.FileMode(0o666)
	if info != nil {
		mode = 0o600
	}
	base := filepath.Base(place)
	base = strings.ToValidUTF8(base[:min(len(base), 100)], "") // names are limited in bytes
	beside := filepath.Join(filepath.Dir(place), "."+base+"."+rand.Text()+".tmp")
	f, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, fmt.Errorf("cannot write beside %q: %w", place, err)
	}
	r := &replacement{file: f, place: place}
	if info != nil {
		keepOwner(f, info)
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(err, r.discard())
		}
	}
	return r, nil
}

// writable returns an error unless the file called name may be written: the
// directory, which is asked when another takes its place, knows nothing of
// that. The file stays as it is.
func writable(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cannot replace %q: %w", name, cause(err))
	}
	return f.Close()
}

// cause is err without the path that it names.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// maxLinks is how many symbolic links Linux follows.
const maxLinks = 40

// followLinks returns where the symbolic link name leads, also if nothing is
// there; name itself if it is none.
func followLinks(name string) (string, error) {
	for range maxLinks {
		// The directory is resolved first: ".." behind a link is not text.
		dir, base := filepath.Split(name)
		if dir == "" {
			dir = "."
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", err
		}
		name = filepath.Join(dir, base)
		target, err := os.Readlink(name)
		if err != nil {
			return name, nil // not a link, or nothing
		}
		switch {
		case filepath.IsAbs(target):
			name = target
		case os.IsPathSeparator(target[0]): // Windows: on the same drive
			name = filepath.VolumeName(dir) + target
		default:
			name = dir + string(filepath.Separator) + target
		}
	}
	return "", fmt.Errorf("%q: too many symbolic links", name)
}

// commit closes the file and puts it in its place, unless ctx is done by then.
// If it is to be safe it is on disk before, which may take minutes, and the
// place soon after: a crash leaves the old or the new, whole.
func (r *replacement) commit(ctx context.Context, safe bool) error {
	if safe {
		if err := r.file.Sync(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.file.Close(); err != nil {
		return err
	}
	beside := r.file.Name()
	if err := os.Rename(beside, r.place); err != nil {
		return err
	}
	r.file = nil
	if !safe {
		return nil
	}
	if dir, err := os.Open(filepath.Dir(r.place)); err == nil {
		_ = dir.Sync() // not every file system can
		dir.Close()
	}
	return nil
}

// discard closes and removes the file unless it is in its place.
func (r *replacement) discard() error {
	if r.file == nil {
		return nil
	}
	beside := r.file.Name()
	r.file.Close()
	r.file = nil
	return os.Remove(beside)
}
