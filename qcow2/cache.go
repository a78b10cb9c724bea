package qcow2

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// pageSize is the unit in which tables are read and kept, in bytes, unless
// clusters are smaller. A page of L2 entries maps 32 MiB of the disk at the
// usual cluster size.
const pageSize = 4096

// A page is a piece of an image file, aligned to its size. It does not change
// after it got into the cache.
type page struct {
	file *hostFile
	num  uint64 // offset in the file / size of a page
	used atomic.Bool
	// data is what lies inside the file, or a whole page where the rest is to
	// read as zeros. It is apart, so that the allocator has no size to round up.
	data []byte
}

// pageOverhead is what a page takes beside its data, with its slot, in bytes.
const pageOverhead = 80

// ways is the number of slots that a page may occupy: a cache line of them.
const ways = 8

type pageSet struct {
	slots [ways]atomic.Pointer[page]
	hand  uint8 // of the clock that chooses whom to replace; under mu
}

// A pageCache keeps pages of the files of a chain. A look-up takes no lock
// and allocates nothing. A page that gave way is freed once its last reader
// let go of it.
type pageCache struct {
	limit uint64 // in bytes
	total uint64 // bytes of the files
	bits  int    // of the size of a page: pageSize, or the smallest cluster
	once  sync.Once
	sets  []pageSet
	mu    sync.Mutex // of insertions
}

// newPageCache returns a cache that holds about limit bytes, and one set of
// pages at least.
func newPageCache(limit int64) *pageCache {
	return &pageCache{limit: uint64(limit), bits: bits.TrailingZeros(pageSize)}
}

// cover makes room for the tables of f, within the limit. It must not be
// called after a look-up, which is what allocates the room.
func (c *pageCache) cover(f *hostFile, clusterBits uint32) {
	c.total += f.size
	// Tables begin at clusters. Where these are smaller than a page it would
	// be filled with data.
	c.bits = min(c.bits, int(clusterBits))
}

// pageSize returns the size of a page in bytes.
func (c *pageCache) pageSize() uint64 { return 1 << c.bits }

// set returns the slots where a page may be.
func (c *pageCache) set(f *hostFile, num uint64) *pageSet {
	c.once.Do(func() {
		// Twice the room that all pages would need leaves hardly any set
		// with more pages than slots.
		size := c.pageSize()
		c.sets = make([]pageSet, max(1, min(c.limit/(ways*(size+pageOverhead)), ceilDiv(c.total, size*ways/2))))
	})
	// Multiplying by an odd constant (2^64 / golden ratio) spreads numbers
	// that lie close together, or at equal distances, over the upper bits.
	h, _ := bits.Mul64((num^f.seed)*0x9e3779b97f4a7c15, uint64(len(c.sets)))
	return &c.sets[h]
}

// get returns page num of f, from the cache or from the file. An error is not
// kept: the next look-up reads again.
func (c *pageCache) get(what string, f *hostFile, num uint64) (*page, error) {
	set := c.set(f, num)
	for i := range set.slots {
		if p := set.slots[i].Load(); p != nil && p.num == num && p.file == f {
			if !p.used.Load() { // keep the line shared while it is hot
				p.used.Store(true)
			}
			return p, nil
		}
	}
	p, err := c.load(what, f, num)
	if err != nil {
		return nil, err
	}
	return c.insert(set, p), nil
}

// load reads page num of f, which must begin inside the file unless f reads
// as zeros past its end.
func (c *pageCache) load(what string, f *hostFile, num uint64) (*page, error) {
	off, n := hostOffset(num<<c.bits), c.pageSize()
	if !f.zeroFill {
		n = f.clip(off, n)
	}
	p := &page{file: f, num: num, data: make([]byte, n)}
	if _, err := f.read(what, p.data, off); err != nil {
		return nil, err
	}
	return p, nil
}

// insert puts p into its set, unless somebody else was faster, and returns
// the page that is there.
func (c *pageCache) insert(set *pageSet, p *page) *page {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := -1
	for i := range set.slots {
		switch q := set.slots[i].Load(); {
		case q == nil:
			free = i
		case q.num == p.num && q.file == p.file:
			return q
		}
	}
	for free < 0 {
		i := int(set.hand)
		set.hand = uint8(i+1) % ways
		if !set.slots[i].Load().used.Swap(false) {
			free = i
		}
	}
	set.slots[free].Store(p)
	return p
}
