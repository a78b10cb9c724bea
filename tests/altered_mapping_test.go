package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cstructgen/qcow2"
)

// orL2 sets bits of the L2 entry of a guest cluster.
func orL2(cluster int64, bits uint64) func(*editor) {
	return func(e *editor) { e.or(e.l2(cluster), bits) }
}

// setL2 replaces the L2 entry of a guest cluster.
func setL2(cluster int64, entry uint64) func(*editor) {
	return func(e *editor) { e.u64(e.l2(cluster), entry) }
}

// setBitmap replaces the subcluster bitmap of a guest cluster.
func setBitmap(cluster int64, bitmap uint64) func(*editor) {
	return func(e *editor) { e.u64(e.bitmap(cluster), bitmap) }
}

// tableAlterations change L1 and L2 entries. In v3-plain, of 4 KiB clusters,
// guest clusters 0, 1, 3, 4, 6, 62 to 65 and 80 have data.
func tableAlterations() []alteration {
	const (
		pastEOF = 1 << 40
		plain   = "v3-plain"
	)
	return slices.Concat(
		about("entries/l1-holds-an-offset-and-a-flag", plain,
			alteration{name: "reserved bits", alter: func(e *editor) { e.or(e.l1(0), qcow2.L1E_RESERVED_MASK) }},
			alteration{name: "without the copied flag", alter: func(e *editor) { e.u64(e.l1(0), e.get64(e.l1(0))&^qcow2.QCOW_OFLAG_COPIED) }},
			alteration{name: "0", alter: func(e *editor) { e.u64(e.l1(0), 0) }},
			alteration{name: "nothing but the copied flag", alter: func(e *editor) { e.u64(e.l1(0), qcow2.QCOW_OFLAG_COPIED) }},
			alteration{name: "nothing but reserved bits", alter: func(e *editor) { e.u64(e.l1(0), qcow2.L1E_RESERVED_MASK) }},
			alteration{name: "L2 table unaligned", alter: func(e *editor) { e.or(e.l1(0), 512) }, read: qcow2.ErrCorrupt},
			alteration{name: "L2 table is the L1 table", alter: func(e *editor) { e.u64(e.l1(0), e.header().L1TableOffset) }},
			alteration{name: "L2 table is the refcount table", alter: func(e *editor) { e.u64(e.l1(0), e.header().RefcountTableOffset) }},
		),
		about("entries/past-l1-is-unallocated", "v2-plain",
			alteration{name: "more entries than the disk needs", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_L1Size, 64) }},
		),
		about("entries/kinds-of-standard-clusters", plain,
			alteration{name: "reserved bits", alter: orL2(0, qcow2.L2E_STD_RESERVED_MASK)},
			alteration{name: "reserved bits of a hole", alter: orL2(10, qcow2.L2E_STD_RESERVED_MASK)},
			alteration{name: "without the copied flag", alter: func(e *editor) { e.u64(e.l2(0), uint64(e.host(0))) }},
			alteration{name: "offset 0 with the copied flag", alter: setL2(0, qcow2.QCOW_OFLAG_COPIED)},
			alteration{name: "zero with an offset", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
			alteration{name: "zero without an offset", alter: orL2(10, qcow2.QCOW_OFLAG_ZERO)},
			alteration{name: "zero and compressed is compressed", alter: setL2(10, qcow2.QCOW_OFLAG_ZERO|qcow2.QCOW_OFLAG_COMPRESSED), read: qcow2.ErrCorrupt},
			alteration{name: "two guest clusters in one", alter: func(e *editor) { e.u64(e.l2(10), e.get64(e.l2(0))) }},
			alteration{name: "a guest cluster in the header", alter: func(e *editor) { e.or(e.l2(10), 4096); e.or(e.l2(11), uint64(e.header().L1TableOffset)) }},
			alteration{name: "the L2 table as guest data", alter: func(e *editor) { e.or(e.l2(10), e.get64(e.l1(0))&qcow2.L1E_OFFSET_MASK) }},
		),
		about("entries/host-clusters-are-aligned", plain,
			alteration{name: "of data", alter: orL2(0, 512), read: qcow2.ErrCorrupt},
			alteration{name: "of zeros", alter: orL2(0, 512|qcow2.QCOW_OFLAG_ZERO), read: qcow2.ErrCorrupt},
			alteration{name: "the second of a run", alter: orL2(1, 512), read: qcow2.ErrCorrupt},
			alteration{name: "with extended L2", image: "extended-l2", alter: orL2(0, 8192), read: qcow2.ErrCorrupt},
			alteration{name: "with extended L2, all zeros", image: "extended-l2", alter: func(e *editor) {
				orL2(0, 8192)(e)
				setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ZEROES)(e)
			}, read: qcow2.ErrCorrupt},
			alteration{name: "with extended L2, nothing allocated", image: "extended-l2", alter: func(e *editor) {
				orL2(0, 8192)(e)
				setBitmap(0, 0)(e)
			}, read: qcow2.ErrCorrupt},
		),
		about("file/what-is-read-lies-inside", plain,
			alteration{name: "L2 table past the end", alter: func(e *editor) { e.u64(e.l1(0), pastEOF) }, read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "cluster past the end", alter: setL2(0, pastEOF), read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "zero cluster past the end", alter: setL2(0, pastEOF|qcow2.QCOW_OFLAG_ZERO)},
			alteration{name: "cluster at the largest offset", alter: setL2(0, qcow2.L2E_OFFSET_MASK&^4095), read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "cut in the last cluster used", alter: func(e *editor) { e.b = e.b[:e.host(80)+1] }, read: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "cut after the last byte of the disk", image: "odd-size", alter: func(e *editor) { e.b = append(e.b, 0) }},
		),

		about("data-file/no-compressed-clusters", "data-file",
			alteration{name: "one", alter: orL2(0, qcow2.QCOW_OFLAG_COMPRESSED), read: qcow2.ErrCorrupt},
		),
		about("data-file/host-offset-is-guest-offset", "data-file",
			alteration{name: "elsewhere", alter: orL2(3, 1<<20), read: qcow2.ErrCorrupt},
			alteration{name: "zero cluster elsewhere", alter: orL2(3, 1<<20|qcow2.QCOW_OFLAG_ZERO), read: qcow2.ErrCorrupt},
			alteration{name: "offset 0 without the copied flag is a hole", alter: setL2(0, 0)},
		),
		about("data-file/past-its-end-are-zeros", "data-file",
			alteration{name: "the last cluster", alter: setL2(127, qcow2.QCOW_OFLAG_COPIED|127*4096)},
		),
	)
}

