package gpt

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
)

// exercise does with a disk all that can be done: no panic, no error without
// a type, no partition beyond the disk.
func exercise(t testing.TB, b []byte, opts *Options) (*Table, error) {
	t.Helper()
	table, err := Read(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil && !typed(err) {
		t.Fatalf("%v", err)
	}
	if table == nil {
		if err == nil {
			t.Fatal("neither table nor error")
		}
		return nil, err
	}
	for _, err := range []error{table.Primary, table.Backup} {
		if err != nil && !typed(err) {
			t.Fatalf("%v", err)
		}
	}
	for _, list := range [][]Partition{table.Partitions, table.Hybrid} {
		for i, p := range list[:min(len(list), 100)] {
			if p.Start < 0 || p.Length < 0 || p.Start+p.Length > int64(len(b)) || p.Size() != p.Length {
				t.Fatalf("partition %d: %d bytes from %d on, %d to read", p.Number, p.Length, p.Start, p.Size())
			}
			var last [2]byte // one byte of it, and then the end
			if n, err := p.ReadAt(last[:], max(p.Length-1, 0)); n != int(min(p.Length, 1)) || err != io.EOF {
				t.Fatalf("partition %d: %d bytes at the end of %d, %v", p.Number, n, p.Length, err)
			}
			if p.Err != nil && !typed(p.Err) || p.Err == nil && uint64(p.Length) != p.Sectors*uint64(table.SectorSize) {
				t.Fatalf("partition %d: %v", p.Number, p.Err)
			}
			for j := range i {
				q := &list[j]
				if err == nil && !p.Extended && !q.Extended && p.Start < q.Start+q.Length && q.Start < p.Start+p.Length && &list[0] == &table.Partitions[0] {
					t.Fatalf("partitions %d and %d overlap", q.Number, p.Number)
				}
			}
		}
	}
	return table, err
}

func typed(err error) bool {
	var e *Error
	return errors.As(err, &e) && (errors.Is(err, ErrNoTable) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrLimit))
}

