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
	// Of L2 entries: the part of a disk that they map, the first that was asked
	// for, and what most of it is.
	maps    diskPart
	longest stretch
	used    atomic.Bool
	// What most look-ups do not need comes last: where small clusters make many
	// pages each line of the processor's cache is waited for.
	num uint64 // offset in the file / size of a page
	// data is what lies inside the file, or a whole page where the rest is to
	// read as zeros. It is apart, so that the allocator has no size to round up.
	data []byte
}

// pageOverhead is what a page takes beside its data, with its slots, in bytes.
const pageOverhead = 128

// ways is the number of slots that a page may occupy: a cache line of them.
const ways = 8

type pageSet [ways]atomic.Pointer[page]

// A pageCache keeps pages of the files of a chain. A look-up takes no lock
// and allocates nothing. A page that gave way is freed once its last reader
// let go of it.
type pageCache struct {
	limit uint64 // in bytes
	total uint64 // bytes of the files
	bits  int    // of the size of a page: pageSize, or the smallest cluster
	once  sync.Once
	sets  []pageSet
	// near has pages of L2 entries by what they map, one for each slot: those
	// who read the disk find most of what they need here, without looking at
	// L1. All are in the sets, too. The length is a power of two.
	near  []atomic.Pointer[page]
	mu    sync.Mutex // of insertions
	hands []uint8    // of the clocks that choose whom to replace, one a set
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

// allocate makes the slots.
func (c *pageCache) allocate() {
	// Twice the room that all pages would need leaves hardly any set with more
	// pages than slots.
	size := c.pageSize()
	n := max(1, min(c.limit/(ways*(size+pageOverhead)), ceilDiv(c.total, size*ways/2)))
	c.sets = make([]pageSet, n)
	c.hands = make([]uint8, n)
	c.near = make([]atomic.Pointer[page], 1<<bits.Len64(n*ways/2))
}

// set returns the index of the set where a page may be.
func (c *pageCache) set(f *hostFile, num uint64) uint64 {
	c.once.Do(c.allocate)
	// Multiplying by an odd constant (2^64 / golden ratio) spreads numbers
	// that lie close together, or at equal distances, over the upper bits.
	h, _ := bits.Mul64((num^f.seed)*0x9e3779b97f4a7c15, uint64(len(c.sets)))
	return h
}

// slot returns where in near the page of f that maps part is.
func (c *pageCache) slot(f *hostFile, part diskPart) *atomic.Pointer[page] {
	return &c.near[(part.index+f.seed)&uint64(len(c.near)-1)]
}

// mapping returns the page of f that maps part, a whole one, or nil if it is
// not near.
func (c *pageCache) mapping(f *hostFile, part diskPart) *page {
	c.once.Do(c.allocate)
	p := c.slot(f, part).Load()
	if p == nil || p.maps != part || p.file != f {
		return nil
	}
	p.touch()
	return p
}

// touch says that p was of use.
func (p *page) touch() {
	if !p.used.Load() { // keep the line shared while it is hot
		p.used.Store(true)
	}
}

// get returns page num of f, from the cache or from the file. One that comes
// from the file is handed to study, unless that is nil, before others see it.
// An error is not kept: the next look-up reads again.
func (c *pageCache) get(what string, f *hostFile, num uint64, study func(*page)) (*page, error) {
	set := c.set(f, num)
	slots := &c.sets[set]
	for i := range slots {
		if p := slots[i].Load(); p != nil && p.num == num && p.file == f {
			p.touch()
			return p, nil
		}
	}
	p, err := c.load(what, f, num)
	if err != nil {
		return nil, err
	}
	if study != nil {
		study(p)
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
	p := &page{file: f, num: num, maps: noPart, data: make([]byte, n)}
	if _, err := f.read(what, p.data, off); err != nil {
		return nil, err
	}
	return p, nil
}

// insert puts p into its set, unless somebody else was faster, and returns
// the page that is there.
func (c *pageCache) insert(set uint64, p *page) *page {
	c.mu.Lock()
	defer c.mu.Unlock()
	slots := &c.sets[set]
	free := -1
	for i := range slots {
		switch q := slots[i].Load(); {
		case q == nil:
			free = i
		case q.num == p.num && q.file == p.file:
			return q
		}
	}
	for free < 0 {
		i := int(c.hands[set])
		c.hands[set] = uint8(i+1) % ways
		if q := slots[i].Load(); !q.used.Swap(false) {
			c.slot(q.file, q.maps).CompareAndSwap(q, nil)
			free = i
		}
	}
	slots[free].Store(p)
	if p.maps != noPart {
		c.slot(p.file, p.maps).Store(p)
	}
	return p
}
