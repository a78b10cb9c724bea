package main

import (
	"fmt"
	"strings"

	"cstructgen/qcow2"
)

// An entry is what an entry of a table says.
type entry struct {
	value  uint64
	kind   string // in words, with all flags
	placed bool   // the entry stands for bytes at host
	host   uint64
	away   bool   // in the data file
	alone  bool   // goes on with no other
	detail string // further words
}

// An entryRun is entries that go on with each other: of one kind, and, if they have
// places, one behind the other.
type entryRun struct {
	row   dumpRow
	first entry
}

// entries shows a table of n entries of size bytes at off. What entries stand
// for is step bytes long.
func (d *dumper) entries(what string, off, n, size, step uint64, decode func(b []byte) entry) {
	var cur entryRun
	const chunk = 1 << 16
	for i := uint64(0); i < n; {
		count := min(n-i, chunk/size)
		b, whole := d.read(what, off+i*size, count*size)
		for ; uint64(len(b)) >= size; b = b[size:] {
			e := decode(b[:size])
			if cur.row.count > 0 && cur.goesOn(&e, step) {
				cur.row.count++
			} else {
				d.showRun(&cur)
				cur = entryRun{dumpRow{offset: off + i*size, bytes: b[:size], index: i, count: 1, value: e.value, hex: true}, e}
			}
			i++
		}
		if !whole {
			break
		}
	}
	d.showRun(&cur)
}

func (r *entryRun) goesOn(e *entry, step uint64) bool {
	f := &r.first
	if f.alone || e.alone || e.kind != f.kind || e.detail != f.detail || e.placed != f.placed {
		return false
	}
	if !f.placed {
		return e.value == f.value
	}
	return e.host == f.host+r.row.count*step
}

func (d *dumper) showRun(r *entryRun) {
	if r.row.count == 0 {
		return
	}
	e := &r.first
	words := e.kind
	if e.placed {
		words += fmt.Sprintf(" at %#x", e.host)
		if e.away {
			words += " of the data file"
		}
		if r.row.count > 1 {
			words += " and on"
		}
		// How long a data file is nobody knows here.
		if end := e.host + (r.row.count-1)*d.clusterSize(); !e.away && (e.host >= d.size || end >= d.size) {
			words += ", BEHIND THE END OF THE FILE"
		}
		if e.host%d.clusterSize() != 0 && !e.alone {
			words += ", NOT ALIGNED"
		}
	}
	r.row.meaning = words + e.detail
	d.row(&r.row)
}

// reserved returns what is to be said of reserved bits.
func reserved(v uint64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(", RESERVED BITS %#x", v)
}

func (d *dumper) l1Entry(b []byte) entry {
	var l1 qcow2.QCow2L1Entry
	l1.Decode((*[qcow2.SizeofQCow2L1Entry]byte)(b))
	host := l1.Entry & qcow2.L1E_OFFSET_MASK
	e := entry{value: l1.Entry, kind: "not allocated", placed: host != 0, host: host}
	if e.placed {
		e.kind = "L2 table" + copied(l1.Entry)
	}
	e.detail += reserved(l1.Entry & qcow2.L1E_RESERVED_MASK)
	return e
}

// copied returns what is said of the flag that entries of both levels have.
func copied(v uint64) string {
	if v&qcow2.QCOW_OFLAG_COPIED != 0 {
		return " COPIED"
	}
	return ""
}

func (d *dumper) showL1() {
	const what = "L1 table"
	d.part(what, d.header.L1TableOffset)
	if d.clustered(what) {
		d.entries(what, d.header.L1TableOffset, uint64(d.header.L1Size), qcow2.L1E_SIZE, d.clusterSize(), d.l1Entry)
	}
}

// findEntry returns the index of the entry of a table that was asked for, or
// of the first that has a place, and that place.
func (d *dumper) findEntry(what string, off, n, size uint64, index int64, decode func(b []byte) entry) (i, host uint64, ok bool) {
	if index >= 0 {
		if uint64(index) >= n {
			d.fail("%s has no entry %d, there are %d", what, index, n)
			return 0, 0, false
		}
		b, whole := d.read(what, off+uint64(index)*size, size)
		if !whole {
			return 0, 0, false
		}
		e := decode(b)
		if !e.placed {
			d.note(fmt.Sprintf("entry %d of the %s: %s", index, what, e.kind))
		}
		return uint64(index), e.host, e.placed
	}
	const chunk = 1 << 16
	for i < n {
		b, whole := d.read(what, off+i*size, min(n-i, chunk/size)*size)
		for ; uint64(len(b)) >= size; b = b[size:] {
			if e := decode(b[:size]); e.placed {
				return i, e.host, true
			}
			i++
		}
		if !whole {
			return 0, 0, false
		}
	}
	d.note("none is allocated")
	return 0, 0, false
}

