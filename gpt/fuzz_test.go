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

// FuzzFields alters two fields of a seed at a time, with checksums that were
// made anew or not.
func FuzzFields(f *testing.F) {
	all := seeds(f)
	for which := range all {
		for i := range uint16(8) {
			f.Add(byte(which), 5*i, uint64(1)<<(8*i)-1, 7*i+1, uint64(i)*100, i%4 != 0)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, field1 uint16, v1 uint64, field2 uint16, v2 uint64, sums bool) {
		s := all[int(which)%len(all)]
		b, spots := &blank{bytes.Clone(s.bytes), s.sectorSize}, s.spots(func(place) bool { return true })
		spots[int(field1)%len(spots)].set(b.bytes, v1)
		spots[int(field2)%len(spots)].set(b.bytes, v2)
		if sums {
			b.sum()
		}
		exercise(t, b.bytes, nil)
		exercise(t, b.bytes, &Options{SectorSize: s.sectorSize})
	})
}
