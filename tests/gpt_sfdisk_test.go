package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cstructgen/gpt"
	"cstructgen/internal/testseed"
)

// An sfdiskTable is what `sfdisk --json` prints of a disk.
type sfdiskTable struct {
	Label      string            `json:"label"`
	ID         string            `json:"id"`
	FirstLBA   uint64            `json:"firstlba"`
	LastLBA    uint64            `json:"lastlba"`
	SectorSize int64             `json:"sectorsize"`
	Partitions []sfdiskPartition `json:"partitions"`
}

type sfdiskPartition struct {
	Node     string `json:"node"` // name of the file, and the number
	Start    uint64 `json:"start"`
	Size     uint64 `json:"size"`
	Type     string `json:"type"`
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	Attrs    string `json:"attrs"`
	Bootable bool   `json:"bootable"`
}

// sfdisk runs a tool of util-linux in a locale that has all characters.
func sfdisk(t *testing.T, dir, script, name string, args ...string) []byte {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	line := "exec env LC_ALL=C.UTF-8 " + requireTool(t, name) + " " + strings.Join(args, " ") + " <script"
	return mustTool(t, dir, "sh", "-c", line)
}

// readTable reads the table of the file "disk" in dir, as sfdisk would show it.
func readTable(t *testing.T, dir string, sectorSize int64) (*gpt.Table, sfdiskTable) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gpt.Read(f, info.Size(), &gpt.Options{SectorSize: sectorSize})
	if err != nil {
		t.Fatal(err)
	}
	s := sfdiskTable{
		Label: string(table.Scheme), ID: table.ID, SectorSize: table.SectorSize,
		FirstLBA: table.Header.FirstUsableLBA, LastLBA: table.Header.LastUsableLBA,
	}
	for _, p := range table.Partitions {
		kind := p.Type
		if table.Scheme == gpt.SchemeMBR {
			kind = strings.TrimPrefix(kind, "0")
		}
		s.Partitions = append(s.Partitions, sfdiskPartition{
			Node: "disk" + strconv.Itoa(p.Number), Start: p.FirstLBA, Size: p.Sectors,
			Type: kind, UUID: p.GUID, Name: p.Name, Attrs: p.Attributes.String(), Bootable: p.Bootable,
		})
		if p.Start != int64(p.FirstLBA)*table.SectorSize || p.Size() != int64(p.Sectors)*table.SectorSize {
			t.Errorf("partition %d: %d bytes from %d on", p.Number, p.Size(), p.Start)
		}
	}
	return table, s
}

// askSfdisk returns what sfdisk says of the file "disk" in dir.
func askSfdisk(t *testing.T, dir string) sfdiskTable {
	t.Helper()
	var answer struct{ PartitionTable sfdiskTable }
	d := json.NewDecoder(bytes.NewReader(sfdisk(t, dir, "", "sfdisk", "--json", "disk")))
	if err := d.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.PartitionTable
}

// gptScript returns an sfdisk script for a GPT, of partitions that leave gaps
// and are not in the order of their numbers.
func gptScript(rnd *rand.Rand, sectors uint64, entries int) string {
	types := []string{"U", "L", "S", "H", "V", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "12345678-9ABC-DEF0-0123-456789ABCDEF"}
	names := []string{"", "root", "ä ö ü", "EFI system partition", "日本語", "😀 and 😀", "0123456789012345678901234567890123456"[:36], "a,b;c=d"}
	attrs := []string{"", "RequiredPartition", "LegacyBIOSBootable", "NoBlockIOProtocol GUID:48,63", "GUID:60"}
	var b strings.Builder
	fmt.Fprintf(&b, "label: gpt\ntable-length: %d\n", entries)
	at := 2048 + rnd.Uint64N(100)
	for _, i := range rnd.Perm(min(entries, 9)) {
		n := 1 + rnd.Uint64N(sectors/16)
		fmt.Fprintf(&b, "%d: start=%d, size=%d, type=%s, name=\"%s\"", i+1, at, n, pick(rnd, types...), pick(rnd, names...))
		if a := pick(rnd, attrs...); a != "" {
			fmt.Fprintf(&b, ", attrs=\"%s\"", a)
		}
		b.WriteByte('\n')
		at += n + rnd.Uint64N(3)
	}
	return b.String()
}

