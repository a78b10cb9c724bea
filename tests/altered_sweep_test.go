package tests

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// A sweep is a part of an image of which every bit is flipped.
type sweep struct {
	image    string
	from, to int64
	differ   []differingField // beside those of the header
}

// Extensions lie behind the header. Of those that QEMU writes first the header
// is 8 bytes, and so is the longest field.
const (
	extensionAt   = qcow2.SizeofQCowHeader
	extensionData = extensionAt + qcow2.SizeofQCowExtension
)

var sweeps = []sweep{
	{"v2-plain", 0, qcow2.OffsetofQCowHeader_IncompatibleFeatures + qcow2.SizeofQCowExtension, nil},
	{"v3-zstd", 0, extensionData, nil},
	{"extended-l2", qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.OffsetofQCowHeader_CompatibleFeatures, nil},
	{"aes", qcow2.OffsetofQCowHeader_CryptMethod, qcow2.OffsetofQCowHeader_L1Size, nil},
	{"bitmaps", extensionAt, extensionData + qcow2.SizeofQcow2BitmapHeaderExt, []differingField{
		{"bitmaps extension", extensionAt, extensionData + qcow2.SizeofQcow2BitmapHeaderExt, onlyPart},
	}},
	{"data-file", extensionAt, extensionData + 8, nil},
	{"luks-metadata", extensionAt, extensionData + qcow2.SizeofQcow2CryptoHeaderExtension, []differingField{
		{"place of the LUKS header", extensionData, extensionData + qcow2.SizeofQcow2CryptoHeaderExtension, onlyPart},
	}},
}

// TestAlteredHeaderSweep flips every bit of headers and extensions and compares
// whether the image still opens. Where both sides say yes, size and features
// must be the same, too. The list of fields of which they may say different
// things is closed: each says which side refuses more, and must be needed.
func TestAlteredHeaderSweep(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-img")
	for _, c := range sweeps {
		t.Run(c.image, func(t *testing.T) {
			t.Parallel()
			dir := unpackCommitted(t, c.image)
			good, err := os.ReadFile(filepath.Join(dir, diskName))
			if err != nil {
				t.Fatal(err)
			}
			fields := slices.Concat(differingFields, c.differ)
			differed := make(map[string]bool)
			for bit := int(c.from) * 8; bit < int(c.to)*8; bit++ {
				if wholeCorpus() || bit%11 == 0 {
					if field := sweepHeader(t, dir, good, bit, fields); field != nil {
						differed[field.name] = true
					}
				}
			}
			for _, f := range fields {
				if wholeCorpus() && c.from <= f.from && f.to <= c.to && f.to <= int64(len(good)) && !differed[f.name] && f.applies(c.image) {
					t.Errorf("%s: no longer %s", f.name, f.why.says)
				}
			}
		})
	}
}

// applies reports whether the image has the field: version 2 has no
// header_length.
func (f *differingField) applies(image string) bool {
	return image != "v2-plain" || f.from < qcow2.OffsetofQCowHeader_IncompatibleFeatures
}

// sweepHeader flips one bit, counted from the first byte's highest. It returns
// the field that it belongs to if QEMU and we said different things.
func sweepHeader(t *testing.T, dir string, good []byte, bit int, fields []differingField) *differingField {
	t.Helper()
	editImage(t, dir, func(e *editor) {
		e.b = bytes.Clone(good)
		e.b[bit/8] ^= 0x80 >> (bit % 8)
	})
	var field *differingField
	for i, f := range fields {
		if f.from <= int64(bit/8) && int64(bit/8) < f.to {
			field = &fields[i]
		}
	}
	out, theirs := runTool(t, dir, "qemu-img", "info", "-f", "qcow2", "--output=json", diskName)
	im, ours := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}})
	if im != nil {
		defer im.Close()
	}
	if ours != nil {
		if e := new(qcow2.Error); !errors.As(ours, &e) {
			t.Errorf("bit %d of byte %d: %v is no *Error", bit%8, bit/8, ours)
		}
	}
	switch {
	case (ours == nil) != (theirs == nil):
		side := "laxer"
		if ours != nil {
			side = "stricter"
		}
		if field == nil || field.why.side != side {
			t.Errorf("bit %d of byte %d: %v; QEMU: %v", bit%8, bit/8, ours, theirs)
		}
		return field
	case ours == nil && field == nil: // else what is read may be anything, broken or not
		want, err := normaliseInfo(out)
		if err != nil {
			t.Fatal(err)
		}
		got := infoOf(t, im)
		// QEMU counts in sectors: see TestAlteredSizeInBytes.
		got["virtual-size"] = im.Size() &^ 511
		if data, ok := got["format-specific"].(map[string]any)["data"].(map[string]any); ok && data["data-file"] != nil {
			// See wholeNames. What is no UTF-8 both decode in the same way.
			name, _, _ := strings.Cut(data["data-file"].(string), "\x00")
			data["data-file"] = strings.ToValidUTF8(name, "\ufffd")
		}
		if g, w := jsonText(t, got), jsonText(t, describable(want)); g != w {
			t.Errorf("bit %d of byte %d: info\n%s\nQEMU\n%s", bit%8, bit/8, g, w)
		}
	}
	return nil
}

// TestAlteredCuts cuts images off at many places. With ZeroFillTruncated they
// read as QEMU reads them; without it what is read is right, or nothing is.
func TestAlteredCuts(t *testing.T) {
	t.Parallel()
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
