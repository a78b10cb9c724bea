package qcow2

import (
	"bytes"
	"reflect"
	"testing"
)

func TestDescribe(t *testing.T) {
	plain := func(change func(d *Description)) Description {
		d := Description{
			Filename: "dir/i.qcow2", Format: "qcow2", VirtualSize: 1 << 20, ClusterSize: 1 << 16, FileSize: 2 << 16,
			Compat: "1.1", CompressionType: "zlib", RefcountBits: 16,
		}
		change(&d)
		return d
	}
	for _, c := range []struct {
		name   string
		recipe recipe
		change func(h *QCowHeader)
		want   Description
	}{
		{"plain", recipe{}, nil, plain(func(d *Description) {})},
		{"version 2", recipe{version: QCOW2_VERSION_2}, nil, plain(func(d *Description) { d.Compat = "0.10" })},
		{"zstd", recipe{zstd: true}, nil, plain(func(d *Description) { d.CompressionType = "zstd" })},
		{"features", recipe{extended: true}, func(h *QCowHeader) {
			h.IncompatibleFeatures |= QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT
			h.CompatibleFeatures = QCOW2_COMPAT_LAZY_REFCOUNTS
			h.RefcountOrder = 6
		}, plain(func(d *Description) {
			d.ExtendedL2, d.Dirty, d.Corrupt, d.LazyRefcounts, d.RefcountBits = true, true, true, true, 64
		})},
		{"AES", recipe{}, func(h *QCowHeader) { h.CryptMethod = QCOW_CRYPT_AES }, plain(func(d *Description) {
			d.Encrypted, d.Encryption = true, "aes"
		})},
		{"data file", recipe{dataFile: "d.raw"}, func(h *QCowHeader) { h.AutoclearFeatures = QCOW2_AUTOCLEAR_DATA_FILE_RAW },
			plain(func(d *Description) { d.HasDataFile, d.DataFile, d.DataFileRaw = true, "d.raw", true })},
		{"data file's name alone", recipe{dataFile: "d.raw"}, func(h *QCowHeader) { h.IncompatibleFeatures &^= QCOW2_INCOMPAT_DATA_FILE },
			plain(func(d *Description) { d.DataFile = "d.raw" })},
		{"backing file", recipe{backing: "../b", format: "raw"}, nil, plain(func(d *Description) {
			d.HasBacking, d.BackingFilename, d.FullBackingFilename, d.BackingFormat = true, "../b", "dir/../b", "raw"
		})},
	} {
		c.recipe.size = 1 << 20
		b := newBuilder(t, c.recipe)
		if c.change != nil {
			c.change(&b.header)
		}
		if got := b.image(&Options{Name: "dir/i.qcow2"}).Describe(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Broken lists are told beside the rest.
func TestDescribeBroken(t *testing.T) {
	b := newBuilder(t, recipe{})
	b.header.NbSnapshots = 1
	b.header.SnapshotsOffset = 1 << 40
	b.header.AutoclearFeatures = QCOW2_AUTOCLEAR_BITMAPS
	b.extend(QCOW2_EXT_MAGIC_BITMAPS, nil)
	if d := b.image(nil).Describe(); !isTyped(d.SnapshotsError) || !isTyped(d.BitmapsError) || d.Compat != "1.1" {
		t.Errorf("%+v", d)
	}
}

// As path_combine of QEMU has it.
func TestJoinBacking(t *testing.T) {
	for _, c := range []struct{ from, name, want string }{
		{"o.qcow2", "b", "b"},
		{"/a/o.qcow2", "b", "/a/b"},
		{"a/o.qcow2", "../c/b", "a/../c/b"},
		{"a/o.qcow2", "/b", "/b"},
		{"a/o.qcow2", "nbd:x", "nbd:x"},
		{"a/o.qcow2", "json:{}", "json:{}"},
		{"a/o.qcow2", "d/x:y", "a/d/x:y"},
	} {
		if got := joinBacking(c.from, c.name); got != c.want {
			t.Errorf("joinBacking(%q, %q) = %q, want %q", c.from, c.name, got, c.want)
		}
	}
}

// The cheapest image there is: a header.
func TestDescribeHeaderOnly(t *testing.T) {
	b := newBuilder(t, recipe{})
	b.header.L1TableOffset = 0
	file := b.bytes()[:SizeofQCowHeader]
	im, err := New(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := im.Describe(); d.VirtualSize != 0 || d.FileSize != SizeofQCowHeader {
		t.Errorf("%+v", d)
	}
}
