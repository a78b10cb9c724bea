package qcow2

import "math"

// sectorSize is the unit in which QEMU counts the length of a disk, in bytes.
const sectorSize = 512

// A rawLayer is a raw file at the end of a chain: its bytes are the disk's.
// As in QEMU the disk ends with the sector that the file ends in.
type rawLayer struct {
	file *hostFile
}

func (l *rawLayer) size() uint64 {
	return min((l.file.size+sectorSize-1)&^(sectorSize-1), math.MaxInt64)
}

func (l *rawLayer) read(p []byte, off guestOffset) (int, error) {
	return l.file.readDisk(p, hostOffset(off), off, true)
}

func (l *rawLayer) status(off guestOffset, n uint64, depth int) (Extent, error) {
	length, hole := l.file.holeAt(hostOffset(off), n)
	return Extent{
		Start: int64(off), Length: int64(length), Depth: depth, Present: true, Data: !hole, Zero: hole,
		HasOffset: true, Offset: int64(off), File: l.file.name,
	}, nil
}
