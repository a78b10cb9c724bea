package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cstructgen/internal/testseed"
	"cstructgen/qcow2"
)

// A damage is a committed image with something changed of which check must say
// what QEMU says.
type damage struct {
	name  string
	image string // the committed image it starts from
	alter func(e *editor)
	// unlike says why QEMU says something else. It must say something else
	// then: a reason that no longer holds fails.
	unlike *difference
	exit   int // of ours then, if not 2
}

// refcount is the refcount of a cluster, and setRefcount changes it.
func (e *editor) refcount(cluster int64) uint64 {
	at, shift, mask := e.refcountField(cluster)
	return e.get64(at) >> shift & mask
}

func (e *editor) setRefcount(cluster int64, n uint64) {
	at, shift, mask := e.refcountField(cluster)
	e.u64(at, e.get64(at)&^(mask<<shift)|n&mask<<shift)
}

// refcountField says which word holds the refcount of a cluster, how far it is
// to be shifted, and which bits it has then.
func (e *editor) refcountField(cluster int64) (at int64, shift uint, mask uint64) {
	h := e.header()
	width := int64(16)
	if h.Version >= qcow2.QCOW2_VERSION_3 {
		width = 1 << h.RefcountOrder
	}
	perBlock := e.cluster() * 8 / width
	block := int64(e.get64(e.block(cluster/perBlock)) & qcow2.REFT_OFFSET_MASK)
	if block == 0 {
		e.t.Fatalf("cluster %d has no refcount block", cluster)
	}
	bit := cluster % perBlock * width
	mask = ^uint64(0) >> (64 - width)
	if width < 8 { // the lowest bits of a byte come first
		return block + bit/64*8, uint(7-bit%64/8)*8 + uint(bit%8), mask
	}
	return block + bit/64*8, uint(64 - width - bit%64), mask
}

// block is where the i-th entry of the refcount table lies.
func (e *editor) block(i int64) int64 {
	h := e.header()
	return int64(h.RefcountTableOffset) + i*qcow2.REFTABLE_ENTRY_SIZE
}

// l2Table is the i-th L2 table of the disk.
func (e *editor) l2Table(i int64) int64 { return int64(e.get64(e.l1(i)) & qcow2.L1E_OFFSET_MASK) }

// snapshot is where the i-th entry of the snapshot table lies.
func (e *editor) snapshot(i int) int64 {
	h := e.header()
	at := int64(h.SnapshotsOffset)
	for range i {
		var s qcow2.QCowSnapshotHeader
		s.Decode((*[qcow2.SizeofQCowSnapshotHeader]byte)(e.b[at:]))
		at += qcow2.SizeofQCowSnapshotHeader + int64(s.ExtraDataSize) + int64(s.IdStrSize) + int64(s.NameSize)
		at = (at + qcow2.QCOW2_ALIGNMENT - 1) &^ (qcow2.QCOW2_ALIGNMENT - 1)
	}
	return at
}

// bitmapEntry is where the directory entry of the first bitmap lies.
func (e *editor) bitmapEntry() int64 {
	return int64(e.get64(e.find(qcow2.QCOW2_EXT_MAGIC_BITMAPS) + qcow2.OffsetofQcow2BitmapHeaderExt_BitmapDirectoryOffset))
}

// bitmapTable is where the table of the first bitmap lies.
func (e *editor) bitmapTable() int64 {
	return int64(e.get64(e.bitmapEntry() + qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableOffset))
}

