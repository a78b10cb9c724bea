package qcow2

import (
	"errors"
	"slices"
	"sync"
)

// A clusterKey names a compressed cluster: where it lies, and in which file.
// Any number of L2 entries may share it.
type clusterKey struct {
	file *hostFile
	off  hostOffset
	size uint64
}

// A clusterCache keeps decoded clusters of all layers of a chain, and sees to
// it that however many readers want one cluster at a time, one of them decodes
// it. Errors are not kept.
type clusterCache struct {
	limit uint64 // bytes; one cluster is kept even if it has more

	mu      sync.Mutex
	entries map[clusterKey]*cluster
	used    uint64    // bytes that the ring's clusters take
	ring    cluster   // of decoded clusters, the latest used first; its own fields mean nothing
	free    sync.Pool // of *[]byte: data of clusters that are gone
	idle    sync.Pool // of *cluster: without data or readers
}

// A cluster is a decoded cluster, or one that is being decoded.
type cluster struct {
	key     clusterKey
	data    []byte
	err     error
	decoded bool          // data or err is there
	done    chan struct{} // closed then; nil if nobody waits
	readers int           // who use data or wait for it
	gone    bool          // left the ring; the last reader frees data

	next, prev *cluster // in the ring
}

// clusterOverhead is about what a cluster in the cache takes beside its data,
// in bytes: for itself, its entry in the map, and its channel.
const clusterOverhead = 256

// size returns what e takes of memory, which is more than its data has bytes.
func (e *cluster) size() uint64 { return uint64(cap(e.data)) + clusterOverhead }

func newClusterCache(limit int64) *clusterCache {
	c := &clusterCache{limit: uint64(limit), entries: make(map[clusterKey]*cluster)}
	c.ring.next, c.ring.prev = &c.ring, &c.ring
	return c
}

// read copies into p the bytes of the decoded cluster r of im from in on. src
// is as in decode.
func (c *clusterCache) read(im *Image, r run, p []byte, in uint64, src []byte) (int, error) {
	key := clusterKey{im.file, r.host, r.size}
	size := im.active.clusterSize()
	whole := uint64(len(p)) == size

	c.mu.Lock()
	e := c.entries[key]
	if e != nil {
		e.readers++
		if e.next != nil {
			c.unlink(e)
			c.pushFront(e)
		}
		if !e.decoded && e.done == nil {
			e.done = make(chan struct{})
		}
		wait := e.done
		c.mu.Unlock()
		if wait != nil {
			<-wait
		}
	} else {
		if e, _ = c.idle.Get().(*cluster); e == nil {
			e = new(cluster)
		}
		e.key, e.readers = key, 1
		c.entries[key] = e
		c.mu.Unlock()
		if whole {
			// Nobody else may want it again: it is decoded to where it is
			// wanted, and kept only if somebody waits for it by then.
			if err := c.fill(e, im, r, p[:size:size], src, false); err != nil {
				return 0, err
			}
			return len(p), nil
		}
		c.fill(e, im, r, c.buffer(size), src, true)
	}
	n, err := 0, e.err
	if err == nil {
		n = copy(p, e.data[in:])
	}
	c.mu.Lock()
	c.release(e)
	c.mu.Unlock()
	return n, err
}

// errInterrupted is what those who wait are told if the reader of the file
// panics under whoever decodes.
var errInterrupted = errors.New("decoding was interrupted")

// fill decodes the cluster r of im into data, and ends the wait for e, whatever
// happens. src is as in decode, own as in publish.
func (c *clusterCache) fill(e *cluster, im *Image, r run, data, src []byte, own bool) (err error) {
	err = errInterrupted
	defer func() { c.publish(e, data, err, own) }()
	err = im.decode(data, r, src)
	return err
}

// publish ends the decoding of e into data, which becomes e's own if own is
// set. If not it belongs to the caller, who does not use e any more.
func (c *clusterCache) publish(e *cluster, data []byte, err error, own bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !own {
		e.readers--
		if e.readers == 0 {
			delete(c.entries, e.key)
			*e = cluster{}
			c.idle.Put(e)
			return
		}
	}
	if e.done != nil {
		defer close(e.done)
	}
	e.err, e.decoded = err, true
	if err != nil {
		delete(c.entries, e.key)
		e.gone = true
		if own {
			e.data = data // freed by the last reader
		}
		return
	}
	if !own {
		// They have waited for the decoder; another copy is cheap.
		e.data = c.buffer(uint64(len(data)))
		copy(e.data, data)
	} else {
		e.data = data
	}
	c.used += e.size()
	c.pushFront(e)
	for c.used > c.limit && c.ring.prev != e {
		c.evict(c.ring.prev)
	}
}

// evict takes e from the ring. Its readers keep its data until they are done.
func (c *clusterCache) evict(e *cluster) {
	c.unlink(e)
	delete(c.entries, e.key)
	c.used -= e.size()
	e.gone = true
	e.readers++
	c.release(e)
}

// release ends one reader's use of e.
func (c *clusterCache) release(e *cluster) {
	e.readers--
	if e.gone && e.readers == 0 && e.data != nil {
		c.free.Put(&e.data)
	}
}

// buffer returns size bytes of any content, with room for a decoder behind
// them.
func (c *clusterCache) buffer(size uint64) []byte {
	// Layers differ in their cluster size: a buffer that is far too large would
	// waste more than its making saves.
	room := size + decoderSlack
	if b, _ := c.free.Get().(*[]byte); b != nil && uint64(cap(*b)) >= room && uint64(cap(*b)) < 2*room {
		return (*b)[:size]
	}
	return slices.Grow([]byte(nil), int(room))[:size] // its capacity tells what it takes
}

func (c *clusterCache) pushFront(e *cluster) {
	e.prev, e.next = &c.ring, c.ring.next
	e.prev.next, e.next.prev = e, e
}

func (c *clusterCache) unlink(e *cluster) {
	e.prev.next, e.next.prev = e.next, e.prev
	e.next, e.prev = nil, nil
}

// scratch holds compressed bytes while they are decoded.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// decode decodes the compressed cluster r of im into dst, which is as long as a
// cluster; bytes behind it, up to its capacity, may change. src is what the file
// holds of the cluster, or nil if that is to be read. Compressed clusters lie in
// the image file even if it has a data file, and are never encrypted.
func (im *Image) decode(dst []byte, r run, src []byte) error {
	if src == nil {
		b := scratch.Get().(*[]byte)
		defer scratch.Put(b)
		size := r.size
		if !im.file.zeroFill {
			size = im.file.clip(r.host, size)
		}
		if uint64(cap(*b)) < size {
			*b = make([]byte, size)
		}
		src = (*b)[:size]
		if size > 0 {
			if _, err := im.file.read(whatComp, src, r.host); err != nil {
				return err
			}
		}
	}
	// The length is counted in sectors, the last of which may leave the file.
	// That the rest is enough is for the decoder to say, if there is any.
	cut := uint64(len(src)) < r.size
	if cut && len(src) == 0 {
		return im.file.require(whatComp, r.host, r.size)
	}
	err := decodeCluster(im.header.CompressionType, dst, src)
	switch {
	case err == nil:
		return nil
	case cut:
		return im.file.require(whatComp, r.host, r.size)
	}
	return im.file.errorAt(whatComp, r.host, 0, "", err)
}