// subclusterAlterations change extended entries. In extended-l2, of 16 KiB
// clusters over a raw file, guest clusters 0 and 1 have data, 2 is zeros, 4
// is compressed and 5 has none.
func subclusterAlterations() []alteration {
	const (
		image = "extended-l2"
		alloc = uint64(1) << qcow2.QCOW_L2_BITMAP_ALLOC_SHIFT
		zero  = uint64(1) << qcow2.QCOW_L2_BITMAP_ZERO_SHIFT
	)
	return slices.Concat(
		about("subclusters/two-bits-each", image,
			alteration{name: "all allocated", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ALLOC)},
			alteration{name: "all zero", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ZEROES)},
			alteration{name: "none reads the backing file", alter: setBitmap(0, 0)},
			alteration{name: "both bits of subcluster 0", alter: setBitmap(0, alloc|zero), read: qcow2.ErrCorrupt},
			alteration{name: "both bits of subcluster 31", alter: setBitmap(0, (alloc|zero)<<31), read: qcow2.ErrCorrupt},
			alteration{name: "both bits of one, others are good", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ALLOC|zero<<7), read: qcow2.ErrCorrupt},
		),
		about("subclusters/allocated-needs-a-cluster", image,
			alteration{name: "allocated without a cluster", alter: setBitmap(5, alloc<<9), read: qcow2.ErrCorrupt},
			alteration{name: "zero without a cluster", alter: setBitmap(5, zero<<9)},
			alteration{name: "both bits without a cluster", alter: setBitmap(5, (alloc|zero)<<9), read: qcow2.ErrCorrupt},
		),
		about("subclusters/runs", image,
			alteration{name: "alternating", alter: setBitmap(0, 0xaaaaaaaa55555555)},
			alteration{name: "of every kind", alter: setBitmap(0, 0x00f0_0f00_0f00_00ff)},
			alteration{name: "first and last", alter: setBitmap(0, alloc|zero<<31)},
			alteration{name: "all but the last", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ALLOC&^(alloc<<31))},
			alteration{name: "over the border of clusters", alter: func(e *editor) {
				setBitmap(0, alloc<<30|alloc<<31)(e)
				setBitmap(1, alloc|alloc<<1)(e)
				e.u64(e.l2(1), e.get64(e.l2(0))+uint64(e.cluster()))
			}},
		),
		about("subclusters/bitmap-of-compressed-clusters-means-nothing", image,
			alteration{name: "all bits", alter: setBitmap(4, 0xffffffffffffffff)},
		),
		about("subclusters/bit-0-of-the-entry-means-nothing", image,
			alteration{name: "of data", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
			alteration{name: "of nothing", alter: orL2(5, qcow2.QCOW_OFLAG_ZERO)},
		),
	)
}

