//go:build !linux

package main

import (
	"errors"
	"os"
)

// copyRange is for systems that copy files inside the kernel.
func copyRange(*os.File, int64, *os.File, int64, int64) (int64, error) {
	return 0, errors.ErrUnsupported
}

// isUnable reports whether err says that files such as these are never copied.
func isUnable(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
