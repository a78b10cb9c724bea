package tests

import (
	"slices"
	"testing"
)

// Why a rule says what images mean, not what they must be.
const (
	everyValue = "every value means something"
	noMatter   = "it is about what does not matter"
	anyOf      = "every image has it"
)

// rules are all there are, from the file's first byte to what is printed.
func rules() []rule {
	return slices.Concat(headerRules(), mappingRules(), fileRules(), partRules(), encryptionRules(), checkRules(), toolRules(), iotestRules())
}

func headerRules() []rule {
	return []rule{{
		name: "header/magic", source: "spec: Header", images: []string{"v3-plain"},
		says: "An image begins with QFI\\xfb and has a whole header.",
	}, {
		name: "header/versions-2-and-3", source: "spec: Header, version", images: []string{"v2,*", "v3,*"},
		says: "There are versions 2 and 3.",
	}, {
		name: "header/version-2-has-no-feature-words", source: "qcow2_do_open", images: []string{"v2-plain", "v2-deflate", "amended,v3-to-v2"},
		says: "Of version 2 the header ends after 72 bytes: no features, refcounts of 16 bits; extensions follow at once.",
	}, {
		name: "header/length-of-version-3", source: "spec: Header, header_length", images: []string{"v3-plain", "amended,v2-to-v3"}, differs: multipleOf8,
		says: "header_length is 104 at least, a cluster at most, and a multiple of 8.",
	}, {
		name: "header/fields-not-known-are-passed-over", source: "spec: Header, additional fields", unbreakable: noMatter,
		says: "Bytes of the header that are not known are kept and mean nothing.",
	}, {
		name: "header/compression-type-and-its-bit-agree", source: "validate_compression_type", images: []string{"v3-zstd", "v3-deflate", "v3,*,zstd,*"},
		says: "The incompatible bit is set if and only if the type is not zlib.",
	}, {
		name: "header/compression-types-zlib-and-zstd", source: "spec: Header, compression_type", images: []string{"v3,*,zstd,*", "v3,*,deflate,*"},
		says: "There are the types 0, deflate, and 1, zstd.",
	}, {
		name: "header/compression-type-is-past-104-bytes", source: "spec: Header, compression_type",
		says: "A header of 104 bytes has no type of compression: it is deflate.",
	}, {
		name: "header/incompatible-features-are-known", source: "spec: Header, incompatible_features", images: []string{"v3-plain", "extended-l2", "data-file"},
		says:  "An image with an unknown incompatible feature is refused, by the name that the image gives it; other features are free.",
		tests: tests(unknownFeatureIsNamed),
	}, {
		name: "header/dirty-and-corrupt-images-read", source: "qcow2_do_open", images: []string{"dirty", "lazy-refcounts"}, unbreakable: everyValue,
		says: "The bits dirty and corrupt forbid writing, not reading.",
	}, {
		name: "header/clusters-of-512-to-2M", source: "spec: Header, cluster_bits", images: []string{"v3-plain-64k", "v?,512,*", "v?,4k,*", "v?,64k,*", "v?,2M,*"},
		says: "cluster_bits is 9 to 21.",
	}, {
		name: "header/extended-l2-needs-clusters-of-16k", source: "qcow2_do_open", images: []string{"extended-l2", "v3,64k,*,extended,*"},
		says: "Subclusters have 512 bytes at least.",
	}, {
		name: "header/refcounts-of-64-bits-at-most", source: "spec: Header, refcount_order", images: []string{"refcount-width-1", "refcount-bits,*", "amended,refcount-bits"},
		says: "refcount_order is 0 to 6.",
	}, {
		name: "header/encryption-none-aes-luks", source: "spec: Header, crypt_method", images: []string{"aes", "luks", "luks-metadata", "encrypted,aes"},
		says: "There are the methods 0, 1, AES, and 2, LUKS.",
	}, {
		name: "header/l1-table-inside-the-file", source: "qcow2_validate_table", images: []string{"largest-l1"}, differs: pastEnd,
		says: "The L1 table is aligned to a cluster, also where it is empty, has 32 MiB at most, and lies in the file.",
	}, {
		name: "header/l1-covers-the-disk", source: "qcow2_do_open", images: []string{"size-0", "v?,*,empty", "v?,*,sparse", "15-tebibytes", "resized,*"},
		says: "l1_size is as large as the virtual size needs, or larger; the virtual size is below 2^63.",
	}, {
		name: "header/size-counts-bytes", source: "spec: Header, size", images: []string{"odd-size", "v?,*,odd"}, differs: wholeBytes,
		says: "The virtual size is in bytes.", tests: tests(sizeInBytes),
	}, {
		name: "header/raw-data-file-needs-a-data-file", source: "qcow2_do_open", images: []string{"data-file-raw", "v3,*,data-file-raw,*"},
		says: "The autoclear bit data-file-raw goes with the incompatible bit; without it data does not read.",
	}, {
		name: "header/backing-name-in-the-first-cluster", source: "spec: Header, backing_file_offset", images: []string{"long-names", "backing-name,*"},
		says: "The backing file's name lies in the first cluster and has 1023 bytes at most; at offset 0 there is none.",
	}, {
		name: "extensions/area", source: "qcow2_read_extensions", images: []string{"v3-plain", "chain"},
		says: "Extensions lie between the header and the backing file's name, or the end of the cluster; END ends them; each is padded to 8 bytes.",
	}, {
		name: "extensions/unknown-ones-are-passed-over", source: "spec: Header extensions", unbreakable: noMatter,
		says: "Extensions that are not known are kept and mean nothing.",
	}, {
		name: "extensions/backing-format", source: "qcow2_read_extensions", images: []string{"chain"},
		says: "The name of the backing file's format has 15 bytes at most.",
	}, {
		name: "extensions/the-last-of-a-kind-counts", source: "qcow2_read_extensions", unbreakable: everyValue,
		says: "Of several extensions of one kind the last one counts.",
	}, {
		name: "extensions/feature-names", source: "spec: Feature name table", images: []string{"long-names"}, unbreakable: noMatter,
		says: "The feature name table has whole entries of 48 bytes; what is left is passed over.",
	}, {
		name: "extensions/crypto-header-goes-with-luks", source: "spec: Full disk encryption header pointer", images: []string{"luks", "luks-metadata", "encrypted,luks*"},
		says: "The crypto header's extension has 16 bytes and an aligned offset, and is there if and only if the image is encrypted with LUKS.",
	}}
}

