package gpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// maxArray is our limit for an array of entries, in bytes: 256 times what is
// usual, and as much as Linux takes.
const maxArray = 4 << 20

// maxLBA keeps ends within 64 bits. No disk has as many sectors.
const maxLBA = math.MaxUint64 - 1

// A half is one of the two copies of a GPT: a header and the array of entries
// that it names.
type half struct {
	sound  soundness
	header GPTHeader
	array  []byte
}

// soundness is how much of a half of a table can be used.
type soundness int

const (
	nothing    soundness = iota // not even the signature is there
	signature                   // and no more
	headerOnly                  // the array of entries is damaged
	whole
)

// primary and backup are what errors call the two.
const (
	primary = "primary GPT header"
	backup  = "backup GPT header"
)

// field returns the error for a field of the header what at the sector lba.
func (d *disk) field(what, name string, lba uint64, offset int64, value uint64, reason string) error {
	return corrupt(what+": "+name, d.offset(lba)+offset, value, reason)
}

// half reads the copy whose header is at the sector lba, and checks all but
// the partitions. It has as much as is sound.
func (d *disk) half(what string, lba uint64) (h half, err error) {
	if lba >= d.sectors() {
		return h, corrupt(what, 0, lba, fmt.Sprintf("sector, of a disk of %#x", d.sectors()))
	}
	b, err := d.read(what, d.offset(lba), d.sectorSize)
	if err != nil {
		return h, err
	}
	h.header.Decode((*[SizeofGPTHeader]byte)(b))
	if string(h.header.Signature[:]) != GPT_SIGNATURE {
		return h, d.field(what, "Signature", lba, OffsetofGPTHeader_Signature,
			binary.BigEndian.Uint64(h.header.Signature[:]), fmt.Sprintf("not %q", GPT_SIGNATURE))
	}
	h.sound = signature
	if err := d.checkHeader(what, &h.header, b, lba); err != nil {
		return h, err
	}
	h.sound = headerOnly
	size := int64(h.header.NumberOfPartitionEntries) * int64(h.header.SizeOfPartitionEntry)
	what += ": array of entries"
	array, err := d.read(what, d.offset(h.header.PartitionEntryLBA), size)
	if err != nil {
		return h, err
	}
	if sum := crc32.ChecksumIEEE(array); sum != h.header.PartitionEntryArrayCRC32 {
		return h, corrupt(what, d.offset(h.header.PartitionEntryLBA), uint64(sum),
			fmt.Sprintf("checksum, not %#x, the PartitionEntryArrayCRC32", h.header.PartitionEntryArrayCRC32))
	}
	h.sound, h.array = whole, array
	return h, nil
}

// checkHeader checks the header h, found in the sector b at lba.
func (d *disk) checkHeader(what string, h *GPTHeader, b []byte, lba uint64) error {
	fail := func(name string, offset int64, value uint64, reason string) error {
		return d.field(what, name, lba, offset, value, reason)
	}
	if h.HeaderSize < SizeofGPTHeader || int64(h.HeaderSize) > d.sectorSize {
		return fail("HeaderSize", OffsetofGPTHeader_HeaderSize, uint64(h.HeaderSize), fmt.Sprintf("from %d to a sector, %d", SizeofGPTHeader, d.sectorSize))
	}
	unsigned := *h
	unsigned.HeaderCRC32 = 0
	unsigned.Encode((*[SizeofGPTHeader]byte)(b))
	if sum := crc32.ChecksumIEEE(b[:h.HeaderSize]); sum != h.HeaderCRC32 {
		return fail("HeaderCRC32", OffsetofGPTHeader_HeaderCRC32, uint64(h.HeaderCRC32), fmt.Sprintf("the checksum is %#x", sum))
	}
	size := h.SizeOfPartitionEntry
	count := uint64(h.NumberOfPartitionEntries)
	switch sectors := d.sectors(); {
	case h.MyLBA != lba:
		return fail("MyLBA", OffsetofGPTHeader_MyLBA, h.MyLBA, fmt.Sprintf("the header is at %#x", lba))
	case h.FirstUsableLBA > h.LastUsableLBA:
		return fail("FirstUsableLBA", OffsetofGPTHeader_FirstUsableLBA, h.FirstUsableLBA,
			fmt.Sprintf("behind LastUsableLBA, %#x", h.LastUsableLBA))
	case size < SizeofGPTPartitionEntry || size%GPT_ENTRY_ALIGNMENT != 0:
		return fail("SizeOfPartitionEntry", OffsetofGPTHeader_SizeOfPartitionEntry, uint64(size),
			fmt.Sprintf("must be a multiple of %d, at least %d", GPT_ENTRY_ALIGNMENT, SizeofGPTPartitionEntry))
	case count*uint64(size) > maxArray:
		e := corrupt(what+": NumberOfPartitionEntries", d.offset(lba)+OffsetofGPTHeader_NumberOfPartitionEntries, count,
			fmt.Sprintf("entries of %d bytes, more than %d bytes together", size, maxArray))
		e.Err = ErrLimit
		return e
	case h.PartitionEntryLBA >= sectors || count*uint64(size) > uint64(d.size-d.offset(h.PartitionEntryLBA)):
		return fail("PartitionEntryLBA", OffsetofGPTHeader_PartitionEntryLBA, h.PartitionEntryLBA,
			fmt.Sprintf("%d bytes of entries there end behind the disk, %#x sectors", count*uint64(size), sectors))
	}
	return nil
}

