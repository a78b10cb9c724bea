//go:build unix

package main

import (
	"os"
	"syscall"
)

// stopSignals ask a program to stop: the keyboard, kill(1) or a shutdown, the
// end of a terminal.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