// What is wrong with a table is said: what, where, which value.
func TestCorrupt(t *testing.T) {
	gpt := func(l layout) func() *blank {
		return func() *blank {
			b := newBlank(1<<20, 512)
			b.putGPT(l)
			return b
		}
	}
	header := func(alter func(h *GPTHeader)) func() *blank {
		return gpt(layout{entries: []GPTPartitionEntry{entry(t, 100, 199, "")}, count: 128, alter: alter})
	}
	entries := func(list ...GPTPartitionEntry) func() *blank { return gpt(layout{entries: list, count: 128}) }
	mbr := func(records ...MBRPartitionRecord) func() *blank {
		return func() *blank {
			b := newBlank(1<<20, 512)
			b.putMBR(0, records...)
			return b
		}
	}
	// chain is an extended partition from sector 100 to 299, and its boot records.
	chain := func(links map[uint64][]MBRPartitionRecord) func() *blank {
		return func() *blank {
			b := mbr(record(MBR_TYPE_EXTENDED, 100, 200))()
			for lba, records := range links {
				b.putMBR(lba, records...)
			}
			return b
		}
	}
	type links = map[uint64][]MBRPartitionRecord
	const array, firstRecord, ebr = 1024, 446, 100*512 + 446
	for _, tt := range []struct {
		name   string
		make   func() *blank
		err    error
		what   string
		offset int64
		value  uint64
		table  bool // is returned, too
	}{
		{"an empty disk", func() *blank { return newBlank(0, 512) }, ErrNoTable, "master boot record", 0, 0, false},
		{"less than a sector", func() *blank { return newBlank(511, 512) }, ErrNoTable, "master boot record", 0, 511, false},
		{"zeros", func() *blank { return newBlank(4096, 512) }, ErrNoTable, "master boot record: Signature", 510, 0, false},
		{"a volume's boot record", func() *blank {
			b := mbr()()
			copy(b.bytes[446+32:], "text")
			return b
		}, ErrNoTable, "master boot record: BootIndicator", 446 + 32, 't', false},

		{"header too small", header(func(h *GPTHeader) { h.HeaderSize = 91 }), ErrCorrupt, "primary GPT header: HeaderSize", 524, 91, false},
		{"header too large", header(func(h *GPTHeader) { h.HeaderSize = 513 }), ErrCorrupt, "primary GPT header: HeaderSize", 524, 513, false},
		{"header elsewhere", header(func(h *GPTHeader) { h.MyLBA++ }), ErrCorrupt, "primary GPT header: MyLBA", 536, 2, false},
		{"nothing usable", header(func(h *GPTHeader) { h.FirstUsableLBA = math.MaxUint64 }), ErrCorrupt,
			"primary GPT header: FirstUsableLBA", 552, math.MaxUint64, false},
		{"entries too small", header(func(h *GPTHeader) { h.SizeOfPartitionEntry = 120 }), ErrCorrupt,
			"primary GPT header: SizeOfPartitionEntry", 596, 120, false},
		{"entries of odd size", header(func(h *GPTHeader) { h.SizeOfPartitionEntry = 129 }), ErrCorrupt,
			"primary GPT header: SizeOfPartitionEntry", 596, 129, false},
		{"entries too large", header(func(h *GPTHeader) { h.SizeOfPartitionEntry = math.MaxUint32 &^ 7 }), ErrLimit,
			"primary GPT header: NumberOfPartitionEntries", 592, 128, false},
		{"too many entries", header(func(h *GPTHeader) { h.NumberOfPartitionEntries = math.MaxUint32 }), ErrLimit,
			"primary GPT header: NumberOfPartitionEntries", 592, math.MaxUint32, false},
		{"entries behind the end", header(func(h *GPTHeader) { h.PartitionEntryLBA = 2048 - 31 }), ErrCorrupt,
			"primary GPT header: PartitionEntryLBA", 584, 2048 - 31, false},
		{"entries far behind the end", header(func(h *GPTHeader) { h.PartitionEntryLBA = math.MaxUint64 }), ErrCorrupt,
			"primary GPT header: PartitionEntryLBA", 584, math.MaxUint64, false},

		{"inverted", entries(entry(t, 200, 199, "")), ErrCorrupt, "partition 1: EndingLBA", array + 40, 199, true},
		{"inverted, far", entries(entry(t, 100, 150, ""), entry(t, math.MaxUint64, 0, "")), ErrCorrupt,
			"partition 2: EndingLBA", array + 128 + 40, 0, true},
		{"before what is usable", entries(entry(t, 33, 100, "")), ErrCorrupt, "partition 1", array, 33, true},
		{"behind what is usable", entries(entry(t, 100, 2048-33, "")), ErrCorrupt, "partition 1", array, 2048 - 33, true},
		{"behind the end", entries(entry(t, 100, 2048, "")), ErrCorrupt, "partition 1", array, 2048, true},
		{"far behind the end", entries(entry(t, 100, math.MaxUint64, "")), ErrCorrupt, "partition 1", array, math.MaxUint64 - 1, true},
		{"all behind the end", entries(entry(t, 1<<60, 1<<60, "")), ErrCorrupt, "partition 1", array, 1 << 60, true},
		{"the last sector there can be", entries(entry(t, math.MaxUint64, math.MaxUint64, "")), ErrCorrupt, "partition 1", array, math.MaxUint64, true},
		{"overlap by a sector", entries(entry(t, 100, 200, ""), entry(t, 200, 300, "")), ErrCorrupt, "partition 2", array + 128, 200, true},
		{"one inside of another", entries(entry(t, 150, 160, ""), entry(t, 100, 200, "")), ErrCorrupt, "partition 1", array, 150, true},
		{"one twice", entries(entry(t, 100, 200, ""), entry(t, 100, 200, "")), ErrCorrupt, "partition 2", array + 128, 100, true},
		{"overlap of two that are apart in the table", entries(entry(t, 100, 900, ""), entry(t, 150, 160, ""), entry(t, 800, 950, "")),
			ErrCorrupt, "partition 2", array + 128, 150, true},

		{"an empty partition", mbr(record(0x83, 64, 0)), ErrCorrupt, "partition 1", firstRecord, 64, true},
		{"a partition behind the end", mbr(record(0x83, 64, 1984), record(0x83, 2048, 1)), ErrCorrupt, "partition 2", firstRecord + 16, 2048, true},
		{"the largest partition", mbr(record(0x83, math.MaxUint32, math.MaxUint32)), ErrCorrupt, "partition 1", firstRecord, math.MaxUint32, true},
		{"overlapping records", mbr(record(0x83, 64, 100), record(0x83, 163, 10)), ErrCorrupt, "partition 2", firstRecord + 16, 163, true},
		{"two extended partitions", func() *blank {
			b := mbr(record(MBR_TYPE_EXTENDED, 100, 200), record(MBR_TYPE_EXTENDED_LBA, 400, 200))()
			b.putMBR(100)
			b.putMBR(400)
			return b
		}, ErrCorrupt, "partition 2", firstRecord + 16, 400, true},

		{"an extended partition of zeros", chain(nil), ErrCorrupt, "extended boot record: Signature", 100*512 + 510, 0, true},
		{"a loop of one", chain(links{100: {record(0x83, 1, 10), record(MBR_TYPE_EXTENDED, 0, 20)}}),
			ErrCorrupt, "extended boot record", ebr + 16, 100, true},
		{"a loop of two", chain(links{
			100: {record(0x83, 1, 10), record(MBR_TYPE_EXTENDED, 20, 20)},
			120: {record(0x83, 1, 10), record(MBR_TYPE_EXTENDED, 0, 20)},
		}), ErrCorrupt, "extended boot record", ebr + 20*512 + 16, 100, true},
		{"a link out of the extended partition", chain(links{100: {record(0x83, 1, 10), record(MBR_TYPE_EXTENDED, 200, 20)}}),
			ErrCorrupt, "extended boot record", ebr + 16, 300, true},
		{"a link out of the disk", chain(links{100: {{}, record(MBR_TYPE_EXTENDED, math.MaxUint32, 20)}}),
			ErrCorrupt, "extended boot record", ebr + 16, 100 + math.MaxUint32, true},
		{"two links", chain(links{100: {record(MBR_TYPE_EXTENDED, 10, 20), record(MBR_TYPE_EXTENDED, 20, 20)}}),
			ErrCorrupt, "extended boot record", ebr + 16, MBR_TYPE_EXTENDED, true},
		{"two partitions at once", chain(links{100: {record(0x83, 1, 10), record(0x82, 20, 20)}}),
			ErrCorrupt, "extended boot record", ebr + 16, 0x82, true},
		{"a logical partition out of the extended one", chain(links{100: {record(0x83, 1, 200)}}), ErrCorrupt, "partition 5", ebr, 300, true},
		{"a logical partition out of the disk", chain(links{100: {record(0x83, math.MaxUint32, 1)}}),
			ErrCorrupt, "partition 5", ebr, 100 + math.MaxUint32, true},
		{"a logical partition over its boot record", chain(links{100: {record(0x83, 0, 10)}}), ErrCorrupt, "partition 5", ebr, 100, true},
		{"a logical partition over the next boot record", chain(links{
			100: {record(0x83, 1, 30), record(MBR_TYPE_EXTENDED, 20, 20)},
			120: {record(0x83, 15, 10)},
		}), ErrCorrupt, "partition 5", ebr, 101, true},
		{"logical partitions that overlap", chain(links{
			100: {record(0x83, 50, 30), record(MBR_TYPE_EXTENDED, 20, 20)},
			120: {record(0x83, 15, 20)},
		}), ErrCorrupt, "partition 5", ebr, 150, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table, err := exercise(t, tt.make().bytes, nil)
			var e *Error
			if !errors.Is(err, tt.err) || !errors.As(err, &e) || (table != nil) != tt.table {
				t.Fatalf("%+v, %v", table, err)
			}
			if e.What != tt.what || e.Offset != tt.offset || e.Value != tt.value || e.Reason == "" {
				t.Errorf("%q at %d: %d; want %q at %d: %d\n%v", e.What, e.Offset, e.Value, tt.what, tt.offset, tt.value, err)
			}
			if strings.Count(e.Error(), "\n") != 0 {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
}

// Two partitions that say the worst do not keep the third from being seen.
func TestOnePartitionOfManyIsBad(t *testing.T) {
	b := newBlank(1<<20, 512)
	b.putGPT(layout{entries: []GPTPartitionEntry{entry(t, 100, 199, "a"), entry(t, 200, 1<<40, "b"), entry(t, 400, 300, "c")}, count: 128})
	table, err := b.read(nil)
	if !errors.Is(err, ErrCorrupt) || table == nil || len(table.Partitions) != 3 {
		t.Fatalf("%v, %v", table, err)
	}
	for i, p := range table.Partitions {
		if bad := i > 0; (p.Err != nil) != bad {
			t.Errorf("partition %d: %v", p.Number, p.Err)
		}
	}
	if p := table.Partitions[1]; p.Length != 1<<20-200*512 || table.Partitions[2].Length != 0 {
		t.Errorf("%d bytes, %d", p.Length, table.Partitions[2].Length)
	}
}

// A chain as long as an extended partition allows ends at the limit.
func TestLongChain(t *testing.T) {
	b := newBlank(4<<20, 512)
	b.putMBR(0, record(MBR_TYPE_EXTENDED, 10, 8000))
	for i := range uint64(4000) {
		b.putMBR(10+2*i, record(0x83, 1, 1), record(MBR_TYPE_EXTENDED, uint32(2*i+2), 2))
	}
	table, err := b.read(nil)
	if !errors.Is(err, ErrLimit) || len(table.Partitions) != 1+maxLogical {
		t.Errorf("%v", err)
	}
}

// The disk of whatever size costs no more than its table.
func TestMemory(t *testing.T) {
	b := newBlank(1<<20, 512)
	b.putGPT(layout{entries: []GPTPartitionEntry{entry(t, 100, 199, "")}, count: 128, alter: func(h *GPTHeader) {
		h.NumberOfPartitionEntries = maxArray/SizeofGPTPartitionEntry + 1
	}})
	r := io.NewSectionReader(bytes.NewReader(b.bytes), 0, math.MaxInt64)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(r, math.MaxInt64, nil); !errors.Is(err, ErrLimit) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
		t.Errorf("%d bytes allocated", got)
	}
}

// An error of the reader is passed on, wherever it happens.
func TestReaderFails(t *testing.T) {
	b := logicalExample()
	broken := errors.New("broken")
	for _, cut := range []int64{0, 511, 512, 200*512 + 1, 700 * 512} {
		_, err := Read(failing{bytes.NewReader(b.bytes), cut, broken}, 1<<20, nil)
		var e *Error
		if !errors.Is(err, broken) || !errors.As(err, &e) {
			t.Errorf("cut at %d: %v", cut, err)
		}
		_, err = Read(bytes.NewReader(b.bytes[:cut]), 1<<20, nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) {
			t.Errorf("shorter than said, %d: %v", cut, err)
		}
	}
}

// A failing reader has an error from some offset on.
type failing struct {
	r   io.ReaderAt
	cut int64
	err error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.cut {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}

// Every byte of the tables, changed in several ways.
func TestEveryByte(t *testing.T) {
	for name, b := range map[string]*blank{"GPT": example(t, 512), "MBR": logicalExample()} {
		var places []int
		for at, c := range b.bytes[:4096] {
			if at >= OffsetofMasterBootRecord_UniqueMBRDiskSignature && (at < 3<<9 || c != 0) {
				places = append(places, at)
			}
		}
		for _, lba := range []int{200, 300, 700} { // boot records
			for at := OffsetofMasterBootRecord_PartitionRecord; at < SizeofMasterBootRecord; at++ {
				places = append(places, lba*512+at)
			}
		}
		for at := range SizeofGPTHeader { // the backup
			places = append(places, 2047*512+at)
		}
		errs := 0
		for _, at := range places {
			for _, flip := range []byte{0x01, 0x05, 0x80} {
				b.bytes[at] ^= flip
				if table, err := exercise(t, b.bytes, nil); err != nil || table.Primary != nil || table.Backup != nil {
					errs++
				}
				b.bytes[at] ^= flip
			}
		}
		if errs < len(places)/10 {
			t.Errorf("%s: %d of %d changes were seen", name, errs, 3*len(places))
		}
	}
}
