package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
)

// pieceSize is what a worker reads at once, in bytes: a multiple of every
// cluster size, so that no cluster is decompressed twice.
const pieceSize = 2 << 20

// A copier copies a disk to a file of the same size. What is known to be
// zeros is not read:
//
//	extents -> pieces of data -> workers: read -> find zeros -> write the rest
type copier struct {
	src     disk
	dst     io.WriterAt
	zeroed  bool // dst reads as zeros where nothing is written
	sparse  int  // so many zeros are not written; 0: write all
	workers int
	done    func(n int64) // told of bytes that are done with
}

// A piece is a part of the disk that lies between two multiples of pieceSize.
type piece struct {
	off, n int64
	zero   bool // known to be
}

// skipsZeros reports whether zeros need not be written.
func (c *copier) skipsZeros() bool { return c.zeroed && c.sparse > 0 }

// copy copies all of the disk. The first error ends it.
func (c *copier) copy(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	pieces := make(chan piece, c.workers)
	g.Go(func() error {
		defer close(pieces)
		return c.cut(ctx, pieces)
	})
	for range c.workers {
		g.Go(func() error {
			var buf []byte
			for p := range pieces {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if buf == nil {
					buf = make([]byte, min(pieceSize, c.src.Size()))
				}
				if err := c.copyPiece(p, buf[:p.n]); err != nil {
					return err
				}
				c.done(p.n)
			}
			return nil
		})
	}
	return g.Wait()
}

// cut sends the pieces that there is something to do for, in order. Extents
// that differ only in where they lie are not told apart.
func (c *copier) cut(ctx context.Context, pieces chan<- piece) error {
	var cur piece
	send := func() error {
		if cur.zero && c.skipsZeros() {
			c.done(cur.n)
			cur.n = 0
			return ctx.Err()
		}
		for cur.n > 0 {
			p := cur
			p.n = min(cur.n, pieceSize-cur.off%pieceSize)
			cur.off += p.n
			cur.n -= p.n
			select {
			case pieces <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
	for e, err := range c.src.ExtentsContext(ctx, 0, c.src.Size()) {
		if err != nil {
			return err
		}
		if e.Zero != cur.zero || cur.n >= pieceSize {
			if err := send(); err != nil {
				return err
			}
		}
		if cur.n == 0 {
			cur = piece{off: e.Start, zero: e.Zero}
		}
		cur.n += e.Length
	}
	return send()
}

func (c *copier) copyPiece(p piece, buf []byte) error {
	if p.zero {
		clear(buf)
		return c.write(buf, p.off)
	}
	if n, err := c.src.ReadAt(buf, p.off); n < len(buf) {
		return endedAt(p.off+int64(n), err)
	}
	if !c.skipsZeros() {
		return c.write(buf, p.off)
	}
	// Blocks are counted from the start of the disk, as the file system
	// counts its own.
	for at := 0; at < len(buf); {
		n, zero := c.run(buf[at:], p.off+int64(at))
		if !zero {
			if err := c.write(buf[at:at+n], p.off+int64(at)); err != nil {
				return err
			}
		}
		at += n
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

// run returns how many bytes at the start of b, which lies at off, belong to
// blocks that are zero, or to blocks that are not.
func (c *copier) run(b []byte, off int64) (n int, zero bool) {
	for n < len(b) {
		size := min(c.sparse-int((off+int64(n))%int64(c.sparse)), len(b)-n)
		z := isZero(b[n : n+size])
		if n > 0 && z != zero {
			break
		}
		zero = z
		n += size
	}
	return n, zero
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

func (c *copier) write(b []byte, off int64) error {
	_, err := c.dst.WriteAt(b, off)
	return err
}
