package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"cstructgen/gpt"
)

// mbrOf is a disk of 1 MiB with the given records in its MBR.
func mbrOf(records ...gpt.MBRPartitionRecord) []byte {
	disk := make([]byte, 1<<20)
	mbr := gpt.MasterBootRecord{UniqueMBRDiskSignature: 1, Signature: gpt.MBR_SIGNATURE}
	copy(mbr.PartitionRecord[:], records)
	mbr.Encode((*[gpt.SizeofMasterBootRecord]byte)(disk))
	return disk
}

// What is wrong with a table is said for each partition, and once at the end,
// as an error.
func TestInfoOfBrokenPartitions(t *testing.T) {
	t.Chdir(t.TempDir())
	good, err := os.ReadFile(goodPartitions)
	if err != nil {
		t.Fatal(err)
	}
	altered := func(at int) []byte {
		disk := append([]byte(nil), good...)
		disk[at] ^= 1
		return disk
	}
	named := append([]byte(nil), good...)
	copy(named[1024+gpt.OffsetofGPTPartitionEntry_PartitionName:], "\x1b\x00[\x002\x00J\x00") // clears a terminal
	var h gpt.GPTHeader
	sector := (*[gpt.SizeofGPTHeader]byte)(named[512:])
	h.Decode(sector)
	h.PartitionEntryArrayCRC32 = crc32.ChecksumIEEE(named[1024:][:h.NumberOfPartitionEntries*h.SizeOfPartitionEntry])
	h.HeaderCRC32 = 0
	h.Encode(sector)
	h.HeaderCRC32 = crc32.ChecksumIEEE(sector[:])
	h.Encode(sector)
	for _, tt := range []struct {
		name   string
		disk   []byte
		stdout []string // of the output for people
		json   string
		stderr string // "": the command succeeds
	}{
		{"primary header", altered(512 + gpt.OffsetofGPTHeader_DiskGUID),
			[]string{"    read from the backup: gpt: primary GPT header: HeaderCRC32 at 0x210: ", "EFI system"}, `"primary-error": "gpt: `, ""},
		{"backup header", altered(len(good) - 512 + gpt.OffsetofGPTHeader_DiskGUID),
			[]string{"    without a backup: gpt: backup GPT header: HeaderCRC32 at 0xfe10: "}, `"backup-error": "gpt: `, ""},
		{"a name that commands a terminal", named, []string{`EFI system        "\x1b[2Jsystem"`}, `"name": "\u001B[2Jsystem"`, ""},
		{"two partitions", mbrOf(
			gpt.MBRPartitionRecord{OSType: 0x83, StartingLBA: 100, SizeInLBA: 1 << 20},
			gpt.MBRPartitionRecord{OSType: 0x77, StartingLBA: 200, SizeInLBA: 100}),
			[]string{
				"    1   51200   997376  974 KiB  Linux        ERROR\n", "    2   102400  51200   50 KiB   77           ERROR\n",
				"    error: gpt: partition 1 at 0x1be: 0x100063: last sector, of a disk of 0x800: corrupt partition table\n",
				"    error: gpt: partition 2 at 0x1ce: 0xc8: first sector, and overlaps partition 1: corrupt partition table\n",
			}, `"error": "gpt: partition 2 at`, "gpt: partition 1 at 0x1be: "},
		{"a loop", func() []byte {
			disk := mbrOf(gpt.MBRPartitionRecord{OSType: gpt.MBR_TYPE_EXTENDED, StartingLBA: 100, SizeInLBA: 1000})
			copy(disk[100*512:], mbrOf(gpt.MBRPartitionRecord{OSType: gpt.MBR_TYPE_EXTENDED, SizeInLBA: 10})[:512])
			return disk
		}(), []string{"    1   51200  512000  500 KiB  extended\n"}, `"extended": true`, "the chain is a loop"},
		{"neither half", func() []byte {
			disk := altered(512)
			binary.LittleEndian.PutUint64(disk[len(disk)-512:], 0)
			return disk
		}(), []string{"file format: raw"}, `"format": "raw"`, "primary GPT header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile("disk", tt.disk, 0o644); err != nil {
				t.Fatal(err)
			}
			human, json := command("info", "--partitions", "-f", "raw", "disk"), command("info", "--partitions", "-f", "raw", "--output=json", "disk")
			for _, want := range tt.stdout {
				if !strings.Contains(human.stdout, want) {
					t.Errorf("printed\n%swithout %q", human.stdout, want)
				}
			}
			if !strings.Contains(json.stdout, tt.json) {
				t.Errorf("printed\n%swithout %q", json.stdout, tt.json)
			}
			for _, r := range []result{human, json} {
				if strings.Contains(r.stdout+r.stderr, "\x1b") {
					t.Errorf("%q", r.stdout)
				}
				if tt.stderr == "" && (r.code != 0 || r.stderr != "") || tt.stderr != "" &&
					(r.code != 1 || !strings.Contains(r.stderr, tt.stderr) || strings.Count(r.stderr, "\n") != 1) {
					t.Errorf("exit code %d, %q", r.code, r.stderr)
				}
			}
		})
	}
}

// A disk that cannot be read has no table, which is an error, and all else is
// said.
func TestInfoPartitionsWithoutBacking(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	r := command("info", "--partitions", "chain/disk.qcow2")
	if r.code != 1 || !strings.Contains(r.stderr, hint) || !strings.Contains(r.stdout, "file format: qcow2") || strings.Contains(r.stdout, "Partition table") {
		t.Errorf("%+v", r)
	}
}
