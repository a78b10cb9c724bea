package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// copyRange copies up to n bytes of src at at to dst at off inside the kernel,
// and returns how many.
func copyRange(dst *os.File, off int64, src *os.File, at, n int64) (int64, error) {
	to, err := dst.SyscallConn()
	if err != nil {
		return 0, err
	}
	from, err := src.SyscallConn()
	if err != nil {
		return 0, err
	}
	var done int
	var failed error
	err = from.Control(func(from uintptr) {
		err := to.Control(func(to uintptr) {
			for {
				done, failed = unix.CopyFileRange(int(from), &at, int(to), &off, int(n), 0)
				if failed != unix.EINTR {
					return
				}
			}
		})
		failed = errors.Join(failed, err)
	})
	return int64(max(done, 0)), errors.Join(failed, err)
}

// isUnable reports whether err says that files such as these are never copied:
// on different file systems, or not regular, or by a kernel that cannot.
func isUnable(err error) bool {
	for _, e := range []error{unix.EXDEV, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
