package main

import (
	"encoding/binary"
	hexadecimal "encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"cstructgen/qcow2"
)

// A dumpedPart is a part as "dump --json" prints it.
type dumpedPart struct {
	Part   string
	Offset uint64
	Rows   []struct {
		Offset       uint64
		Bytes        string
		Field        string
		Index, Count uint64
		Value        any
		Meaning, Doc string
	}
	Notes []string
}

// dumped parses what "dump --json" prints.
func dumped(t *testing.T, out string) []dumpedPart {
	t.Helper()
	var parts []dumpedPart
	d := json.NewDecoder(strings.NewReader(out))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&parts); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return parts
}

// checkDump compares a dump with the file: the bytes are those at the offsets,
// numbers are what the bytes say, and tables have no gaps.
func checkDump(t *testing.T, file []byte, parts []dumpedPart) (rows int) {
	t.Helper()
	for _, p := range parts {
		next := uint64(0)
		for _, r := range p.Rows {
			rows++
			b, err := hexadecimal.DecodeString(r.Bytes)
			if err == nil && len(b) == 0 {
				continue // a name of no length may claim to lie anywhere
			}
			if err != nil || r.Offset+uint64(len(b)) > uint64(len(file)) || string(b) != string(file[r.Offset:r.Offset+uint64(len(b))]) {
				t.Fatalf("%s: %s at %#x: %s, %v", p.Part, r.Field, r.Offset, r.Bytes, err)
			}
			if n, ok := r.Value.(json.Number); ok && r.Field != "" {
				if want := number(b); n.String() != fmt.Sprint(want) {
					t.Errorf("%s: %s is %v, the bytes are %s", p.Part, r.Field, n, r.Bytes)
				}
			}
			if r.Field == "" {
				if r.Index != next || r.Count == 0 {
					t.Errorf("%s: entry %d, %d expected", p.Part, r.Index, next)
				}
				next = r.Index + r.Count
			}
		}
	}
	return rows
}

// Every committed image is dumped as it is stored, and as the library has it.
func TestDumpIsTheFile(t *testing.T) {
	for _, name := range imageNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			unpack(t, name)
			const disk = "disk.qcow2"
			file, err := os.ReadFile(name + "/" + disk)
			if err != nil {
				t.Fatal(err)
			}
			parts := dumped(t, succeed(t, "dump", "--json", name+"/"+disk))
			if rows := checkDump(t, file, parts); rows < 10 {
				t.Errorf("%d rows", rows)
			}
			im, err := qcow2.Open(name+"/"+disk, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer im.Close()
			h := im.Header()
			entries, _ := h.L2Entries()
			want := map[string]uint64{"L1 table": uint64(h.L1Size), "L2 table": entries, "refcount block": h.Refcounts()}
			extensions, snapshots := 0, 0
			for _, p := range parts {
				if p.Part == "header extension" {
					extensions++
				}
				if strings.HasPrefix(p.Part, "snapshot ") && p.Part != "snapshot table" {
					snapshots++
				}
				for kind, n := range want {
					if strings.HasPrefix(p.Part, kind) && len(p.Rows) > 0 {
						if last := p.Rows[len(p.Rows)-1]; last.Index+last.Count != n {
							t.Errorf("%s has %d entries, want %d", p.Part, last.Index+last.Count, n)
						}
					}
				}
			}
			if n := len(im.Extensions()); extensions != n && extensions != n+1 { // the END mark may be shown, too
				t.Errorf("%d extensions, the library has %d", extensions, n)
			}
			if snapshots != int(h.NbSnapshots) {
				t.Errorf("%d snapshots, the header has %d", snapshots, h.NbSnapshots)
			}
			// People and programs are told of the same parts.
			human := succeed(t, "dump", name+"/"+disk)
			for _, p := range parts {
				if !strings.Contains("\n"+human, fmt.Sprintf("\n%s at %d (%#x)\n", p.Part, p.Offset, p.Offset)) {
					t.Errorf("%s is shown as JSON only", p.Part)
				}
			}
		})
	}
}

