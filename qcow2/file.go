package qcow2

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sync/atomic"
)

// A hostFile is one file below an image: the image file itself, a data file,
// a raw backing file. It owns the question what lies inside the file.
type hostFile struct {
	r    io.ReaderAt
	size uint64 // at most math.MaxInt64
	// name is the file's name as it was opened; it is shown as the place of
	// data. shown stands in messages: what the caller or the overlay wrote.
	name  string
	shown string
	// full is shown joined to the full name of the file that has it, as text:
	// what qemu-img calls the file.
	full string
	// zeroFill makes bytes past the end read as zeros.
	zeroFill bool
	salvage  func(Lost)                // Options.Salvage
	holes    HoleFinder                // nil: none
	filled   atomic.Pointer[fileRange] // the data that was found last; nil: none
	seed     uint64                    // tells the pages of the chain's files apart
}

// newHostFile returns a file of the given source. Its Size must not be
// negative.
func newHostFile(s *Source, shown, full string, zeroFill bool) (*hostFile, error) {
	if s.Reader == nil || s.Size < 0 {
		return nil, fmt.Errorf("qcow2: %q: no reader, or a negative size: %w", shown, fs.ErrInvalid)
	}
	return &hostFile{r: s.Reader, size: uint64(s.Size), name: s.Name, shown: shown, full: full, zeroFill: zeroFill}, nil
}

// contains reports whether the n bytes at off lie inside the file.
func (f *hostFile) contains(off hostOffset, n uint64) bool {
	return n <= f.size && uint64(off) <= f.size-n
}

// clip returns how many of the n bytes at off lie inside the file.
func (f *hostFile) clip(off hostOffset, n uint64) uint64 {
	if uint64(off) >= f.size {
		return 0
	}
	return min(n, f.size-uint64(off))
}

// errorAt returns an *Error about what lies at off. It is kept out of those who
// call it, of whom most are busy with what is right.
//
//go:noinline
func (f *hostFile) errorAt(what string, off hostOffset, value uint64, reason string, err error) error {
	return &Error{
		File: f.shown, What: what, Offset: int64(min(uint64(off), math.MaxInt64)),
		Value: value, Reason: reason, Err: err,
	}
}

// require returns an error unless the n bytes at off may be read: they lie
// inside the file, or the caller wants zeros past its end.
func (f *hostFile) require(what string, off hostOffset, n uint64) error {
	if f.zeroFill {
		return nil
	}
	return f.inside(what, off, n)
}

// inside returns an error unless the n bytes at off lie inside the file.
// Memory for structures of the file is allocated only after this.
func (f *hostFile) inside(what string, off hostOffset, n uint64) error {
	if f.contains(off, n) {
		return nil
	}
	return f.errorAt(what, off, n, fmt.Sprintf("bytes needed, the file has %#x", f.size), ErrTruncated)
}

// read fills p with the bytes at off, and reports how many of them it read
// before an error.
func (f *hostFile) read(what string, p []byte, off hostOffset) (int, error) {
	if f.contains(off, uint64(len(p))) {
		return f.readInside(what, p, off)
	}
	if !f.zeroFill {
		n, err := f.readInside(what, p[:f.clip(off, uint64(len(p)))], off)
		if err == nil {
			err = f.require(what, off, uint64(len(p)))
		}
		return n, err
	}
	return f.readPadded(what, p, off)
}

// readPadded fills p with the bytes at off, and with zeros from the end of
// the file on, however the image is read.
func (f *hostFile) readPadded(what string, p []byte, off hostOffset) (int, error) {
	inside := f.clip(off, uint64(len(p)))
	n, err := f.readInside(what, p[:inside], off)
	if err != nil {
		return n, err
	}
	clear(p[inside:])
	return len(p), nil
}

// readInside fills p with bytes that lie inside the file. An error of the
// reader is returned wrapped, so that the caller can look at it, but for the
// name in it that a file of the system was opened by.
func (f *hostFile) readInside(what string, p []byte, off hostOffset) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.r.ReadAt(p, int64(off))
	if n == len(p) {
		return n, nil // all is there, whatever else the reader has to say
	}
	return f.readOn(what, p, off, n, err)
}

// readOn goes on where the reader, asked for p, returned n and err.
func (f *hostFile) readOn(what string, p []byte, off hostOffset, m int, err error) (int, error) {
	for n := 0; ; {
		if m < 0 || m > len(p)-n {
			return n, f.errorAt(what, off, 0, "", errors.New("reader returned an impossible count"))
		}
		n += m
		switch {
		case n == len(p):
			return n, nil
		case err == io.EOF:
			return n, f.errorAt(what, off, uint64(len(p)), "bytes needed, the file has shrunk", ErrTruncated)
		case err != nil:
			if e, ok := err.(*fs.PathError); ok {
				err = e.Err
			}
			return n, f.errorAt(what, off, 0, "", err)
		case m == 0:
			return n, f.errorAt(what, off, 0, "", io.ErrNoProgress)
		}
		m, err = f.r.ReadAt(p[n:], int64(off)+int64(n))
	}
}
