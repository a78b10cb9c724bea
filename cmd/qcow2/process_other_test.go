//go:build !unix

package main

// dropPrivileges has no test here that needs it.
func dropPrivileges() {}