// dosScript returns an sfdisk script for an MBR with logical partitions.
func dosScript(rnd *rand.Rand, sectors uint64) string {
	types := []string{"83", "82", "7", "c", "ef", "8e", "fd", "a5"}
	var b strings.Builder
	fmt.Fprintf(&b, "label: dos\nlabel-id: %#x\n", rnd.Uint32())
	part := sectors / 8
	fmt.Fprintf(&b, "start=%d, size=%d, type=%s, bootable\n", 1+rnd.Uint64N(2048), part-3000, pick(rnd, types...))
	fmt.Fprintf(&b, "start=%d, size=%d, type=%s\n", part, part*5, pick(rnd, "5", "f", "85"))
	fmt.Fprintf(&b, "start=%d, size=%d, type=%s\n", part*6+rnd.Uint64N(9), part, pick(rnd, types...))
	// Told where it is to be: sfdisk 2.38, left to itself, can let it overlap.
	fmt.Fprintf(&b, "start=%d, size=%d, type=%s\n", part*7+20, part/2, pick(rnd, types...))
	at := part
	for range rnd.IntN(12) {
		at += 1 + rnd.Uint64N(100)
		n := 1 + rnd.Uint64N(part/4)
		fmt.Fprintf(&b, "start=%d, size=%d, type=%s\n", at, n, pick(rnd, types...))
		at += n
	}
	return b.String()
}