func mappingRules() []rule {
	return []rule{{
		name: "entries/l1-holds-an-offset-and-a-flag", source: "spec: L1 table entry", images: []string{"v3-plain"},
		says: "Bits 9 to 55 of an L1 entry are the offset of an L2 table, aligned to a cluster; others do not matter to who reads.",
	}, {
		name: "entries/past-l1-is-unallocated", source: "qcow2_get_host_offset", images: []string{"resized,grown", "snapshots"}, unbreakable: everyValue,
		says: "A cluster past the end of the L1 table is not allocated; entries past the end of the disk do not matter.",
	}, {
		name: "entries/kinds-of-standard-clusters", source: "qcow2_get_cluster_type", images: []string{"zero-clusters", "discarded", "v?,*"},
		says: "Bit 62 says compressed; else bit 0 says zeros; else an offset other than 0 says data; reserved bits do not matter.",
	}, {
		name: "entries/version-2-has-no-zero-clusters", source: "qcow2_get_host_offset", images: []string{"v2,*", "amended,v3-to-v2"},
		says: "In version 2 bit 0 of an L2 entry is an error.",
	}, {
		name: "entries/host-clusters-are-aligned", source: "qcow2_get_host_offset", images: []string{"scattered", "zero-clusters"},
		says: "The host offset of data, and of zeros that keep a cluster, is aligned to a cluster.",
	}, {
		name: "data-file/is-named-by-an-extension", source: "spec: External data file name string", images: []string{"data-file", "v3,*,data-file,*"}, differs: tablesAlone,
		says: "Data lies in the file that the extension names, if the incompatible bit says so.",
	}, {
		name: "data-file/is-beside-the-image", source: "qcow2_do_open", differs: beside, tests: tests(dataFileBeside),
		says: "The name of a data file is relative to the directory of the image.",
	}, {
		name: "data-file/no-compressed-clusters", source: "qcow2_get_host_offset", images: []string{"data-file"},
		says: "With a data file a compressed cluster is an error.",
	}, {
		name: "data-file/host-offset-is-guest-offset", source: "qcow2_get_host_offset", images: []string{"data-file", "data-file-raw", "preallocation,data-file*"},
		says: "In a data file a cluster lies where the disk has it; offset 0 is data if the copied flag is set.",
	}, {
		name: "data-file/past-its-end-are-zeros", source: "bdrv_co_preadv", images: []string{"v3,*,data-file,sparse"}, unbreakable: everyValue,
		says: "What lies past the end of a data file reads as zeros.",
	}, {
		name: "subclusters/two-bits-each", source: "spec: Extended L2 entries", images: []string{"extended-l2", "v3,*,extended,*", "snapshots,extended"},
		says: "A subcluster is allocated, or zeros, or neither, and then reads the backing file; both at once make the cluster an error.",
	}, {
		name: "subclusters/allocated-needs-a-cluster", source: "qcow2_get_subcluster_type", images: []string{"extended-l2"},
		says: "Without a host cluster no subcluster is allocated.",
	}, {
		name: "subclusters/runs", source: "qcow2_get_subcluster_range_type", images: []string{"v3,*,extended,*", "random,seed=*"}, unbreakable: everyValue,
		says: "Neighbours of the same kind are read at once, over clusters too where the host offset goes on.",
	}, {
		name: "subclusters/bitmap-of-compressed-clusters-means-nothing", source: "qcow2_get_subcluster_type", images: []string{"converted,extended_l2=on*"}, unbreakable: noMatter,
		says: "A compressed cluster has no subclusters, whatever its bitmap says.",
	}, {
		name: "subclusters/bit-0-of-the-entry-means-nothing", source: "qcow2_get_cluster_type", unbreakable: noMatter,
		says: "With extended L2 bit 0 of an entry does not say zeros.",
	}, {
		name: "compressed/offset-in-bytes-and-sectors", source: "qcow2_parse_compressed_l2_entry", images: []string{"v2-deflate", "v3-deflate", "v3-zstd", "converted,*", "v?,*,deflate,*"},
		says: "A compressed entry has a byte offset, and the number of further sectors that the data may touch; the last one may lie past the end of the file.",
	}, {
		name: "compressed/deflate-fills-the-cluster", source: "qcow2_zlib_decompress", images: []string{"v2-deflate", "v3-deflate", "converted,cluster_size=*"}, differs: fullCluster,
		says: "Deflate without a header yields one cluster; what comes behind it does not matter.",
	}, {
		name: "compressed/zstd-frames-fill-the-cluster", source: "qcow2_zstd_decompress", images: []string{"v3-zstd", "converted,compression_type=zstd*"},
		says: "Zstandard frames, one after the other, yield one cluster exactly; what comes behind them does not matter.",
	}}
}

