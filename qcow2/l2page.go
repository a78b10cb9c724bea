package qcow2

import "math"

// Most reads find a page of L2 entries by what it maps, and what they look for
// in the longest stretch of clusters that the page maps alike: then they need
// no L1 entry and no L2 entry, each of which is a wait for memory.

// A diskPart is what a page of L2 entries maps: so much of a disk, aligned to
// its length, as the L1 table at l1 of the page's file has it.
type diskPart struct {
	l1    hostOffset
	index uint64 // offset on the disk / length of a part
}

// noPart is what pages of other tables map. No disk has such a part.
var noPart = diskPart{index: math.MaxUint64}

// A stretch is a run of whole clusters that one page maps.
type stretch struct {
	kind     QCow2SubclusterType
	from, to guestOffset
	// shift is how much further than on the disk it lies in the file, or less,
	// which wraps around. It means something of kinds in NormalSubclusterTypes.
	shift uint64
}

// host returns where off lies in the file.
func (s *stretch) host(off guestOffset) hostOffset { return hostOffset(uint64(off) + s.shift) }

// part returns what the page of L2 entries for off maps.
func (m *mapping) part(off guestOffset) diskPart {
	return diskPart{m.l1Offset, uint64(off) >> m.clusterBits >> (uint(m.tables.cache.bits) - m.entryBits)}
}

// entriesIn returns the L2 entries of p, from that for off on, and their offset
// in the file.
func (m *mapping) entriesIn(p *page, off guestOffset) ([]byte, hostOffset) {
	i := uint64(off) >> m.clusterBits << m.entryBits & (m.tables.cache.pageSize() - 1)
	return p.data[i:], hostOffset(p.num<<m.tables.cache.bits + i)
}

// study finds out what p maps, the page of L2 entries for off, unless the end
// of the file has cut it.
func (m *mapping) study(p *page, off guestOffset) {
	if uint64(len(p.data)) < m.tables.cache.pageSize() {
		return
	}
	p.maps = m.part(off)
	size := m.clusterSize()
	b, _ := m.entriesIn(p, off)
	off -= guestOffset(m.inCluster(off) + uint64(len(p.data)-len(b))>>m.entryBits<<m.clusterBits)
	for b = p.data; len(b) > 0; {
		n := uint64(1)
		r, err := m.entry(b, 0, off)
		if err == nil && r.kind != QCOW2_SUBCLUSTER_COMPRESSED && r.length == size {
			m.extendInPage(&r, b[1<<m.entryBits:], math.MaxUint64)
			n = r.length >> m.clusterBits
			if n<<m.clusterBits > uint64(p.longest.to-p.longest.from) {
				p.longest = stretch{r.kind, off, off + guestOffset(n<<m.clusterBits), uint64(r.host) - uint64(off)}
			}
		}
		off += guestOffset(n << m.clusterBits)
		b = b[n<<m.entryBits:]
	}
}