// readGPT reads the table of a disk whose MBR says that it has a GPT: by its
// primary header, or else by the backup.
func (d *disk) readGPT(mbr *MasterBootRecord) (*Table, error) {
	sizes := []int64{d.sectorSize}
	if d.sectorSize == 0 {
		sizes = []int64{GPT_MIN_SECTOR_SIZE, GPT_MAX_SECTOR_SIZE}
	}
	t := &Table{Scheme: SchemeGPT, MBR: *mbr}
	h, err := d.find(sizes, func(d *disk) (half, error) { return d.half(primary, GPT_PRIMARY_HEADER_LBA) })
	switch {
	case err == nil:
		t.Backup = d.checkBackup(&h)
	default:
		t.Primary = err
		if h.sound == headerOnly { // so it can be trusted where the other is
			h, err = d.half(backup, h.header.AlternateLBA)
		}
		if err != nil {
			h, err = d.find(sizes, func(d *disk) (half, error) { return d.half(backup, d.sectors()-1) })
		}
		if err != nil {
			return nil, errors.Join(t.Primary, err)
		}
	}
	t.Header, t.SectorSize, t.ID = h.header, d.sectorSize, h.header.DiskGUID.String()
	t.Partitions = d.partitions(&h)
	t.Hybrid = d.records(mbr, func(r *MBRPartitionRecord) bool { return r.used() && r.OSType != MBR_TYPE_GPT_PROTECTIVE })
	return t, firstError(t.Partitions)
}

// find looks for a half of the table by each of the sector sizes, and sets
// that of d to the one by which it is soundest.
func (d *disk) find(sizes []int64, look func(d *disk) (half, error)) (best half, bestErr error) {
	bestSize := int64(0)
	for _, size := range sizes {
		try := disk{d.r, d.size, size}
		if d.size < size {
			continue
		}
		if h, err := look(&try); bestSize == 0 || h.sound > best.sound {
			best, bestErr, bestSize = h, err, size
		}
	}
	d.sectorSize = bestSize
	return best, bestErr
}

// checkBackup returns why the backup cannot stand in for the primary half h.
func (d *disk) checkBackup(h *half) error {
	lba := h.header.AlternateLBA
	b, err := d.half(backup, lba)
	if err != nil {
		return err
	}
	switch p, q := &h.header, &b.header; {
	case p.DiskGUID != q.DiskGUID:
		return d.field(backup, "DiskGUID", lba, OffsetofGPTHeader_DiskGUID, uint64(q.DiskGUID.Data1), "not that of the primary header")
	case p.PartitionEntryArrayCRC32 != q.PartitionEntryArrayCRC32:
		return d.field(backup, "PartitionEntryArrayCRC32", lba, OffsetofGPTHeader_PartitionEntryArrayCRC32,
			uint64(q.PartitionEntryArrayCRC32), "not that of the primary header")
	}
	return nil
}

// partitions returns the partitions of the entries that are in use.
func (d *disk) partitions(h *half) []Partition {
	var list []Partition
	usable := span{h.header.FirstUsableLBA, min(h.header.LastUsableLBA, maxLBA) + 1}
	size := int(h.header.SizeOfPartitionEntry)
	start := d.offset(h.header.PartitionEntryLBA)
	for i := 0; i < len(h.array); i += size {
		var e GPTPartitionEntry
		e.Decode((*[SizeofGPTPartitionEntry]byte)(h.array[i:]))
		if e.PartitionTypeGUID == (EfiGuid{}) {
			continue
		}
		p := Partition{
			Number: i/size + 1, Offset: start + int64(i),
			FirstLBA: e.StartingLBA, Type: e.PartitionTypeGUID.String(),
			GUID: e.UniquePartitionGUID.String(), Name: e.name(), Attributes: Attributes(e.Attributes),
		}
		if end := min(e.EndingLBA, maxLBA) + 1; e.StartingLBA < end {
			p.Sectors = end - e.StartingLBA
		}
		d.place(&p, usable)
		if e.EndingLBA < e.StartingLBA {
			p.Err = corrupt(p.what()+": EndingLBA", p.Offset+OffsetofGPTPartitionEntry_EndingLBA, e.EndingLBA,
				fmt.Sprintf("before StartingLBA, %#x", e.StartingLBA))
		}
		list = append(list, p)
	}
	markOverlaps(list)
	return list
}
