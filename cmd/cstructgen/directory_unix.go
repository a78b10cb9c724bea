//go:build unix

package main

import "syscall"

// openFlags keep an open from waiting (a FIFO for its writer) and from making
// a terminal the process's own.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