func fileRules() []rule {
	return []rule{{
		name: "file/what-is-read-lies-inside", source: "our limit", images: []string{"odd-size"}, differs: pastEnd,
		says: "Tables and data that are read lie inside the file.",
	}, {
		name: "file/holes-are-zeros-where-clusters-were-preallocated", source: "qcow2_detect_metadata_preallocation", images: []string{"preallocation,*"}, unbreakable: everyValue,
		says: "Where QEMU would see that clusters were preallocated, holes of the file under them are shown as zeros.",
	}, {
		name: "backing/unallocated-reads-the-backing-file", source: "spec: Backing file", images: []string{"chain", "rebased", "committed", "v?,*,on-qcow2,*", "v?,*,on-raw,*", "v?,*,chain-of-3,*"},
		unbreakable: everyValue,
		says:        "What is not allocated reads the backing file at the same place; without one it is zeros.",
	}, {
		name: "backing/ends-where-it-ends", source: "spec: Backing file", images: []string{"v?,*,on-shorter,*", "v?,*,on-longer,*", "backing,raw,*"}, unbreakable: everyValue,
		says: "Past the end of a backing file are zeros; what a longer one has beyond the disk is not seen.",
	}, {
		name: "backing/the-format-binds", source: "bdrv_open_inherit", images: []string{"backing-format,raw-over-qcow2"}, differs: wholeChain,
		says: "The format that the overlay names is the backing file's, whatever that begins with.",
	}, {
		name: "backing/a-format-is-named", source: "our limit", images: []string{"chain"}, differs: notGuessed,
		says: "A backing file of which no format is named is not opened.",
	}, {
		name: "backing/names-are-paths", source: "our limit", images: []string{"backing-name,*", "long-names"}, differs: noProtocols,
		says: "Names are paths, relative to the directory of the file that names them; protocols and options are refused.",
	}, {
		name: "backing/names-are-whole", source: "our limit", images: []string{"backing-name,*", "long-names"}, differs: wholeNames,
		says: "A name is all its bytes; one with a NUL is not opened.",
	}, {
		name: "backing/no-loops", source: "our limit", images: []string{"v?,*,chain-of-3,*"}, differs: noLoops, tests: tests(loopOfTwo, depthOfChains),
		says: "No file is in a chain twice, and a chain has 64 layers at most.",
	}, {
		name: "image/after-any-history", source: "qemu-img snapshot, resize, amend, bitmap, rebase, commit", images: []string{"history,seed=*", "random,seed=*"}, unbreakable: everyValue,
		says: "Whatever was done to an image in whatever order, it is what QEMU says it is.",
	}, {
		name: "reading/is-io-readerat", source: "our limit", images: []string{"v3-plain"}, tests: tests(readerAt),
		says: "Reads give what there is: fewer bytes only with an error, io.EOF at the end, nothing beyond it, no negative offset.",
	}}
}

