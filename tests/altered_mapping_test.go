package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// TestAlteredTables changes L1 and L2 entries. In v3-plain, of 4 KiB clusters,
// guest clusters 0, 1, 3, 4, 6, 62 to 65 and 80 have data.
func TestAlteredTables(t *testing.T) {
	const pastEOF = 1 << 40
	all := []alteration{
		{name: "L1 reserved bits", alter: func(e *editor) { e.or(e.l1(0), qcow2.L1E_RESERVED_MASK) }},
		{name: "L1 without the copied flag", alter: func(e *editor) { e.u64(e.l1(0), e.get64(e.l1(0))&^qcow2.QCOW_OFLAG_COPIED) }},
		{name: "L1 entry 0", alter: func(e *editor) { e.u64(e.l1(0), 0) }},
		{name: "L1 nothing but the copied flag", alter: func(e *editor) { e.u64(e.l1(0), qcow2.QCOW_OFLAG_COPIED) }},
		{name: "L2 table unaligned", alter: func(e *editor) { e.or(e.l1(0), 512) }, read: qcow2.ErrCorrupt},
		{name: "L2 table past the end", alter: func(e *editor) { e.u64(e.l1(0), pastEOF) }, read: qcow2.ErrTruncated, unlike: pastEnd},
		{name: "L2 table is the L1 table", alter: func(e *editor) { e.u64(e.l1(0), e.header().L1TableOffset) }},

		{name: "L2 reserved bits", alter: orL2(0, qcow2.L2E_STD_RESERVED_MASK)},
		{name: "L2 reserved bits of a hole", alter: orL2(10, qcow2.L2E_STD_RESERVED_MASK)},
		{name: "L2 without the copied flag", alter: func(e *editor) { e.u64(e.l2(0), uint64(e.host(0))) }},
		{name: "offset 0 with the copied flag", alter: setL2(0, qcow2.QCOW_OFLAG_COPIED)},
		{name: "zero with an offset", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
		{name: "zero without an offset", alter: orL2(10, qcow2.QCOW_OFLAG_ZERO)},
		{name: "cluster unaligned", alter: orL2(0, 512), read: qcow2.ErrCorrupt},
		{name: "zero cluster unaligned", alter: orL2(0, 512|qcow2.QCOW_OFLAG_ZERO), read: qcow2.ErrCorrupt},
		{name: "second cluster of a run unaligned", alter: orL2(1, 512), read: qcow2.ErrCorrupt},
		{name: "cluster past the end", alter: setL2(0, pastEOF), read: qcow2.ErrTruncated, unlike: pastEnd},
		{name: "zero cluster past the end", alter: setL2(0, pastEOF|qcow2.QCOW_OFLAG_ZERO)},
		{name: "cluster at the largest offset", alter: setL2(0, qcow2.L2E_OFFSET_MASK&^4095), read: qcow2.ErrTruncated, unlike: pastEnd},
		{name: "two guest clusters in one", alter: func(e *editor) { e.u64(e.l2(10), e.get64(e.l2(0))) }},
		{name: "a guest cluster in the header", alter: func(e *editor) { e.or(e.l2(10), 4096); e.or(e.l2(11), uint64(e.header().L1TableOffset)) }},
		{name: "the L2 table as guest data", alter: func(e *editor) { e.or(e.l2(10), e.get64(e.l1(0))&qcow2.L1E_OFFSET_MASK) }},
		{name: "file cut in the last cluster used", alter: func(e *editor) { e.b = e.b[:e.host(80)+1] }, read: qcow2.ErrTruncated, unlike: pastEnd},

		// L1 entries past l1_size are holes, where snapshots need them.
		{name: "more L1 entries than the disk needs", image: "v2-plain", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_L1Size, 64) }},

		{name: "data file: compressed", image: "data-file", alter: orL2(0, qcow2.QCOW_OFLAG_COMPRESSED), read: qcow2.ErrCorrupt},
		{name: "data file: elsewhere", image: "data-file", alter: orL2(3, 1<<20), read: qcow2.ErrCorrupt},
		{name: "data file: zero cluster elsewhere", image: "data-file", alter: orL2(3, 1<<20|qcow2.QCOW_OFLAG_ZERO), read: qcow2.ErrCorrupt},
		{name: "data file: offset 0 without the copied flag is a hole", image: "data-file", alter: setL2(0, 0)},
		{name: "data file: past its end", image: "data-file", alter: setL2(127, qcow2.QCOW_OFLAG_COPIED|127*4096)},
	}
	for i := range all {
		if all[i].image == "" {
			all[i].image = "v3-plain"
		}
	}
	runAlterations(t, all)
}