// compressedAlterations change compressed clusters: in v3-deflate and v3-zstd
// guest cluster 0 is one of a constant, 1 one of text.
func compressedAlterations() []alteration {
	var all []alteration
	for _, image := range []string{"v3-deflate", "v3-zstd", "v2-deflate"} {
		add := func(rule string, list ...alteration) {
			for i := range list {
				list[i].name = image + ": " + list[i].name
			}
			all = append(all, about(rule, image, list...)...)
		}
		add("compressed/offset-in-bytes-and-sectors",
			alteration{name: "past the end", alter: setL2(0, qcow2.QCOW_OFLAG_COMPRESSED|1<<40), read: qcow2.ErrTruncated},
			alteration{name: "a byte later", alter: func(e *editor) { e.u64(e.l2(1), e.get64(e.l2(1))+1) }, read: qcow2.ErrCorrupt},
			alteration{name: "more sectors than it has", alter: func(e *editor) { e.or(e.l2(1), e.sectors(3)) }},
			alteration{name: "copied flag", alter: orL2(1, qcow2.QCOW_OFLAG_COPIED)},
			alteration{name: "zero bit is a bit of the offset", alter: func(e *editor) {
				e.u64(e.l2(1), e.get64(e.l2(1))^qcow2.QCOW_OFLAG_ZERO)
			}, read: qcow2.ErrCorrupt},
			alteration{name: "two guest clusters in one", alter: func(e *editor) { e.u64(e.l2(0), e.get64(e.l2(1))) }})
		if image != "v2-deflate" { // whose clusters have one sector
			add("compressed/offset-in-bytes-and-sectors", alteration{name: "fewer sectors than it has", alter: func(e *editor) {
				e.u64(e.l2(1), e.get64(e.l2(1))&^e.sectors(7))
			}, read: qcow2.ErrCorrupt})
		}
		rule := "compressed/deflate-fills-the-cluster"
		if image == "v3-zstd" {
			rule = "compressed/zstd-frames-fill-the-cluster"
		}
		add(rule, alteration{name: "the header as compressed data", alter: setL2(0, qcow2.QCOW_OFLAG_COMPRESSED), read: qcow2.ErrCorrupt})
	}
	return append(all, slices.Concat(streamAlterations(),
		about("compressed/deflate-fills-the-cluster", "v3-zstd", alteration{name: "zstd read as deflate", alter: func(e *editor) {
			e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 0)
			e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZLIB)
		}, read: qcow2.ErrCorrupt}),
		about("compressed/zstd-frames-fill-the-cluster", "v3-deflate", alteration{name: "deflate read as zstd",
			alter: compression(qcow2.QCOW2_COMPRESSION_TYPE_ZSTD), read: qcow2.ErrCorrupt}),
	)...)
}

