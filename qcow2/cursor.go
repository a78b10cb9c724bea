package qcow2

// A cursor reads small structures that lie near one another, without asking
// the file for each.
type cursor struct {
	file  *hostFile
	start hostOffset // of window
	data  []byte     // what was read of the file from start on
}

// bytes returns n bytes at off, valid until the next call. It allocates no
// more than n bytes, and only after it is known that they are in the file.
func (c *cursor) bytes(what string, off hostOffset, n uint64) ([]byte, error) {
	if off < c.start || n > uint64(len(c.data)) || uint64(off-c.start) > uint64(len(c.data))-n {
		if err := c.file.inside(what, off, n); err != nil {
			return nil, err
		}
		size := max(n, c.file.clip(off, pageSize))
		if uint64(cap(c.data)) < size {
			c.data = make([]byte, size)
		}
		c.start, c.data = off, c.data[:size]
		if _, err := c.file.read(what, c.data, off); err != nil {
			c.data = nil
			return nil, err
		}
	}
	i := uint64(off - c.start)
	return c.data[i : i+n : i+n], nil
}

// alignUp returns the lowest multiple of QCOW2_ALIGNMENT that is n or more.
func alignUp(n hostOffset) hostOffset {
	return (n + QCOW2_ALIGNMENT - 1) &^ (QCOW2_ALIGNMENT - 1)
}