// An altered image, of whatever kind, is dumped as far as it goes: one line of
// error at most, no panic, nothing that commands a terminal.
func TestDumpOfAlteredImages(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"snapshots", "bitmaps", "extended-l2"} {
		unpack(t, name)
		disk := name + "/disk.qcow2"
		whole, err := os.ReadFile(disk)
		if err != nil {
			t.Fatal(err)
		}
		var h qcow2.QCowHeader
		h.DecodePrefix(whole)
		places := []uint64{0, h.L1TableOffset, h.RefcountTableOffset, h.SnapshotsOffset}
		for i, place := range places {
			// The highest and the lowest bytes of numbers, in turns.
			for at := place + uint64(i); at < place+128 && at < uint64(len(whole)); at += 3 {
				flip := []byte{0x01, 0x80, 0xff}[at%5%3]
				rewrite(t, disk, func(b []byte) {
					copy(b, whole)
					b[at] ^= flip
				})
				tryDump(t, fmt.Sprintf("%s, byte %#x ^ %#x", name, at, flip), disk)
			}
		}
		for _, n := range []int{0, 3, 4, 71, 72, 103, 104, 111, 112, 600, 5000, len(whole) / 2, len(whole) - 1} {
			if err := os.WriteFile(disk, whole[:min(n, len(whole))], 0o644); err != nil {
				t.Fatal(err)
			}
			tryDump(t, fmt.Sprintf("%s, %d bytes", name, n), disk)
		}
	}
}

func tryDump(t *testing.T, name, disk string) {
	t.Helper()
	file, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"dump", disk}, {"dump", "--json", disk}} {
		r := command(args...)
		if r.code > 1 || (r.code == 0) != (r.stderr == "") || r.code == 1 && strings.Count(r.stderr, "\n") != 1 {
			t.Fatalf("%s: exit code %d, %q", name, r.code, r.stderr)
		}
		for _, c := range r.stdout + r.stderr {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Fatalf("%s: printed %q", name, c)
			}
		}
		if len(r.stdout) > 1<<22 {
			t.Fatalf("%s: printed %d bytes", name, len(r.stdout))
		}
		if args[1] == "--json" && r.stdout != "" {
			checkDump(t, file, dumped(t, r.stdout))
		}
	}
}

// Claims that no file can hold cost nothing, and end.
func TestDumpOfHugeClaims(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "snapshots")
	const disk = "snapshots/disk.qcow2"
	whole, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		field string
		at    int
		value uint32
		want  string
	}{
		{"l1_size", qcow2.OffsetofQCowHeader_L1Size, 1<<32 - 1, "L1 table"},
		{"nb_snapshots", qcow2.OffsetofQCowHeader_NbSnapshots, 1<<32 - 1, "snapshot"},
		{"refcount_table_clusters", qcow2.OffsetofQCowHeader_RefcountTableClusters, 1<<32 - 1, "refcount table"},
		{"cluster_bits", qcow2.OffsetofQCowHeader_ClusterBits, 1<<32 - 1, "cluster_bits"},
		{"cluster_bits", qcow2.OffsetofQCowHeader_ClusterBits, 0, "cluster_bits"},
		{"refcount_order", qcow2.OffsetofQCowHeader_RefcountOrder, 7, "refcount_order"},
		{"header_length", qcow2.OffsetofQCowHeader_HeaderLength, 1<<32 - 1, "header"},
		{"header_length", qcow2.OffsetofQCowHeader_HeaderLength, 0, ""},
		{"version", qcow2.OffsetofQCowHeader_Version, 1<<32 - 1, ""},
	} {
		rewrite(t, disk, func(b []byte) {
			copy(b, whole)
			binary.BigEndian.PutUint32(b[tt.at:], tt.value)
		})
		r := command("dump", disk)
		if (tt.want == "") != (r.code == 0) || !strings.Contains(r.stderr, tt.want) || len(r.stdout) > 1<<20 ||
			!strings.Contains(r.stdout, fmt.Sprintf("  %s  ", tt.field)) && tt.value != 0 {
			t.Errorf("%s %d: exit code %d, %q, %d bytes", tt.field, tt.value, r.code, r.stderr, len(r.stdout))
		}
	}
}
