package qcow2

// A layer is one link of a backing chain: a qcow2 image or a raw file.
// Offsets and lengths lie within size.
type layer interface {
	// size returns the length of the layer's disk in bytes.
	size() uint64
	// read fills p with the disk's bytes from off on, and returns how many
	// of them are right before an error.
	read(p []byte, off guestOffset) (int, error)
	// status returns what the bytes from off on are, as far as they are the
	// same, but n bytes at most. depth is that of this layer.
	status(off guestOffset, n uint64, depth int) (Extent, error)
}
