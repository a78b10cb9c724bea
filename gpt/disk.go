package gpt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A disk is what a table is read from, in sectors of one size.
type disk struct {
	r          io.ReaderAt
	size       int64 // in bytes
	sectorSize int64
}

// sectors returns how many whole sectors the disk has.
func (d *disk) sectors() uint64 { return uint64(d.size / d.sectorSize) }

// offset returns where a sector begins, in bytes. It must lie on the disk, or
// just behind it.
func (d *disk) offset(lba uint64) int64 { return int64(lba) * d.sectorSize }

// read returns the n bytes of the structure what from off on, which must lie
// on the disk.
func (d *disk) read(what string, off, n int64) ([]byte, error) {
	if off < 0 || off > d.size || n > d.size-off {
		return nil, corrupt(what, off, uint64(n), fmt.Sprintf("bytes there end behind the disk, %d", d.size))
	}
	b := make([]byte, n)
	if got, err := d.r.ReadAt(b, off); got < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the disk is shorter than the caller said
		}
		return nil, &Error{What: what, Offset: off, Err: err}
	}
	return b, nil
}

// newDisk checks what the caller says of the disk. A sector size of 0 is left
// to be found.
func newDisk(r io.ReaderAt, size int64, opts *Options) (*disk, error) {
	d := &disk{r: r, size: size}
	if opts != nil {
		d.sectorSize = opts.SectorSize
	}
	switch n := d.sectorSize; {
	case size < 0:
		return nil, fmt.Errorf("gpt: a disk of %d bytes: %w", size, fs.ErrInvalid)
	case n != 0 && (n < GPT_MIN_SECTOR_SIZE || n > GPT_MAX_SECTOR_SIZE || n&(n-1) != 0):
		return nil, fmt.Errorf("gpt: sectors of %d bytes, not a power of two from %d to %d: %w",
			n, GPT_MIN_SECTOR_SIZE, GPT_MAX_SECTOR_SIZE, fs.ErrInvalid)
	}
	return d, nil
}
