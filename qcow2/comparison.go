package qcow2

import "math"

// countRefcountTable reads and counts the refcount table.
func (c *checker) countRefcountTable() error {
	h := &c.im.header
	off := h.RefcountTableOffset
	entries := uint64(h.RefcountTableClusters) << c.clusterBits / REFTABLE_ENTRY_SIZE
	if err := c.reference(off, entries*REFTABLE_ENTRY_SIZE); err != nil {
		return err
	}
	c.blocks = make([]uint64, ceilDiv(c.file.clip(hostOffset(off), entries*REFTABLE_ENTRY_SIZE), REFTABLE_ENTRY_SIZE))
	return c.words(whatRefcountTable, off, entries, func(i, entry uint64) error {
		c.blocks[i] = entry
		return nil
	})
}

// countRefcountBlocks counts the refcount blocks, which are the last to be
// counted: each must be nothing else. QEMU: check_refblocks.
func (c *checker) countRefcountBlocks() error {
	for i, entry := range c.blocks {
		off := entry & REFT_OFFSET_MASK
		cluster := off >> c.clusterBits
		f := Finding{
			Offset: c.im.header.RefcountTableOffset + uint64(i)*REFTABLE_ENTRY_SIZE, Index: int64(i), Value: entry,
		}
		switch {
		case entry&REFT_RESERVED_MASK != 0:
			f.Kind = FindingBlockReserved
		case !c.aligned(hostOffset(off)):
			f.Kind = FindingBlockUnaligned
		case cluster >= c.refs.clusters:
			f.Kind = FindingBlockOutside
		case off == 0:
			continue
		default:
			if err := c.reference(off, c.clusterSize()); err != nil {
				return err
			}
			if f.References = c.refs.count(cluster); f.References == 1 {
				continue
			}
			f.Kind = FindingBlockShared
		}
		c.find(f)
	}
	return nil
}

// compare holds the refcounts against what was counted. QEMU:
// compare_refcounts.
func (c *checker) compare() error {
	order := c.im.header.RefcountOrder
	perBlock := c.refcounts(order)
	inUse := uint64(0) // the first clusters, up to the last that is used
	for first := uint64(0); first < c.refs.clusters; first += perBlock {
		n := min(perBlock, c.refs.clusters-first)
		block, state := c.block(first / perBlock)
		if state == blockUnreadable {
			for i := first; i < first+n; i++ {
				c.find(Finding{Kind: FindingRefcountUnreadable, Offset: i << c.clusterBits, Index: int64(i)})
			}
			continue
		}
		if state == blockPresent {
			if err := c.read(whatRefcountBlock, c.table, block); err != nil {
				return err
			}
		} else if err := c.ctx.Err(); err != nil {
			return err
		}
		// Piece by piece, as most clusters of a sparse file are neither used
		// nor counted.
		for at := first; at < first+n; {
			piece := min(first+n-at, chunkClusters-at%chunkClusters)
			stored := state == blockPresent && !c.unused(at-first, piece)
			if stored || c.refs.chunks[at/chunkClusters] != nil {
				inUse = max(inUse, c.comparePiece(at, piece, at-first, stored))
			}
			at += piece
		}
		c.progress(n)
	}
	c.result.ImageEndOffset = int64(max(inUse, 1) << c.clusterBits)
	return nil
}

// unused reports whether n refcounts from the i-th on, of the block in
// c.table, are 0. It may say no where they are.
func (c *checker) unused(i, n uint64) bool {
	order := c.im.header.RefcountOrder
	from, to := i<<order/8, ((i+n)<<order+7)/8 // of those of less than a byte some may be others'
	if from%8 != 0 || to%8 != 0 {
		return false
	}
	return zeros(c.table[from:to])
}

// comparePiece compares n clusters, which have one chunk of counts. Their
// refcounts begin with the i-th of the block in c.table, or are 0 if none is
// stored. It returns one more than the last cluster that is used.
func (c *checker) comparePiece(first, n, i uint64, stored bool) (inUse uint64) {
	order := c.im.header.RefcountOrder
	var counts *[chunkClusters]uint16
	if chunk := c.refs.chunks[first/chunkClusters]; chunk != nil {
		counts = &chunk.counts
	}
	for cluster := first; cluster < first+n; cluster++ {
		var have, want uint64
		if stored {
			have = refcountAt(c.table, order, i+cluster-first)
		}
		if counts != nil {
			if want = uint64(counts[cluster%chunkClusters]); want == inLarge {
				want = c.refs.count(cluster)
			}
		}
		if have|want == 0 {
			continue
		}
		inUse = cluster + 1
		if have == want {
			continue
		}
		f := Finding{
			Kind: FindingRefcountLow, Offset: cluster << c.clusterBits, Index: int64(cluster), Value: have, References: want,
		}
		if have > want {
			f.Kind = FindingLeak
		}
		c.find(f)
	}
	return inUse
}

