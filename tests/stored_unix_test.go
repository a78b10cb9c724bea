//go:build unix

package tests

import (
	"io/fs"
	"syscall"
)

// storedBytes is how much storage a file takes. stat(2) counts in 512 bytes,
// whatever the file system's blocks are.
func storedBytes(info fs.FileInfo) int64 {
	return int64(info.Sys().(*syscall.Stat_t).Blocks) * 512
}
