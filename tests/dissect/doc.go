// Package dissect is a sample of what the generator makes of definitions in
// the dialect of dissect.cstruct: one that has each thing once, and a format
// of the world, ZIP. Its tests, generated as well, are run and
// fuzzed with all others; the table of what the dialect means is that of
// package tests.
package dissect
