//go:build race

package main

// raceEnabled tells whether the race detector, which takes memory of its own,
// is built in.
const raceEnabled = true
