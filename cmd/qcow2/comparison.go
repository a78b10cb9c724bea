package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"sync"

	"cstructgen/qcow2"
)

// A comparison compares two disks:
//
//	extents of both, side by side -> spans to look at -> workers: read -> first difference
//
// What both know to be zeros is not looked at; what one knows to be zeros is
// read from the other alone.
type comparison struct {
	one, two side
	strict   bool
	workers  int
	done     func(n int64) // told of bytes that are done with

	first earliest
}

// A span is a piece of the disk that lies between two multiples of pieceSize.
// Where a side is not to be read it is zeros.
type span struct {
	off, n   int64
	one, two bool // to be read
}

// A side is one of the two disks.
type side struct {
	disk
	size   int64 // in bytes, whole sectors
	layers int   // of its chain

	next func() (qcow2.Extent, error, bool)
	cur  qcow2.Extent
	last int64 // where the last piece of the disk begins, as QEMU cuts it; only if asked for
}

func newComparison(one, two disk, strict bool) *comparison {
	return &comparison{one: newSide(one), two: newSide(two), strict: strict,
		workers: affordable(runtime.GOMAXPROCS(0), one, two), done: func(int64) {}}
}

func newSide(d disk) side {
	s := side{disk: d, size: min((d.Size()+sectorSize-1)&^(sectorSize-1), math.MaxInt64&^(sectorSize-1))}
	for _, f := range d.Files() {
		s.layers = max(s.layers, f.Depth+1)
	}
	return s
}

// size is the length of the longer disk.
func (c *comparison) size() int64 { return max(c.one.size, c.two.size) }

// run returns what is found first on the disk, nil if they are the same.
func (c *comparison) run(ctx context.Context) *finding {
	if c.strict && c.one.size != c.two.size {
		return &finding{text: "Strict mode: Image size mismatch!"}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	spans := make(chan span, c.workers)
	var wg sync.WaitGroup
	for range c.workers {
		wg.Go(func() {
			var bufs [2][]byte
			for s := range spans {
				if !c.first.settled(s.off) {
					c.first.report(c.look(s, &bufs))
				}
				c.done(s.n)
			}
		})
	}
	c.first.report(c.walk(ctx, spans))
	close(spans)
	wg.Wait()
	return c.first.finding
}

// walk sends the spans that are to be looked at, in order. It ends with the
// disks, with what the extents alone tell, or when anything was found.
func (c *comparison) walk(ctx context.Context, spans chan<- span) *finding {
	for _, s := range []*side{&c.one, &c.two} {
		var stop func()
		s.next, stop = iter.Pull2(s.ExtentsContext(ctx, 0, s.Size()))
		defer stop()
		if c.strict {
			s.last = s.lastPiece(ctx)
		}
	}
	var cur span
	send := func() {
		for cur.n > 0 && !c.first.settled(cur.off) {
			s := cur
			s.n = min(cur.n, pieceSize-cur.off%pieceSize)
			cur.off += s.n
			cur.n -= s.n
			if s.one || s.two {
				spans <- s
			} else {
				c.done(s.n + cur.n) // zeros, however many
				cur.n = 0
			}
		}
	}
	for off, n := int64(0), int64(0); off < c.size(); off += n {
		for _, s := range []*side{&c.one, &c.two} {
			if err := s.seek(off); err != nil {
				send()
				return &finding{off: off, err: err, status: true}
			}
		}
		n = min(c.one.left(off, c.strict), c.two.left(off, c.strict), c.size()-off)
		if c.strict && c.one.status(off) != c.two.status(off) {
			send()
			return &finding{off: off, text: fmt.Sprintf("Strict mode: Offset %d block status mismatch!", off)}
		}
		one, two := !c.one.cur.Zero, !c.two.cur.Zero
		if one != cur.one || two != cur.two || cur.n >= pieceSize {
			send()
			if c.first.settled(off) {
				return nil
			}
		}
		if cur.n == 0 {
			cur = span{off: off, one: one, two: two}
		}
		cur.n += n
	}
	send()
	return nil
}

// seek makes cur the extent that holds off. Behind the disk there are zeros.
func (s *side) seek(off int64) error {
	for s.cur.Start+s.cur.Length <= off {
		if off >= s.size {
			s.cur = qcow2.Extent{Start: off, Length: math.MaxInt64 - off, Zero: true}
			return nil
		}
		e, err, ok := s.next()
		if !ok {
			return fmt.Errorf("the extents of the disk end at %d of %d", off, s.size)
		}
		if err != nil {
			return err
		}
		if e.Start+e.Length == s.Size() {
			e.Length = s.size - e.Start // the rest of the last sector goes with it
		}
		s.cur = e
	}
	return nil
}

// left returns how many bytes from off on are alike, for QEMU too if its
// pieces count.
func (s *side) left(off int64, pieces bool) int64 {
	end := s.cur.Start + s.cur.Length
	if pieces && off < s.last {
		end = min(end, s.last)
	}
	return end - off
}

// read fills p with the bytes at off.
func (s *side) read(p []byte, off int64) error {
	inside := int(max(0, min(int64(len(p)), s.Size()-off)))
	clear(p[inside:])
	if n, err := s.ReadAt(p[:inside], off); n < inside {
		return endedAt(off+int64(n), err)
	}
	return nil
}

// look compares the bytes of sp. bufs are kept for the next time.
func (c *comparison) look(sp span, bufs *[2][]byte) *finding {
	var read [2][]byte
	for i, s := range []struct {
		*side
		wanted bool
	}{{&c.one, sp.one}, {&c.two, sp.two}} {
		if !s.wanted {
			continue
		}
		if bufs[i] == nil {
			bufs[i] = make([]byte, pieceSize)
		}
		read[i] = bufs[i][:sp.n]
		if err := s.read(read[i], sp.off); err != nil {
			return &finding{off: sp.off, err: err}
		}
	}
	same := func(from, to int64) bool {
		switch {
		case read[0] == nil:
			return isZero(read[1][from:to])
		case read[1] == nil:
			return isZero(read[0][from:to])
		}
		return bytes.Equal(read[0][from:to], read[1][from:to])
	}
	if same(0, sp.n) {
		return nil
	}
	at := int64(0)
	for same(at, min(at+sectorSize, sp.n)) {
		at += sectorSize
	}
	return &finding{off: sp.off + at, text: fmt.Sprintf("Content mismatch at offset %d!", sp.off+at)}
}
