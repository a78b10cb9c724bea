package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A directory is one that #include may read from. What it has may change while
// it is read: a pipe in the place of a header is not waited for.
//
// A symbolic link in it leads where it does, or into another directory that may
// be read from: systems spread their headers over several. Others lead nowhere.
type directory struct {
	root   *os.Root
	others func() []*os.Root
}

// Open opens a file below the directory for reading.
func (d *directory) Open(name string) (fs.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err == nil {
		return f, nil
	}
	root, name, err := d.follow(name, err)
	if err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_RDONLY|openFlags, 0)
}

// Stat describes it.
func (d *directory) Stat(name string) (fs.FileInfo, error) {
	info, err := d.root.Stat(name)
	if err == nil {
		return info, nil
	}
	root, name, err := d.follow(name, err)
	if err != nil {
		return nil, err
	}
	return root.Stat(name)
}

// follow returns the directory that a link called name leads into, and the name
// of its target there. failed is why it could not be opened here.
func (d *directory) follow(name string, failed error) (*os.Root, string, error) {
	if errors.Is(failed, fs.ErrNotExist) {
		return nil, "", failed
	}
	target, err := realPath(filepath.Join(d.root.Name(), name))
	if err != nil {
		return nil, "", failed
	}
	if _, inside := below(d.root, target); inside {
		return nil, "", failed // for another reason, then
	}
	for _, root := range d.others() {
		if rest, inside := below(root, target); inside {
			return root, rest, nil
		}
	}
	return nil, "", &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it is a link to %s, in no -I directory", target)}
}

// below returns the path of target, which is real, relative to root, and
// whether it lies in there.
func below(root *os.Root, target string) (string, bool) {
	base, err := realPath(root.Name())
	if err != nil {
		return "", false
	}
	rest, err := filepath.Rel(base, target)
	return rest, err == nil && filepath.IsLocal(rest)
}

// realPath returns the absolute path of a file without links.
func realPath(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(name)
}
