package gpt

import (
	"bytes"
	"hash/crc32"
	"testing"
	"unicode/utf16"
)

// A blank is a disk in memory that tables are written to.
type blank struct {
	bytes      []byte
	sectorSize int64
}

func newBlank(size, sectorSize int64) *blank { return &blank{make([]byte, size), sectorSize} }

func (b *blank) at(lba uint64) []byte { return b.bytes[int64(lba)*b.sectorSize:] }

// read reads the table back.
func (b *blank) read(opts *Options) (*Table, error) {
	return Read(bytes.NewReader(b.bytes), int64(len(b.bytes)), opts)
}

// putMBR writes a master or extended boot record.
func (b *blank) putMBR(lba uint64, records ...MBRPartitionRecord) {
	mbr := MasterBootRecord{UniqueMBRDiskSignature: 0x12ab34cd, Signature: MBR_SIGNATURE}
	copy(mbr.PartitionRecord[:], records)
	mbr.Encode((*[SizeofMasterBootRecord]byte)(b.at(lba)))
}

// record is a record of a partition.
func record(osType uint8, start, size uint32) MBRPartitionRecord {
	return MBRPartitionRecord{OSType: osType, StartingLBA: start, SizeInLBA: size}
}

// entry is an entry of a Linux file system, its GUID made of its first sector.
func entry(t testing.TB, first, last uint64, name string) GPTPartitionEntry {
	t.Helper()
	linux, err := ParseGUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
	if err != nil {
		t.Fatal(err)
	}
	e := GPTPartitionEntry{
		PartitionTypeGUID: linux, UniquePartitionGUID: EfiGuid{Data1: uint32(first)},
		StartingLBA: first, EndingLBA: last,
	}
	copy(e.PartitionName[:], utf16.Encode([]rune(name)))
	return e
}

// A layout says how a GPT is written.
type layout struct {
	entries   []GPTPartitionEntry
	entrySize int                // 0: 128
	count     int                // of entries, used or not; 0: as many as there are
	alter     func(h *GPTHeader) // before the checksum
	records   []MBRPartitionRecord
}

// putGPT writes protective MBR, primary half and backup.
func (b *blank) putGPT(l layout) {
	if l.records == nil {
		l.records = []MBRPartitionRecord{record(MBR_TYPE_GPT_PROTECTIVE, 1, 0xffffffff)}
	}
	b.putMBR(0, l.records...)
	size, count := max(l.entrySize, SizeofGPTPartitionEntry), max(l.count, len(l.entries))
	array := make([]byte, size*count)
	for i := range l.entries {
		l.entries[i].Encode((*[SizeofGPTPartitionEntry]byte)(array[i*size:]))
	}
	last := uint64(int64(len(b.bytes))/b.sectorSize) - 1
	sectors := (uint64(len(array)) + uint64(b.sectorSize) - 1) / uint64(b.sectorSize)
	copy(b.at(2), array)
	copy(b.at(last-sectors), array)
	h := GPTHeader{
		Signature: [8]byte([]byte(GPT_SIGNATURE)), Revision: GPT_REVISION, HeaderSize: SizeofGPTHeader,
		MyLBA: 1, AlternateLBA: last, FirstUsableLBA: 2 + sectors, LastUsableLBA: last - sectors - 1,
		DiskGUID: EfiGuid{Data1: 0xd15c}, PartitionEntryLBA: 2,
		NumberOfPartitionEntries: uint32(count), SizeOfPartitionEntry: uint32(size),
		PartitionEntryArrayCRC32: crc32.ChecksumIEEE(array),
	}
	if l.alter != nil {
		l.alter(&h)
	}
	b.putHeader(1, h)
	h.MyLBA, h.AlternateLBA, h.PartitionEntryLBA = last, 1, last-sectors
	if l.alter != nil {
		l.alter(&h)
	}
	b.putHeader(last, h)
}

// putHeader writes a header with its checksum.
func (b *blank) putHeader(lba uint64, h GPTHeader) {
	sector := (*[SizeofGPTHeader]byte)(b.at(lba))
	h.HeaderCRC32 = 0
	h.Encode(sector)
	if int64(h.HeaderSize) <= b.sectorSize {
		h.HeaderCRC32 = crc32.ChecksumIEEE(b.at(lba)[:h.HeaderSize])
	}
	h.Encode(sector)
}

// example is a disk of 1 MiB with a GPT and three partitions.
func example(t testing.TB, sectorSize int64) *blank {
	t.Helper()
	b := newBlank(1<<20, sectorSize)
	b.putGPT(layout{entries: []GPTPartitionEntry{
		entry(t, 40, 49, "first"),
		{},
		entry(t, 60, 99, "größer 😀"),
		entry(t, 50, 50, ""),
	}, count: 128})
	return b
}

// logicalExample is a disk of 1 MiB with an MBR and logical partitions.
func logicalExample() *blank {
	b := newBlank(1<<20, 512)
	b.putMBR(0,
		MBRPartitionRecord{BootIndicator: MBR_BOOTABLE, OSType: 0x83, StartingLBA: 64, SizeInLBA: 100},
		record(MBR_TYPE_EXTENDED_LBA, 200, 1000),
		MBRPartitionRecord{},
		record(0x82, 1500, 548))
	b.putMBR(200, record(0x83, 1, 99), record(MBR_TYPE_EXTENDED, 100, 101))
	b.putMBR(300, record(0x07, 2, 98), record(MBR_TYPE_EXTENDED, 500, 101))
	b.putMBR(700, record(0x8e, 10, 90))
	return b
}
