package tests

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cstructgen/qcow2"
)

// A differingField is a header field of which QEMU and we say different
// things, and why.
type differingField struct {
	name     string
	from, to int64 // of the header's bytes
	why      string
}

// differingFields lists all fields of which a changed bit may be refused by
// one side alone. It is about opening: metadata, not data.
var differingFields = []differingField{
	{"l1_table_offset", qcow2.OffsetofQCowHeader_L1TableOffset, qcow2.OffsetofQCowHeader_RefcountTableOffset, pastEnd},
	{"l1_size", qcow2.OffsetofQCowHeader_L1Size, qcow2.OffsetofQCowHeader_L1TableOffset, pastEnd},
	{"refcount_table_offset", qcow2.OffsetofQCowHeader_RefcountTableOffset, qcow2.OffsetofQCowHeader_RefcountTableClusters, onlyPart},
	{"refcount_table_clusters", qcow2.OffsetofQCowHeader_RefcountTableClusters, qcow2.OffsetofQCowHeader_NbSnapshots, onlyPart},
	{"nb_snapshots", qcow2.OffsetofQCowHeader_NbSnapshots, qcow2.OffsetofQCowHeader_SnapshotsOffset, onlyPart},
	{"snapshots_offset", qcow2.OffsetofQCowHeader_SnapshotsOffset, qcow2.OffsetofQCowHeader_IncompatibleFeatures, onlyPart},
	{"header_length", qcow2.OffsetofQCowHeader_HeaderLength, qcow2.OffsetofQCowHeader_CompressionType, "stricter: the specification demands a multiple of 8"},
}

// TestAlteredHeaderSweep flips every bit of headers and compares whether the
// image still opens. Where both sides say yes, size and features must be the
// same, too.
func TestAlteredHeaderSweep(t *testing.T) {
	requireTool(t, "qemu-img")
	for _, c := range []struct {
		image  string
		length int
	}{
		{"v2-plain", qcow2.OffsetofQCowHeader_IncompatibleFeatures + qcow2.SizeofQCowExtension},
		{"v3-zstd", qcow2.SizeofQCowHeader + qcow2.SizeofQCowExtension},
	} {
		t.Run(c.image, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, c.image)
			good, err := os.ReadFile(filepath.Join(dir, diskName))
			if err != nil {
				t.Fatal(err)
			}
			for bit := range c.length * 8 {
				if inCI() || bit%11 == 0 {
					sweepHeader(t, dir, good, bit)
				}
			}
		})
	}
}

// sweepHeader flips one bit, counted from the first byte's highest.
func sweepHeader(t *testing.T, dir string, good []byte, bit int) {
	t.Helper()
	editImage(t, dir, func(e *editor) {
		e.b = bytes.Clone(good)
		e.b[bit/8] ^= 0x80 >> (bit % 8)
	})
	field := ""
	for _, f := range differingFields {
		if f.from <= int64(bit/8) && int64(bit/8) < f.to {
			field = f.name
		}
	}
	out, theirs := runTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName)
	im, ours := qcow2.Open(filepath.Join(dir, diskName), nil)
	switch {
	case (ours == nil) != (theirs == nil):
		if field == "" {
			t.Errorf("bit %d of byte %d: %v; QEMU: %v", bit%8, bit/8, ours, theirs)
		}
	case ours != nil:
		if e := new(qcow2.Error); !errors.As(ours, &e) {
			t.Errorf("bit %d of byte %d: %v is no *Error", bit%8, bit/8, ours)
		}
	case field == "":
		want, err := normaliseInfo(out)
		if err != nil {
			t.Fatal(err)
		}
		got := infoOf(t, im)
		// QEMU counts in sectors: see TestAlteredSizeInBytes.
		got["virtual-size"] = im.Size() &^ 511
		if g, w := jsonText(t, got), jsonText(t, describable(want)); g != w {
			t.Errorf("bit %d of byte %d: info\n%s\nQEMU\n%s", bit%8, bit/8, g, w)
		}
	}
	if im != nil {
		im.Close()
	}
}
