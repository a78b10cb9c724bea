package qcow2

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// openCase is an image that opens, or one that does not.
type openCase struct {
	name   string
	recipe recipe
	change func(b *builder)
	err    error  // the sentinel; nil: the image opens
	text   string // part of the error's text
}

func runOpenCases(t *testing.T, cases []openCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t, c.recipe)
			if c.change != nil {
				c.change(b)
			}
			file := b.bytes()
			im, err := New(bytes.NewReader(file), int64(len(file)), &Options{Name: "disk.qcow2"})
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil {
				im.Close()
				return
			}
			if !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), `qcow2: "disk.qcow2": `) {
				t.Errorf("error %q does not speak of %q", err, c.text)
			}
			var e *Error
			if !errors.As(err, &e) || e.What == "" {
				t.Errorf("error %#v says nothing of the place", err)
			}
		})
	}
}

func TestHeaderRules(t *testing.T) {
	const huge = math.MaxUint64
	small := recipe{size: 1 << 20}
	v2 := recipe{size: 1 << 20, version: QCOW2_VERSION_2}
	cases := []openCase{
		{name: "version 3", recipe: small},
		{name: "version 2", recipe: v2},
		{"version 1", small, func(b *builder) { b.header.Version = 1 }, ErrUnsupported, "version at 0x4: 0x1: 2 or 3"},
		{"version 4", small, func(b *builder) { b.header.Version = 4 }, ErrUnsupported, "version"},
		{"magic", small, func(b *builder) { b.header.Magic++ }, ErrFormat, "magic"},

		{"cluster_bits 8", small, func(b *builder) { b.header.ClusterBits = 8 }, ErrUnsupported, "cluster_bits at 0x14: 0x8: 9 to 21"},
		{"cluster_bits 22", small, func(b *builder) { b.header.ClusterBits = 22 }, ErrUnsupported, "cluster_bits"},
		{"cluster_bits 2^32-1", small, func(b *builder) { b.header.ClusterBits = math.MaxUint32 }, ErrUnsupported, "cluster_bits"},
		{name: "cluster_bits 9", recipe: recipe{bits: 9, size: 1 << 20}},
		{name: "cluster_bits 21", recipe: recipe{bits: 21, size: 1 << 20}},
		{name: "cluster_bits 14 with extended L2", recipe: recipe{bits: 14, size: 1 << 20, extended: true}},
		{"cluster_bits 13 with extended L2", recipe{bits: 13, size: 1 << 20}, func(b *builder) { b.header.IncompatibleFeatures = QCOW2_INCOMPAT_EXTL2 }, ErrUnsupported, "cluster_bits"},

		{"refcount_order 7", small, func(b *builder) { b.header.RefcountOrder = 7 }, ErrUnsupported, "refcount_order"},
		{name: "refcount_order 0", recipe: small, change: func(b *builder) { b.header.RefcountOrder = 0 }},
		{name: "refcount_order of version 2", recipe: v2, change: func(b *builder) { b.header.RefcountOrder = 99 }},

		{name: "header_length 104", recipe: small, change: func(b *builder) { b.header.HeaderLength = 104 }},
		{name: "header_length 120", recipe: small, change: func(b *builder) { b.header.HeaderLength = 120 }},
		{name: "header_length of a cluster", recipe: small, change: func(b *builder) { b.header.HeaderLength = 1 << 16 }},
		{"header_length 103", small, func(b *builder) { b.header.HeaderLength = 103 }, ErrCorrupt, "header_length"},
		{"header_length 108", small, func(b *builder) { b.header.HeaderLength = 108 }, ErrCorrupt, "header_length"},
		{"header_length over a cluster", small, func(b *builder) { b.header.HeaderLength = 1<<16 + 8 }, ErrCorrupt, "header_length"},

		{name: "zlib", recipe: small},
		{name: "zstd", recipe: recipe{size: 1 << 20, zstd: true}},
		{"zlib with the feature bit", small, func(b *builder) { b.header.IncompatibleFeatures = QCOW2_INCOMPAT_COMPRESSION }, ErrCorrupt, "compression_type"},
		{"zstd without the feature bit", small, func(b *builder) { b.header.CompressionType = QCOW2_COMPRESSION_TYPE_ZSTD }, ErrCorrupt, "compression_type"},
		{"zstd in a header that ends before the field", recipe{size: 1 << 20, zstd: true}, func(b *builder) { b.header.HeaderLength = 104 }, ErrCorrupt, "compression_type"},
		{"compression method 2", small, func(b *builder) {
			b.header.CompressionType = 2
			b.header.IncompatibleFeatures = QCOW2_INCOMPAT_COMPRESSION
		}, ErrUnsupported, "compression_type"},

		{name: "dirty", recipe: small, change: func(b *builder) { b.header.IncompatibleFeatures = QCOW2_INCOMPAT_DIRTY }},
		{name: "corrupt", recipe: small, change: func(b *builder) { b.header.IncompatibleFeatures = QCOW2_INCOMPAT_CORRUPT }},
		{name: "unknown compatible and autoclear features", recipe: small, change: func(b *builder) {
			b.header.CompatibleFeatures, b.header.AutoclearFeatures = huge, huge&^QCOW2_AUTOCLEAR_BITMAPS&^QCOW2_AUTOCLEAR_DATA_FILE_RAW
		}},
		{"unknown incompatible feature", small, func(b *builder) { b.header.IncompatibleFeatures = 1 << 5 }, ErrUnsupported, "unknown features: bit 5"},
		{"unknown incompatible features with a name", small, func(b *builder) {
			b.header.IncompatibleFeatures = 1<<63 | 1<<6 | QCOW2_INCOMPAT_DIRTY
			b.extend(QCOW2_EXT_MAGIC_FEATURE_TABLE, featureTable(
				Qcow2Feature{Type: QCOW2_FEAT_TYPE_COMPATIBLE, Bit: 6, Name: [46]byte{'n', 'o'}},
				Qcow2Feature{Type: QCOW2_FEAT_TYPE_INCOMPATIBLE, Bit: 6, Name: [46]byte{'t', 'i', 'm', 'e', '\n'}}))
		}, ErrUnsupported, `unknown features: "time\n", bit 63`},
		{"unknown features of version 2 are none", v2, func(b *builder) { b.header.IncompatibleFeatures = huge }, nil, ""},

		{"crypt_method 3", small, func(b *builder) { b.header.CryptMethod = 3 }, ErrUnsupported, "crypt_method"},
		{name: "AES", recipe: small, change: func(b *builder) { b.header.CryptMethod = QCOW_CRYPT_AES }},

		{name: "size 0", recipe: recipe{}},
		{name: "size 0 without an L1 table", recipe: recipe{}, change: func(b *builder) { b.header.L1TableOffset = 0 }},
		{name: "size 1", recipe: recipe{size: 1}},
		{"size 2^63", small, func(b *builder) { b.header.Size = 1 << 63 }, ErrLimit, "size at 0x18"},
		{"size beyond the L1 table", small, func(b *builder) { b.header.Size = 512<<20 + 1 }, ErrCorrupt, "l1_size at 0x24: 0x1: the disk needs 2 entries"},
		{name: "size that fills the L1 table", recipe: small, change: func(b *builder) { b.header.Size = 512 << 20 }},
		{name: "an L1 table with room for a machine's state", recipe: recipe{size: 1 << 20, l1Size: 100}},

		{"L1 table of 4194305 entries", small, func(b *builder) { b.header.L1Size = 4194305 }, ErrLimit, "length of the L1 table at 0x24: 0x400001"},
		{"L1 table of 4194304 entries in a small file", small, func(b *builder) { b.header.L1Size = 4194304 }, ErrTruncated, "L1 table"},
		{"L1 table past the end of the file", small, func(b *builder) { b.header.L1TableOffset = 1 << 40 }, ErrTruncated, "L1 table at 0x10000000000"},
		{"L1 table past 2^63", small, func(b *builder) { b.header.L1TableOffset = huge &^ 0xffff }, ErrCorrupt, "2^63"},
		{"L1 table not aligned", small, func(b *builder) { b.header.L1TableOffset += 512 }, ErrCorrupt, "cluster aligned"},
		{"no L1 table, not aligned", recipe{}, func(b *builder) { b.header.L1TableOffset = 8 }, ErrCorrupt, "cluster aligned"},

		{name: "snapshots and refcounts out of range are for others to refuse", recipe: small, change: func(b *builder) {
			b.header.NbSnapshots, b.header.SnapshotsOffset = math.MaxUint32, huge
			b.header.RefcountTableClusters, b.header.RefcountTableOffset = math.MaxUint32, huge
		}},
	}
	runOpenCases(t, cases)
}

