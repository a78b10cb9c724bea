//go:build !unix

package main

// openFlags has nothing to add where opening a file does not wait.
const openFlags = 0