func partRules() []rule {
	return []rule{{
		name: "parts/a-broken-refcount-table-fails-check-alone", source: "qcow2_do_open", images: []string{"v3-plain"}, differs: onlyPart,
		says: "The refcount table is no matter of who reads the disk.",
	}, {
		name: "snapshots/table", source: "qcow2_read_snapshots", images: []string{"snapshots"}, differs: onlyPart,
		says: "The snapshot table is aligned, lies in the file and has 65536 entries in 64 MiB at most; a broken one fails who asks for snapshots.",
	}, {
		name: "snapshots/entries", source: "spec: Snapshots", images: []string{"snapshots", "snapshot,applied"}, differs: onlyPart,
		says: "An entry is a header, extra data of 1024 bytes at most, id and name, padded to 8 bytes.",
	}, {
		name: "snapshots/extra-data-grew-over-time", source: "qcow2_do_read_snapshots", images: []string{"snapshots"}, differs: onlyPart,
		says: "8 bytes hold the VM state's size, 16 the disk's size, 24 the instruction count; more is passed over.",
	}, {
		name: "snapshots/own-l1-table", source: "qcow2_snapshot_load_tmp", images: []string{"snapshots", "snapshots,extended"}, differs: pastEnd,
		says: "A snapshot reads through its own L1 table, which is validated as the active one is.",
	}, {
		name: "snapshots/own-size", source: "spec: Snapshots", images: []string{"snapshots"}, differs: ownSize, tests: tests(snapshotSize),
		says: "A snapshot has the size that the disk had when it was taken.",
	}, {
		name: "snapshots/found-by-id-before-name", source: "bdrv_snapshot_load_tmp_by_id_or_name", tests: tests(idBeforeName),
		says: "What could be a name and an id is an id.",
	}, {
		name: "snapshots/vm-state-lies-behind-the-disk", source: "qcow2_vm_state_offset", tests: tests(vmState),
		says: "From the first L1 entry that the disk does not need, as many bytes as the snapshot says.",
	}, {
		name: "bitmaps/bits-say-what-is-dirty", source: "spec: Bitmaps, load_bitmap_data", images: []string{"iotest-303*"}, tests: tests(dirtyRanges),
		says: "A bit stands for as many bytes as the granularity says, low bits first; clusters that are not stored are all ones or all zeros.",
	}, {
		name: "bitmaps/extension", source: "qcow2_read_extensions", images: []string{"bitmaps"}, differs: onlyPart,
		says: "The bitmaps extension has 24 bytes, a reserved word of 0, 1 to 65535 bitmaps and an aligned directory.",
	}, {
		name: "bitmaps/stale-ones-are-no-bitmaps", source: "spec: Bitmaps extension", images: []string{"bitmaps"}, unbreakable: everyValue,
		says: "Where the autoclear bit is clear the extension does not matter.",
	}, {
		name: "bitmaps/directory-is-filled-exactly", source: "bitmap_list_load", images: []string{"bitmaps"}, differs: onlyPart,
		says: "The directory has as many entries as announced, and ends with the last.",
	}, {
		name: "bitmaps/entries", source: "check_dir_entry", images: []string{"bitmaps", "bitmaps,in-use"}, differs: onlyPart,
		says: "An entry has known flags, type 1, a granularity of 2^9 to 2^31 and a name.",
	}, {
		name: "bitmaps/tables-cover-the-disk", source: "check_dir_entry", images: []string{"bitmaps"}, differs: onlyPart,
		says: "A bitmap's table is aligned and as long as the disk and the granularity need.",
	}, {
		name: "bitmaps/with-extra-data-are-listed", source: "spec: Bitmap directory", images: []string{"bitmaps"}, differs: extraData,
		says: "A bitmap with extra data, or the flag that allows it, is one that cannot be read.",
	}}
}

