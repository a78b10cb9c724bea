package qcow2

import "errors"

// A Lost is a range of the disk whose bytes could not be read and are given as
// zeros: see Options.Salvage.
type Lost struct {
	Offset, Length int64 // in bytes of the disk
	Err            error // why; nearly always an *Error or a *ReferenceError
}

// salvageUnit is how much is given up where a file cannot be read, in bytes:
// what disks and page caches lose at once. It lies at a multiple of itself.
const salvageUnit = 4096

// lose gives up the bytes p of the disk, which lie at off and of which err
// tells why. Without Options.Salvage that error is returned, and so is that a
// password is needed: the bytes are not damaged.
func (f *hostFile) lose(p []byte, off guestOffset, err error) error {
	if f.salvage == nil || errors.Is(err, ErrPassword) {
		return err
	}
	if len(p) > 0 {
		clear(p)
		f.salvage(Lost{int64(off), int64(len(p)), err})
	}
	return nil
}

// loseExtent is lose for what the n bytes of the disk at off are.
func (f *hostFile) loseExtent(off guestOffset, n uint64, depth int, err error) (Extent, error) {
	if f.salvage == nil {
		return Extent{}, err
	}
	f.salvage(Lost{int64(off), int64(n), err})
	return Extent{Start: int64(off), Length: int64(n), Depth: depth, Present: true, Zero: true}, nil
}

// readDisk fills p with the bytes at host, which are those of the disk from
// off on. Those that cannot be read are lost, if that is allowed. Past the end
// of a padded file there are zeros.
func (f *hostFile) readDisk(p []byte, host hostOffset, off guestOffset, padded bool) (n int, err error) {
	if padded {
		n, err = f.readPadded(whatData, p, host)
	} else {
		n, err = f.read(whatData, p, host)
	}
	if err == nil {
		return n, nil
	}
	return f.salvageDisk(p, host, off, padded, n, err)
}

// readDiskOn is readDisk after the reader, asked for p, which lies inside the
// file, returned n and err.
func (f *hostFile) readDiskOn(p []byte, host hostOffset, off guestOffset, padded bool, n int, err error) (int, error) {
	if n, err = f.readOn(whatData, p, host, n, err); err == nil {
		return n, nil
	}
	return f.salvageDisk(p, host, off, padded, n, err)
}

// salvageDisk returns what readDisk returns where n bytes are right before err.
func (f *hostFile) salvageDisk(p []byte, host hostOffset, off guestOffset, padded bool, n int, err error) (int, error) {
	if f.salvage == nil {
		return n, err
	}
	inside := int(f.clip(host, uint64(len(p))))
	f.readParts(p[n:inside], host+hostOffset(n), off+guestOffset(n))
	if rest := p[inside:]; padded || f.zeroFill {
		clear(rest)
	} else if len(rest) > 0 {
		f.lose(rest, off+guestOffset(inside), f.inside(whatData, host, uint64(len(p))))
	}
	return len(p), nil
}

// readParts fills p with as much of what lies inside the file at host as can
// be read. It halves what fails, so that little is read twice and less is
// lost.
func (f *hostFile) readParts(p []byte, host hostOffset, off guestOffset) {
	n, err := f.readInside(whatData, p, host)
	if err == nil {
		return
	}
	p, host, off = p[n:], host+hostOffset(n), off+guestOffset(n)
	first := salvageUnit - int(host%salvageUnit) // the unit that host lies in
	if len(p) <= first || errors.Is(err, ErrTruncated) {
		f.lose(p, off, err)
		return
	}
	first += (len(p) - first) / 2 &^ (salvageUnit - 1)
	f.readParts(p[:first], host, off)
	f.readParts(p[first:], host+hostOffset(first), off+guestOffset(first))
}