func TestBackingNameRules(t *testing.T) {
	small := recipe{size: 1 << 20, bits: 12, backing: "base.raw", format: "raw"}
	name := func(offset uint64, size uint32) func(b *builder) {
		return func(b *builder) {
			b.backing = ""
			b.header.BackingFileOffset, b.header.BackingFileSize = offset, size
		}
	}
	runOpenCases(t, []openCase{
		{name: "name after the extensions", recipe: small},
		{name: "no name, whatever its length", recipe: small, change: name(0, math.MaxUint32)},
		{name: "empty name", recipe: small, change: name(4096, 0)},
		{name: "name of 1023 bytes", recipe: small, change: name(2048, 1023)},
		{"name of 1024 bytes", small, name(2048, 1024), ErrCorrupt, "backing_file_size at 0x10"},
		{"name that leaves the first cluster", small, name(4090, 7), ErrCorrupt, "backing_file_size"},
		{"name in the second cluster", small, name(4097, 1), ErrCorrupt, "backing_file_offset at 0x8"},
		{"name at the end of the world", small, name(math.MaxUint64, 1), ErrCorrupt, "backing_file_offset"},
		{name: "name in the header: no extensions then", recipe: small, change: name(8, 8)},
	})
}

func TestHeaderOfShortFiles(t *testing.T) {
	whole := newBuilder(t, recipe{}).bytes()
	for n := range headerLengthV3 + 9 {
		want := ErrTruncated
		if n == 0 {
			want = ErrFormat
		}
		_, err := New(bytes.NewReader(whole), int64(n), nil)
		if n < SizeofQCowHeader && !errors.Is(err, want) {
			t.Errorf("first %d bytes of an image: %v, want %v", n, err, want)
		}
		if n == SizeofQCowHeader && !errors.Is(err, nil) {
			t.Errorf("an image that is all header: %v", err)
		}
	}
	for _, content := range []string{"Q", "QFI", "QFI\xfa", "\x7fELF", "COWD", "QED\x00", strings.Repeat("\x00", 4096)} {
		_, err := New(strings.NewReader(content), int64(len(content)), nil)
		if want := map[bool]error{true: ErrTruncated, false: ErrFormat}[strings.HasPrefix(QCOW2_MAGIC_BYTES, content)]; !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", content, err, want)
		}
	}
	_, err := New(bytes.NewReader(whole), -1, nil)
	if err == nil {
		t.Error("a file of negative size opens")
	}
}