func encryptionRules() []rule {
	return []rule{{
		name: "encryption/metadata-needs-no-password", source: "qcow2_do_open", images: []string{"luks", "aes", "luks-metadata"}, tests: tests(withoutPassword),
		says: "Without a password all of an encrypted image is told but its data.",
	}, {
		name: "encryption/aes-takes-16-bytes-of-the-password", source: "qcrypto_block_qcow_init", images: []string{"aes", "iotest-134,*"}, tests: tests(wrongPasswords),
		says: "AES has 128 bits, cut from the password or filled with zeros, and numbers sectors as the disk does; a wrong password is not noticed.",
	}, {
		name: "encryption/luks-header-is-sound", source: "qcrypto_block_luks_open", images: []string{"luks", "iotest-188,*"}, tests: tests(brokenLUKS, wrongPasswords),
		says: "A LUKS header of known ciphers with a slot for the password gives the key; sectors are numbered as in the file.",
	}, {
		name: "encryption/luks-ciphers", source: "qcrypto_block_luks_cipher_size_map", images: []string{"luks", "encrypted,luks*"}, differs: ourCiphers, tests: tests(luksUnsupported),
		says: "LUKS has aes and twofish with 128 to 256 bits, cast5 with 128; modes ecb, cbc, xts; IVs plain, plain64, essiv.",
	}, {
		name: "encryption/luks-areas-do-not-overlap", source: "qcrypto_block_luks_check_header", images: []string{"luks", "encrypted,luks*"}, differs: shortHeader, tests: tests(luksKeyNearHeader),
		says: "Header, key material and data lie one behind the other.",
	}, {
		name: "encryption/of-data-alone", source: "spec: Data encryption", images: []string{"luks", "iotest-188,*", "iotest-134,*"}, unbreakable: everyValue,
		says: "Zeros, compressed clusters and what lies below are not encrypted with this key.",
	}}
}

// checkRules are about check. What breaks them are damages: see damagesOf.
func checkRules() []rule {
	return []rule{{
		name: "check/refcounts-count-references", source: "qcow2_check_refcounts", images: []string{"refcount-bits,*", "refcount-width-1", "iotest-112,*"},
		says: "The refcount of each cluster is the number of references to it; of every width, low bits first below a byte.",
	}, {
		name: "check/entries-point-at-clusters", source: "check_refcounts_l2", images: []string{"v3-plain", "extended-l2", "v3-deflate"},
		says: "Entries are aligned, inside the file, apart from each other, and have the copied flag if and only if the refcount is 1.",
	}, {
		name: "check/snapshots-and-bitmaps-count-too", source: "calculate_refcounts", images: []string{"snapshots", "bitmaps"}, differs: checkGoesOn,
		says: "What snapshots, bitmaps, the LUKS header and the tables themselves occupy is counted.",
	}}
}

// damagesOf are the images that break a rule of checkRules.
var damagesOf = map[string]func() []damage{
	"check/refcounts-count-references":      refcountDamages,
	"check/entries-point-at-clusters":       tableDamages,
	"check/snapshots-and-bitmaps-count-too": specialDamages,
}

func toolRules() []rule {
	return []rule{{
		name: "tool/compare-tells-errors-from-differences", source: "img_compare", tests: tests(compareUsage),
		says: "The exit code of compare is 1 where images differ, and for nothing else.",
	}}
}

