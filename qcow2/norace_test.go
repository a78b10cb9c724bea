//go:build !race

package qcow2

// raceEnabled says that the race detector is watching. It makes our code some
// ten times slower, and finds what it finds in a few inputs.
const raceEnabled = false
