package qcow2

// A mapping says where a disk's bytes lie: it gives meaning to the entries of
// one L1 table, that of the image or of a snapshot, and of the L2 tables it
// names. It moves no bytes.
type mapping struct {
	geometry
	classifier
	tables   tables
	version2 bool
	l1Offset hostOffset
	l1Size   uint64 // in entries; what lies beyond is unallocated
}

// Structures as errors name them.
const (
	whatL1   = "L1 table"
	whatL2   = "L2 table"
	whatL1E  = "L1 entry"
	whatL2E  = "L2 entry"
	whatData = "data"
	whatComp = "compressed cluster"
)

// A run is a piece of the disk whose bytes are found in one and the same way.
type run struct {
	kind   QCow2SubclusterType
	length uint64 // in bytes, not 0
	// host is where the run begins, of kinds in NormalSubclusterTypes. Of a
	// compressed cluster it is where the compressed bytes begin.
	host hostOffset
	// size is how long a compressed cluster is at most, else 0.
	size uint64
}

// continues reports whether next, which begins where r ends, is more of it.
func (r *run) continues(next *run) bool {
	return r.kind == next.kind && (!NormalSubclusterTypes.Has(r.kind) || r.host+hostOffset(r.length) == next.host)
}

// maxPieces is how many pieces a run is merged from at most, so that tables
// that an image uses again and again cannot keep a look-up busy for ever. No
// image written by QEMU has so many in one run before hundreds of gigabytes.
const maxPieces = 1 << 12

// lookup returns the run that begins at off, as long as it goes but no longer
// than limit, which is not 0. Neighbours are merged, whatever clusters and
// tables they belong to, except that a compressed cluster is a run of its own.
func (m *mapping) lookup(off guestOffset, limit uint64) (run, error) {
	r, err := m.piece(off, limit)
	if err != nil || r.kind == QCOW2_SUBCLUSTER_COMPRESSED {
		return r, err
	}
	if r.length < limit {
		m.extend(&r, off, limit, maxPieces)
	}
	return r, nil
}

// extend lengthens r, which begins at off, by the pieces that continue it, at
// most so many. Compressed clusters continue one another.
func (m *mapping) extend(r *run, off guestOffset, limit uint64, pieces int) {
	for range pieces {
		if r.length == limit {
			return
		}
		next, err := m.piece(off+guestOffset(r.length), limit-r.length)
		if err != nil || !r.continues(&next) {
			return // an error belongs to whoever asks for those bytes
		}
		r.length += next.length
	}
}

// piece returns the run at off as far as one page of one table tells. With an
// error its length says how far that reaches: to the end of the cluster, or of
// what the page maps that cannot be read.
func (m *mapping) piece(off guestOffset, limit uint64) (run, error) {
	i := m.l1Index(off)
	if i >= m.l1Size {
		return run{kind: QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN, length: limit}, nil
	}
	p := m.tables.cache.mapping(m.tables.file, m.part(off))
	var b []byte
	var at hostOffset
	if p == nil {
		var r run
		var err error
		if b, at, r, err = m.entries(i, off, limit); b == nil {
			return r, err
		}
		p = m.tables.cache.mapping(m.tables.file, m.part(off)) // which may be so by now
	}
	if p != nil {
		if s := &p.longest; s.from <= off && off < s.to {
			return run{kind: s.kind, length: min(uint64(s.to-off), limit), host: s.host(off)}, nil
		}
		b, at = m.entriesIn(p, off)
	}
	r, err := m.entry(b, at, off)
	if err != nil || r.kind == QCOW2_SUBCLUSTER_COMPRESSED {
		r.length = min(r.length, limit)
		return r, err
	}
	if r.length < limit && r.length == m.clusterSize()-m.inCluster(off) { // the run reaches the next cluster
		m.extendInPage(&r, b[1<<m.entryBits:], limit)
	}
	r.length = min(r.length, limit)
	return r, nil
}

// entries returns L2 entries, from that for off on, and their offset in the
// file. i is the index of off in the L1 table. If there are no entries, or in
// case of an error, what piece returns takes their place.
func (m *mapping) entries(i uint64, off guestOffset, limit uint64) ([]byte, hostOffset, run, error) {
	at := m.l1Offset + hostOffset(i*L1E_SIZE)
	b, err := m.tables.at(whatL1, at, L1E_SIZE, (m.l1Size-i)*L1E_SIZE, nil)
	if err != nil {
		n := min(m.l1Size-i, m.tables.entriesInPage(at, L1E_SIZE))
		return nil, 0, run{length: min(n*m.l2Span()-m.inSpan(off), limit)}, err
	}
	table := l1Entry(b)
	if table == 0 {
		n := m.l2Span() - m.inSpan(off)
		for b = b[L1E_SIZE:]; n < limit && len(b) > 0 && l1Entry(b) == 0; b = b[L1E_SIZE:] {
			n += m.l2Span()
		}
		return nil, 0, run{kind: QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN, length: min(n, limit)}, nil
	}
	if !m.aligned(table) {
		return nil, 0, run{length: min(m.l2Span()-m.inSpan(off), limit)},
			m.tables.file.errorAt(whatL1E, at, uint64(table), "the L2 table is not cluster aligned", ErrCorrupt)
	}
	i = m.l2Index(off)
	at = table + hostOffset(i<<m.entryBits)
	b, err = m.tables.at(whatL2, at, 1<<m.entryBits, (m.l2Entries()-i)<<m.entryBits, func(p *page) { m.study(p, off) })
	if err != nil {
		n := min(m.l2Entries()-i, m.tables.entriesInPage(at, 1<<m.entryBits))
		return nil, 0, run{length: min(n<<m.clusterBits-m.inCluster(off), limit)}, err
	}
	return b, at, run{}, nil
}

