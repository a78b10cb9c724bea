package tests

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"cstructgen/qcow2"
)

// set32 and set64 change one field of the header.
func set32(field int64, v uint32) func(*editor) { return func(e *editor) { e.u32(field, v) } }
func set64(field int64, v uint64) func(*editor) { return func(e *editor) { e.u64(field, v) } }

// TestAlteredHeader changes fields of the header.
func TestAlteredHeader(t *testing.T) {
	const (
		plain = "v3-plain" // clusters of 4 KiB, header_length 112
		k     = 1 << 10
		// What QEMU does not look at, and the specification demands.
		unlooked = "stricter: the specification demands a multiple of 8"
	)
	all := []alteration{
		{name: "magic", alter: set32(qcow2.OffsetofQCowHeader_Magic, 0x514649fa), open: qcow2.ErrFormat},
		{name: "file of 0 bytes", alter: func(e *editor) { e.b = e.b[:0] }, open: qcow2.ErrFormat},
		{name: "file of 4 bytes", alter: func(e *editor) { e.b = e.b[:4] }, open: qcow2.ErrTruncated},
		{name: "file of 71 bytes", alter: func(e *editor) { e.b = e.b[:71] }, open: qcow2.ErrTruncated},
		{name: "file of 103 bytes", alter: func(e *editor) { e.b = e.b[:103] }, open: qcow2.ErrTruncated},
		{name: "refcount_order=7", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, 7), open: qcow2.ErrUnsupported},
		{name: "refcount_order=max", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, math.MaxUint32), open: qcow2.ErrUnsupported},
		{name: "refcount_order=6", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, 6)},
		{name: "crypt_method=3", alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, 3), open: qcow2.ErrUnsupported},
		{name: "crypt_method=AES, no password", alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, qcow2.QCOW_CRYPT_AES), read: qcow2.ErrUnsupported},
		{name: "crypt_method=LUKS, no extension", alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, qcow2.QCOW_CRYPT_LUKS), open: qcow2.ErrCorrupt},

		// Where the L1 table is, and how long.
		{name: "l1_size=1 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 1)},
		{name: "l1_size=0 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 0), open: qcow2.ErrCorrupt},
		{name: "l1_size=20 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 20)},
		{name: "l1_size past its limit", alter: set32(qcow2.OffsetofQCowHeader_L1Size, qcow2.QCOW_MAX_L1_SIZE/qcow2.L1E_SIZE+1), open: qcow2.ErrLimit},
		{name: "l1_size at its limit", alter: set32(qcow2.OffsetofQCowHeader_L1Size, qcow2.QCOW_MAX_L1_SIZE/qcow2.L1E_SIZE), open: qcow2.ErrTruncated, unlike: pastEnd},
		{name: "l1_table_offset unaligned", alter: func(e *editor) { e.u64(qcow2.OffsetofQCowHeader_L1TableOffset, e.header().L1TableOffset+512) }, open: qcow2.ErrCorrupt},
		{name: "l1_table_offset past the end", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<30), open: qcow2.ErrTruncated, unlike: pastEnd},
		{name: "l1_table_offset past 2^63", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<63), open: qcow2.ErrCorrupt},
		{name: "l1_table_offset at 2^63", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<63-4*k), open: qcow2.ErrTruncated},
		{name: "l1_table_offset unaligned, size 0", image: "size-0", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 8), open: qcow2.ErrCorrupt},
		{name: "no L1 table, size 0", image: "size-0", alter: func(e *editor) {
			e.u32(qcow2.OffsetofQCowHeader_L1Size, 0)
			e.u64(qcow2.OffsetofQCowHeader_L1TableOffset, 0)
		}},
		{name: "size more than L1 covers", alter: set64(qcow2.OffsetofQCowHeader_Size, 2<<20+512), open: qcow2.ErrCorrupt},
		{name: "size as L1 covers", alter: set64(qcow2.OffsetofQCowHeader_Size, 2<<20)},
		{name: "size=2^63-512", alter: set64(qcow2.OffsetofQCowHeader_Size, 1<<63-512), open: qcow2.ErrCorrupt},
		{name: "size=2^63", alter: set64(qcow2.OffsetofQCowHeader_Size, 1<<63), open: qcow2.ErrLimit},
		{name: "size=2^64-1", alter: set64(qcow2.OffsetofQCowHeader_Size, math.MaxUint64), open: qcow2.ErrLimit},
		{name: "size=0", alter: set64(qcow2.OffsetofQCowHeader_Size, 0)},

		// Features.
		{name: "dirty", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_DIRTY)},
		{name: "corrupt", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_CORRUPT)},
		{name: "incompatible bit 5", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<5), open: qcow2.ErrUnsupported},
		{name: "incompatible bit 63", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<63), open: qcow2.ErrUnsupported},
		{name: "compatible bits", alter: set64(qcow2.OffsetofQCowHeader_CompatibleFeatures, math.MaxUint64)},
		{name: "autoclear bits but data-file-raw", alter: set64(qcow2.OffsetofQCowHeader_AutoclearFeatures, math.MaxUint64&^qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW)},
		{name: "data-file-raw without a data file", alter: set64(qcow2.OffsetofQCowHeader_AutoclearFeatures, qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW), read: qcow2.ErrCorrupt},
		{name: "data file without a name", image: "data-file", alter: func(e *editor) { e.extensions(0) }, read: qcow2.ErrReference},
		{name: "extended L2 in clusters of 4k", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_EXTL2), open: qcow2.ErrUnsupported},

		// compression_type is there only if header_length says so.
		{name: "zlib, marked as not", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION), open: qcow2.ErrCorrupt},
		{name: "zstd, not marked", alter: func(e *editor) { e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZSTD) }, open: qcow2.ErrCorrupt},
		{name: "zstd, marked", alter: func(e *editor) {
			e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
			e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZSTD)
		}},
		{name: "compression type 2", alter: func(e *editor) {
			e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
			e.u8(qcow2.OffsetofQCowHeader_CompressionType, 2)
		}, open: qcow2.ErrUnsupported},
		{name: "header_length=104, marked as not zlib", alter: func(e *editor) {
			e.u32(qcow2.OffsetofQCowHeader_HeaderLength, qcow2.OffsetofQCowHeader_CompressionType)
			e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
			e.extensions(0)
		}, open: qcow2.ErrCorrupt},
		{name: "padding", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_Padding+3, math.MaxUint32) }},

		// The backing file's name.
		{name: "backing name past the cluster", alter: set64(qcow2.OffsetofQCowHeader_BackingFileOffset, 4*k+8), open: qcow2.ErrCorrupt},
		{name: "backing name ends past the cluster", alter: func(e *editor) {
			e.extensions(0)
			e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 4*k-4)
			e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, 5)
		}, open: qcow2.ErrCorrupt},
		{name: "backing name of 1024 bytes", alter: func(e *editor) {
			e.extensions(0)
			e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 2*k)
			e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, qcow2.QCOW2_MAX_BACKING_FILE_SIZE+1)
		}, open: qcow2.ErrCorrupt},
		{name: "backing name of 0 bytes", alter: func(e *editor) {
			e.extensions(0)
			e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, 2*k)
		}},
		{name: "backing name's length without an offset", alter: set32(qcow2.OffsetofQCowHeader_BackingFileSize, math.MaxUint32)},
		{name: "backing file that is not there", alter: func(e *editor) {
			e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, "raw"})
			e.backing("nowhere.raw")
		}, read: qcow2.ErrReference},
		{name: "backing file is the image itself", alter: func(e *editor) {
			e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_BACKING_FORMAT, "qcow2"})
			e.backing(diskName)
		}, open: qcow2.ErrCorrupt, noQEMU: "it follows the loop for ever"},

		// Tables that the disk does not need.
		{name: "refcount_table_offset unaligned", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, 4*k+8), unlike: onlyPart},
		{name: "refcount_table_clusters past its limit", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, qcow2.QCOW_MAX_REFTABLE_SIZE/(4*k)+1), unlike: onlyPart},
		{name: "refcount_table_clusters=0", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 0), unlike: onlyPart},
		{name: "refcount_table_offset past the end", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, 1<<40)},
	}
	for _, v := range []uint32{0, 1, 4, math.MaxUint32} {
		all = append(all, alteration{name: fmt.Sprint("version=", v), alter: set32(qcow2.OffsetofQCowHeader_Version, v), open: qcow2.ErrUnsupported})
	}
	for _, v := range []uint32{0, 8, 22, 31, 32, 63, 64, math.MaxUint32} {
		all = append(all, alteration{name: fmt.Sprint("cluster_bits=", v), alter: set32(qcow2.OffsetofQCowHeader_ClusterBits, v), open: qcow2.ErrUnsupported})
	}
	for _, c := range []struct {
		length uint32
		open   error
		unlike string
	}{
		{0, qcow2.ErrCorrupt, ""}, {72, qcow2.ErrCorrupt, ""}, {103, qcow2.ErrCorrupt, ""},
		{104, nil, ""}, {105, qcow2.ErrCorrupt, unlooked}, {111, qcow2.ErrCorrupt, unlooked}, {112, nil, ""}, {120, nil, ""},
		{1024, nil, ""}, {4*k - 8, nil, ""}, {4 * k, nil, ""}, {4*k + 8, qcow2.ErrCorrupt, ""}, {math.MaxUint32 &^ 7, qcow2.ErrCorrupt, ""},
	} {
		all = append(all, alteration{name: fmt.Sprint("header_length=", c.length), alter: func(e *editor) {
			e.extensions(0)
			e.u32(qcow2.OffsetofQCowHeader_HeaderLength, c.length)
		}, open: c.open, unlike: c.unlike})
	}
	for i := range all {
		if all[i].image == "" {
			all[i].image = plain
		}
	}
	runAlterations(t, all)
}

