package gpt

import (
	"bytes"
	"testing"
)

// fuzzDisk is how long the disk is that a fuzzed table is on.
const fuzzDisk = 1 << 16

// FuzzRead reads tables of any bytes: the first sectors of a disk, and the
// last ones.
func FuzzRead(f *testing.F) {
	for _, sectorSize := range []int64{512, 4096} {
		b := newBlank(fuzzDisk, sectorSize)
		b.putGPT(layout{entries: []GPTPartitionEntry{entry(f, 6, 7, "a"), entry(f, 8, 9, "")}})
		f.Add(b.bytes[:6*sectorSize], b.bytes[fuzzDisk-3*sectorSize:])
		f.Add(b.bytes[:sectorSize], b.bytes[fuzzDisk-3*sectorSize:])
	}
	b := newBlank(fuzzDisk, 512)
	b.putMBR(0, record(0x83, 2, 2), record(MBR_TYPE_EXTENDED, 6, 20))
	b.putMBR(6, record(0x83, 1, 2), record(MBR_TYPE_EXTENDED, 5, 5))
	b.putMBR(11, record(0x83, 1, 2))
	f.Add(b.bytes[:12*512], []byte{})
	f.Fuzz(func(t *testing.T, head, tail []byte) {
		disk := make([]byte, fuzzDisk)
		copy(disk[max(0, len(disk)-len(tail)):], tail)
		copy(disk, head)
		for _, opts := range []*Options{nil, {SectorSize: 512}, {SectorSize: 4096}} {
			table, err := exercise(t, disk, opts)
			again, errAgain := Read(bytes.NewReader(disk), fuzzDisk, opts)
			if (err == nil) != (errAgain == nil) || (table == nil) != (again == nil) || table != nil && summary(table) != summary(again) {
				t.Fatalf("%v, then %v", err, errAgain)
			}
		}
	})
}

// FuzzFields gives any value to fields that checksums do not cover, or that
// get the right checksum.
func FuzzFields(f *testing.F) {
	f.Add(uint64(100), uint64(199), uint64(34), uint64(2014), uint64(2), uint32(128), uint32(4), uint32(92))
	f.Add(uint64(1)<<63, uint64(1)<<40, uint64(0), ^uint64(0), ^uint64(0), uint32(136), uint32(1<<31), uint32(512))
	f.Fuzz(func(t *testing.T, first, last, usable, lastUsable, at uint64, size, count, header uint32) {
		b := newBlank(1<<20, 512)
		b.putGPT(layout{
			entries: []GPTPartitionEntry{entry(t, first, last, ""), entry(t, 100, 199, "")}, count: 4,
			alter: func(h *GPTHeader) {
				h.FirstUsableLBA, h.LastUsableLBA, h.PartitionEntryLBA = usable, lastUsable, at
				h.SizeOfPartitionEntry, h.NumberOfPartitionEntries, h.HeaderSize = size, count, header
			},
		})
		exercise(t, b.bytes, nil)
		// The same numbers in boot records.
		b.putMBR(0, record(uint8(size), uint32(first), uint32(last)), record(MBR_TYPE_EXTENDED, 100, 500))
		b.putMBR(100, record(uint8(count), uint32(usable), uint32(lastUsable)), record(MBR_TYPE_EXTENDED, uint32(at), header))
		b.putMBR(100+at%500, record(0x83, 1, header), record(MBR_TYPE_EXTENDED, uint32(first), size))
		exercise(t, b.bytes, nil)
	})
}