// TestAlteredSubclusters changes extended entries. In extended-l2, of 16 KiB
// clusters over a raw file, guest clusters 0 and 1 have data, 2 is zeros, 4
// is compressed and 5 has none.
func TestAlteredSubclusters(t *testing.T) {
	const (
		alloc = uint64(1) << qcow2.QCOW_L2_BITMAP_ALLOC_SHIFT
		zero  = uint64(1) << qcow2.QCOW_L2_BITMAP_ZERO_SHIFT
	)
	all := []alteration{
		{name: "all allocated", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ALLOC)},
		{name: "all zero", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ZEROES)},
		{name: "none", alter: setBitmap(0, 0)},
		{name: "alternating", alter: setBitmap(0, 0xaaaaaaaa55555555)},
		{name: "runs of every kind", alter: setBitmap(0, 0x00f0_0f00_0f00_00ff)},
		{name: "first and last", alter: setBitmap(0, alloc|zero<<31)},
		{name: "both bits of subcluster 0", alter: setBitmap(0, alloc|zero), read: qcow2.ErrCorrupt},
		{name: "both bits of subcluster 31", alter: setBitmap(0, (alloc|zero)<<31), read: qcow2.ErrCorrupt},
		{name: "both bits of one, others are good", alter: setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ALLOC|zero<<7), read: qcow2.ErrCorrupt},
		{name: "allocated without a cluster", alter: setBitmap(5, alloc<<9), read: qcow2.ErrCorrupt},
		{name: "zero without a cluster", alter: setBitmap(5, zero<<9)},
		{name: "both bits without a cluster", alter: setBitmap(5, (alloc|zero)<<9), read: qcow2.ErrCorrupt},
		{name: "bitmap of a compressed cluster", alter: setBitmap(4, 0xffffffffffffffff)},
		{name: "bit 0 of the entry means nothing", alter: orL2(0, qcow2.QCOW_OFLAG_ZERO)},
		{name: "bit 0 of an empty entry means nothing", alter: orL2(5, qcow2.QCOW_OFLAG_ZERO)},
		{name: "cluster unaligned", alter: orL2(0, 8192), read: qcow2.ErrCorrupt},
		{name: "cluster of zeros unaligned", alter: func(e *editor) {
			orL2(0, 8192)(e)
			setBitmap(0, qcow2.QCOW_L2_BITMAP_ALL_ZEROES)(e)
		}, read: qcow2.ErrCorrupt},
		{name: "cluster of nothing unaligned", alter: func(e *editor) {
			orL2(0, 8192)(e)
			setBitmap(0, 0)(e)
		}, read: qcow2.ErrCorrupt},
	}
	for i := range all {
		all[i].image = "extended-l2"
	}
	runAlterations(t, all)
}

// TestAlteredCompressed changes compressed clusters: in v3-deflate and v3-zstd
// guest cluster 0 is one of a constant, 1 one of text.
func TestAlteredCompressed(t *testing.T) {
	var all []alteration
	for _, image := range []string{"v3-deflate", "v3-zstd", "v2-deflate"} {
		add := func(a alteration) {
			a.name, a.image = image+": "+a.name, image
			all = append(all, a)
		}
		add(alteration{name: "past the end", alter: setL2(0, qcow2.QCOW_OFLAG_COMPRESSED|1<<40), read: qcow2.ErrTruncated})
		add(alteration{name: "the header as compressed data", alter: setL2(0, qcow2.QCOW_OFLAG_COMPRESSED), read: qcow2.ErrCorrupt})
		add(alteration{name: "a byte later", alter: func(e *editor) { e.u64(e.l2(1), e.get64(e.l2(1))+1) }, read: qcow2.ErrCorrupt})
		add(alteration{name: "more sectors than it has", alter: func(e *editor) { e.or(e.l2(1), e.sectors(3)) }})
		add(alteration{name: "copied flag", alter: orL2(1, qcow2.QCOW_OFLAG_COPIED)})
		add(alteration{name: "zero bit is a bit of the offset", alter: func(e *editor) {
			e.u64(e.l2(1), e.get64(e.l2(1))^qcow2.QCOW_OFLAG_ZERO)
		}, read: qcow2.ErrCorrupt})
		add(alteration{name: "two guest clusters in one", alter: func(e *editor) { e.u64(e.l2(0), e.get64(e.l2(1))) }})
		if image != "v2-deflate" { // whose clusters have one sector
			add(alteration{name: "fewer sectors than it has", alter: func(e *editor) {
				e.u64(e.l2(1), e.get64(e.l2(1))&^e.sectors(7))
			}, read: qcow2.ErrCorrupt})
		}
	}
	all = append(all, alteration{name: "deflate read as zstd", image: "v3-deflate", alter: func(e *editor) {
		e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
		e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZSTD)
	}, read: qcow2.ErrCorrupt}, alteration{name: "zstd read as deflate", image: "v3-zstd", alter: func(e *editor) {
		e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 0)
		e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZLIB)
	}, read: qcow2.ErrCorrupt})
	runAlterations(t, all)
}

// sectors is n where a compressed entry counts sectors.
func (e *editor) sectors(n uint64) uint64 {
	h := e.header()
	return n << (62 - (h.ClusterBits - qcow2.QCOW2_COMPRESSED_SIZE_BITS_BASE))
}

// TestAlteredL2Sweep flips every bit of L2 entries of every kind, and compares
// what is read then with what qemu-io reads.
func TestAlteredL2Sweep(t *testing.T) {
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
		if !inCI() && bit%5 != int(cluster)%5 {
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