// refcountDamages are of refcounts and refcount structures, in any image.
func refcountDamages() []damage {
	dataCluster := func(e *editor) int64 { return e.l2Table(0) / e.cluster() }
	return []damage{
		{name: "refcount too low", alter: func(e *editor) { e.setRefcount(dataCluster(e), 0) }},
		{name: "refcount too high", alter: func(e *editor) { e.setRefcount(dataCluster(e), e.refcount(dataCluster(e))+1) }},
		{name: "refcount highest", alter: func(e *editor) {
			e.setRefcount(dataCluster(e), 0) // where that is the highest already
			e.setRefcount(dataCluster(e)+1, ^uint64(0))
		}},
		{name: "header's refcount 0", alter: func(e *editor) { e.setRefcount(0, 0) }},
		{name: "leaks past the end", alter: func(e *editor) {
			e.b = append(e.b, make([]byte, 3*e.cluster())...)
			e.setRefcount(int64(len(e.b))/e.cluster()-1, 1)
		}},
		{name: "refcounts beyond the file", alter: func(e *editor) { e.setRefcount(int64(len(e.b))/e.cluster()+7, 1) }},
		{name: "all refcounts highest", alter: func(e *editor) {
			e.b = append(e.b, make([]byte, e.cluster())...) // which nothing uses
			for i := range int64(len(e.b)) / e.cluster() {
				e.setRefcount(i, ^uint64(0))
			}
		}},
		{name: "no refcount block", alter: func(e *editor) { e.u64(e.block(0), 0) }},
		{name: "refcount block unaligned", alter: func(e *editor) { e.or(e.block(0), uint64(e.cluster()/2)) }},
		{name: "refcount block with reserved bits", alter: func(e *editor) { e.or(e.block(0), 2) }},
		{name: "refcount block outside", alter: func(e *editor) { e.u64(e.block(0), uint64(len(e.b))*16) }},
		{name: "refcount block far outside", alter: func(e *editor) { e.u64(e.block(0), 1<<63) }},
		{name: "refcount block is the header", alter: func(e *editor) { e.u64(e.block(1), uint64(e.cluster())) }},
		{name: "refcount block is the L1 table", alter: func(e *editor) { e.u64(e.block(1), e.header().L1TableOffset) }},
		{name: "refcount block twice", alter: func(e *editor) { e.u64(e.block(1), e.get64(e.block(0))) }},
		{name: "refcount table is the L1 table", alter: func(e *editor) {
			e.u64(qcow2.OffsetofQCowHeader_RefcountTableOffset, e.header().L1TableOffset)
		}},
		{name: "refcount table without clusters", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 0) }},
		{name: "refcount table past the end", alter: func(e *editor) {
			e.u64(qcow2.OffsetofQCowHeader_RefcountTableOffset, uint64(len(e.b))*64/uint64(e.cluster())*uint64(e.cluster()))
		}},
		{name: "refcount table unaligned", alter: func(e *editor) { e.or(qcow2.OffsetofQCowHeader_RefcountTableOffset, 8) }},
		{name: "refcount table too long", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 1<<20) }},
		{name: "refcount table longer than it is", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 2) }},
	}
}

