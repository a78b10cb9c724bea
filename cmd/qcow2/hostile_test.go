package main

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"cstructgen/qcow2"
)

// rewrite changes the file called name.
func rewrite(t *testing.T, name string, change func(b []byte)) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	change(b)
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// What can be said of a broken image is said, and what is broken, too.
func TestInfoOfBrokenParts(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		image string
		spoil func(b []byte)
		want  string
	}{
		{"snapshots", func(b []byte) {
			binary.BigEndian.PutUint32(b[qcow2.OffsetofQCowHeader_NbSnapshots:], qcow2.QCOW_MAX_SNAPSHOTS+1)
		}, "nb_snapshots"},
		{"luks-metadata", func(b []byte) {
			at := strings.Index(string(b), "LUKS\xba\xbe")
			copy(b[at:], "SKUL")
		}, "LUKS header"},
	} {
		unpack(t, tt.image)
		disk := tt.image + "/disk.qcow2"
		rewrite(t, disk, tt.spoil)
		for _, format := range []string{"human", "json"} {
			fail(t, tt.want, "info", "--output", format, disk)
		}
		if r := command("info", disk); !strings.Contains(r.stdout, "Format specific information:\n    compat: 1.1\n") {
			t.Errorf("%s: printed %q", tt.image, r.stdout)
		}
	}
}

// Every byte of the header, changed: an answer, or an error of one line.
func TestHostileHeader(t *testing.T) {
	t.Chdir(t.TempDir())
	unpack(t, "chain")
	whole, err := os.ReadFile("chain/disk.qcow2")
	if err != nil {
		t.Fatal(err)
	}
	for at := range qcow2.SizeofQCowHeader + 64 {
		for _, flip := range []byte{0x01, 0x80, 0xff, whole[at]} {
			rewrite(t, "chain/disk.qcow2", func(b []byte) {
				copy(b, whole)
				b[at] ^= flip
			})
			for _, args := range [][]string{
				{"info", "--backing-chain"}, {"info", "--output=json"}, {"map", "--output=json"}, {"map"}, {"snapshot", "-l"},
				{"cat", "--length", "64k"}, {"measure", "-O", "qcow2"}, {"compare", "chain/disk.qcow2"},
			} {
				r := command(append(args, "--allow-dir", "chain", "chain/disk.qcow2")...)
				switch {
				case r.code == 0 && r.stderr == "":
				case r.code >= 1 && strings.Count(r.stderr, "\n") == 1 && strings.HasPrefix(r.stderr, "qcow2: "):
				default:
					t.Fatalf("byte %d ^ %#x: %v: exit code %d, %q", at, flip, args, r.code, r.stderr)
				}
			}
		}
	}
}
