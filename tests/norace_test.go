//go:build !race

package tests

// raceEnabled says that the race detector is watching. It makes our code some
// ten times slower, and finds what it finds in a few inputs.
const raceEnabled = false