// sectors is n where a compressed entry counts sectors.
func (e *editor) sectors(n uint64) uint64 {
	h := e.header()
	return n << (62 - (h.ClusterBits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE))
}

// TestAlteredL2Sweep flips every bit of L2 entries of every kind, and compares
// what is read then with what qemu-io reads.
func TestAlteredL2Sweep(t *testing.T) {
	t.Parallel()
	requireTool(t, "qemu-io")
	for _, c := range []struct {
		image    string
		clusters []int64
	}{
		{"v2-plain", []int64{0, 10}},
		{"v3-plain", []int64{0, 10}},
		{"v3-deflate", []int64{1, 4}},
		{"v3-zstd", []int64{1}},
		{"extended-l2", []int64{0, 4, 5}},
		{"data-file", []int64{0, 3, 10}},
		{"zero-clusters", []int64{1, 4, 40}},
	} {
		for _, cluster := range c.clusters {
			t.Run(fmt.Sprintf("%s,%d", c.image, cluster), func(t *testing.T) {
				t.Parallel()
				sweepL2(t, c.image, cluster)
			})
		}
	}
}

// sweepL2 flips the bits of one L2 entry, one at a time.
func sweepL2(t *testing.T, image string, cluster int64) {
	dir := unpackCommitted(t, image)
	good, err := os.ReadFile(filepath.Join(dir, diskName))
	if err != nil {
		t.Fatal(err)
	}
	start := &editor{t, bytes.Clone(good)}
	at, size := start.l2(cluster), start.cluster()
	bits := 64
	if start.extended() {
		bits = 128
	}
	raw := filepath.Join(t.TempDir(), "raw")
	got, want := make([]byte, size), make([]byte, size)
	for bit := range bits {
		if !wholeCorpus() && bit%5 != int(cluster)%5 {
			continue
		}
		editImage(t, dir, func(e *editor) {
			e.b = bytes.Clone(good)
			word := at + int64(bit/64)*8
			e.u64(word, e.get64(word)^1<<(bit%64))
		})
		im, err := qcow2.Open(filepath.Join(dir, diskName), &qcow2.Options{AllowDirs: []string{dir}})
		if err != nil {
			t.Errorf("bit %d: open: %v", bit, err)
			continue
		}
		n, readErr := im.ReadAt(got, cluster*size)
		if errors.Is(readErr, io.EOF) {
			readErr = nil
		}
		im.Close()
		_, theirErr := runTool(t, dir, "qemu-img", "dd", "-f", "qcow2", "-O", "raw",
			fmt.Sprint("bs=", size), fmt.Sprint("skip=", cluster), fmt.Sprint("count=", cluster+1), "if="+diskName, "of="+raw)
		switch {
		case errors.Is(readErr, qcow2.ErrTruncated):
			// QEMU finds zeros there, or compressed data that is none.
		case (readErr == nil) != (theirErr == nil):
			t.Errorf("bit %d: %v; QEMU: %v", bit, readErr, theirErr)
		case readErr != nil:
			if !errors.Is(readErr, qcow2.ErrCorrupt) {
				t.Errorf("bit %d: %v", bit, readErr)
			}
		default:
			f, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			clear(want)
			copy(want, f)
			if i := firstDifference(got[:n], want[:n]); i >= 0 {
				t.Errorf("bit %d: byte %d is %#02x, QEMU has %#02x", bit, i, got[i], want[i])
			}
		}
	}
}
