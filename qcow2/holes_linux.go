package qcow2

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// holeFinderOf returns the hole finder of a file, or nil.
func holeFinderOf(r io.ReaderAt) HoleFinder {
	switch r := r.(type) {
	case HoleFinder:
		return r
	case *os.File:
		return fileHoles{r}
	}
	return nil
}

// Values of whence for lseek(2).
const (
	seekData = 3
	seekHole = 4
)

// fileHoles asks the file system. Its seeking moves the file's position, which
// nobody uses: all reads say where.
type fileHoles struct{ f *os.File }

func (h fileHoles) NextData(off int64) (int64, error) { return h.seek(off, seekData) }
func (h fileHoles) NextHole(off int64) (int64, error) { return h.seek(off, seekHole) }

func (h fileHoles) seek(off int64, whence int) (int64, error) {
	n, err := h.f.Seek(off, whence)
	if errors.Is(err, syscall.ENXIO) {
		return 0, io.EOF
	}
	return n, err
}

// AllocatedSize returns what stat(2) says, in units of 512 bytes.
func (h fileHoles) AllocatedSize() (int64, error) {
	info, err := h.f.Stat()
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return int64(st.Blocks) * 512, nil
}
