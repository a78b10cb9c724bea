package main

import (
	"os"
	"sync/atomic"
	"syscall"
)

// Modes of fallocate(2).
const (
	fallocKeepSize  = 0x01
	fallocPunchHole = 0x02
	fallocZeroRange = 0x10
)

func fallocate(f *os.File, mode uint32, off, n int64) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fallocate(int(fd), mode, off, n); failed != syscall.EINTR {
				return
			}
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

// allocate occupies storage for the first n bytes of f, which is new: they
// read as zeros. It reports whether the file system does that; the error is
// that there is no room.
func allocate(f *os.File, n int64) (done bool, err error) {
	if n == 0 {
		return true, nil
	}
	err = fallocate(f, 0, 0, n)
	if err == syscall.ENOSPC {
		return false, err
	}
	return err == nil, nil
}

// zeroer returns a function that makes n bytes of f at off zeros without
// writing them, holes if they may be, and reports whether it could.
func zeroer(f *os.File, holes bool) func(off, n int64) bool {
	mode := uint32(fallocZeroRange | fallocKeepSize)
	if holes {
		mode = fallocPunchHole | fallocKeepSize
	}
	var unable atomic.Bool // the file system or device is
	return func(off, n int64) bool {
		if unable.Load() {
			return false
		}
		err := fallocate(f, mode, off, n)
		if err == syscall.EOPNOTSUPP || err == syscall.ENOSYS {
			unable.Store(true)
		}
		return err == nil
	}
}
