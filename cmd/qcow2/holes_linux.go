package main

import (
	"errors"
	"os"
	"syscall"
)

// Values of whence for lseek(2).
const (
	seekData = 3
	seekHole = 4
)

// dataOrHole reports whether the byte at off lies in a hole, and how many of
// the n bytes from there on, all inside the file, are alike.
func dataOrHole(f *os.File, off, n int64) (length int64, hole bool) {
	data, err := f.Seek(off, seekData)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return n, true
	case err != nil:
		return n, false
	case data > off:
		return min(data-off, n), true
	}
	next, err := f.Seek(off, seekHole)
	if err != nil || next <= off {
		return n, false
	}
	return min(next-off, n), false
}
