package qcow2

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A batch is whole compressed clusters that follow one another on the disk. A
// large read takes them from the file together, neighbours in one read, and
// has them decoded on all processors that nobody else decodes on:
//
//	look up -> read what lies together -> decode side by side -> errors in order
type batch struct {
	parts []batchPart
	input []byte
}

// A batchPart is one cluster of a batch.
type batchPart struct {
	run run
	out []byte // where it is wanted, as long as a cluster
	src []byte // what was read of it
	ok  bool   // src is there
	err error
}

// Limits of a batch. It ends with either the bytes that are worth to be read
// at once or a cluster for each processor, whichever is more, but never takes
// more than maxBatch bytes of input.
const (
	goodBatch = 512 << 10
	maxBatch  = 4 << 20
)

var batches = sync.Pool{New: func() any { return new(batch) }}

// decoding counts goroutines that decode batches.
var decoding atomic.Int32

// startsBatch reports whether r, at the start of n bytes that are to be read, may
// be the first cluster of several.
func (im *Image) startsBatch(r run, n int) bool {
	size := im.active.clusterSize()
	return r.kind == QCOW2_SUBCLUSTER_COMPRESSED && r.length == size && uint64(n) >= 2*size
}

// readBatch fills the start of p with the compressed cluster r, which begins at
// off, and those that follow it, as many as make a batch. It returns how much
// that is, more than 0 if there is no error.
func (im *Image) readBatch(r run, p []byte, off guestOffset) (int, error) {
	b := batches.Get().(*batch)
	defer func() {
		clear(b.parts)
		batches.Put(b)
	}()
	b.gather(im, r, p, off)
	if len(b.parts) > 1 {
		b.read(im.file)
		b.decode(im)
	}
	n := 0
	for i := range b.parts {
		part := &b.parts[i]
		if !part.ok { // alone it has an error of its own, or none
			_, part.err = im.decoded.read(im, part.run, part.out, 0, nil)
		}
		if part.err != nil {
			if m, err := im.readOrLose(part.out, off+guestOffset(n), 0, part.err); err != nil {
				return n + m, err
			}
		}
		n += len(part.out)
	}
	return n, nil
}

// gather finds the clusters of the batch.
func (b *batch) gather(im *Image, r run, p []byte, off guestOffset) {
	b.parts = b.parts[:0]
	size, total, processors := im.active.clusterSize(), uint64(0), runtime.GOMAXPROCS(0)
	for {
		b.parts = append(b.parts, batchPart{run: r, out: p[:size:size]})
		total += r.size
		p, off = p[size:], off+guestOffset(size)
		if uint64(len(p)) < size || total >= goodBatch && len(b.parts) >= processors {
			return
		}
		var err error
		r, err = im.active.lookup(off, size)
		if err != nil || r.kind != QCOW2_SUBCLUSTER_COMPRESSED || total+r.size > maxBatch {
			return
		}
	}
}

// read reads the input of all parts that can be read.
func (b *batch) read(f *hostFile) {
	order := make([]*batchPart, len(b.parts))
	total := uint64(0)
	for i := range b.parts {
		order[i] = &b.parts[i]
		total += b.parts[i].run.size
	}
	slices.SortFunc(order, func(x, y *batchPart) int { return cmp.Compare(x.run.host, y.run.host) })
	if uint64(cap(b.input)) < total {
		b.input = make([]byte, total)
	}
	room := b.input[:total]
	for len(order) > 0 {
		// Lengths are counted in sectors: neighbours share one, as a rule.
		start, n := order[0].run.host, 1
		end := start + hostOffset(order[0].run.size)
		for ; n < len(order) && order[n].run.host <= end; n++ {
			end = max(end, order[n].run.host+hostOffset(order[n].run.size))
		}
		size := uint64(end - start)
		if !f.zeroFill {
			size = f.clip(start, size)
		}
		src := room[:size]
		if _, err := f.read(whatComp, src, start); err == nil {
			for _, part := range order[:n] {
				from := min(uint64(part.run.host-start), size)
				part.src, part.ok = src[from:min(from+part.run.size, size)], true
			}
		}
		order, room = order[n:], room[size:]
	}
}

// decode decodes the parts that were read. Nobody but this goroutine calls the
// reader of the file, which may panic.
func (b *batch) decode(im *Image) {
	var next atomic.Int32
	work := func() {
		defer decoding.Add(-1)
		for i := int(next.Add(1)) - 1; i < len(b.parts); i = int(next.Add(1)) - 1 {
			if part := &b.parts[i]; part.ok {
				_, part.err = im.decoded.read(im, part.run, part.out, 0, part.src)
			}
		}
	}
	decoding.Add(1)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0)-int(decoding.Load()), len(b.parts)-1) {
		decoding.Add(1)
		wg.Go(work)
	}
	work()
	wg.Wait()
}