func iotestRules() []rule {
	return []rule{{
		name: "iotests/013-patterns", source: "QEMU's test 013", images: []string{"iotest-013,*"}, unbreakable: everyValue,
		says: "Writes of every alignment at both ends of a large disk read back, also when compressed.",
	}, {
		name: "iotests/014-snapshots", source: "QEMU's test 014", images: []string{"iotest-014,*"}, unbreakable: everyValue,
		says: "Snapshots keep what the disk was when it is written on.",
	}, {
		name: "iotests/017-overlays", source: "QEMU's test 017", images: []string{"iotest-017"}, unbreakable: everyValue,
		says: "Overlay and backing file each give their pieces.",
	}, {
		name: "iotests/023-cluster-sizes", source: "QEMU's test 023", images: []string{"iotest-023,*"}, unbreakable: everyValue,
		says: "The same with other clusters.",
	}, {
		name: "iotests/028-shorter-backing-files", source: "QEMU's test 028", images: []string{"iotest-028,*"}, unbreakable: everyValue,
		says: "A disk goes on with zeros where its backing file has ended.",
	}, {
		name: "iotests/031-unknown-extensions", source: "QEMU's test 031", tests: tests(extensionsSurvive),
		says: "Extensions that nobody knows are kept.",
	}, {
		name: "iotests/036-feature-bits", source: "QEMU's test 036", images: []string{"iotest-080"},
		says: "Unknown compatible and autoclear bits do not matter, unknown incompatible ones do.",
	}, {
		name: "iotests/042-no-bytes", source: "QEMU's test 042", images: []string{"iotest-042,*"}, unbreakable: everyValue,
		says: "A disk may have no byte.",
	}, {
		name: "iotests/053-odd-sizes", source: "QEMU's test 053", images: []string{"iotest-053,*"}, unbreakable: everyValue,
		says: "A disk may end inside a cluster.",
	}, {
		name: "iotests/060-tables-that-overlap", source: "QEMU's test 060", images: []string{"iotest-060"},
		says: "Tables that overlap are read as what they are read as; unaligned ones are refused.",
	}, {
		name: "iotests/066-zeros-written-over", source: "QEMU's test 066", images: []string{"iotest-066"}, unbreakable: everyValue,
		says: "Zeros that keep their cluster, or have none, may be written over.",
	}, {
		name: "iotests/080-fields-out-of-range", source: "QEMU's test 080", images: []string{"iotest-080"}, differs: onlyPart,
		says: "Sizes and offsets of all tables have limits.",
	}, {
		name: "iotests/112-refcount-widths", source: "QEMU's test 112", images: []string{"iotest-112,*"}, unbreakable: everyValue,
		says: "Refcounts have 1 to 64 bits.",
	}, {
		name: "iotests/134-aes", source: "QEMU's test 134", images: []string{"iotest-134,*"}, tests: tests(wrongPasswords),
		says: "AES-encrypted images read with their password, and as rubbish with another one.",
	}, {
		name: "iotests/188-luks", source: "QEMU's test 188", images: []string{"iotest-188,*"}, tests: tests(wrongPasswords),
		says: "LUKS-encrypted images read with their password, and not with another one.",
	}, {
		name: "iotests/138-clusters-past-the-end", source: "QEMU's test 138", images: []string{"iotest-138"}, differs: pastEnd,
		says: "Entries may point far past the end of the file, which takes no memory.",
	}, {
		name: "iotests/154-zeros-with-odd-borders", source: "QEMU's test 154", images: []string{"iotest-154,*"}, unbreakable: everyValue,
		says: "Zeros written over parts of clusters read the backing file beside them.",
	}, {
		name: "iotests/214-sectors-of-compressed-clusters", source: "QEMU's test 214", images: []string{"iotest-214"},
		says: "A compressed cluster may claim more sectors than it has.",
	}, {
		name: "iotests/244-data-files", source: "QEMU's test 244", images: []string{"iotest-244,*"}, unbreakable: everyValue,
		says: "Data files are written, zeroed, discarded, grown, raw and not.",
	}, {
		name: "iotests/261-extra-data-of-snapshots", source: "QEMU's test 261", images: []string{"iotest-261"}, differs: onlyPart,
		says: "Snapshots of all ages are listed.",
	}, {
		name: "iotests/271-subclusters", source: "QEMU's test 271", images: []string{"iotest-271,*"}, unbreakable: everyValue,
		says: "Each state of a cluster may be followed by each kind of write to its subclusters.",
	}, {
		name: "iotests/287-compression-types", source: "QEMU's test 287", images: []string{"iotest-287"},
		says: "The type of compression and its bit go together.",
	}, {
		name: "iotests/303-bitmaps", source: "QEMU's test 303", images: []string{"iotest-303*"}, unbreakable: everyValue,
		says: "Bitmaps of several granularities are listed, also disabled, merged and in use.",
	}}
}

// tests is a list of them.
func tests(list ...func(*testing.T)) []func(*testing.T) { return list }