// A blockState says whether a refcount block can be read.
type blockState int

const (
	blockAbsent blockState = iota // its refcounts are 0
	blockPresent
	blockUnreadable // it is not cluster aligned, or ends past 2^63
)

// block returns where the i-th refcount block lies.
func (c *checker) block(i uint64) (off uint64, state blockState) {
	if i >= uint64(len(c.blocks)) {
		return 0, blockAbsent
	}
	off = c.blocks[i] & REFT_OFFSET_MASK
	switch {
	case off == 0:
		return 0, blockAbsent
	case !c.aligned(hostOffset(off)), off > math.MaxInt64-c.clusterSize():
		return 0, blockUnreadable
	case off >= c.file.size:
		return 0, blockAbsent // zeros
	}
	return off, blockPresent
}

// refcount returns the refcount of the cluster at off as it is stored. ok is
// false if it cannot be read.
func (c *checker) refcount(off uint64) (n uint64, ok bool, err error) {
	order := c.im.header.RefcountOrder
	cluster := off >> c.clusterBits
	perBlock := c.refcounts(order)
	block, state := c.block(cluster / perBlock)
	if state != blockPresent {
		return 0, state == blockAbsent, nil
	}
	bit := cluster % perBlock << order
	word, err := c.refcountWord(block + bit/64*8)
	if err != nil {
		return 0, false, err
	}
	return refcountAt(word, order, bit%64>>order), true, nil
}

// refcountWord returns the 8 bytes of a refcount block that begin at off, a
// multiple of 8. They belong to the cache.
func (c *checker) refcountWord(off uint64) ([]byte, error) {
	const size = 8
	if i := off - c.nearAt; i < uint64(len(c.near)) { // which is mostly so
		return c.near[i : i+size], nil
	}
	if !c.file.contains(hostOffset(off), size) {
		c.near = nil
		word := make([]byte, size)
		return word, c.read(whatRefcountBlock, word, off)
	}
	if err := c.im.chain.enter(); err != nil {
		return nil, err
	}
	defer c.im.chain.leave()
	var err error
	c.nearAt = off
	c.near, err = c.tables.at(whatRefcountBlock, hostOffset(off), size, pageSize, nil)
	return c.near, err
}

// checkCopied compares the copied flags of the active L1 and L2 tables with
// the refcounts. QEMU: check_oflag_copied.
func (c *checker) checkCopied() error {
	progressed := uint64(0)
	return c.words(whatL1, uint64(c.l1Offset), c.l1Size, func(i, entry uint64) error {
		table := entry & L1E_OFFSET_MASK
		if table == 0 {
			return nil
		}
		n, ok, err := c.refcount(table)
		if err != nil || !ok {
			return err // which compare told
		}
		if (n == 1) != (entry&QCOW_OFLAG_COPIED != 0) {
			c.find(Finding{
				Kind: FindingCopiedL2, Offset: uint64(c.l1Offset) + i*L1E_SIZE, Index: int64(i), Value: entry, References: n,
			})
		}
		c.progress((i - progressed) * c.l2Entries())
		progressed = i
		if table >= c.file.size {
			return nil // zeros
		}
		return c.checkCopiedL2(table)
	})
}

// checkCopiedL2 does that for the L2 table at off.
func (c *checker) checkCopiedL2(off uint64) error {
	if err := c.read(whatL2, c.table, off); err != nil {
		return err
	}
	for i := range c.l2Entries() {
		entry := l2Entry(c.table[i<<c.entryBits:])
		if entry == 0 {
			continue
		}
		if kind := c.cluster(entry); kind != QCOW2_CLUSTER_NORMAL && kind != QCOW2_CLUSTER_ZERO_ALLOC {
			continue
		}
		n, ok := uint64(1), true // in a data file
		if !c.dataFile {
			var err error
			if n, ok, err = c.refcount(entry & L2E_OFFSET_MASK); err != nil {
				return err
			}
		}
		if ok && (n == 1) != (entry&QCOW_OFLAG_COPIED != 0) {
			c.find(Finding{
				Kind: FindingCopiedData, Offset: off + i<<c.entryBits, Index: int64(i), Value: entry, References: n,
			})
		}
	}
	return nil
}
