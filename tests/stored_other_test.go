//go:build !unix

package tests

import "io/fs"

// storedBytes is how much storage a file takes: here, where the system does
// not tell, as much as it is long.
func storedBytes(info fs.FileInfo) int64 { return info.Size() }
