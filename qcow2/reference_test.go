package qcow2

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A reference reads an image in the plainest way there is: the specification
// line by line, one sector at a time, nothing shared with the package and
// nothing remembered but the cluster that was decoded last. It is what the
// reader is compared with.
type reference struct {
	file    []byte
	data    []byte // of the external data file; nil: none
	backing []byte // the disk below; nil: none
	// decrypt decrypts a sector that lies at host of the file and at guest of
	// the disk; nil: nobody can.
	decrypt func(p []byte, host, guest uint64)

	decoded uint64 // entry of the cluster that is in plain
	plain   []byte
}

var errReference = errors.New("reference reader: broken image")

func (r *reference) be32(off uint64) uint64 {
	return uint64(binary.BigEndian.Uint32(r.file[off:]))
}

// be64 returns the number at off, or ok false past the end of the file.
func (r *reference) be64(off uint64) (v uint64, ok bool) {
	if off > uint64(len(r.file)) || uint64(len(r.file))-off < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(r.file[off:]), true
}

// sector returns the 512 bytes of the disk at off, a multiple of 512.
func (r *reference) sector(off uint64) ([]byte, error) {
	var incompatible uint64
	version, clusterBits := r.be32(4), r.be32(20)
	if version == 3 {
		incompatible, _ = r.be64(72)
	}
	encrypted := r.be32(32) != 0
	hasDataFile, extended := incompatible&4 != 0, incompatible&16 != 0
	method := byte(0)
	if version == 3 && r.be32(100) > 104 {
		method = r.file[104]
	}
	clusterSize := uint64(1) << clusterBits
	entrySize := uint64(8)
	if extended {
		entrySize = 16
	}
	entries := clusterSize / entrySize
	cluster := off / clusterSize
	inCluster := off % clusterSize

	l1Size := r.be32(36)
	l1Offset, _ := r.be64(40)
	if cluster/entries >= l1Size {
		return r.below(off), nil
	}
	l1Entry, ok := r.be64(l1Offset + cluster/entries*8)
	if !ok {
		return nil, errReference
	}
	l2Offset := l1Entry & 0x00fffffffffffe00
	if l2Offset == 0 {
		return r.below(off), nil
	}
	if l2Offset%clusterSize != 0 {
		return nil, errReference
	}
	at := l2Offset + cluster%entries*entrySize
	entry, ok := r.be64(at)
	var bitmap uint64
	if ok && extended {
		bitmap, ok = r.be64(at + 8)
	}
	if !ok {
		return nil, errReference
	}
	host := entry & 0x00fffffffffffe00

	if entry>>62&1 != 0 {
		if hasDataFile {
			return nil, errReference
		}
		return r.compressed(entry, clusterBits, method, inCluster)
	}
	allocated := host != 0 || hasDataFile && entry>>63 != 0
	zero, backed := false, !allocated
	if extended {
		alloc, zeros := uint32(bitmap), uint32(bitmap>>32)
		if !allocated && alloc != 0 || alloc&zeros != 0 {
			return nil, errReference
		}
		i := inCluster / (clusterSize / 32)
		zero = zeros>>i&1 != 0
		backed = !zero && alloc>>i&1 == 0
	} else if entry&1 != 0 {
		zero, backed = true, false
		allocated = host != 0
		if version == 2 {
			return nil, errReference
		}
	}
	if allocated && host%clusterSize != 0 {
		return nil, errReference
	}
	if allocated && hasDataFile && host != cluster*clusterSize {
		return nil, errReference
	}
	switch {
	case zero:
		return make([]byte, 512), nil
	case backed:
		return r.below(off), nil
	case encrypted && r.decrypt == nil:
		return nil, errReference
	case encrypted:
		from := r.file
		if hasDataFile {
			from = r.data // zeros behind its end
		} else if host+inCluster+512 > uint64(len(from)) {
			return nil, errReference // a sector is decrypted whole
		}
		p := slice(from, host+inCluster, 512)
		r.decrypt(p, host+inCluster, off)
		return p, nil
	case hasDataFile:
		if r.data == nil {
			return nil, errReference
		}
		return slice(r.data, host+inCluster, 512), nil
	case host+inCluster >= uint64(len(r.file)):
		return nil, errReference
	}
	return slice(r.file, host+inCluster, 512), nil
}

// slice returns n bytes of b at off, zeros past its end.
func slice(b []byte, off, n uint64) []byte {
	p := make([]byte, n)
	if off < uint64(len(b)) {
		copy(p, b[off:])
	}
	return p
}

func (r *reference) below(off uint64) []byte { return slice(r.backing, off, 512) }

// compressed returns a sector of a compressed cluster.
func (r *reference) compressed(entry, clusterBits uint64, method byte, inCluster uint64) ([]byte, error) {
	if r.plain != nil && r.decoded == entry {
		return r.plain[inCluster:][:512], nil
	}
	x := 62 - (clusterBits - 8)
	off := entry & (1<<x - 1)
	sectors := entry&(1<<62-1)>>x + 1
	size := sectors*512 - off%512
	if off >= uint64(len(r.file)) {
		return nil, errReference
	}
	packed := r.file[off:min(off+size, uint64(len(r.file)))]
	plain := make([]byte, 1<<clusterBits)
	if method == 1 {
		for at := 0; at < len(plain); {
			frame, err := zstdFrameEnd(packed)
			if err != nil {
				return nil, err
			}
			d, err := zstd.NewReader(bytes.NewReader(packed[:frame]), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(1<<27)) // libzstd's limit
			if err != nil {
				return nil, err
			}
			// One byte more than there is room for, to see that there is none.
			out, err := io.ReadAll(io.LimitReader(d, int64(len(plain)-at)+1))
			d.Close()
			if err != nil || len(out) > len(plain)-at {
				return nil, errReference
			}
			at += copy(plain[at:], out)
			packed = packed[frame:]
		}
	} else if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(packed)), plain); err != nil {
		return nil, errReference
	}
	r.decoded, r.plain = entry, plain
	return plain[inCluster:][:512], nil
}

// zstdFrameEnd returns how long the frame at the start of p is (RFC 8878, 3.1).
// A cluster must not end inside of one, which a decoder of streams does not tell.
func zstdFrameEnd(p []byte) (int, error) {
	var h zstd.Header
	if h.Decode(p) != nil {
		return 0, errReference
	}
	at := h.HeaderSize + int(h.SkippableSize)
	for last := h.Skippable; !last; {
		if at < 0 || at+3 > len(p) {
			return 0, errReference
		}
		block := int(p[at]) | int(p[at+1])<<8 | int(p[at+2])<<16
		last = block&1 != 0
		if at += 3; block>>1&3 == 1 {
			at++ // a byte, repeated
		} else {
			at += block >> 3
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	if at < 0 || at > len(p) {
		return 0, errReference
	}
	return at, nil
}

// disk returns the bytes of the disk from off on, up to n of them but none
// past its end, as far as they can be read.
func (r *reference) disk(off, n uint64) ([]byte, error) {
	size, _ := r.be64(24)
	end := min(off+n, size)
	var p []byte
	for at := off &^ 511; at < end; at += 512 {
		s, err := r.sector(at)
		if err != nil {
			return p, err
		}
		p = append(p, s[max(at, off)-at:min(at+512, end)-at]...)
	}
	return p, nil
}
