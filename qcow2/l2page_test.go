package qcow2

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"cstructgen/internal/testseed"
)

// pages returns the pages of L2 entries that are near.
func (c *pageCache) pages() (list []*page) {
	for i := range c.near {
		if p := c.near[i].Load(); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// The stretch that a page remembers says of each of its clusters what the
// cluster's entry says, and no other is longer.
func TestLongestStretch(t *testing.T) {
	rnd := testseed.Rand(t)
	stretches := 0
	for range 60 {
		image := newRandomImage(t, rnd)
		im := open(t, image.file, image.options())
		if _, err := im.ReadAt(make([]byte, image.size), 0); err != nil {
			t.Fatalf("%+v: %v", image.recipe, err)
		}
		m := &im.active
		size := guestOffset(m.clusterSize())
		for _, p := range m.tables.cache.pages() {
			s := p.longest
			if s.from < s.to {
				stretches++
			}
			span := guestOffset(uint64(len(p.data)) >> m.entryBits << m.clusterBits)
			var last run
			for off := guestOffset(p.maps.index) * span; off < guestOffset(p.maps.index+1)*span; off += size {
				b, at := m.entriesIn(p, off)
				r, err := m.entry(b, at, off)
				if err != nil {
					t.Fatalf("%+v: %v", image.recipe, err)
				}
				if s.from <= off && off < s.to {
					want := run{kind: s.kind, length: m.clusterSize()}
					if NormalSubclusterTypes.Has(s.kind) {
						want.host = s.host(off)
					}
					if r != want {
						t.Fatalf("%+v: at %#x the stretch %+v, the entry %+v", image.recipe, off, s, r)
					}
				}
				switch {
				case r.kind == QCOW2_SUBCLUSTER_COMPRESSED || r.length < m.clusterSize():
					last = run{}
				case last.length > 0 && last.continues(&r):
					last.length += r.length
				default:
					last = r
				}
				if last.length > uint64(s.to-s.from) {
					t.Fatalf("%+v: a stretch of %#x bytes ends behind the cluster at %#x, the longest is %+v",
						image.recipe, last.length, off, s)
				}
			}
		}
	}
	if stretches == 0 {
		t.Error("no page has a stretch")
	}
}

// Where memory is short, pages that gave way are not near any more, however
// many readers took part.
func TestNearPagesAreCached(t *testing.T) {
	const size = 4 << 20
	b := newBuilder(t, recipe{bits: 9, size: size})
	for c := range uint64(size >> 9) {
		if c%5 != 0 {
			b.data(c, text(512, byte(c)))
		}
	}
	file := b.bytes()
	want, err := (&reference{file: file}).disk(0, size)
	if err != nil {
		t.Fatal(err)
	}
	im := open(t, file, &Options{CacheBytes: 64 << 10})
	snapshot := &Image{chain: im.chain, file: im.file, data: im.data, decoded: im.decoded, active: im.active, diskSize: size}
	snapshot.active.l1Size /= 2 // by the same L1 table, which is shorter
	var wg sync.WaitGroup
	seed := testseed.Of(t)
	for g := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, g))
		wg.Go(func() {
			p := make([]byte, 4096)
			for range 500 {
				off := rnd.IntN(size - len(p))
				if _, err := im.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, want[off:off+len(p)]) {
					t.Errorf("ReadAt(%#x): %v, or other bytes", off, err)
					return
				}
				_, err := snapshot.ReadAt(p, int64(off))
				mapped := max(0, min(len(p), size/2-off))
				if err != nil || !bytes.Equal(p[:mapped], want[off:off+mapped]) || len(bytes.Trim(p[mapped:], "\x00")) > 0 {
					t.Errorf("ReadAt(%#x) by the shorter table: %v, or other bytes", off, err)
					return
				}
			}
		})
	}
	wg.Wait()
	c := im.active.tables.cache
	held := map[*page]bool{}
	for i := range c.sets {
		for j := range c.sets[i] {
			held[c.sets[i][j].Load()] = true
		}
	}
	near := c.pages()
	for _, p := range near {
		if !held[p] {
			t.Fatalf("page %#x is near and not in its set", p.num)
		}
	}
	if len(near) == 0 {
		t.Error("no page is near")
	}
}
