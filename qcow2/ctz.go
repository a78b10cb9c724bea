package qcow2

import "math/bits"

// Ctz returns the number of zero bits below the lowest set bit of value,
// looking at its lowest size bits alone. If all of them are zero it returns
// size.
func Ctz(value uint64, size int) int {
	return min(bits.TrailingZeros64(value), size)
}
