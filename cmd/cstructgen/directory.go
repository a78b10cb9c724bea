package main

import (
	"io/fs"
	"os"
)

// A directory is one that #include may read from. What it has may change while
// it is read: a pipe in the place of a header is not waited for.
type directory struct{ root *os.Root }

// Open opens a file below the directory for reading.
func (d *directory) Open(name string) (fs.File, error) {
	return d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
}

// Stat describes it.
func (d *directory) Stat(name string) (fs.FileInfo, error) { return d.root.Stat(name) }
