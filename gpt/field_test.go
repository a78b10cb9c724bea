package gpt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"regexp"
	"testing"
)

// A table is a generated table of the fields of a structure.
type table struct {
	of     string // the C type
	fields []struct {
		Name, Type      string
		Offset, Size    int
		BitOffset, Bits int
		Doc             string
	}
}

// All structures there are.
var (
	tableMBR    = table{"MasterBootRecord", LayoutOfMasterBootRecord}
	tableRecord = table{"MBRPartitionRecord", LayoutOfMBRPartitionRecord}
	tableHeader = table{"GPTHeader", LayoutOfGPTHeader}
	tableEntry  = table{"GPTPartitionEntry", LayoutOfGPTPartitionEntry}
	tableGUID   = table{"EfiGuid", LayoutOfEfiGuid}
)

// A seed is a small sound disk to be damaged, and the places of all
// structures on it.
type seed struct {
	*blank
	name   string
	places []place
}

// A place is where a seed has a structure: a field that is added to its
// definition is altered there.
type place struct {
	table
	at int64 // in the disk
}

func (s *seed) add(at int64, table table) { s.places = append(s.places, place{table, at}) }

// addMBR adds the boot record in the given sector.
func (s *seed) addMBR(lba int64) {
	at := lba * s.sectorSize
	s.add(at, tableMBR)
	for i := range int64(MBR_PARTITION_RECORDS) {
		s.add(at+OffsetofMasterBootRecord_PartitionRecord+i*SizeofMBRPartitionRecord, tableRecord)
	}
}

// seeds returns disks with all kinds of tables.
func seeds(t testing.TB) []*seed {
	t.Helper()
	var list []*seed
	for _, sectorSize := range []int64{512, 4096} {
		s := &seed{blank: newBlank(1<<16, sectorSize), name: "GPT"}
		s.putGPT(layout{entries: []GPTPartitionEntry{entry(t, 6, 7, "a"), entry(t, 8, 9, "")}})
		s.addMBR(0)
		last := int64(len(s.bytes))/sectorSize - 1
		for _, half := range []struct{ header, array int64 }{{1, 2}, {last, last - 1}} {
			s.add(half.header*sectorSize, tableHeader)
			s.add(half.header*sectorSize+OffsetofGPTHeader_DiskGUID, tableGUID)
			for i := range int64(2) {
				at := half.array*sectorSize + i*SizeofGPTPartitionEntry
				s.add(at, tableEntry)
				s.add(at+OffsetofGPTPartitionEntry_PartitionTypeGUID, tableGUID)
			}
		}
		list = append(list, s)
	}
	s := &seed{blank: logicalExample(), name: "MBR"}
	for _, lba := range []int64{0, 200, 300, 700} {
		s.addMBR(lba)
	}
	return append(list, s)
}

// A spot is a field of a seed, or eight bytes of a longer one.
type spot struct {
	at   int64
	size int
}

// spots returns the fields of those places of the seed that are asked for.
func (s *seed) spots(of func(p place) bool) (list []spot) {
	for _, p := range s.places {
		if !of(p) {
			continue
		}
		for _, f := range p.fields {
			at := p.at + int64(f.Offset)
			for left := f.Size; left > 0; left -= 8 {
				list = append(list, spot{at, min(left, 8)})
				at += 8
			}
		}
	}
	return list
}

// set writes the lowest bytes of v, in the order of the format.
func (s spot) set(b []byte, v uint64) {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], v)
	copy(b[s.at:][:s.size], word[:])
}

// sum makes the checksums of a GPT right, of what lies where its headers say.
func (b *blank) sum() {
	for _, lba := range []int64{1, int64(len(b.bytes))/b.sectorSize - 1} {
		sector := b.bytes[lba*b.sectorSize:][:b.sectorSize]
		var h GPTHeader
		h.Decode((*[SizeofGPTHeader]byte)(sector))
		size := uint64(h.SizeOfPartitionEntry) * uint64(h.NumberOfPartitionEntries)
		if at := h.PartitionEntryLBA; at < uint64(int64(len(b.bytes))/b.sectorSize) && size <= uint64(len(b.at(at))) {
			h.PartitionEntryArrayCRC32 = crc32.ChecksumIEEE(b.at(at)[:size])
		}
		h.HeaderCRC32 = 0
		h.Encode((*[SizeofGPTHeader]byte)(sector))
		if int64(h.HeaderSize) <= b.sectorSize {
			h.HeaderCRC32 = crc32.ChecksumIEEE(sector[:h.HeaderSize])
			h.Encode((*[SizeofGPTHeader]byte)(sector))
		}
	}
}

// The seeds are sound, and their checksums what sum makes of them.
func TestSeedsAreSound(t *testing.T) {
	for _, s := range seeds(t) {
		table, err := s.read(&Options{SectorSize: s.sectorSize})
		if err != nil || len(table.Partitions) < 2 {
			t.Errorf("%s: %v", s.name, err)
		}
		if again := (&blank{bytes.Clone(s.bytes), s.sectorSize}); s.name == "GPT" {
			if again.sum(); !bytes.Equal(again.bytes, s.bytes) {
				t.Errorf("%s: other checksums", s.name)
			}
		}
	}
}

// Whatever is defined is altered: each table that was generated lies somewhere
// in a seed.
func TestEveryTableIsInASeed(t *testing.T) {
	of := make(map[string]bool)
	for _, s := range seeds(t) {
		for _, p := range s.places {
			of[p.of] = true
		}
	}
	text, err := os.ReadFile("defs_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	generated := regexp.MustCompile(`(?m)^var LayoutOf(\w+) = `).FindAllStringSubmatch(string(text), -1)
	for _, m := range generated {
		if !of[m[1]] {
			t.Errorf("no seed has a %s", m[1])
		}
	}
	if len(generated) != len(of) {
		t.Errorf("%d tables generated, %d in seeds", len(generated), len(of))
	}
}

// Every field of every structure gets every value that is likely to hurt, with
// the right checksum and without.
func TestEveryFieldEveryValue(t *testing.T) {
	altered := 0
	done := make(map[string]bool)
	for _, s := range seeds(t) {
		end := uint64(len(s.bytes))
		values := []uint64{0, 3, 5, 127, 129, 511, 513, end, end - 1, end / uint64(s.sectorSize), end/uint64(s.sectorSize) - 1}
		for bit := range 64 {
			values = append(values, 1<<bit)
			if bit%8 == 0 {
				values = append(values, 1<<bit-1, ^uint64(0)<<bit)
			}
		}
		list := s.spots(func(p place) bool { return !done[p.of] })
		for _, p := range s.places {
			done[p.of] = true
		}
		b := &blank{bytes.Clone(s.bytes), s.sectorSize}
		for _, spot := range list {
			seen := make(map[string]bool)
			for _, v := range values {
				spot.set(b.bytes, v)
				if value := string(b.bytes[spot.at:][:spot.size]); !seen[value] {
					seen[value] = true
					altered++
					exercise(t, b.bytes, nil)
					b.sum()
					exercise(t, b.bytes, nil)
				}
				copy(b.bytes, s.bytes)
			}
		}
	}
	t.Logf("%d alterations", altered)
	if altered < 5000 {
		t.Errorf("only %d alterations", altered)
	}
}