// The header comes back as stored, that of version 2 in the form of version 3.
func TestHeaderNormalised(t *testing.T) {
	b := newBuilder(t, recipe{size: 12345, version: QCOW2_VERSION_2})
	b.header.AutoclearFeatures = 7 // not written: version 2 has extensions there
	got := b.image(nil).Header()
	want := b.header
	want.AutoclearFeatures, want.HeaderLength = 0, headerLengthV2
	if got != want {
		t.Errorf("version 2: %+v, want %+v", got, want)
	}
	b = newBuilder(t, recipe{size: 12345, zstd: true})
	b.header.CompatibleFeatures = 1 << 40
	if got := b.image(nil).Header(); got != b.header {
		t.Errorf("version 3: %+v, want %+v", got, b.header)
	}
}

func TestMaxVirtualSize(t *testing.T) {
	file := newBuilder(t, recipe{size: 1 << 30}).bytes()
	for limit, want := range map[int64]error{0: nil, 1<<30 - 1: ErrLimit, 1 << 30: nil} {
		_, err := New(bytes.NewReader(file), int64(len(file)), &Options{MaxVirtualSize: limit})
		if !errors.Is(err, want) {
			t.Errorf("MaxVirtualSize %d: %v, want %v", limit, err, want)
		}
	}
}

func featureTable(features ...Qcow2Feature) []byte {
	var table []byte
	for _, f := range features {
		table, _ = f.AppendBinary(table)
	}
	return table
}

func TestFeatureNames(t *testing.T) {
	b := newBuilder(t, recipe{})
	full := Qcow2Feature{Type: QCOW2_FEAT_TYPE_AUTOCLEAR, Bit: 1}
	copy(full.Name[:], strings.Repeat("x", len(full.Name)))
	table := featureTable(Qcow2Feature{Bit: 3, Name: [46]byte{'d'}}, full)
	b.extend(QCOW2_EXT_MAGIC_FEATURE_TABLE, append(table, make([]byte, 47)...)) // and a part of an entry
	got := fmt.Sprintf("%q", b.image(nil).FeatureNames())
	want := fmt.Sprintf("%q", []Feature{{0, 3, "d"}, {2, 1, strings.Repeat("x", 46)}})
	if got != want {
		t.Errorf("FeatureNames() = %s, want %s", got, want)
	}
}
