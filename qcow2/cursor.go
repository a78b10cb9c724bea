package qcow2

import (
	"errors"
	"io"
)

// A cursor reads small structures that lie near one another, without asking
// the file for each.
type cursor struct {
	file  *hostFile
	start hostOffset // of window
	data  []byte     // what was read of the file from start on
}

// bytes returns n bytes at off, valid until the next call. It allocates no
// more than n bytes, and only after it is known that they are in the file.
func (c *cursor) bytes(what string, off hostOffset, n uint64) ([]byte, error) {
	if off < c.start || n > uint64(len(c.data)) || uint64(off-c.start) > uint64(len(c.data))-n {
		if err := c.file.inside(what, off, n); err != nil {
			return nil, err
		}
		size := max(n, c.file.clip(off, pageSize))
		if uint64(cap(c.data)) < size {
			c.data = make([]byte, size)
		}
		c.start, c.data = off, c.data[:size]
		if _, err := c.file.read(what, c.data, off); err != nil {
			c.data = nil
			return nil, err
		}
	}
	i := uint64(off - c.start)
	return c.data[i : i+n : i+n], nil
}

// A decoder sets itself from the start of b and returns how many bytes that
// took, as generated types of dynamic size do.
type decoder interface {
	Decode(b []byte) (n int, err error)
}

// decode lets d decode itself from what lies at off: from what is at hand of
// it, then from a page, and from ever more of the file while d needs more, but
// no more than most bytes. The error is d's, or one of reading.
func (c *cursor) decode(what string, off hostOffset, most uint64, d decoder) (n uint64, err error) {
	if most = c.file.clip(off, most); most == 0 {
		return 0, c.file.inside(what, off, 1)
	}
	if off >= c.start && uint64(off-c.start) < uint64(len(c.data)) {
		held := c.data[off-c.start:]
		n, err := d.Decode(held[:min(uint64(len(held)), most)])
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return uint64(n), err
		}
	}
	for size := min(most, pageSize); ; size = min(most, 4*size) {
		b, err := c.bytes(what, off, size)
		if err != nil {
			return 0, err
		}
		n, err := d.Decode(b)
		if size == most || !errors.Is(err, io.ErrUnexpectedEOF) {
			return uint64(n), err
		}
	}
}

// alignUp returns the lowest multiple of QCOW2_ALIGNMENT that is n or more.
func alignUp(n hostOffset) hostOffset {
	return (n + QCOW2_ALIGNMENT - 1) &^ (QCOW2_ALIGNMENT - 1)
}