// l1Entry returns the L2 table that the first L1 entry in b names, or 0.
func l1Entry(b []byte) hostOffset {
	var e QCow2L1Entry
	e.Decode((*[SizeofQCow2L1Entry]byte)(b))
	return hostOffset(e.Entry & L1E_OFFSET_MASK)
}

// entry returns the run at off as far as its L2 entry, the first in b, tells.
// The entry was found at the offset at of the file.
func (m *mapping) entry(b []byte, at hostOffset, off guestOffset) (run, error) {
	in := m.inCluster(off)
	r := run{length: m.clusterSize() - in}
	var e QCow2L2EntryExtended
	if m.extended {
		e.Decode((*[SizeofQCow2L2EntryExtended]byte)(b))
		i := m.subcluster(off)
		kind, n := subclusterRun(m.cluster(e.Entry), e.Bitmap, i)
		r.kind, r.length = kind, uint64(i+n)<<m.subBits-in
	} else {
		e.Entry = l2Entry(b)
		r.kind = m.whole(e.Entry)
	}
	switch {
	case r.kind == QCOW2_SUBCLUSTER_INVALID:
		return m.wrong(at, off, e.Bitmap, "the subcluster bitmap contradicts itself or the entry")
	case r.kind == QCOW2_SUBCLUSTER_COMPRESSED:
		if m.dataFile {
			return m.wrong(at, off, e.Entry, "compressed cluster in an image with a data file")
		}
		r.host, r.size = m.compressed(e.Entry)
	case m.version2 && ZeroSubclusterTypes.Has(r.kind):
		return m.wrong(at, off, e.Entry, "zero cluster in a version 2 image")
	case NormalSubclusterTypes.Has(r.kind):
		host := hostOffset(e.Entry & L2E_OFFSET_MASK)
		if !m.aligned(host) {
			return m.wrong(at, off, e.Entry, "the cluster is not cluster aligned")
		}
		if m.dataFile && uint64(host) != uint64(off)-in {
			return m.wrong(at, off, e.Entry, "the cluster lies elsewhere in the data file than on the disk")
		}
		r.host = host + hostOffset(in)
	}
	return r, nil
}

// wrong returns the error about the L2 entry for off, which was found at the
// offset at of the file, and how far it reaches: to the end of the cluster.
func (m *mapping) wrong(at hostOffset, off guestOffset, value uint64, reason string) (run, error) {
	return run{length: m.clusterSize() - m.inCluster(off)}, m.tables.file.errorAt(whatL2E, at, value, reason, ErrCorrupt)
}

// l2Entry returns the first standard L2 entry in b.
func l2Entry(b []byte) uint64 {
	var e QCow2L2Entry
	e.Decode((*[SizeofQCow2L2Entry]byte)(b))
	return e.Entry
}

// extendInPage lengthens r, which ends at the end of a cluster, by what the L2
// entries in b say that continues it. The run may end inside a cluster.
func (m *mapping) extendInPage(r *run, b []byte, limit uint64) {
	if m.extended {
		m.extendBySubclusters(r, b, limit)
	} else {
		m.extendByClusters(r, b, limit)
	}
}

// extendByClusters lengthens r, which ends at the end of a cluster, by the
// clusters of the standard L2 entries in b that continue it.
func (m *mapping) extendByClusters(r *run, b []byte, limit uint64) {
	size := m.clusterSize()
	placed := NormalSubclusterTypes.Has(r.kind)
	for ; r.length < limit && len(b) > 0; b = b[L2E_SIZE_NORMAL:] {
		e := l2Entry(b)
		if m.whole(e) != r.kind {
			return
		}
		// The place follows from the first cluster's, so it is aligned, and
		// the same as on the disk where it has to be.
		if placed && hostOffset(e&L2E_OFFSET_MASK) != r.host+hostOffset(r.length) {
			return
		}
		r.length += size
	}
}

// extendBySubclusters does the same with extended L2 entries. The run may end
// inside a cluster.
func (m *mapping) extendBySubclusters(r *run, b []byte, limit uint64) {
	placed := NormalSubclusterTypes.Has(r.kind)
	for ; r.length < limit && len(b) > 0; b = b[L2E_SIZE_EXTENDED:] {
		var e QCow2L2EntryExtended
		e.Decode((*[SizeofQCow2L2EntryExtended]byte)(b))
		kind, n := subclusterRun(m.cluster(e.Entry), e.Bitmap, 0)
		if kind != r.kind {
			return
		}
		if placed && hostOffset(e.Entry&L2E_OFFSET_MASK) != r.host+hostOffset(r.length) {
			return
		}
		r.length += uint64(n) << m.subBits
		if n < subclusters {
			return
		}
	}
}
