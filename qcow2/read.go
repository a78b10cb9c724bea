package qcow2

import (
	"fmt"
	"io"
	"io/fs"
)

// ReadAt reads the disk's bytes from off on into p, as [io.ReaderAt] says. It
// may be called concurrently, and on clusters that are not compressed, once
// their tables are in memory, it allocates nothing.
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("qcow2: read at negative offset %d: %w", off, fs.ErrInvalid)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= im.Size() {
		return 0, io.EOF
	}
	var end error
	if left := im.Size() - off; int64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	if err := im.chain.enter(); err != nil {
		return 0, err
	}
	defer im.chain.leave()
	n, err := im.read(p, guestOffset(off))
	if err != nil {
		return n, err
	}
	return n, end
}

func (im *Image) size() uint64 { return im.diskSize }

func (im *Image) read(p []byte, off guestOffset) (int, error) {
	if im.readErr != nil {
		return im.readOrLose(p, off, 0, im.readErr)
	}
	for n := 0; n < len(p); {
		at := off + guestOffset(n)
		r, err := im.active.lookup(at, uint64(len(p)-n))
		part, m := p[n:n+int(r.length)], 0
		switch {
		case err != nil:
		case r.kind == QCOW2_SUBCLUSTER_NORMAL && im.crypt == nil && im.data != nil && im.data.contains(r.host, r.length):
			// As readRun does, with fewer calls to return from: what the system
			// does for the file makes processors forget where those lead.
			m, err = im.data.r.ReadAt(part, int64(r.host))
			if m != len(part) {
				m, err = im.data.readDiskOn(part, r.host, at, im.hasDataFile(), m, err)
			} else {
				err = nil
			}
		case im.startsBatch(r, len(p)-n):
			m, err = im.readBatch(r, p[n:], at)
			if n += m; err != nil {
				return n, err
			}
			continue
		default:
			m, err = im.readRun(r, part, at)
		}
		if err != nil {
			m, err = im.readOrLose(part, at, m, err)
		}
		n += m
		if err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// readOrLose returns what a read of p returns of whose bytes n are right
// before err: the same, unless what cannot be read is lost.
func (im *Image) readOrLose(p []byte, off guestOffset, n int, err error) (int, error) {
	if err := im.file.lose(p[n:], off+guestOffset(n), err); err != nil {
		return n, err
	}
	return len(p), nil
}

// readRun fills p, which is as long as r, with the bytes of r. They begin at
// off of the disk.
func (im *Image) readRun(r run, p []byte, off guestOffset) (int, error) {
	switch {
	case ZeroSubclusterTypes.Has(r.kind):
		clear(p)
		return len(p), nil
	case UnallocatedSubclusterTypes.Has(r.kind):
		return im.readBacking(p, off)
	case r.kind == QCOW2_SUBCLUSTER_COMPRESSED:
		return im.decoded.read(im, r, p, im.active.inCluster(off), nil)
	}
	if im.dataErr != nil {
		return 0, im.dataErr
	}
	if im.crypt != nil {
		return im.crypt.read(im.file, p, r.host, off)
	}
	return im.data.readDisk(p, r.host, off, im.hasDataFile())
}

// readBacking fills p with what lies below the image: the backing file's
// bytes, and zeros where there is none or it has ended.
func (im *Image) readBacking(p []byte, off guestOffset) (int, error) {
	if im.backingErr != nil {
		return 0, im.backingErr
	}
	inside := 0
	if im.backing != nil && uint64(off) < im.backing.size() {
		inside = int(min(uint64(len(p)), im.backing.size()-uint64(off)))
		if n, err := im.backing.read(p[:inside], off); err != nil {
			return n, err
		}
	}
	clear(p[inside:])
	return len(p), nil
}
