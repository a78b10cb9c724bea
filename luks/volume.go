package luks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A Volume is an unlocked LUKS volume: a reader of its plain data. Its methods
// may be called concurrently.
type Volume struct {
	r      io.ReaderAt
	header *Header
	cipher *Cipher
	size   int64
}

// Open unlocks the volume of size bytes in r with the password, which it does
// not keep. The password of a volume is bytes of any kind; QEMU allows UTF-8
// alone. It takes what work the header asks for, seconds as a rule, at most as
// opts allow, and ends with ctx.
func Open(ctx context.Context, r io.ReaderAt, size int64, password []byte, opts *Options) (*Volume, error) {
	h, err := ReadHeader(r, size)
	if err != nil {
		return nil, err
	}
	if h.PayloadOffset > size {
		return nil, &Error{"payload_offset", OffsetofLuksPhdr_PayloadOffset,
			fmt.Sprintf("%d sectors, the file has %d bytes", h.Stored.PayloadOffset, size), ErrTruncated}
	}
	c, err := h.Unlock(ctx, r, size, password, opts)
	if err != nil {
		return nil, err
	}
	return &Volume{r: r, header: h, cipher: c, size: (size - h.PayloadOffset) &^ (LUKS_SECTOR_SIZE - 1)}, nil
}

// Header returns what the volume's header says.
func (v *Volume) Header() *Header { return v.header }

// Slot returns the number of the key slot that the password opened, from 0 on.
func (v *Volume) Slot() int { return v.cipher.Slot() }

// Size returns the length of the plain data in bytes. A last sector that is cut
// does not count.
func (v *Volume) Size() int64 { return v.size }

// ReadAt reads plain data from off on into p, as [io.ReaderAt] says. It
// allocates nothing.
func (v *Volume) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("luks: read at negative offset %d: %w", off, fs.ErrInvalid)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= v.size {
		return 0, io.EOF
	}
	var end error
	if left := v.size - off; int64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	n, err := v.cipher.ReadSectors(v.r, p, v.header.PayloadOffset+off, uint64(off/LUKS_SECTOR_SIZE))
	switch {
	case errors.Is(err, fs.ErrClosed):
		return n, err
	case err != nil:
		return n, &Error{"data", off + int64(n), "", err}
	}
	return n, end
}

// Close waits for reads that are under way and overwrites the keys. Later reads
// return [fs.ErrClosed]. The reader below is left alone.
func (v *Volume) Close() error { return v.cipher.Close() }

// readFull fills p with the bytes at off of r, and reports how many it read
// before an error.
func readFull(r io.ReaderAt, p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		m, err := r.ReadAt(p[n:], off+int64(n))
		if m < 0 || m > len(p)-n {
			return n, errors.New("reader returned an impossible count")
		}
		n += m
		switch {
		case n == len(p):
			// All is there, whatever else the reader has to say.
		case err == io.EOF:
			return n, ErrTruncated
		case err != nil:
			return n, err
		case m == 0:
			return n, io.ErrNoProgress
		}
	}
	return len(p), nil
}
