package qcow2

import (
	"maps"
	"math/bits"
	"slices"
)

// reference counts the clusters of the size bytes at off once more, or as
// often as what is walked counts. QEMU: qcow2_inc_refcounts_imrt.
func (c *checker) reference(off, size uint64) error {
	if size == 0 {
		return nil
	}
	end := off + size
	// The last cluster of a file may be there in part.
	if end < off || end >= c.file.size+c.clusterSize() {
		c.find(Finding{Kind: FindingOutside, Offset: off, Value: size})
		return nil
	}
	for i := off >> c.clusterBits; i <= (end-1)>>c.clusterBits; i++ {
		excess, ok := c.refs.add(i, c.weight)
		if !ok {
			return c.errMemory()
		}
		if excess > 0 {
			c.find(Finding{Kind: FindingOverflow, Offset: i << c.clusterBits, Times: excess})
		}
	}
	return nil
}

// errMemory says that the check needs more memory than it may have.
func (c *checker) errMemory() error {
	return c.file.errorAt("clusters", 0, uint64(c.opts.MemoryLimit), "bytes of memory are not enough to count them", ErrLimit)
}

// countDisk counts what the header is and what the active L1 table names.
func (c *checker) countDisk() error {
	for i := range c.snapshots {
		s := &c.snapshots[i]
		// Version 3 demands the first two fields.
		if n := s.Header.ExtraDataSize; !c.version2 && n < OffsetofQCowSnapshotExtraData_Icount {
			c.find(Finding{
				Kind: FindingSnapshotIncomplete, Offset: uint64(s.Offset), Index: int64(i), Value: uint64(n), ID: s.ID, Name: s.Name,
			})
		}
	}
	if err := c.reference(0, c.clusterSize()); err != nil {
		return err
	}
	c.active = true
	defer func() { c.active = false }()
	return c.countL1(uint64(c.l1Offset), c.l1Size)
}

// countSnapshots counts the snapshot table and what the snapshots name.
func (c *checker) countSnapshots() error {
	h := &c.im.header
	if n := len(c.snapshots); n > 0 && c.dataFile {
		c.find(Finding{Kind: FindingSnapshotsDataFile, Offset: h.SnapshotsOffset, Value: uint64(n)})
	}
	end := h.SnapshotsOffset
	for i := range c.snapshots {
		s := &c.snapshots[i]
		off, entries := s.Header.L1TableOffset, uint64(s.Header.L1Size)
		end = uint64(s.Offset) + SizeofQCowSnapshotHeader +
			uint64(s.Header.ExtraDataSize) + uint64(s.Header.IdStrSize) + uint64(s.Header.NameSize)
		f := Finding{Offset: uint64(s.Offset), Index: int64(i), ID: s.ID, Name: s.Name}
		switch {
		case !c.aligned(hostOffset(off)):
			f.Kind, f.Value = FindingSnapshotL1Unaligned, off
			c.find(f)
		case entries > maxL1Entries:
			f.Kind, f.Value = FindingSnapshotL1Length, entries
			c.find(f)
		default:
			if err := c.countL1(off, entries); err != nil {
				return err
			}
		}
	}
	if err := c.countAgain(); err != nil {
		return err
	}
	return c.reference(h.SnapshotsOffset, end-h.SnapshotsOffset)
}

// countL1 counts an L1 table and what it names. QEMU: check_refcounts_l1.
func (c *checker) countL1(off, entries uint64) error {
	if err := c.reference(off, entries*L1E_SIZE); err != nil {
		return err
	}
	progressed := uint64(0)
	err := c.words(whatL1, off, entries, func(i, entry uint64) error {
		at := off + i*L1E_SIZE
		if entry&L1E_RESERVED_MASK != 0 {
			c.find(Finding{Kind: FindingL1Reserved, Offset: at, Index: int64(i), Value: entry})
		}
		table := entry & L1E_OFFSET_MASK
		if err := c.reference(table, c.clusterSize()); err != nil {
			return err
		}
		if !c.aligned(hostOffset(table)) {
			c.find(Finding{Kind: FindingL1Unaligned, Offset: at, Index: int64(i), Value: entry})
		}
		c.progress((i - progressed) * c.l2Entries())
		progressed = i
		return c.countL2(table, i)
	})
	c.progress((entries - progressed) * c.l2Entries())
	return err
}