func (d *dumper) showL2(index int64) {
	const what = "L2 table"
	d.part(what, d.header.L1TableOffset)
	if !d.clustered(what) {
		return
	}
	i, table, ok := d.findEntry("L1 table", d.header.L1TableOffset, uint64(d.header.L1Size), qcow2.L1E_SIZE, index, d.l1Entry)
	if !ok {
		return
	}
	n, size := d.header.L2Entries()
	d.part(fmt.Sprintf("L2 table %d (of the disk from %#x on)", i, i*n*d.clusterSize()), table)
	d.entries(what, table, n, size, d.clusterSize(), d.l2Entry)
}

func (d *dumper) l2Entry(b []byte) entry {
	var l2 qcow2.QCow2L2EntryExtended // the standard entry is its first field
	l2.DecodePrefix(b)
	kind := d.header.ClusterType(l2.Entry)
	e := entry{value: l2.Entry, kind: kind.String() + copied(l2.Entry), host: l2.Entry & qcow2.L2E_OFFSET_MASK}
	switch kind {
	case qcow2.QCOW2_CLUSTER_COMPRESSED:
		off, n := d.header.CompressedCluster(l2.Entry)
		e.detail = fmt.Sprintf(", %d bytes at most", n)
		e.placed, e.host, e.alone = true, off, true
	case qcow2.QCOW2_CLUSTER_NORMAL, qcow2.QCOW2_CLUSTER_ZERO_ALLOC:
		e.placed = true
		e.away = d.header.IncompatibleFeatures&qcow2.QCOW2_INCOMPAT_DATA_FILE != 0
	}
	if kind != qcow2.QCOW2_CLUSTER_COMPRESSED {
		e.detail += reserved(l2.Entry & qcow2.L2E_STD_RESERVED_MASK)
	}
	if len(b) == qcow2.SizeofQCow2L2EntryExtended {
		e.detail += d.subclusters(&l2)
	}
	return e
}

// subclusters returns what an extended entry says of its subclusters.
func (d *dumper) subclusters(l2 *qcow2.QCow2L2EntryExtended) string {
	if d.header.ClusterType(l2.Entry) == qcow2.QCOW2_CLUSTER_COMPRESSED {
		if l2.Bitmap != 0 {
			return fmt.Sprintf(", bitmap %#x MUST BE 0", l2.Bitmap)
		}
		return ""
	}
	if l2.Bitmap == 0 && l2.Entry == 0 {
		return ""
	}
	var words []string
	for kind, n := range d.header.Subclusters(l2) {
		words = append(words, fmt.Sprintf("%d %s", n, strings.TrimPrefix(kind.String(), "QCOW2_SUBCLUSTER_")))
	}
	return fmt.Sprintf(", bitmap %#x: %s", l2.Bitmap, strings.Join(words, " "))
}

func (d *dumper) showRefcounts(index int64) {
	const what = "refcount table"
	h := &d.header
	d.part(what, h.RefcountTableOffset)
	if !d.clustered(what) {
		return
	}
	n := uint64(h.RefcountTableClusters) * d.clusterSize() / qcow2.REFTABLE_ENTRY_SIZE
	decode := func(b []byte) entry {
		var r qcow2.QCow2RefcountTableEntry
		r.Decode((*[qcow2.SizeofQCow2RefcountTableEntry]byte)(b))
		host := r.Entry & qcow2.REFT_OFFSET_MASK
		e := entry{value: r.Entry, kind: "not allocated", placed: host != 0, host: host}
		if e.placed {
			e.kind = "refcount block"
		}
		e.detail += reserved(r.Entry & qcow2.REFT_RESERVED_MASK)
		return e
	}
	d.entries(what, h.RefcountTableOffset, n, qcow2.REFTABLE_ENTRY_SIZE, d.clusterSize(), decode)
	if h.RefcountOrder > qcow2.QCOW2_MAX_REFCOUNT_ORDER {
		d.fail("refcount blocks cannot be shown with a refcount_order of %d, at most %d", h.RefcountOrder, qcow2.QCOW2_MAX_REFCOUNT_ORDER)
		return
	}
	i, block, ok := d.findEntry(what, h.RefcountTableOffset, n, qcow2.REFTABLE_ENTRY_SIZE, index, decode)
	if !ok {
		return
	}
	first := i * h.Refcounts()
	d.part(fmt.Sprintf("refcount block %d (of clusters from %d on)", i, first), block)
	d.showBlock(block, first)
}

