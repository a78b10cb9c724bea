package tests

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cstructgen/qcow2"
)

// set32 and set64 change one field of the header.
func set32(field int64, v uint32) func(*editor) { return func(e *editor) { e.u32(field, v) } }
func set64(field int64, v uint64) func(*editor) { return func(e *editor) { e.u64(field, v) } }

// headerAlterations change the header of version 3.
func headerAlterations() []alteration {
	const (
		plain = "v3-plain" // clusters of 4 KiB, header_length 112
		k     = 1 << 10
	)
	var versions, clusters, lengths []alteration
	for _, v := range []uint32{0, 1, 4, math.MaxUint32} {
		versions = append(versions, alteration{name: fmt.Sprint("version=", v), alter: set32(qcow2.OffsetofQCowHeader_Version, v), open: qcow2.ErrUnsupported})
	}
	for _, v := range []uint32{0, 8, 22, 31, 32, 63, 64, math.MaxUint32} {
		clusters = append(clusters, alteration{name: fmt.Sprint("cluster_bits=", v), alter: set32(qcow2.OffsetofQCowHeader_ClusterBits, v), open: qcow2.ErrUnsupported})
	}
	for _, c := range []struct {
		length uint32
		open   error
		unlike *difference
	}{
		{0, qcow2.ErrCorrupt, nil}, {72, qcow2.ErrCorrupt, nil}, {103, qcow2.ErrCorrupt, nil},
		{104, nil, nil}, {105, qcow2.ErrCorrupt, multipleOf8}, {111, qcow2.ErrCorrupt, multipleOf8}, {112, nil, nil},
		{4 * k, nil, nil}, {4*k + 8, qcow2.ErrCorrupt, nil}, {math.MaxUint32 &^ 7, qcow2.ErrCorrupt, nil},
	} {
		lengths = append(lengths, alteration{name: fmt.Sprint("header_length=", c.length), alter: headerLength(c.length), open: c.open, unlike: c.unlike})
	}
	return slices.Concat(
		about("header/magic", plain,
			alteration{name: "last bit", alter: set32(qcow2.OffsetofQCowHeader_Magic, 0x514649fa), open: qcow2.ErrFormat},
			alteration{name: "file of 0 bytes", alter: func(e *editor) { e.b = e.b[:0] }, open: qcow2.ErrFormat},
			alteration{name: "file of 4 bytes", alter: func(e *editor) { e.b = e.b[:4] }, open: qcow2.ErrTruncated},
			alteration{name: "file of 71 bytes", alter: func(e *editor) { e.b = e.b[:71] }, open: qcow2.ErrTruncated},
			alteration{name: "file of 103 bytes", alter: func(e *editor) { e.b = e.b[:103] }, open: qcow2.ErrTruncated},
		),
		about("header/versions-2-and-3", plain, versions...),
		about("header/length-of-version-3", plain, lengths...),
		about("header/fields-not-known-are-passed-over", plain,
			alteration{name: "header_length=120", alter: headerLength(120)},
			alteration{name: "header_length=1024", alter: headerLength(1024)},
			alteration{name: "header_length=one cluster less 8", alter: headerLength(4*k - 8)},
			alteration{name: "padding", alter: func(e *editor) { e.u32(qcow2.OffsetofQCowHeader_Padding+3, math.MaxUint32) }},
			alteration{name: "they hold anything", alter: func(e *editor) {
				headerLength(512)(e)
				copy(e.b[qcow2.SizeofQCowHeader:512], strings.Repeat("?", 400))
			}},
		),

		// compression_type is there only if header_length says so.
		about("header/compression-type-and-its-bit-agree", plain,
			alteration{name: "zlib, marked as not", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION), open: qcow2.ErrCorrupt},
			alteration{name: "zstd, not marked", alter: func(e *editor) { e.u8(qcow2.OffsetofQCowHeader_CompressionType, qcow2.QCOW2_COMPRESSION_TYPE_ZSTD) }, open: qcow2.ErrCorrupt},
			alteration{name: "zstd, marked", alter: compression(qcow2.QCOW2_COMPRESSION_TYPE_ZSTD)},
		),
		about("header/compression-types-zlib-and-zstd", plain,
			alteration{name: "type 2", alter: compression(2), open: qcow2.ErrUnsupported},
			alteration{name: "type 255", alter: compression(255), open: qcow2.ErrUnsupported},
		),
		about("header/compression-type-is-past-104-bytes", plain,
			alteration{name: "header_length=104, marked as not zlib", alter: func(e *editor) {
				headerLength(qcow2.OffsetofQCowHeader_CompressionType)(e)
				e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
			}, open: qcow2.ErrCorrupt},
			alteration{name: "header_length=104, an extension where the type would be", alter: func(e *editor) {
				headerLength(qcow2.OffsetofQCowHeader_CompressionType)(e)
				e.extensions(0, extension{0x01020304, "four"})
			}},
		),

		about("header/incompatible-features-are-known", plain,
			alteration{name: "bit 5", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<5), open: qcow2.ErrUnsupported},
			alteration{name: "bit 63", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, 1<<63), open: qcow2.ErrUnsupported},
			alteration{name: "every compatible bit", alter: set64(qcow2.OffsetofQCowHeader_CompatibleFeatures, math.MaxUint64)},
			alteration{name: "every autoclear bit but data-file-raw", alter: set64(qcow2.OffsetofQCowHeader_AutoclearFeatures, math.MaxUint64&^qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW)},
		),
		about("header/dirty-and-corrupt-images-read", plain,
			alteration{name: "dirty", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_DIRTY)},
			alteration{name: "corrupt", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_CORRUPT)},
			alteration{name: "both", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_CORRUPT|qcow2.QCOW2_INCOMPAT_DIRTY)},
		),
		about("header/clusters-of-512-to-2M", plain, clusters...),
		about("header/extended-l2-needs-clusters-of-16k", plain,
			alteration{name: "clusters of 4k", alter: set64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_EXTL2), open: qcow2.ErrUnsupported},
		),
		about("header/refcounts-of-64-bits-at-most", plain,
			alteration{name: "refcount_order=7", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, 7), open: qcow2.ErrUnsupported},
			alteration{name: "refcount_order=max", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, math.MaxUint32), open: qcow2.ErrUnsupported},
			alteration{name: "refcount_order=6", alter: set32(qcow2.OffsetofQCowHeader_RefcountOrder, 6)},
		),
		about("header/encryption-none-aes-luks", plain,
			alteration{name: "crypt_method=3", alter: set32(qcow2.OffsetofQCowHeader_CryptMethod, 3), open: qcow2.ErrUnsupported},
		),

		// Where the L1 table is, and how long.
		about("header/l1-table-inside-the-file", plain,
			alteration{name: "l1_size past its limit", alter: set32(qcow2.OffsetofQCowHeader_L1Size, qcow2.QCOW_MAX_L1_SIZE/qcow2.L1E_SIZE+1), open: qcow2.ErrLimit},
			alteration{name: "l1_size at its limit", alter: set32(qcow2.OffsetofQCowHeader_L1Size, qcow2.QCOW_MAX_L1_SIZE/qcow2.L1E_SIZE), open: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "unaligned", alter: func(e *editor) { e.u64(qcow2.OffsetofQCowHeader_L1TableOffset, e.header().L1TableOffset+512) }, open: qcow2.ErrCorrupt},
			alteration{name: "past the end", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<30), open: qcow2.ErrTruncated, unlike: pastEnd},
			alteration{name: "past 2^63", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<63), open: qcow2.ErrCorrupt},
			alteration{name: "at 2^63", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 1<<63-4*k), open: qcow2.ErrTruncated, check: checkGoesOn},
			alteration{name: "unaligned, of a disk of size 0", image: "size-0", alter: set64(qcow2.OffsetofQCowHeader_L1TableOffset, 8), open: qcow2.ErrCorrupt},
		),
		about("header/l1-covers-the-disk", plain,
			alteration{name: "l1_size=1 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 1)},
			alteration{name: "l1_size=0 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 0), open: qcow2.ErrCorrupt},
			alteration{name: "l1_size=20 of 1", alter: set32(qcow2.OffsetofQCowHeader_L1Size, 20)},
			alteration{name: "none, of a disk of size 0", image: "size-0", alter: func(e *editor) {
				e.u32(qcow2.OffsetofQCowHeader_L1Size, 0)
				e.u64(qcow2.OffsetofQCowHeader_L1TableOffset, 0)
			}},
			alteration{name: "size one sector more", alter: set64(qcow2.OffsetofQCowHeader_Size, 2<<20+512), open: qcow2.ErrCorrupt},
			alteration{name: "size just as L1 covers", alter: set64(qcow2.OffsetofQCowHeader_Size, 2<<20)},
			alteration{name: "size=2^63-512", alter: set64(qcow2.OffsetofQCowHeader_Size, 1<<63-512), open: qcow2.ErrCorrupt},
			alteration{name: "size=2^63", alter: set64(qcow2.OffsetofQCowHeader_Size, 1<<63), open: qcow2.ErrLimit},
			alteration{name: "size=2^64-1", alter: set64(qcow2.OffsetofQCowHeader_Size, math.MaxUint64), open: qcow2.ErrLimit},
			alteration{name: "size=0", alter: set64(qcow2.OffsetofQCowHeader_Size, 0)},
		),
		about("header/raw-data-file-needs-a-data-file", plain,
			alteration{name: "none", alter: set64(qcow2.OffsetofQCowHeader_AutoclearFeatures, qcow2.QCOW2_AUTOCLEAR_DATA_FILE_RAW), read: qcow2.ErrCorrupt},
		),

		about("header/backing-name-in-the-first-cluster", plain,
			alteration{name: "past the cluster", alter: set64(qcow2.OffsetofQCowHeader_BackingFileOffset, 4*k+8), open: qcow2.ErrCorrupt},
			alteration{name: "past 2^63", alter: set64(qcow2.OffsetofQCowHeader_BackingFileOffset, 1<<63+8), open: qcow2.ErrCorrupt},
			alteration{name: "ends past the cluster", alter: backingName(4*k-4, 5), open: qcow2.ErrCorrupt},
			alteration{name: "of 1024 bytes", alter: backingName(2*k, qcow2.QCOW2_MAX_BACKING_FILE_SIZE+1), open: qcow2.ErrCorrupt},
			alteration{name: "of 0 bytes", alter: backingName(2*k, 0)},
			alteration{name: "length without an offset", alter: set32(qcow2.OffsetofQCowHeader_BackingFileSize, math.MaxUint32)},
		),

		// Tables that the disk does not need.
		about("parts/a-broken-refcount-table-fails-check-alone", plain,
			alteration{name: "unaligned", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, 4*k+8), unlike: onlyPart},
			alteration{name: "past its limit", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, qcow2.QCOW_MAX_REFTABLE_SIZE/(4*k)+1), unlike: onlyPart},
			alteration{name: "of no cluster", alter: set32(qcow2.OffsetofQCowHeader_RefcountTableClusters, 0), unlike: onlyPart},
			alteration{name: "past the end", alter: set64(qcow2.OffsetofQCowHeader_RefcountTableOffset, 1<<40)},
		),
	)
}