// tableDamages are of L1 and L2 tables, in any image.
func tableDamages() []damage {
	first := func(e *editor) int64 { // a guest cluster with data, not compressed
		for i := range int64(64) {
			if entry := e.get64(e.l2(i)); entry&qcow2.L2E_OFFSET_MASK != 0 && entry&qcow2.QCOW_OFLAG_COMPRESSED == 0 {
				return i
			}
		}
		e.t.Fatal("no data")
		return 0
	}
	or := func(bits uint64) func(*editor) { return func(e *editor) { e.or(e.l2(first(e)), bits) } }
	set := func(value func(e *editor) int64) func(*editor) {
		return func(e *editor) { e.u64(e.l2(first(e)), uint64(value(e))|qcow2.QCOW_OFLAG_COPIED) }
	}
	return []damage{
		{name: "L1 reserved bits", alter: func(e *editor) { e.or(e.l1(0), qcow2.L1E_RESERVED_MASK) }},
		{name: "L1 entry 0", alter: func(e *editor) { e.u64(e.l1(0), 0) }},
		{name: "L1 nothing but the copied flag", alter: func(e *editor) { e.u64(e.l1(0), qcow2.QCOW_OFLAG_COPIED) }},
		{name: "L1 copied flag", alter: func(e *editor) { e.u64(e.l1(0), e.get64(e.l1(0))^qcow2.QCOW_OFLAG_COPIED) }},
		{name: "L2 table past the end", alter: func(e *editor) { e.u64(e.l1(0), 1<<40) }},
		{name: "L2 table just past the end", alter: func(e *editor) {
			e.u64(e.l1(0), uint64((int64(len(e.b))+e.cluster()-1)/e.cluster()*e.cluster())|qcow2.QCOW_OFLAG_COPIED)
		}},
		{name: "L2 table is the L1 table", alter: func(e *editor) { e.u64(e.l1(0), e.header().L1TableOffset) }},
		{name: "L2 table is the header", alter: func(e *editor) { e.u64(e.l1(0), 1<<56) }},
		{name: "L2 table is the refcount table", alter: func(e *editor) { e.u64(e.l1(0), e.header().RefcountTableOffset) }},
		{name: "L2 table twice", alter: func(e *editor) { e.u64(e.l1(1), e.get64(e.l1(0))) }},
		{name: "L2 table unaligned", alter: func(e *editor) { e.or(e.l1(0), 512) }},
		{name: "L2 reserved bits", alter: or(qcow2.L2E_STD_RESERVED_MASK)},
		{name: "L2 copied flag", alter: func(e *editor) { e.u64(e.l2(first(e)), e.get64(e.l2(first(e)))^qcow2.QCOW_OFLAG_COPIED) }},
		{name: "L2 another's cluster", alter: func(e *editor) {
			i := first(e)
			for j := i + 1; j < 64; j++ {
				if e.get64(e.l2(j)) == 0 {
					e.u64(e.l2(j), e.get64(e.l2(i)))
					return
				}
			}
			e.u64(e.l2(i), e.get64(e.l2(i+1)))
		}},
		{name: "L2 into the header", alter: or(1)},
		{name: "L2 into the L1 table", alter: set(func(e *editor) int64 { return int64(e.header().L1TableOffset) })},
		{name: "L2 into itself", alter: set(func(e *editor) int64 { return e.l2Table(0) })},
		{name: "L2 into a refcount block", alter: set(func(e *editor) int64 { return int64(e.get64(e.block(0))) })},
		{name: "L2 past the end", alter: set(func(e *editor) int64 { return 1 << 40 })},
		{name: "L2 at the largest offset", alter: set(func(e *editor) int64 { return qcow2.L2E_OFFSET_MASK &^ (1<<21 - 1) })},
		{name: "L2 unaligned", alter: or(512)},
		{name: "L2 compressed", alter: or(qcow2.QCOW_OFLAG_COMPRESSED)},
		{name: "L2 compressed past the end", alter: func(e *editor) {
			e.u64(e.l2(first(e)), qcow2.QCOW_OFLAG_COMPRESSED|1<<36)
		}},
		{name: "file cut in the middle", alter: func(e *editor) { e.b = e.b[:len(e.b)/2] }},
		{name: "file cut in the last cluster", alter: func(e *editor) { e.b = e.b[:len(e.b)-1] }},
		{name: "file cut a cluster earlier", alter: func(e *editor) { e.b = e.b[:int64(len(e.b))-e.cluster()-1] }},
		{name: "L1 table past the end", alter: func(e *editor) { e.u64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<40) }},
		{name: "L1 table longer", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_L1Size, 5000) }},
	}
}

