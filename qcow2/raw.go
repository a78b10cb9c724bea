package qcow2

// A rawLayer is a raw file at the end of a chain: its bytes are the disk's.
type rawLayer struct {
	file *hostFile
}

func (l *rawLayer) size() uint64 { return l.file.size }

func (l *rawLayer) read(p []byte, off guestOffset) (int, error) {
	return l.file.read(whatData, p, hostOffset(off))
}

func (l *rawLayer) status(off guestOffset, n uint64, depth int) (Extent, error) {
	e := Extent{
		Start: int64(off), Depth: depth, Present: true, Data: true,
		HasOffset: true, Offset: int64(off), File: l.file.name,
	}
	length, hole := l.file.holeAt(hostOffset(off), n)
	e.Length = int64(length)
	if hole {
		e.Zero, e.Data = true, false
	}
	return e, nil
}