// backing writes the name of a backing file to the end of the first cluster.
func (e *editor) backing(name string) {
	at := e.cluster() - int64(len(name))
	copy(e.b[at:], name)
	e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, uint64(at))
	e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, uint32(len(name)))
}

// TestAlteredVersion2 has bytes where version 3 has feature words.
func TestAlteredVersion2(t *testing.T) {
	const at = qcow2.OffsetofQCowHeader_IncompatibleFeatures
	runAlterations(t, []alteration{{
		name: "an unknown extension that looks like unknown features", image: "v2-plain",
		alter: func(e *editor) { e.extensions(0, extension{0xffffffff, strings.Repeat("\xff", 40)}) },
	}, {
		name: "an extension longer than the cluster", image: "v2-plain",
		alter: func(e *editor) { e.u64(at, math.MaxUint64) }, open: qcow2.ErrCorrupt,
	}, {
		name: "refcount_order of version 3", image: "v2-plain",
		alter: func(e *editor) {
			e.extensions(0, extension{0x12345678, strings.Repeat("\x00", 100)})
			e.u32(qcow2.OffsetofQCowHeader_RefcountOrder, 99)
		},
	}, {
		name: "zero cluster", image: "v2-plain",
		alter: func(e *editor) { e.or(e.l2(0), qcow2.QCOW_OFLAG_ZERO) }, read: qcow2.ErrCorrupt,
	}, {
		name: "zero cluster without data", image: "v2-plain",
		alter: func(e *editor) { e.or(e.l2(10), qcow2.QCOW_OFLAG_ZERO) }, read: qcow2.ErrCorrupt,
	}})
}