// headerLength changes the header's length and leaves no extension behind it.
func headerLength(n uint32) func(*editor) {
	return func(e *editor) {
		e.extensions(0)
		e.u32(qcow2.OffsetofQCowHeader_HeaderLength, n)
	}
}

// compression sets the type of compression, and the bit that goes with it.
func compression(method uint8) func(*editor) {
	return func(e *editor) {
		e.u64(qcow2.OffsetofQCowHeader_IncompatibleFeatures, qcow2.QCOW2_INCOMPAT_COMPRESSION)
		e.u8(qcow2.OffsetofQCowHeader_CompressionType, method)
	}
}

// backingName puts the backing file's name somewhere, in place of extensions.
func backingName(off uint64, size uint32) func(*editor) {
	return func(e *editor) {
		e.extensions(0)
		e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, off)
		e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, size)
	}
}

// version2Alterations have bytes where version 3 has feature words.
func version2Alterations() []alteration {
	const (
		image = "v2-plain"
		at    = qcow2.OffsetofQCowHeader_IncompatibleFeatures
	)
	return slices.Concat(
		about("header/version-2-has-no-feature-words", image,
			alteration{name: "an unknown extension that looks like unknown features",
				alter: func(e *editor) { e.extensions(0, extension{0xffffffff, strings.Repeat("\xff", 40)}) }},
			alteration{name: "an extension longer than the cluster",
				alter: func(e *editor) { e.u64(at, math.MaxUint64) }, open: qcow2.ErrCorrupt},
			alteration{name: "refcount_order of version 3", alter: func(e *editor) {
				e.extensions(0, extension{0x12345678, strings.Repeat("\x00", 100)})
				e.u32(qcow2.OffsetofQCowHeader_RefcountOrder, 99)
			}},
			alteration{name: "compression type of version 3", alter: func(e *editor) {
				e.extensions(0, extension{0x12345678, strings.Repeat("\x00", 100)})
				e.u8(qcow2.OffsetofQCowHeader_CompressionType, 9)
			}},
		),
		about("entries/version-2-has-no-zero-clusters", image,
			alteration{name: "over data", alter: func(e *editor) { e.or(e.l2(0), qcow2.QCOW_OFLAG_ZERO) }, read: qcow2.ErrCorrupt},
			alteration{name: "without data", alter: func(e *editor) { e.or(e.l2(10), qcow2.QCOW_OFLAG_ZERO) }, read: qcow2.ErrCorrupt},
		),
	)
}

// backing writes the name of a backing file to the end of the first cluster.
func (e *editor) backing(name string) {
	at := e.cluster() - int64(len(name))
	copy(e.b[at:], name)
	e.u64(qcow2.OffsetofQCowHeader_BackingFileOffset, uint64(at))
	e.u32(qcow2.OffsetofQCowHeader_BackingFileSize, uint32(len(name)))
}
