//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// occupied returns how many bytes of storage a file takes, -1 if that is not
// known. stat(2) counts in 512 bytes, whatever the file system's blocks are.
func occupied(info fs.FileInfo) int64 {
	if info != nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return int64(st.Blocks) * 512
		}
	}
	return -1
}
