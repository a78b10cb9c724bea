package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

// pieceSize is what a worker reads at once, in bytes: a multiple of every
// cluster size, so that no cluster is decompressed twice.
const pieceSize = 2 << 20

// A copier copies a disk to a file of the same size. What is known to be
// zeros is not read:
//
//	extents -> pieces of data -> workers: read -> find zeros -> write the rest
//	                             or: have the system copy
type copier struct {
	src    disk
	dst    io.WriterAt
	zeroed bool // dst reads as zeros where nothing is written
	sparse int  // so many zeros are not written; 0: none are left out
	blind  bool // zeros are not looked for in data
	// zero makes bytes of dst zeros without writing them, and reports whether
	// it could. It may be nil.
	zero    func(off, n int64) bool
	workers int
	done    func(n int64) // told of bytes that are done with

	// One worker at a time has the system copy: there they would wait for one
	// another anyway, at the expense of the processor. Writes are left to that:
	// a worker that sleeps comes too late to read for the next one.
	ranging sync.Mutex
	ranges  *ranger

	first earliest // error
}

// A piece is a part of the disk that lies between two multiples of pieceSize.
type piece struct {
	off, n int64
	zero   bool     // known to be
	file   *os.File // that the system may copy it from; nil: unknown
	at     int64    // where in file
}

// maxZeros is how many zeros a worker is asked for at once, in bytes.
const maxZeros = 1 << 30

// copy copies all of the disk. An error ends it, the one that lies first on the
// disk if there are several.
func (c *copier) copy(whole context.Context) error {
	g, ctx := errgroup.WithContext(whole)
	c.ranges = new(ranger)
	if c.blind {
		c.ranges = newRanger(c.dst, c.src.Files())
	}
	var extents sync.Mutex // of next
	next, stop := iter.Pull2(c.pieces(ctx))
	defer stop()
	for range c.workers {
		g.Go(func() error {
			var buf []byte
			for {
				extents.Lock()
				p, err, ok := next()
				extents.Unlock()
				switch {
				case !ok || whole.Err() != nil || c.first.settled(p.off):
					return whole.Err()
				case err != nil && ctx.Err() != nil:
					return err // the context's, as a rule
				}
				n := p.n
				if err == nil {
					if p.file != nil {
						c.copyRange(&p)
					}
					if p.n > 0 && buf == nil {
						buf = make([]byte, min(pieceSize, c.src.Size()))
					}
					err = c.copyPiece(p, buf)
				}
				if err != nil {
					c.first.report(&finding{off: p.off, err: err})
					return err
				}
				c.done(n)
			}
		})
	}
	err := g.Wait()
	if whole.Err() == nil && c.first.finding != nil {
		return c.first.err
	}
	return err
}

// pieces yields the pieces that there is something to do for, in order. Extents
// that differ only in where they lie are not told apart unless the system is to
// copy them. With an error comes where on the disk that is.
func (c *copier) pieces(ctx context.Context) iter.Seq2[piece, error] {
	return func(yield func(piece, error) bool) {
		var cur piece
		send := func() bool {
			if cur.zero && c.zeroed {
				c.done(cur.n)
				cur.n = 0
			}
			for cur.n > 0 {
				p := cur
				if p.n = min(cur.n, pieceSize-cur.off%pieceSize); cur.zero {
					p.n = min(cur.n, maxZeros)
				}
				cur.off += p.n
				cur.at += p.n
				cur.n -= p.n
				if !yield(p, nil) {
					return false
				}
			}
			return true
		}
		var off int64
		for e, err := range c.src.ExtentsContext(ctx, 0, c.src.Size()) {
			if err != nil {
				if send() { // what lies before may be wrong, too
					yield(piece{off: off}, err)
				}
				return
			}
			next := piece{off: e.Start, n: e.Length, zero: e.Zero}
			next.file, next.at = c.ranges.locate(&e)
			if !cur.continues(&next) || cur.n >= pieceSize {
				if !send() {
					return
				}
				cur = next
			} else {
				cur.n += next.n
			}
			off += e.Length
		}
		send()
	}
}

// continues reports whether next, which lies behind p, is more of it.
func (p *piece) continues(next *piece) bool {
	return p.n > 0 && p.zero == next.zero && p.file == next.file && (p.file == nil || p.at+p.n == next.at)
}

// copyPiece copies p. buf is for use.
func (c *copier) copyPiece(p piece, buf []byte) error {
	if p.n == 0 {
		return nil
	}
	if p.zero {
		return c.writeZeros(p.off, p.n, buf)
	}
	buf = buf[:p.n]
	if n, err := c.src.ReadAt(buf, p.off); n < len(buf) {
		return endedAt(p.off+int64(n), err)
	}
	if c.sparse == 0 || c.blind {
		return c.write(buf, p.off)
	}
	for at := 0; at < len(buf); {
		n, zero := c.run(buf[at:], p.off+int64(at))
		part := buf[at : at+n]
		var err error
		switch {
		case !zero:
			err = c.write(part, p.off+int64(at))
		case !c.zeroed:
			err = c.writeZeros(p.off+int64(at), int64(n), part) // they are zeros already
		}
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// writeZeros makes n bytes of the target zeros. buf is for use.
func (c *copier) writeZeros(off, n int64, buf []byte) error {
	if c.zero != nil && c.zero(off, n) {
		return nil
	}
	clear(buf[:min(int64(len(buf)), n)])
	for n > 0 {
		part := buf[:min(int64(len(buf)), n)]
		if err := c.write(part, off); err != nil {
			return err
		}
		off += int64(len(part))
		n -= int64(len(part))
	}
	return nil
}

// endedAt returns err, or instead of io.EOF an error that says so: a raw image
// has shrunk.
func endedAt(off int64, err error) error {
	if err == nil || err == io.EOF {
		return fmt.Errorf("the image ends at %d, it has shrunk: %w", off, io.ErrUnexpectedEOF)
	}
	return err
}

// run returns how many bytes at the start of b, which lies at off, are to be
// left out as zeros, or to be written. As qemu-img does it
// (is_allocated_sectors_min) it looks at blocks of a power of two bytes,
// counted from the start of the disk, and writes zeros of less than c.sparse
// bytes that lie between data.
func (c *copier) run(b []byte, off int64) (n int, zero bool) {
	block := 1 << (bits.Len(uint(c.sparse)) - 1)
	same := func(at int) (end int, zero bool) { // blocks alike from at on
		for end = at; end < len(b); {
			size := min(block-int((off+int64(end))&int64(block-1)), len(b)-end)
			z := isZero(b[end : end+size])
			if end > at && z != zero {
				break
			}
			zero = z
			end += size
		}
		return end, zero
	}
	n, zero = same(0)
	if zero {
		return n, true
	}
	for n < len(b) {
		end, _ := same(n) // zeros
		if end-n >= c.sparse || end == len(b) {
			break
		}
		n, _ = same(end)
	}
	return n, false
}

var zeros [4096]byte

func isZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

func (c *copier) copyRange(p *piece) {
	c.ranging.Lock()
	defer c.ranging.Unlock()
	c.ranges.copy(p)
}

func (c *copier) write(b []byte, off int64) error {
	_, err := c.dst.WriteAt(b, off)
	return err
}
