package qcow2

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
)

// An Extent is a piece of the disk whose bytes are found in one and the same
// way. Its fields mean what those of "qemu-img map --output=json" mean.
type Extent struct {
	Start, Length int64 // in bytes of the disk
	Depth         int   // of the layer that decides; 0 is the image itself
	Present       bool  // a layer of the chain holds the bytes, or says that they are zeros
	Zero          bool  // the bytes read as zeros, without looking at any
	Data          bool  // the bytes are stored somewhere
	Compressed    bool
	HasOffset     bool   // Offset and File say where the bytes are, or would be
	Offset        int64  // of the first byte in File
	File          string // name of the file
}

// continues reports whether next, which begins where e ends, is more of it.
func (e *Extent) continues(next *Extent) bool {
	want := *e
	want.Start += e.Length
	want.Length = next.Length
	if e.HasOffset {
		want.Offset += e.Length
	}
	return want == *next
}

// An extent is merged from at most so many parts, each of so many pieces, before
// it is yielded: so who listens is heard from on images that say the same for
// ever.
const (
	maxMerged = 1 << 18
	maxPart   = 1 << 6
)

// Extents yields what the n bytes of the disk from off on are, in order and
// without gaps, neighbours of one kind merged: what "qemu-img map" shows. It
// stops after an error. Parts of the range outside the disk are an error.
//
// An extent that millions of table entries tell of, which takes a disk of
// terabytes, may be yielded in parts.
func (im *Image) Extents(off, n int64) iter.Seq2[Extent, error] {
	return im.ExtentsContext(context.Background(), off, n)
}

// ExtentsContext is [Image.Extents] that ends with the error of ctx once ctx
// is done. Who only wants to stop listening needs no context: to break out of
// the loop is enough. It is for those who must not wait for the next extent,
// which an image with tables made to say the same for ever may delay.
func (im *Image) ExtentsContext(ctx context.Context, off, n int64) iter.Seq2[Extent, error] {
	return im.extents(ctx, off, n, maxMerged)
}

// extents is ExtentsContext that merges as many parts at most.
func (im *Image) extents(ctx context.Context, off, n int64, most int) iter.Seq2[Extent, error] {
	return func(yield func(Extent, error) bool) {
		if off < 0 || n < 0 || off > im.Size() || n > im.Size()-off {
			yield(Extent{}, errExtents(off, n, im.Size()))
			return
		}
		var cur Extent
		merged := 0
		for at, end := off, off+n; at < end; {
			next, err := im.extent(guestOffset(at), uint64(end-at))
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			switch {
			case err != nil:
				if cur.Length == 0 || yield(cur, nil) {
					yield(Extent{}, err)
				}
				return
			case cur.Length > 0 && cur.continues(&next) && merged < most:
				cur.Length += next.Length
				merged++
			default:
				if cur.Length > 0 && !yield(cur, nil) {
					return
				}
				cur, merged = next, 0
			}
			at += next.Length
		}
		if cur.Length > 0 {
			yield(cur, nil)
		}
	}
}

// RawExtents yields what the n bytes from off on of a raw image are, as
// [Image.Extents] does: data, and holes as far as s.Reader is a [HoleFinder] or
// an *os.File, whose position it may move.
func RawExtents(s *Source, off, n int64) iter.Seq2[Extent, error] {
	return func(yield func(Extent, error) bool) {
		f, err := newHostFile(s, s.Name, s.Name, false)
		if err == nil && (off < 0 || n < 0 || off > s.Size || n > s.Size-off) {
			err = errExtents(off, n, s.Size)
		}
		if err != nil {
			yield(Extent{}, err)
			return
		}
		f.holes = holeFinderOf(s.Reader)
		raw := rawLayer{f}
		for end := off + n; off < end; {
			e, err := raw.status(guestOffset(off), uint64(end-off), 0)
			if !yield(e, err) || err != nil {
				return
			}
			off += e.Length
		}
	}
}

// errExtents is the error for a range that is not all on the disk.
func errExtents(off, n, size int64) error {
	return fmt.Errorf("qcow2: extents of %d bytes at %d of a disk of %d: %w", n, off, size, fs.ErrInvalid)
}

// extent is status for callers outside of the chain. It does not hold the
// chain while they look at the result.
func (im *Image) extent(off guestOffset, n uint64) (Extent, error) {
	if err := im.chain.enter(); err != nil {
		return Extent{}, err
	}
	defer im.chain.leave()
	return im.status(off, n, 0)
}

func (im *Image) status(off guestOffset, n uint64, depth int) (Extent, error) {
	if im.readErr != nil {
		return im.file.loseExtent(off, n, depth, im.readErr)
	}
	r, err := im.active.piece(off, n)
	if err != nil {
		return im.file.loseExtent(off, r.length, depth, err)
	}
	holes := false // that mean something
	if r.kind == QCOW2_SUBCLUSTER_NORMAL {
		// Who salvages is not told of holes then: no bytes are lost.
		if holes, err = im.mayHaveHoles(); err != nil && im.file.salvage == nil {
			return Extent{}, err
		}
	}
	if !im.divides(r.kind, holes) {
		im.active.extend(&r, off, n, maxPart)
	}
	e := Extent{Start: int64(off), Length: int64(r.length), Depth: depth, Present: true}
	if NormalSubclusterTypes.Has(r.kind) && im.header.CryptMethod == QCOW_CRYPT_NONE {
		e.HasOffset, e.Offset = true, int64(r.host)
		if im.data != nil {
			e.File = im.data.name
		}
	}
	switch {
	case r.kind == QCOW2_SUBCLUSTER_COMPRESSED:
		e.Data, e.Compressed = true, true
	case r.kind == QCOW2_SUBCLUSTER_NORMAL:
		e.Data = true
		if e.HasOffset && holes {
			length, hole := im.data.holeAt(r.host, r.length)
			e.Length, e.Zero = int64(length), hole
		}
	case ZeroSubclusterTypes.Has(r.kind):
		e.Zero = true
	default:
		return im.backingStatus(e, depth)
	}
	return e, nil
}

// divides reports whether runs of the given kind may consist of several extents,
// of holes among others if these mean something.
// Such a run is not worth to be looked for far ahead: what lies behind the
// first extent would be looked at again for the second.
func (im *Image) divides(kind QCow2SubclusterType, holes bool) bool {
	return holes || UnallocatedSubclusterTypes.Has(kind) && im.backing != nil
}

// backingStatus returns what lies below e, which the image itself does not
// hold.
func (im *Image) backingStatus(e Extent, depth int) (Extent, error) {
	switch {
	case im.backingErr != nil:
		return im.file.loseExtent(guestOffset(e.Start), uint64(e.Length), depth, im.backingErr)
	case im.backing != nil && uint64(e.Start) < im.backing.size():
		n := min(uint64(e.Length), im.backing.size()-uint64(e.Start))
		return im.backing.status(guestOffset(e.Start), n, depth+1)
	}
	e.Present, e.Zero = false, true
	return e, nil
}
