package tests

import (
	"bytes"
	"errors"
	"io"
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
	why      *difference
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
	{"header_length", qcow2.OffsetofQCowHeader_HeaderLength, qcow2.OffsetofQCowHeader_CompressionType, multipleOf8},
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
				if wholeCorpus() || bit%11 == 0 {
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

// TestAlteredCuts cuts images off at many places. With ZeroFillTruncated they
// read as QEMU reads them; without it what is read is right, or nothing is.
func TestAlteredCuts(t *testing.T) {
	requireTool(t, "qemu-img")
	for _, image := range []string{"v2-plain", "v3-deflate", "v3-zstd", "extended-l2", "zero-clusters"} {
		t.Run(image, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, image)
			good, err := os.ReadFile(filepath.Join(dir, diskName))
			if err != nil {
				t.Fatal(err)
			}
			whole := rawContents(t, dir, &qcow2.Options{AllowDirs: []string{dir}}, readExpectation(t, image).SHA256)
			step := len(good) / 12
			if wholeCorpus() {
				step = len(good) / 60
			}
			// Header, extensions and names are in the first cluster. They are
			// never made up, whatever the options: QEMU takes zeros there, too.
			first := int((&editor{t, good}).cluster())
			for n := first + step%7; n < len(good); n += step {
				editImage(t, dir, func(e *editor) { e.b = bytes.Clone(good[:n]) })
				theirs := askVerdict(t, dir)
				compareZeroFilled(t, dir, theirs)
				readCut(t, dir, n, whole)
			}
		})
	}
}

// readCut reads an image of which only n bytes are left: each piece comes back
// as it was, or with an error.
func readCut(t *testing.T, dir string, n int, whole []byte) {
	t.Helper()
	im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}})
	if err != nil {
		if e := new(qcow2.Error); !errors.As(err, &e) {
			t.Errorf("cut at %d: %v", n, err)
		}
		return
	}
	defer im.Close()
	got := make([]byte, 512)
	for at := 0; at < len(whole); at += len(got) {
		m, err := im.ReadAt(got, int64(at))
		if !bytes.Equal(got[:m], whole[at:at+m]) || err == nil && m < len(got) {
			t.Errorf("cut at %d: %d bytes at %#x, %v: not what was there", n, m, at, err)
			return
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, qcow2.ErrTruncated) {
			t.Errorf("cut at %d: at %#x: %v", n, at, err)
			return
		}
	}
}