// specialDamages are of what only some images have.
func specialDamages() []damage {
	const (
		alloc = uint64(1) << qcow2.QCOW_L2_BITMAP_ALLOC_SHIFT
		zero  = uint64(1) << qcow2.QCOW_L2_BITMAP_ZERO_SHIFT
	)
	field := func(i int, offset int64, value uint64) func(*editor) {
		return func(e *editor) { e.u64(e.snapshot(i)+offset, value) }
	}
	snapshotL1 := func(e *editor, i int) int64 {
		return int64(e.get64(e.snapshot(i) + qcow2.OffsetofQCowSnapshotHeader_L1TableOffset))
	}
	all := []damage{
		{name: "zero cluster in version 2", image: "v2-plain", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
		{name: "zero cluster unaligned", image: "v3-plain", alter: orL2(0, 512|qcow2.QCOW_OFLAG_ZERO)},
		{name: "preallocated zero cluster freed", image: "zero-clusters", alter: func(e *editor) { e.setRefcount(e.host(1)/e.cluster(), 0) }},
		{name: "copied flag of a zero cluster", image: "zero-clusters", alter: func(e *editor) { e.u64(e.l2(1), e.get64(e.l2(1))^qcow2.QCOW_OFLAG_COPIED) }},

		{name: "compressed with copied flag", image: "v3-deflate", alter: orL2(1, qcow2.QCOW_OFLAG_COPIED)},
		{name: "compressed, more sectors", image: "v3-deflate", alter: func(e *editor) { e.or(e.l2(1), e.sectors(31)) }},
		{name: "compressed past the end", image: "v3-zstd", alter: setL2(1, qcow2.QCOW_OFLAG_COMPRESSED|1<<40)},
		{name: "compressed in the header", image: "v2-deflate", alter: setL2(0, qcow2.QCOW_OFLAG_COMPRESSED|100)},

		{name: "subcluster allocated and zero", image: "extended-l2", alter: setBitmap(0, alloc|zero)},
		{name: "subcluster allocated without a cluster", image: "extended-l2", alter: setBitmap(5, alloc<<9)},
		{name: "both without a cluster", image: "extended-l2", alter: setBitmap(5, (alloc|zero)<<9)},
		{name: "zero without a cluster", image: "extended-l2", alter: setBitmap(5, zero<<9)},
		{name: "bitmap of a compressed cluster", image: "extended-l2", alter: setBitmap(4, alloc)},
		{name: "compressed with bitmap and copied flag", image: "extended-l2", alter: func(e *editor) {
			setBitmap(4, zero)(e)
			orL2(4, qcow2.QCOW_OFLAG_COPIED)(e)
		}},
		{name: "extended: cluster of zeros unaligned", image: "extended-l2", alter: func(e *editor) {
			orL2(0, 8192)(e)
			setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ZEROES)(e)
		}},
		{name: "extended: cluster unaligned", image: "extended-l2", alter: orL2(0, 8192)},
		{name: "extended: bit 0 of the entry", image: "extended-l2", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
		{name: "extended: reserved bits without a cluster", image: "extended-l2", alter: orL2(5, qcow2.L2E_STD_RESERVED_MASK)},

		{name: "data file: compressed", image: "data-file", alter: orL2(0, qcow2.QCOW_OFLAG_COMPRESSED)},
		{name: "data file: elsewhere", image: "data-file", alter: orL2(3, 1<<20)},
		{name: "data file: unaligned", image: "data-file", alter: orL2(3, 512)},
		{name: "data file: without the copied flag", image: "data-file", alter: func(e *editor) { e.u64(e.l2(3), e.get64(e.l2(3))&^qcow2.QCOW_OFLAG_COPIED) }},
		{name: "data file: a snapshot", image: "data-file", alter: func(e *editor) {
			at := (int64(len(e.b)) + e.cluster() - 1) / e.cluster() * e.cluster()
			e.b = append(e.b, make([]byte, at+e.cluster()-int64(len(e.b)))...)
			e.u32(qcow2.OffsetofQCowHeader_NbSnapshots, 1)
			e.u64(qcow2.OffsetofQCowHeader_SnapshotsOffset, uint64(at))
			e.u64(at, e.header().L1TableOffset)
			e.u32(at+qcow2.OffsetofQCowSnapshotHeader_L1Size, 1)
		}},

		{name: "snapshot's L1 table unaligned", image: "snapshots", alter: field(0, qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 8)},
		{name: "snapshot's L1 table past the end", image: "snapshots", alter: field(0, qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 1<<40)},
		{name: "snapshot's L1 table past 2^63", image: "snapshots", alter: field(0, qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 1<<63), unlike: checkGoesOn},
		{name: "snapshot's L1 table is the disk's", image: "snapshots", alter: func(e *editor) { field(1, 0, e.header().L1TableOffset)(e) }},
		{name: "snapshot's L1 table is the header", image: "snapshots", alter: field(1, qcow2.OffsetofQCowSnapshotHeader_L1TableOffset, 0)},
		{name: "snapshot's L1 table too long", image: "snapshots", alter: func(e *editor) {
			e.u32(e.snapshot(0)+qcow2.OffsetofQCowSnapshotHeader_L1Size, 1<<22+1)
		}},
		{name: "snapshot's L1 table longer", image: "snapshots", alter: func(e *editor) {
			e.u32(e.snapshot(0)+qcow2.OffsetofQCowSnapshotHeader_L1Size, 70)
		}},
		{name: "snapshot's L1 table empty", image: "snapshots", alter: func(e *editor) {
			e.u32(e.snapshot(0)+qcow2.OffsetofQCowSnapshotHeader_L1Size, 0)
		}},
		{name: "snapshot's L1 reserved bits", image: "snapshots", alter: func(e *editor) { e.or(snapshotL1(e, 0), 1<<60) }},
		{name: "snapshot's L2 table unaligned", image: "v3-plain", alter: func(e *editor) { e.or(e.l1(0), 1024) }},
		{name: "shared cluster", image: "snapshots", alter: func(e *editor) { e.setRefcount(e.host(2)/e.cluster(), 1) }},
		{name: "shared table's refcount", image: "snapshots", alter: func(e *editor) {
			table := int64(e.get64(snapshotL1(e, 1)) & qcow2.L1E_OFFSET_MASK)
			e.setRefcount(table/e.cluster(), 1)
		}},
		{name: "shared table with reserved bits", image: "snapshots", alter: func(e *editor) {
			e.u64(snapshotL1(e, 0), e.get64(snapshotL1(e, 1)))
			e.or(int64(e.get64(snapshotL1(e, 1))&qcow2.L1E_OFFSET_MASK), 1<<57)
		}},
		{name: "snapshot with little extra data", image: "snapshots", alter: func(e *editor) {
			at := e.snapshot(0) // what was extra data becomes part of the id
			e.u32(at+qcow2.OffsetofQCowSnapshotHeader_ExtraDataSize, 8)
			e.u16(at+qcow2.OffsetofQCowSnapshotHeader_IdStrSize, 17)
		}},
		{name: "snapshot with too much extra data", image: "snapshots", alter: func(e *editor) {
			e.u32(e.snapshot(0)+qcow2.OffsetofQCowSnapshotHeader_ExtraDataSize, 2000)
		}},
		{name: "snapshot table unaligned", image: "snapshots", alter: func(e *editor) { e.or(qcow2.OffsetofQCowHeader_SnapshotsOffset, 8) }},
		{name: "too many snapshots", image: "snapshots", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_NbSnapshots, 65537) }},
		{name: "a snapshot less", image: "snapshots", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_NbSnapshots, 1) }},

		{name: "snapshot table past the end", image: "snapshots", alter: func(e *editor) { e.b = e.b[:len(e.b)/2] }, unlike: pastEnd, exit: 1},

		{name: "bitmap cluster freed", image: "bitmaps", alter: func(e *editor) {
			e.setRefcount(int64(e.get64(e.bitmapTable())&qcow2.BME_TABLE_ENTRY_OFFSET_MASK)/e.cluster(), 0)
		}},
		{name: "bitmap table freed", image: "bitmaps", alter: func(e *editor) { e.setRefcount(e.bitmapTable()/e.cluster(), 0) }},
		{name: "bitmap directory freed", image: "bitmaps", alter: func(e *editor) { e.setRefcount(e.bitmapEntry()/e.cluster(), 0) }},
		{name: "bitmaps stale", image: "bitmaps", alter: func(e *editor) { e.u64(qcow2.OffsetofQCowHeader_AutoclearFeatures, 0) }},
		{name: "bitmap directory broken", image: "bitmaps", alter: func(e *editor) {
			e.u32(e.bitmapEntry()+qcow2.OffsetofQcow2BitmapDirEntry_Flags, 1<<7)
		}},
		{name: "bitmap table is the L1 table", image: "bitmaps", alter: func(e *editor) {
			e.u64(e.bitmapEntry()+qcow2.OffsetofQcow2BitmapDirEntry_BitmapTableOffset, e.header().L1TableOffset)
		}, unlike: checkGoesOn},
		{name: "bitmap table entry with reserved bits", image: "bitmaps", alter: func(e *editor) { e.or(e.bitmapTable(), 1<<60) }, unlike: checkGoesOn},
		{name: "in-use bitmap with a broken table", image: "bitmaps", alter: func(e *editor) {
			e.or(e.bitmapTable(), 1<<60)
			e.u32(e.bitmapEntry()+qcow2.OffsetofQcow2BitmapDirEntry_Flags, qcow2.BME_FLAG_IN_USE)
		}, unlike: checkGoesOn},
		{name: "in-use bitmap", image: "bitmaps", alter: func(e *editor) {
			e.u32(e.bitmapEntry()+qcow2.OffsetofQcow2BitmapDirEntry_Flags, qcow2.BME_FLAG_IN_USE)
		}},

		{name: "marked corrupt", image: "v3-plain", alter: func(e *editor) {
			e.or(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_CORRUPT)
		}},
		{name: "marked dirty", image: "v3-plain", alter: func(e *editor) {
			e.or(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_DIRTY)
		}},
		{name: "refcounts of 1 bit overflow", image: "refcount-width-1", alter: func(e *editor) { e.u64(e.l2(10), e.get64(e.l2(0))) }},
	}
	return all
}

