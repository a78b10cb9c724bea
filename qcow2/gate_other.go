//go:build !unix

package qcow2

// openFlags has nothing to add where opening a file does not wait.
const openFlags = 0