// newDisk makes a sparse file "disk" in a new directory.
func newDisk(t *testing.T, size int64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	f, err := os.Create(filepath.Join(dir, "disk"))
	if err == nil {
		err = f.Truncate(size)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Tables that sfdisk writes are read as sfdisk reads them.
func TestSfdiskAgrees(t *testing.T) {
	t.Parallel()
	rnd := testseed.Rand(t)
	const size = 64 << 20
	rounds := randomRounds(6, 24)
	for i := range rounds {
		script := dosScript(rnd, size/512)
		if i%2 == 0 {
			script = gptScript(rnd, size/512, []int{128, 128, 1, 4, 256, 1000}[i/2%6])
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := newDisk(t, size)
			sfdisk(t, dir, script, "sfdisk", "--quiet", "disk")
			table, got := readTable(t, dir, 0)
			want := askSfdisk(t, dir)
			if len(want.Partitions) == 0 {
				t.Fatalf("sfdisk wrote no partitions\n%s", script)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n%s", diff, script)
			}
			if table.Primary != nil || table.Backup != nil {
				t.Errorf("%v, %v", table.Primary, table.Backup)
			}
			if table.Scheme == gpt.SchemeMBR {
				return
			}
			// sfdisk, too, falls back on the other half if one is damaged.
			for _, at := range []int64{512 + gpt.OffsetofGPTHeader_DiskGUID, size - 512 + gpt.OffsetofGPTHeader_DiskGUID} {
				alterDisk(t, dir, at)
				table, got := readTable(t, dir, 0)
				if diff := cmp.Diff(askSfdisk(t, dir), got); diff != "" || cmp.Diff(want, got) != "" {
					t.Errorf("byte %d altered: %s", at, diff)
				}
				if (table.Primary != nil) != (at < size/2) || (table.Backup != nil) == (at < size/2) {
					t.Errorf("byte %d altered: %v, %v", at, table.Primary, table.Backup)
				}
				alterDisk(t, dir, at)
			}
		})
	}
}

// alterDisk flips a bit of the file "disk" in dir.
func alterDisk(t *testing.T, dir string, at int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "disk"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// Of disks with sectors of 4096 bytes fdisk is asked, which can be told of
// them; it reads and writes the scripts of sfdisk.
func TestFdiskAgreesOnLargeSectors(t *testing.T) {
	t.Parallel()
	rnd := testseed.Rand(t)
	tool := buildTool(t)
	const size, sectorSize = 256 << 20, 4096
	for i := range 4 {
		script, given := dosScript(rnd, size/sectorSize), int64(sectorSize)
		if i%2 == 0 {
			script, given = gptScript(rnd, size/sectorSize, 128), 0 // found
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := newDisk(t, size)
			if err := os.WriteFile(filepath.Join(dir, "in"), []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
			sfdisk(t, dir, "I\nin\nw\n", "fdisk", "-b", "4096", "disk")
			sfdisk(t, dir, "O\nout\nq\n", "fdisk", "-b", "4096", "disk")
			out, err := os.ReadFile(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			_, got := readTable(t, dir, given)
			if len(got.Partitions) == 0 {
				t.Fatalf("no partitions\n%s", script)
			}
			if diff := cmp.Diff(string(out), got.dump()); diff != "" {
				t.Errorf("%s\n%s", diff, script)
			}
			// The tool finds the same inside an image.
			mustTool(t, dir, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "disk", "disk.qcow2")
			args := []string{"info", "--partitions", "--output=json", "disk.qcow2"}
			if given != 0 {
				args = append(args, "--sector-size=4096")
			}
			type place struct{ Start, Length uint64 }
			var shown struct {
				Table struct{ Partitions []place } `json:"partition-table"`
			}
			if err := json.Unmarshal(mustTool(t, dir, tool, args...), &shown); err != nil {
				t.Fatal(err)
			}
			var want []place
			for _, p := range got.Partitions {
				want = append(want, place{p.Start * sectorSize, p.Size * sectorSize})
			}
			if diff := cmp.Diff(want, shown.Table.Partitions); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Out of an image that qemu-img made of such a disk, the tool shows what
// sfdisk shows of the disk.
func TestToolShowsPartitions(t *testing.T) {
	t.Parallel()
	rnd := testseed.Rand(t)
	tool := buildTool(t)
	const size = 64 << 20
	for _, tt := range []struct{ name, script string }{
		{"gpt", gptScript(rnd, size/512, 128)},
		{"dos", dosScript(rnd, size/512)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newDisk(t, size)
			sfdisk(t, dir, tt.script, "sfdisk", "--quiet", "disk")
			mustTool(t, dir, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "disk", "disk.qcow2")
			var info struct {
				Table struct {
					Scheme     string
					ID         string
					SectorSize uint64 `json:"sector-size"`
					Partitions []struct {
						Number                       int
						Start, Length                uint64
						Type, GUID, Name, Attributes string
						Bootable                     bool
					}
				} `json:"partition-table"`
			}
			out := mustTool(t, dir, tool, "info", "--partitions", "--output=json", "disk.qcow2")
			if err := json.Unmarshal(out, &info); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			want := askSfdisk(t, dir)
			want.FirstLBA, want.LastLBA = 0, 0 // not shown
			got := sfdiskTable{Label: info.Table.Scheme, ID: info.Table.ID, SectorSize: int64(info.Table.SectorSize)}
			human := string(mustTool(t, dir, tool, "info", "--partitions", "disk.qcow2"))
			for _, p := range info.Table.Partitions {
				kind := p.Type
				if got.Label == "dos" {
					kind = strings.TrimPrefix(kind, "0")
				}
				got.Partitions = append(got.Partitions, sfdiskPartition{
					Node: "disk" + strconv.Itoa(p.Number), Start: p.Start / 512, Size: p.Length / 512,
					Type: kind, UUID: p.GUID, Name: p.Name, Attrs: p.Attributes, Bootable: p.Bootable,
				})
				line := strings.Fields(fmt.Sprint(p.Number, " ", p.Start, " ", p.Length))
				if !strings.Contains(compact([]byte(human)), "\n"+strings.Join(line, " ")+" ") {
					t.Errorf("no line for %v in\n%s", line, human)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n%s", diff, out)
			}
		})
	}
}

// dump is s as a script of sfdisk.
func (s *sfdiskTable) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "label: %s\nlabel-id: %s\ndevice: disk\nunit: sectors\n", s.Label, s.ID)
	if s.Label == "gpt" {
		fmt.Fprintf(&b, "first-lba: %d\nlast-lba: %d\n", s.FirstLBA, s.LastLBA)
	}
	fmt.Fprintf(&b, "sector-size: %d\n\n", s.SectorSize)
	for _, p := range s.Partitions {
		fmt.Fprintf(&b, "%s : start=%12d, size=%12d, type=%s", p.Node, p.Start, p.Size, p.Type)
		for _, f := range []struct{ key, value string }{{"uuid", p.UUID}, {"name", p.Name}, {"attrs", p.Attrs}} {
			switch {
			case f.value != "" && f.key == "uuid":
				fmt.Fprintf(&b, ", uuid=%s", f.value)
			case f.value != "":
				fmt.Fprintf(&b, ", %s=\"", f.key)
				for _, c := range []byte(f.value) {
					if c < 0x80 {
						b.WriteByte(c)
					} else {
						fmt.Fprintf(&b, `\x%02x`, c)
					}
				}
				b.WriteByte('"')
			}
		}
		if p.Bootable {
			b.WriteString(", bootable")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
