//go:build race

package gen

// slowness is by how much what watches us slows us down: the race detector.
const slowness = 10
