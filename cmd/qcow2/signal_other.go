//go:build !unix

package main

import (
	"os"
	"syscall"
)

// stopSignals ask a program to stop: the keyboard and, as SIGTERM on Windows,
// a closed window, a log-off or a shutdown.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}