// showBlock shows the refcount block at off, the first of whose refcounts is
// that of the given cluster.
func (d *dumper) showBlock(off, cluster uint64) {
	h := &d.header
	b, _ := d.read("refcount block", off, d.clusterSize())
	bits := uint64(1) << h.RefcountOrder
	n := uint64(len(b)) * 8 / bits
	for i := uint64(0); i < n; {
		count := h.Refcount(b, i)
		from := i
		for i++; i < n && h.Refcount(b, i) == count; i++ {
		}
		at := from * bits / 8
		meaning := fmt.Sprintf("cluster %d", cluster+from)
		if i-from > 1 {
			meaning = fmt.Sprintf("clusters %d to %d", cluster+from, cluster+i-1)
		}
		if count == 0 {
			meaning += ", free"
		}
		d.row(&dumpRow{offset: off + at, bytes: b[at : at+max(bits/8, 1)], index: from, count: i - from, value: count, meaning: meaning})
	}
}

func (d *dumper) showBitmaps() {
	const what = "bitmap directory"
	d.part(what, 0)
	var at *extension
	d.eachExtension(func(e *extension) bool {
		if e.Magic == qcow2.QCOW2_EXT_MAGIC_BITMAPS {
			at = e
		}
		return true
	})
	if at == nil {
		d.note("no bitmaps")
		return
	}
	b, _ := d.read("bitmaps extension", at.data, uint64(at.Len))
	var dir qcow2.Qcow2BitmapHeaderExt
	dir.DecodePrefix(b)
	d.part(what, dir.BitmapDirectoryOffset)
	off, end := dir.BitmapDirectoryOffset, dir.BitmapDirectoryOffset+dir.BitmapDirectorySize
	for i := range dir.NbBitmaps {
		what := fmt.Sprintf("bitmap %d", i)
		b, whole := d.read(what, off, qcow2.SizeofQcow2BitmapDirEntry)
		if len(b) == 0 {
			return
		}
		d.part(what, off)
		d.fields(b, off, qcow2.LayoutOfQcow2BitmapDirEntry, d.bitmapMeaning)
		if !whole {
			return
		}
		var e qcow2.Qcow2BitmapDirEntry
		e.Decode((*[qcow2.SizeofQcow2BitmapDirEntry]byte)(b))
		at := off + qcow2.SizeofQcow2BitmapDirEntry
		next := at + uint64(e.ExtraDataSize) + uint64(e.NameSize)
		if next > end {
			d.fail("%s: its entry leaves the directory, which ends at %#x", what, end)
			return
		}
		if e.ExtraDataSize > 0 {
			extra, _ := d.read(what, at, uint64(e.ExtraDataSize))
			d.row(&dumpRow{offset: at, bytes: extra, name: "(extra data)"})
		}
		d.text("name", at+uint64(e.ExtraDataSize), uint64(e.NameSize))
		if d.clustered(what) {
			d.part(what+": table", e.BitmapTableOffset)
			d.entries("bitmap table", e.BitmapTableOffset, uint64(e.BitmapTableSize), qcow2.SizeofQcow2BitmapTableEntry, d.clusterSize(), bitmapEntry)
		}
		off = (next + qcow2.QCOW2_ALIGNMENT - 1) / qcow2.QCOW2_ALIGNMENT * qcow2.QCOW2_ALIGNMENT
	}
}

// bitmapMeaning returns what a value of a bitmap's field means.
func (d *dumper) bitmapMeaning(field string, v uint64) string {
	switch field {
	case "flags":
		return bitNames(v, []bitName{
			{qcow2.BME_FLAG_IN_USE, "BME_FLAG_IN_USE"}, {qcow2.BME_FLAG_AUTO, "BME_FLAG_AUTO"},
			{qcow2.BME_FLAG_EXTRA_DATA_COMPATIBLE, "BME_FLAG_EXTRA_DATA_COMPATIBLE"},
		})
	case "type":
		if v == qcow2.BT_DIRTY_TRACKING_BITMAP {
			return "BT_DIRTY_TRACKING_BITMAP"
		}
		return "unknown"
	case "granularity_bits":
		if v < 64 {
			return humanSize(1<<v) + " for each bit"
		}
	}
	return d.offsetMeaning(field, v)
}

func bitmapEntry(b []byte) entry {
	var t qcow2.Qcow2BitmapTableEntry
	t.Decode((*[qcow2.SizeofQcow2BitmapTableEntry]byte)(b))
	host := t.Entry & qcow2.BME_TABLE_ENTRY_OFFSET_MASK
	e := entry{value: t.Entry, kind: "all zeros", placed: host != 0, host: host}
	switch {
	case e.placed:
		e.kind = "bits"
	case t.Entry&qcow2.BME_TABLE_ENTRY_FLAG_ALL_ONES != 0:
		e.kind = "all ones"
	}
	e.detail += reserved(t.Entry & qcow2.BME_TABLE_ENTRY_RESERVED_MASK)
	return e
}
