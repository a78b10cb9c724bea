package gpt

import (
	"cmp"
	"fmt"
	"slices"
)

// maxLogical is our limit: more logical partitions than any system shows.
const maxLogical = 1024

// masterBootRecord reads the first sector of the disk.
func (d *disk) masterBootRecord() (*MasterBootRecord, error) {
	what := "master boot record"
	if d.size < max(SizeofMasterBootRecord, d.sectorSize) {
		return nil, &Error{what, 0, uint64(d.size), "bytes of disk, less than a sector", ErrNoTable}
	}
	b, err := d.read(what, 0, SizeofMasterBootRecord)
	if err != nil {
		return nil, err
	}
	mbr := new(MasterBootRecord)
	mbr.Decode((*[SizeofMasterBootRecord]byte)(b))
	if mbr.Signature != MBR_SIGNATURE {
		return nil, &Error{what + ": Signature", OffsetofMasterBootRecord_Signature,
			uint64(mbr.Signature), fmt.Sprintf("not %#x", MBR_SIGNATURE), ErrNoTable}
	}
	for i, r := range mbr.PartitionRecord {
		// A volume's boot record has the same signature, and text here.
		if r.BootIndicator != MBR_BOOTABLE && r.BootIndicator != MBR_NOT_BOOTABLE {
			return nil, &Error{what + ": BootIndicator", recordOffset(i), uint64(r.BootIndicator),
				fmt.Sprintf("neither %#x nor %#x, so these are no partitions", MBR_BOOTABLE, MBR_NOT_BOOTABLE), ErrNoTable}
		}
	}
	return mbr, nil
}

// recordOffset returns where in its sector a partition record lies.
func recordOffset(i int) int64 {
	return OffsetofMasterBootRecord_PartitionRecord + int64(i)*SizeofMBRPartitionRecord
}

// protects reports whether the disk has a GPT, and mbr is there to say so.
func (mbr *MasterBootRecord) protects() bool {
	return slices.ContainsFunc(mbr.PartitionRecord[:], func(r MBRPartitionRecord) bool { return r.protects() })
}

func (r *MBRPartitionRecord) protects() bool {
	return r.OSType == MBR_TYPE_GPT_PROTECTIVE && r.StartingLBA == GPT_PRIMARY_HEADER_LBA
}

func (r *MBRPartitionRecord) extended() bool {
	return r.OSType == MBR_TYPE_EXTENDED || r.OSType == MBR_TYPE_EXTENDED_LBA || r.OSType == MBR_TYPE_EXTENDED_LINUX
}

// used reports whether r is a partition. Images that boot from CDs and disks
// have some of type 0.
func (r *MBRPartitionRecord) used() bool { return r.OSType != MBR_TYPE_UNUSED || r.SizeInLBA != 0 }

// record returns the partition that r, at the offset off of the disk, stands
// for. It counts from sector base on and may lie in the given sectors.
func (d *disk) record(r *MBRPartitionRecord, number int, off int64, base uint64, may span) Partition {
	p := Partition{
		Number: number, Offset: off,
		FirstLBA: base + uint64(r.StartingLBA), Sectors: uint64(r.SizeInLBA),
		Type: fmt.Sprintf("%02x", r.OSType), Bootable: r.BootIndicator == MBR_BOOTABLE,
		Extended: r.extended(), Logical: base > 0,
	}
	d.place(&p, may)
	return p
}

// readMBR reads the table of a disk without a GPT.
func (d *disk) readMBR(mbr *MasterBootRecord) (*Table, error) {
	if d.sectorSize == 0 {
		d.sectorSize = GPT_MIN_SECTOR_SIZE
	}
	t := &Table{
		Scheme: SchemeMBR, SectorSize: d.sectorSize, MBR: *mbr,
		ID: fmt.Sprintf("%#08x", mbr.UniqueMBRDiskSignature),
	}
	t.Partitions = d.records(mbr, func(r *MBRPartitionRecord) bool { return r.used() })
	markOverlaps(t.Partitions)
	err := firstError(t.Partitions)
	extended := false
	for _, p := range t.Partitions { // the four at most that there are by now
		if !p.Extended || p.Err != nil {
			continue
		}
		if extended {
			return t, cmp.Or(err, error(corrupt(p.what(), p.Offset, p.FirstLBA, "a second extended partition")))
		}
		extended = true
		logical, linkErr := d.logical(&p)
		t.Partitions = append(t.Partitions, logical...)
		err = cmp.Or(err, firstError(logical), linkErr)
	}
	return t, err
}

// records returns the partitions of the records in mbr that are wanted.
func (d *disk) records(mbr *MasterBootRecord, wanted func(*MBRPartitionRecord) bool) []Partition {
	var list []Partition
	for i := range mbr.PartitionRecord {
		if r := &mbr.PartitionRecord[i]; wanted(r) {
			list = append(list, d.record(r, i+1, recordOffset(i), 0, span{0, d.sectors()}))
		}
	}
	return list
}

// logical follows the chain of the boot records in an extended partition, and
// returns the partitions that they describe; with an error those before it.
//
// Of two records one is a partition that counts from the boot record on, and
// one of an extended type names the next boot record, counted from the start
// of the extended partition on. Either may be missing.
func (d *disk) logical(extended *Partition) ([]Partition, error) {
	var list []Partition
	var used []placed
	const what = "extended boot record"
	seen := make(map[uint64]bool)
	inside := span{extended.FirstLBA, extended.FirstLBA + extended.Sectors}
	at, from := extended.FirstLBA, extended.Offset // the boot record, and where it is named
	for more := true; more; {
		switch {
		case at < inside.from || at >= inside.to:
			return list, corrupt(what, from, at, "sector, outside of the extended partition")
		case seen[at]:
			return list, corrupt(what, from, at, "sector, for the second time: the chain is a loop")
		case len(seen) == maxLogical:
			return list, &Error{what, from, at, fmt.Sprintf("sector, after %d others", maxLogical), ErrLimit}
		}
		seen[at] = true
		base, start := at, d.offset(at)
		b, err := d.read(what, start, SizeofMasterBootRecord)
		if err != nil {
			return list, err
		}
		var ebr MasterBootRecord
		ebr.Decode((*[SizeofMasterBootRecord]byte)(b))
		if ebr.Signature != MBR_SIGNATURE {
			return list, corrupt(what+": Signature", start+OffsetofMasterBootRecord_Signature,
				uint64(ebr.Signature), fmt.Sprintf("not %#x", MBR_SIGNATURE))
		}
		used = append(used, placed{span{base, base + 1}, nil})
		more = false
		partition := false
		for i := range ebr.PartitionRecord {
			r, off := &ebr.PartitionRecord[i], start+recordOffset(i)
			switch {
			case !r.used():
			case r.extended() && !more:
				more, at, from = true, extended.FirstLBA+uint64(r.StartingLBA), off
			case !r.extended() && !partition:
				partition = true
				list = append(list, d.record(r, firstLogical+len(list), off, base, inside))
			default:
				return list, corrupt(what, off, uint64(r.OSType), "type of a record too many: one partition and one link are allowed")
			}
		}
	}
	for i := range list {
		used = append(used, placed{list[i].span(), &list[i]})
	}
	overlaps(used)
	return list, nil
}

// firstLogical is the number of the first logical partition, however many
// others there are.
const firstLogical = MBR_PARTITION_RECORDS + 1
