//go:build unix

package main

import "syscall"

// openFlags keep an open from waiting, as it would for a pipe's writer.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
