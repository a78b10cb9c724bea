package gpt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// summary is a table as text, a line for each partition.
func summary(t *Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, sectors of %d\n", t.Scheme, t.ID, t.SectorSize)
	for _, p := range t.Partitions {
		fmt.Fprintf(&b, "%d: %d+%d %s", p.Number, p.FirstLBA, p.Sectors, p.TypeName())
		for _, f := range []struct {
			set  bool
			text string
		}{
			{p.Name != "", fmt.Sprintf("%q", p.Name)}, {p.Bootable, "bootable"}, {p.Extended, "extended"},
			{p.Logical, "logical"}, {p.Attributes != 0, p.Attributes.String()}, {p.Err != nil, fmt.Sprint(p.Err)},
		} {
			if f.set {
				b.WriteString(", " + f.text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestReadGPT(t *testing.T) {
	for _, sectorSize := range []int64{512, 4096} {
		b := example(t, sectorSize)
		for _, opts := range []*Options{nil, {SectorSize: sectorSize}} {
			table, err := b.read(opts)
			if err != nil {
				t.Fatalf("%d: %v", sectorSize, err)
			}
			if table.Primary != nil || table.Backup != nil || len(table.Hybrid) != 0 {
				t.Errorf("%d: %v, %v, %v", sectorSize, table.Primary, table.Backup, table.Hybrid)
			}
			want := fmt.Sprintf(`gpt 0000D15C-0000-0000-0000-000000000000, sectors of %d
1: 40+10 Linux filesystem, "first"
3: 60+40 Linux filesystem, "größer 😀"
4: 50+1 Linux filesystem
`, sectorSize)
			if diff := cmp.Diff(want, summary(table)); diff != "" {
				t.Error(diff)
			}
			if g := table.Partitions[0].GUID; g != "00000028-0000-0000-0000-000000000000" {
				t.Errorf("GUID %s", g)
			}
		}
	}
}

func TestReadMBR(t *testing.T) {
	table, err := logicalExample().read(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `dos 0x12ab34cd, sectors of 512
1: 64+100 Linux, bootable
2: 200+1000 extended (LBA), extended
4: 1500+548 Linux swap
5: 201+99 Linux, logical
6: 302+98 NTFS or exFAT, logical
7: 710+90 Linux LVM, logical
`
	if diff := cmp.Diff(want, summary(table)); diff != "" {
		t.Error(diff)
	}
}

func TestReadMBROfLargeSectors(t *testing.T) {
	b := newBlank(1<<20, 4096)
	b.putMBR(0, record(0x83, 3, 5), record(MBR_TYPE_EXTENDED, 20, 50))
	b.putMBR(20, record(0x83, 1, 2))
	table, err := b.read(&Options{SectorSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if p := table.Partitions[2]; p.Number != 5 || p.Start != 21*4096 || p.Length != 2*4096 {
		t.Errorf("%+v", p)
	}
}

// The reader of a partition has its bytes and no others.
func TestPartitionReader(t *testing.T) {
	b := example(t, 512)
	copy(b.at(49)[508:], "last|beyond")
	copy(b.at(40), "first")
	table, err := b.read(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := table.Partitions[0]
	if p.Size() != 5120 || p.Start != 40*512 || p.Length != 5120 {
		t.Errorf("%d bytes, %d from %d on", p.Size(), p.Length, p.Start)
	}
	data, err := io.ReadAll(p)
	if err != nil || !bytes.Equal(data, b.bytes[40*512:50*512]) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	tail := make([]byte, 8)
	if n, err := p.ReadAt(tail, 5116); n != 4 || err != io.EOF || string(tail[:n]) != "last" {
		t.Errorf("%d, %v, %q", n, err, tail)
	}
}

func TestEntriesLargerThanTheirStruct(t *testing.T) {
	for _, size := range []int{128, 136, 256, 512, 4096} {
		b := newBlank(1<<20, 512)
		b.putGPT(layout{entrySize: size, entries: []GPTPartitionEntry{entry(t, 300, 309, "a"), entry(t, 310, 319, "b")}, count: 4})
		table, err := b.read(nil)
		if err != nil {
			t.Errorf("%d: %v", size, err)
			continue
		}
		if p := table.Partitions; len(p) != 2 || p[1].Name != "b" || p[1].Number != 2 {
			t.Errorf("%d: %v", size, summary(table))
		}
	}
}

// A damaged primary half is replaced by the backup, and said; a damaged
// backup is said.
func TestBackup(t *testing.T) {
	for _, sectorSize := range []int64{512, 4096} {
		last := uint64(1<<20/sectorSize - 1)
		sound, err := example(t, sectorSize).read(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name           string
			lba, at        uint64
			primary, field string
		}{
			{"primary signature", 1, OffsetofGPTHeader_Signature, "primary", "Signature"},
			{"primary header", 1, OffsetofGPTHeader_DiskGUID, "primary", "HeaderCRC32"},
			{"primary reserved bytes", 1, OffsetofGPTHeader_Reserved, "primary", "HeaderCRC32"},
			{"primary entries", 2, OffsetofGPTPartitionEntry_StartingLBA, "primary", "array of entries"},
			{"an unused primary entry", 2, 127 * SizeofGPTPartitionEntry, "primary", "array of entries"},
			{"backup signature", last, OffsetofGPTHeader_Signature, "backup", "Signature"},
			{"backup header", last, OffsetofGPTHeader_DiskGUID, "backup", "HeaderCRC32"},
			{"backup entries", sound.Header.LastUsableLBA + 1, 0, "backup", "array of entries"},
		} {
			b := example(t, sectorSize)
			b.at(tt.lba)[tt.at] ^= 1
			table, err := b.read(nil)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if diff := cmp.Diff(summary(sound), summary(table)); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
			said, silent := table.Primary, table.Backup
			if tt.primary == "backup" {
				said, silent = silent, said
			}
			var e *Error
			if !errors.As(said, &e) || silent != nil || !strings.HasPrefix(e.What, tt.primary+" GPT header: "+tt.field) {
				t.Errorf("%s: primary %v, backup %v", tt.name, table.Primary, table.Backup)
			}
			if from := table.Header.MyLBA; (from == last) != (tt.primary == "primary") {
				t.Errorf("%s: the header is that at %d", tt.name, from)
			}
		}
	}
}

// A disk that has grown has its backup where its end was. If the primary
// header is sound, that is enough to find it.
func TestBackupOfGrownDisk(t *testing.T) {
	b := example(t, 512)
	b.bytes = append(b.bytes, make([]byte, 1<<20)...)
	if table, err := b.read(nil); err != nil || table.Backup != nil || table.Header.AlternateLBA != 2047 {
		t.Errorf("%v, %+v", err, table)
	}
	b.at(2)[0] ^= 1 // the entries, not the header
	if table, err := b.read(nil); err != nil || table.Primary == nil || len(table.Partitions) != 3 {
		t.Errorf("%v, %+v", err, table)
	}
	b.at(1)[0] ^= 1
	if _, err := b.read(nil); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "primary") || !strings.Contains(err.Error(), "backup") {
		t.Errorf("%v", err)
	}
}

// Two halves that are sound and not the same.
func TestBackupThatDiffers(t *testing.T) {
	a, b := example(t, 512), newBlank(1<<20, 512)
	b.putGPT(layout{entries: []GPTPartitionEntry{entry(t, 100, 200, "another")}, count: 128})
	copy(a.at(2048-33), b.at(2048-33))
	table, err := a.read(nil)
	if err != nil || table.Primary != nil || !errors.Is(table.Backup, ErrCorrupt) || len(table.Partitions) != 3 {
		t.Errorf("%v, %+v", err, table)
	}
}

func TestHybridMBR(t *testing.T) {
	b := newBlank(1<<20, 512)
	b.putGPT(layout{
		entries: []GPTPartitionEntry{entry(t, 300, 309, "a"), entry(t, 310, 319, "b")},
		records: []MBRPartitionRecord{record(0x0c, 300, 10), record(MBR_TYPE_GPT_PROTECTIVE, 1, 299), {}, record(MBR_TYPE_GPT_PROTECTIVE, 320, 10)},
	})
	table, err := b.read(nil)
	if err != nil {
		t.Fatal(err)
	}
	if table.Scheme != SchemeGPT || len(table.Partitions) != 2 || len(table.Hybrid) != 1 ||
		table.Hybrid[0].Number != 1 || table.Hybrid[0].Start != 300*512 || table.Hybrid[0].TypeName() != "FAT32 (LBA)" {
		t.Errorf("%s%+v", summary(table), table.Hybrid)
	}
}

// The names are UTF-16 of any content.
func TestNames(t *testing.T) {
	for _, tt := range []struct {
		units []uint16
		want  string
	}{
		{nil, ""},
		{[]uint16{'a', 0, 'b'}, "a"},
		{[]uint16{0x00f6, 0x20ac, 0xd83d, 0xde00}, "ö€😀"},
		{[]uint16{'a', 0xd83d, 'b'}, "a\ufffdb"}, // no second half
		{[]uint16{0xde00, 0xd83d, 'b'}, "\ufffd\ufffdb"},
		{[]uint16{0xd83d, 0xd83d, 0xde00}, "\ufffd😀"},
	} {
		var e GPTPartitionEntry
		copy(e.PartitionName[:], tt.units)
		if got := e.name(); got != tt.want {
			t.Errorf("%#x: %q, want %q", tt.units, got, tt.want)
		}
	}
	var e GPTPartitionEntry
	for i := range e.PartitionName { // no NUL at all, and half a pair at the end
		e.PartitionName[i] = 'x'
	}
	e.PartitionName[GPT_NAME_LENGTH-1] = 0xd83d
	if got, want := e.name(), strings.Repeat("x", GPT_NAME_LENGTH-1)+"\ufffd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAttributes(t *testing.T) {
	for a, want := range map[Attributes]string{
		0:                      "",
		GPT_ATTRIBUTE_REQUIRED: "RequiredPartition",
		7:                      "RequiredPartition NoBlockIOProtocol LegacyBIOSBootable",
		1<<63 | 1<<GPT_ATTRIBUTE_TYPE_SPECIFIC_SHIFT | 1<<3: "GUID:3,48,63",
		1<<60 | 2: "NoBlockIOProtocol GUID:60",
	} {
		if got := a.String(); got != want {
			t.Errorf("%#x: %q, want %q", uint64(a), got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	b := example(t, 512)
	for _, size := range []int64{-512, 1, 256, 513, 1000, 8192, 1 << 40} {
		if _, err := b.read(&Options{SectorSize: size}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("sectors of %d bytes: %v", size, err)
		}
	}
	if _, err := Read(bytes.NewReader(nil), -1, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a size below 0: %v", err)
	}
	if _, err := b.read(&Options{SectorSize: 4096}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a table of other sectors: %v", err)
	}
}

// A GPT counts if an MBR says that there is one, as for Linux and sfdisk.
func TestUnprotectedGPT(t *testing.T) {
	b := example(t, 512)
	clear(b.at(0)[:512])
	if table, err := b.read(nil); !errors.Is(err, ErrNoTable) || table != nil {
		t.Errorf("without an MBR: %v, %v", table, err)
	}
	b.putMBR(0, record(0x83, 64, 100)) // partitioned anew by what knows no GPT
	if table, err := b.read(nil); err != nil || table.Scheme != SchemeMBR || len(table.Partitions) != 1 {
		t.Errorf("with a plain MBR: %v, %v", table, err)
	}
}
