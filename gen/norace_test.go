//go:build !race

package gen

// slowness is by how much what watches us slows us down: nothing does.
const slowness = 1