// TestCheckDamaged compares check on damaged images.
func TestCheckDamaged(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	tool := buildTool(t)
	all := specialDamages()
	for i, image := range []string{"v2-plain", "v3-plain", "extended-l2", "snapshots", "refcount-width-1", "v3-deflate"} {
		for j, d := range slices.Concat(refcountDamages(), tableDamages()) {
			if i > 1 && (i+j)%2 != 0 || i > 0 && !wholeCorpus() && (i+j)%6 != 0 {
				continue
			}
			if image == "snapshots" && strings.HasPrefix(d.name, "file cut") {
				continue // QEMU takes zeros for snapshots: pastEnd
			}
			d.name, d.image = image+": "+d.name, image
			all = append(all, d)
		}
	}
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, d.image)
			editImage(t, dir, d.alter)
			if d.unlike == nil {
				compareCheck(t, tool, dir, []string{"-f", "qcow2", diskName})
				if !strings.Contains(d.name, ": ") || d.image == "v3-plain" {
					compareCheckText(t, tool, dir)
				}
				return
			}
			theirs := runCheck(t, dir, "qemu-img", "json", "-f", "qcow2", diskName)
			ours := runCheck(t, dir, tool, "json", diskName)
			if ours.exit == theirs.exit && ours.stdout == theirs.stdout {
				t.Errorf("no longer %s", d.unlike.says)
			}
			want := 2
			if d.exit > 0 {
				want = d.exit
			}
			if ours.exit != want {
				t.Errorf("check ends with %d, want %d\n%s", ours.exit, want, ours.stdout)
			}
		})
	}
}

