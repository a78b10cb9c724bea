package qcow2

import (
	"encoding/binary"
	"sync/atomic"
)

// A preallocation remembers whether an image has clusters that were allocated
// and never written. Only then do holes in the file tell zeros from data, and
// is it worth to look for them.
type preallocation struct {
	known atomic.Pointer[bool] // nil: nobody has asked so far
}

// mayHaveHoles reports whether holes under the image's data mean something.
// QEMU decides so, too (qcow2_detect_metadata_preallocation): they do where
// clearly more clusters are in use than the file occupies. A reader that
// knows its holes and not its storage is always believed. Where refcounts are
// broken nothing is concluded from them. An error is one of reading them; it is
// not remembered.
func (im *Image) mayHaveHoles() (bool, error) {
	if im.data == nil || im.data.holes == nil {
		return false, nil
	}
	if known := im.prealloc.known.Load(); known != nil {
		return *known, nil
	}
	yes, err := im.preallocated()
	if err != nil && !isVerdict(err) {
		return false, err
	}
	yes = yes && err == nil
	im.prealloc.known.Store(&yes)
	return yes, nil
}

// preallocated is mayHaveHoles for an image that nobody has asked about.
func (im *Image) preallocated() (bool, error) {
	s, ok := im.file.holes.(allocationSizer)
	if !ok {
		return true, nil
	}
	size, err := s.AllocatedSize()
	if err != nil || size < 0 {
		return false, nil
	}
	stored := uint64(size) >> im.active.clusterBits
	threshold := max(stored*10/9, stored+2)
	n, err := im.usedClusters(threshold)
	return n >= threshold, err
}

// usedClusters returns how many clusters of the file have a refcount that is
// not 0. It stops counting at limit.
func (im *Image) usedClusters(limit uint64) (uint64, error) {
	g, f, h := &im.active.geometry, im.file, &im.header
	clusters := ceilDiv(f.size, g.clusterSize())
	if limit > clusters {
		return 0, nil // the limit is out of reach, whatever they are
	}
	if err := im.checkRefcountTable(); err != nil {
		return 0, err
	}
	table := cursor{file: f}
	block := cursor{file: f}
	blocks := uint64(h.RefcountTableClusters) << g.clusterBits / REFTABLE_ENTRY_SIZE
	var used uint64
	for i := range blocks {
		at := hostOffset(h.RefcountTableOffset + i*REFTABLE_ENTRY_SIZE)
		b, err := table.bytes(whatRefcountTable, at, REFTABLE_ENTRY_SIZE)
		if err != nil {
			return 0, err
		}
		var e QCow2RefcountTableEntry
		e.Decode((*[SizeofQCow2RefcountTableEntry]byte)(b))
		off := hostOffset(e.Entry & REFT_OFFSET_MASK)
		left := clusters - i*g.refcounts(h.RefcountOrder)
		if off != 0 {
			n, err := im.usedInBlock(&block, off, min(left, g.refcounts(h.RefcountOrder)))
			if used += n; err != nil || used >= limit {
				return min(used, limit), err
			}
		}
		if left <= g.refcounts(h.RefcountOrder) {
			break
		}
	}
	return used, nil
}

// usedInBlock returns how many of the first n refcounts of the block at off
// are not 0.
func (im *Image) usedInBlock(c *cursor, off hostOffset, n uint64) (used uint64, err error) {
	if !im.active.aligned(off) {
		return 0, im.file.errorAt(whatRefcountBlock, off, uint64(off), "must be cluster aligned", ErrCorrupt)
	}
	order := im.header.RefcountOrder
	for n > 0 {
		b, err := c.bytes(whatRefcountBlock, off, QCOW2_ALIGNMENT) // a multiple of all widths
		if err != nil {
			return used, err
		}
		count := min(n, uint64(len(b))*8>>order)
		used += nonZero(b, order, count)
		n -= count
		off += hostOffset(len(b))
	}
	return used, nil
}

// nonZero returns how many of the first n numbers in b, of 1<<order bits each,
// are not 0. Numbers of less than a byte begin at its lowest bit; the byte
// order of others does not matter here.
func nonZero(b []byte, order uint32, n uint64) (count uint64) {
	width := uint64(1) << order
	word := 64 / width // numbers
	for i := uint64(0); i < n; {
		// Most are 0, in images that claim to be larger than anything.
		if i%word == 0 && n-i >= word && binary.NativeEndian.Uint64(b[i*width/8:]) == 0 {
			i += word
			continue
		}
		var v byte
		if width < 8 {
			v = b[i*width/8] >> (i * width % 8) & (1<<width - 1)
		} else {
			for _, x := range b[i*width/8 : (i+1)*width/8] {
				v |= x
			}
		}
		if v != 0 {
			count++
		}
		i++
	}
	return count
}