// TestAlteredSizeInBytes has a disk that does not end with a sector. QEMU
// counts in sectors and leaves its last bytes out; the header counts in bytes.
func TestAlteredSizeInBytes(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	editImage(t, dir, set64(qcow2.OffsetofQCowHeader_Size, 1000))
	im := openImage(t, dir)
	p := make([]byte, 2000)
	if n, err := im.ReadAt(p, 0); im.Size() != 1000 || n != 1000 || err == nil {
		t.Errorf("size %d, %d bytes read, %v", im.Size(), n, err)
	}
	if v := askVerdict(t, dir); !v.reads || fileSize(t, v.raw) != 512 {
		t.Errorf("QEMU no longer rounds 1000 bytes to 512: %+v", v)
	}
}

// TestAlteredUnknownFeatureIsNamed takes the name of a feature from the image.
func TestAlteredUnknownFeatureIsNamed(t *testing.T) {
	dir := unpackCommitted(t, "v3-plain")
	editImage(t, dir, func(e *editor) {
		e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<40)
		entry := make([]byte, qcow2.SizeofQcow2Feature)
		entry[qcow2.OffsetofQcow2Feature_Type] = qcow2.QCOW2_FEAT_TYPE_INCOMPATIBLE
		entry[qcow2.OffsetofQcow2Feature_Bit] = 40
		copy(entry[qcow2.OffsetofQcow2Feature_Name:], "holographic clusters")
		e.extensions(0, extension{qcow2.QCOW2_EXT_MAGIC_FEATURE_TABLE, string(entry)})
	})
	_, err := qcow2.Open(dir+"/"+diskName, nil)
	checkError(t, "open", err, qcow2.ErrUnsupported)
	v := askVerdict(t, dir)
	for who, says := range map[string]string{"we": fmt.Sprint(err), "QEMU": v.says} {
		if !strings.Contains(says, "holographic clusters") {
			t.Errorf("%s say %s", who, says)
		}
	}
}