// TestCheckEncrypted frees the clusters of LUKS headers. QEMU needs the
// password for that, we do not.
func TestCheckEncrypted(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	for _, r := range specialRecipes() {
		if r.password == "" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			withImage(t, b, &r, func(dir string) {
				editImage(t, dir, func(e *editor) {
					at := e.header().L1TableOffset
					if e.header().CryptMethod == qcow2.QCOW_CRYPT_LUKS {
						at = e.get64(e.find(qcow2.QCOW2_EXT_MAGIC_CRYPTO_HEADER))
					}
					e.setRefcount(int64(at)/e.cluster(), 0)
					e.setRefcount(int64(at)/e.cluster()+1, 7)
				})
				compareCheck(t, tool, dir, source(&r))
			})
		})
	}
}

// TestCheckRefcountWidths damages images of every width of refcounts, each in
// two sizes of clusters.
func TestCheckRefcountWidths(t *testing.T) {
	t.Parallel()
	b := newBuilder(t)
	tool := buildTool(t)
	for i, bits := range []int{1, 2, 4, 8, 16, 32, 64} {
		for j, cluster := range []int64{512, 4 << 10, 64 << 10, 2 << 20} {
			if (i+j)%2 != 0 || !wholeCorpus() && (i+j)%3 != 0 {
				continue
			}
			r := recipe{name: fmt.Sprintf("%d bits, %s", bits, byteSize(cluster)), steps: []command{
				create(diskName, 90*cluster, fmt.Sprint("cluster_size=", cluster), fmt.Sprint("refcount_bits=", bits)),
				qio("qcow2", diskName, fmt.Sprintf("write -q -P 1 0 %d", 10*cluster), fmt.Sprintf("write -q -P 2 %d 512", 70*cluster)),
			}}
			if bits > 1 {
				r.steps = append(r.steps, img("snapshot", "-c", "one", diskName), qio("qcow2", diskName, "write -q -P 3 0 512"))
			}
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				withImage(t, b, &r, func(dir string) {
					compareCheck(t, tool, dir, source(&r))
					good, err := os.ReadFile(filepath.Join(dir, diskName))
					if err != nil {
						t.Fatal(err)
					}
					for i, d := range refcountDamages() {
						if i >= 7 && i%3 != 0 {
							continue // those are about refcounts, the others about tables
						}
						if err := os.WriteFile(filepath.Join(dir, diskName), good, 0o666); err != nil {
							t.Fatal(err)
						}
						editImage(t, dir, d.alter)
						compareCheck(t, tool, dir, source(&r))
						if t.Failed() {
							t.Fatal(d.name)
						}
					}
				})
			})
		}
	}
}

