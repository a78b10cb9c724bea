package qcow2

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A FindingKind says what is wrong with a structure of an image.
type FindingKind int

// What Check finds. The comments say what the fields of the Finding hold,
// beside Offset: where in the file that lies of which the finding is.
const (
	FindingOutside             FindingKind = iota // a structure ends a cluster or more past the end of the file; Value: its length in bytes
	FindingOverflow                               // a cluster is named more often than a refcount can count
	FindingL1Reserved                             // an L1 entry with reserved bits; Index: of the entry; Value: the entry
	FindingL1Unaligned                            // an L1 entry with an L2 table that is not cluster aligned; Index, Value
	FindingL2Reserved                             // an L2 entry with reserved bits; Index: in its table; Value: the entry
	FindingL2Unaligned                            // an L2 entry with a data cluster that is not cluster aligned; Index, Value
	FindingL2UnalignedZero                        // the same of a cluster that is allocated and reads as zeros; Index, Value
	FindingL2Copied                               // an L2 entry of a compressed cluster with QCOW_OFLAG_COPIED; Index, Value
	FindingL2CompressedData                       // an L2 entry of a compressed cluster in an image with a data file; Index, Value
	FindingL2CompressedBitmap                     // an L2 entry of a compressed cluster with a subcluster bitmap; Index, Value
	FindingL2Bitmap                               // an L2 entry with a subcluster both allocated and zero; Index; Value: the entry
	FindingL2BitmapUnallocated                    // an L2 entry without a cluster, with subclusters allocated; Index; Value: the bitmap
	FindingL2ZeroVersion2                         // an L2 entry of a zero cluster, which version 2 has not; Index, Value
	FindingL2DataOffset                           // an L2 entry with another place in the data file than on the disk; Index, Value
	FindingSnapshotIncomplete                     // a snapshot of a version 3 image with too little extra data; Index: of the snapshot; Value: bytes
	FindingSnapshotsDataFile                      // snapshots in an image with a data file; Value: how many
	FindingSnapshotL1Unaligned                    // a snapshot's L1 table is not cluster aligned; Index: of the snapshot; Value: its offset; ID, Name
	FindingSnapshotL1Length                       // a snapshot's L1 table is too long; Index: of the snapshot; Value: entries; ID, Name
	FindingBitmapTable                            // a bitmap table entry with reserved bits, or not cluster aligned; Index; Value: the entry; Name
	FindingBlockReserved                          // a refcount table entry with reserved bits; Index: of the entry; Value: the entry
	FindingBlockUnaligned                         // a refcount table entry with a block that is not cluster aligned; Index, Value
	FindingBlockOutside                           // a refcount table entry with a block past the end of the file; Index, Value
	FindingBlockShared                            // a refcount block that is something else, too; Index; References
	FindingRefcountUnreadable                     // a cluster whose refcount cannot be read; Index: of the cluster
	FindingRefcountLow                            // a cluster's refcount is too low; Index: of the cluster; Value: the refcount; References
	FindingLeak                                   // a cluster's refcount is too high, nothing more; Index: of the cluster; Value: the refcount; References
	FindingCopiedL2                               // an L1 entry whose copied flag and refcount contradict each other; Index, Value; References: the refcount
	FindingCopiedData                             // an L2 entry whose copied flag and refcount contradict each other; Index, Value; References: the refcount
)

// A Severity is what a finding means for the image.
type Severity int

const (
	// SeverityCorruption: data may be wrong, or become so by further writes.
	SeverityCorruption Severity = iota
	// SeverityLeak: space of the file is lost; data is not harmed.
	SeverityLeak
	// SeverityError: something could not be checked.
	SeverityError
)

// A Finding is one thing that [Image.Check] found to be wrong.
type Finding struct {
	Kind       FindingKind
	Offset     uint64 // in the file or, as the image has it, past its end: of the entry, cluster or structure that is wrong
	Index      int64  // as the FindingKind says
	Value      uint64 // as the FindingKind says
	References uint64 // as the FindingKind says
	ID, Name   string // of the snapshot or bitmap, not to be trusted
	Times      uint64 // how often it counts: more than once for FindingOverflow alone
}

// Severity returns what the finding means for the image.
func (f Finding) Severity() Severity {
	switch f.Kind {
	case FindingLeak:
		return SeverityLeak
	case FindingRefcountUnreadable:
		return SeverityError
	}
	return SeverityCorruption
}