// countL2 counts what the L2 table at off names. index is that of its L1
// entry.
func (c *checker) countL2(off, index uint64) error {
	if off >= c.file.size {
		return nil // zeros
	}
	cluster := off >> c.clusterBits
	if !c.aligned(hostOffset(off)) || c.refs.walk(cluster) {
		_, dirty := c.dirty[cluster]
		if !c.active && !dirty && c.aligned(hostOffset(off)) {
			// Shared with what was walked, as snapshots do. It names the same
			// again, and there is nothing to be said of it: so counting waits
			// until it is known how often.
			if _, ok := c.again[cluster]; !ok && !c.refs.charge(mapEntryBytes) {
				return c.errMemory()
			}
			c.again[cluster]++
			return nil
		}
		n := c.clusterSize()
		if c.active {
			n *= 2 // checkCopied will, too
		}
		if err := c.readAgain(whatL2, off, n); err != nil {
			return err
		}
	}
	before := c.result.Corruptions
	if err := c.walkL2(off, index); err != nil {
		return err
	}
	if _, dirty := c.dirty[cluster]; c.result.Corruptions != before && !dirty {
		if !c.refs.charge(mapEntryBytes) {
			return c.errMemory()
		}
		c.dirty[cluster] = struct{}{}
	}
	return nil
}

// countAgain counts what the L2 tables name that snapshots share, as often as
// they do.
func (c *checker) countAgain() error {
	defer func() { c.weight = 1 }()
	// In the order of the file, which is the same each time.
	for _, cluster := range slices.Sorted(maps.Keys(c.again)) {
		c.weight = c.again[cluster]
		if err := c.walkL2(cluster<<c.clusterBits, 0); err != nil {
			return err
		}
	}
	return nil
}

// walkL2 looks at the entries of the L2 table at off, and counts what they
// name. index is that of its L1 entry. QEMU: check_refcounts_l2.
func (c *checker) walkL2(off, index uint64) error {
	if err := c.read(whatL2, c.table, off); err != nil {
		return err
	}
	r, size := c.result, c.clusterSize()
	next := uint64(0) // where the cluster lies that is not fragmented
	for i := range c.l2Entries() {
		var e QCow2L2EntryExtended
		if b := c.table[i<<c.entryBits:]; c.extended {
			e.Decode((*[SizeofQCow2L2EntryExtended]byte)(b))
		} else {
			e.Entry = l2Entry(b)
		}
		if e.Entry|e.Bitmap == 0 {
			continue
		}
		f := Finding{Offset: off + i<<c.entryBits, Index: int64(i), Value: e.Entry}
		found := func(kind FindingKind) {
			f.Kind = kind
			c.find(f)
		}
		kind := c.cluster(e.Entry)
		host := e.Entry & L2E_OFFSET_MASK
		if kind != QCOW2_CLUSTER_COMPRESSED && e.Entry&L2E_STD_RESERVED_MASK != 0 {
			found(FindingL2Reserved)
		}
		if c.version2 && (kind == QCOW2_CLUSTER_ZERO_PLAIN || kind == QCOW2_CLUSTER_ZERO_ALLOC) {
			found(FindingL2ZeroVersion2) // which QEMU tells who reads it
		}
		switch kind {
		case QCOW2_CLUSTER_COMPRESSED:
			at, length := c.compressed(e.Entry)
			if e.Entry&QCOW_OFLAG_COPIED != 0 {
				f.References = uint64(at)
				found(FindingL2Copied)
				f.References = 0
			}
			if c.dataFile {
				found(FindingL2CompressedData)
				continue
			}
			if e.Bitmap != 0 {
				found(FindingL2CompressedBitmap)
				continue
			}
			if err := c.reference(uint64(at), length); err != nil {
				return err
			}
			if c.active {
				r.AllocatedClusters++
				r.CompressedClusters++
				r.FragmentedClusters++ // by nature: they share sectors
			}
		case QCOW2_CLUSTER_ZERO_ALLOC, QCOW2_CLUSTER_NORMAL:
			if e.Bitmap>>QCOW_L2_BITMAP_ZERO_SHIFT&e.Bitmap != 0 {
				found(FindingL2Bitmap)
			}
			if !c.aligned(hostOffset(host)) {
				if c.extended && e.Bitmap&QCOW_L2_BITMAP_ALL_ALLOC == 0 || kind == QCOW2_CLUSTER_ZERO_ALLOC {
					found(FindingL2UnalignedZero)
				} else {
					found(FindingL2Unaligned)
				}
			}
			if c.active {
				r.AllocatedClusters++
				if next != 0 && host != next {
					r.FragmentedClusters++
				}
				next = host + size
			}
			if c.dataFile {
				if c.active && c.aligned(hostOffset(host)) && host != (index<<c.l2Bits+i)<<c.clusterBits {
					found(FindingL2DataOffset) // which QEMU tells who reads it
				}
				continue
			}
			if c.active && host+size > c.file.size {
				if n := c.needed(kind, e.Bitmap, (index<<c.l2Bits+i)<<c.clusterBits); n > 0 && host+n > c.file.size {
					c.missing = max(c.missing, host+n)
				}
			}
			if err := c.reference(host, size); err != nil {
				return err
			}
		case QCOW2_CLUSTER_UNALLOCATED:
			if e.Bitmap&QCOW_L2_BITMAP_ALL_ALLOC != 0 {
				f.Value = e.Bitmap
				found(FindingL2BitmapUnallocated)
			}
		}
	}
	return nil
}