// TestCheckRandom changes bits, words and clusters of metadata at random. The
// seed of a failure is in its name.
func TestCheckRandom(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	tool := buildTool(t)
	images := []string{"v2-plain", "v3-plain", "v3-deflate", "extended-l2", "snapshots", "bitmaps", "zero-clusters", "refcount-width-1", "data-file"}
	rounds := randomRounds(3, 12)
	first := testseed.Of(t)
	for i, image := range images {
		for round := range rounds {
			seed := first + uint64(i*rounds+round)
			t.Run(fmt.Sprintf("%s,seed=%d", image, seed), func(t *testing.T) {
				t.Parallel()
				dir := unpackCommitted(t, image)
				editImage(t, dir, func(e *editor) { e.disturb(rand.New(rand.NewPCG(seed, 11))) })
				compareDisturbed(t, tool, dir)
			})
		}
	}
}

// compareDisturbed is compareCheck, but for what differs for known reasons:
// bitmapTable, pastEndList, outOfMemory.
func compareDisturbed(t *testing.T, tool, dir string) {
	t.Helper()
	ours := runCheck(t, dir, tool, "json", diskName)
	if slices.ContainsFunc(ours.findings, func(line string) bool {
		return strings.HasPrefix(line, "ERROR bitmap") || pastInt64.MatchString(line)
	}) {
		if ours.exit == 0 {
			t.Errorf("check ends with %d, having found %q", ours.exit, ours.findings)
		}
		return
	}
	if ours.exit == 1 && strings.Contains(ours.message, ": snapshot ") && strings.Contains(ours.message, "beyond the end of the file") {
		return
	}
	compareCheck(t, tool, dir, []string{"-f", "qcow2", diskName})
}

// pastInt64 is a finding about what lies past 2^63, where QEMU gives up in one
// way or another.
var pastInt64 = regexp.MustCompile(`^ERROR: counting reference .* offset 0x[89a-f][0-9a-f]{15} `)

// disturb changes one to three places of refcount, L1, L2, snapshot and bitmap
// tables.
func (e *editor) disturb(r *rand.Rand) {
	h := e.header()
	var places []int64 // tables, each a cluster
	add := func(at uint64) {
		if at != 0 && int64(at)+e.cluster() <= int64(len(e.b)) {
			places = append(places, int64(at))
		}
	}
	add(h.L1TableOffset)
	add(h.RefcountTableOffset)
	add(e.get64(e.block(0)))
	add(h.SnapshotsOffset)
	for i := range int64(min(h.L1Size, 8)) {
		add(uint64(e.l2Table(i)))
	}
	for i := range int(h.NbSnapshots) {
		add(e.get64(e.snapshot(i)))
	}
	for range 1 + r.IntN(3) {
		at := places[r.IntN(len(places))]
		word := at + r.Int64N(e.cluster()/8)*8
		for range 20 { // rather where something is
			if e.get64(word) != 0 {
				break
			}
			word = at + r.Int64N(min(e.cluster(), 512)/8)*8
		}
		switch r.IntN(4) {
		case 0:
			e.b[word+r.Int64N(8)] ^= 1 << r.IntN(8)
		case 1:
			e.u64(word, e.get64(word)^1<<r.IntN(64))
		case 2:
			e.u64(word, uint64(r.Int64N(int64(len(e.b))/e.cluster()+3)*e.cluster())|r.Uint64()&qcow2.QCOW_OFLAG_COPIED)
		case 3:
			e.u64(word, e.get64(at+r.Int64N(min(e.cluster(), 512)/8)*8))
		}
	}
	e.u32(qcow2.OffsetofQCowHeader_Padding+3, 1) // in case that all came to nothing
}