// String returns the finding in the words of "qemu-img check".
func (f Finding) String() string {
	switch f.Kind {
	case FindingOutside:
		return fmt.Sprintf("ERROR: counting reference for region exceeding the end of the file by one cluster or more: offset %#x size %#x", f.Offset, f.Value)
	case FindingOverflow:
		times := ""
		if f.Times > 1 {
			times = fmt.Sprintf(" (%d times)", f.Times)
		}
		return fmt.Sprintf("ERROR: overflow cluster offset=%#x%s\n"+
			"Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy if the image cannot be opened for writing", f.Offset, times)
	case FindingL1Reserved:
		return fmt.Sprintf("ERROR found L1 entry with reserved bits set: %x", f.Value)
	case FindingL1Unaligned:
		return fmt.Sprintf("ERROR l2_offset=%x: Table is not cluster aligned; L1 entry corrupted", f.Value&L1E_OFFSET_MASK)
	case FindingL2Reserved:
		return fmt.Sprintf("ERROR found l2 entry with reserved bits set: %x", f.Value)
	case FindingL2Unaligned:
		return fmt.Sprintf("ERROR offset=%x: Data cluster is not properly aligned; L2 entry corrupted.", f.Value&L2E_OFFSET_MASK)
	case FindingL2UnalignedZero:
		return fmt.Sprintf("ERROR offset=%x: Preallocated cluster is not properly aligned; L2 entry corrupted.", f.Value&L2E_OFFSET_MASK)
	case FindingL2Copied:
		return fmt.Sprintf("ERROR: coffset=%#x: copied flag must never be set for compressed clusters", f.References)
	case FindingL2CompressedData:
		return fmt.Sprintf("ERROR compressed cluster %d with data file, entry=%#x", f.Index, f.Value&^QCOW_OFLAG_COPIED)
	case FindingL2CompressedBitmap:
		return fmt.Sprintf("ERROR compressed cluster %d with non-zero subcluster allocation bitmap, entry=%#x", f.Index, f.Value&^QCOW_OFLAG_COPIED)
	case FindingL2Bitmap:
		return fmt.Sprintf("ERROR offset=%x: Allocated cluster has corrupted subcluster allocation bitmap", f.Value&L2E_OFFSET_MASK)
	case FindingL2BitmapUnallocated:
		return "ERROR: Unallocated cluster has non-zero subcluster allocation map"
	case FindingL2ZeroVersion2:
		return fmt.Sprintf("ERROR l2_entry=%x: zero cluster in a version 2 image", f.Value)
	case FindingL2DataOffset:
		return fmt.Sprintf("ERROR l2_entry=%x: the cluster lies elsewhere in the data file than on the disk", f.Value)
	case FindingSnapshotIncomplete:
		return fmt.Sprintf("ERROR snapshot table entry %d is incomplete", f.Index)
	case FindingSnapshotsDataFile:
		return fmt.Sprintf("ERROR %d snapshots in image with data file", f.Value)
	case FindingSnapshotL1Unaligned:
		return fmt.Sprintf("ERROR snapshot %s (%s) l1_offset=%#x: L1 table is not cluster aligned; snapshot table entry corrupted", visible(f.ID), visible(f.Name), f.Value)
	case FindingSnapshotL1Length:
		return fmt.Sprintf("ERROR snapshot %s (%s) l1_size=%#x: L1 table is too large; snapshot table entry corrupted", visible(f.ID), visible(f.Name), f.Value)
	case FindingBitmapTable:
		return fmt.Sprintf("ERROR bitmap %s: table entry %d is corrupted: %x", visible(f.Name), f.Index, f.Value)
	case FindingBlockReserved:
		return fmt.Sprintf("ERROR refcount table entry %d has reserved bits set", f.Index)
	case FindingBlockUnaligned:
		return fmt.Sprintf("ERROR refcount block %d is not cluster aligned; refcount table entry corrupted", f.Index)
	case FindingBlockOutside:
		return fmt.Sprintf("ERROR refcount block %d is outside image", f.Index)
	case FindingBlockShared:
		return fmt.Sprintf("ERROR refcount block %d refcount=%d", f.Index, f.References)
	case FindingRefcountUnreadable:
		return fmt.Sprintf("Can't get refcount for cluster %d: Input/output error", f.Index)
	case FindingRefcountLow:
		return fmt.Sprintf("ERROR cluster %d refcount=%d reference=%d", f.Index, f.Value, f.References)
	case FindingLeak:
		return fmt.Sprintf("Leaked cluster %d refcount=%d reference=%d", f.Index, f.Value, f.References)
	case FindingCopiedL2:
		return fmt.Sprintf("ERROR OFLAG_COPIED L2 cluster: l1_index=%d l1_entry=%x refcount=%d", f.Index, f.Value, f.References)
	case FindingCopiedData:
		return fmt.Sprintf("ERROR OFLAG_COPIED data cluster: l2_entry=%x refcount=%d", f.Value, f.References)
	}
	return fmt.Sprintf("finding %d at %#x", f.Kind, f.Offset)
}

// visible returns s as it may go to a terminal: quoted, unless all of it can
// be seen.
func visible(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == unicode.ReplacementChar || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
