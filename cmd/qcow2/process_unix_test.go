//go:build unix

package main

import (
	"os"
	"syscall"
)

// dropPrivileges makes root nobody.
func dropPrivileges() {
	const nobody = 65534
	if os.Getuid() == 0 {
		if err := syscall.Setuid(nobody); err != nil {
			panic(err)
		}
	}
}
