//go:build !linux

package qcow2

import "io"

// holeFinderOf returns r itself if it can tell, or nil.
func holeFinderOf(r io.ReaderAt) HoleFinder {
	h, _ := r.(HoleFinder)
	return h
}