// needed returns how many bytes, from its beginning on, of the host cluster of
// the cluster at the given offset of the disk reading the disk needs.
func (c *checker) needed(kind QCow2ClusterType, bitmap, guest uint64) uint64 {
	if kind != QCOW2_CLUSTER_NORMAL || guest >= c.im.header.Size {
		return 0
	}
	n := min(c.clusterSize(), c.im.header.Size-guest)
	if c.extended {
		last := uint(bits.Len32(uint32(bitmap >> QCOW_L2_BITMAP_ALLOC_SHIFT)))
		n = min(n, uint64(last)<<c.subBits)
	}
	return n
}

// countEncryption counts the clusters of the LUKS header.
func (c *checker) countEncryption() error {
	x := find(c.im.extensions, QCOW2_EXT_MAGIC_CRYPTO_HEADER)
	if x == nil {
		return nil
	}
	var e Qcow2CryptoHeaderExtension
	e.Decode((*[SizeofQcow2CryptoHeaderExtension]byte)(x.Data)) // its length was checked
	return c.reference(e.Offset, e.Length)
}

// countBitmaps counts the bitmap directory, the tables and the clusters of
// bitmaps. QEMU: qcow2_check_bitmaps_refcounts.
func (c *checker) countBitmaps() error {
	bitmaps, err := c.im.Bitmaps()
	if err != nil || len(bitmaps) == 0 {
		return err
	}
	dir, err := c.im.bitmapDirectory(find(c.im.extensions, QCOW2_EXT_MAGIC_BITMAPS))
	if err != nil {
		return err
	}
	if err := c.reference(dir.BitmapDirectoryOffset, dir.BitmapDirectorySize); err != nil {
		return err
	}
	for i := range bitmaps {
		b := &bitmaps[i]
		off, entries := b.Entry.BitmapTableOffset, uint64(b.Entry.BitmapTableSize)
		if err := c.reference(off, entries*SizeofQcow2BitmapTableEntry); err != nil {
			return err
		}
		err := c.words(whatBitmapTable, off, entries, func(i, entry uint64) error {
			host := entry & BME_TABLE_ENTRY_OFFSET_MASK
			if entry&BME_TABLE_ENTRY_RESERVED_MASK != 0 || !c.aligned(hostOffset(host)) ||
				host != 0 && entry&BME_TABLE_ENTRY_FLAG_ALL_ONES != 0 {
				c.find(Finding{
					Kind: FindingBitmapTable, Offset: off + i*SizeofQcow2BitmapTableEntry,
					Index: int64(i), Value: entry, Name: b.Name,
				})
				return nil
			}
			if host == 0 {
				return nil // a constant
			}
			return c.reference(host, c.clusterSize())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
