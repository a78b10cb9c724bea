/*
 * The qcow2 image format, versions 2 and 3.
 *
 * Names and values are those of the specification (QEMU,
 * docs/interop/qcow2) and of QEMU's implementation of it. All numbers in an
 * image are big-endian. This file is legal C; the text beside each
 * definition becomes its Go documentation.
 */
#ifndef CSTRUCTGEN_DEFS_QCOW2_H
#define CSTRUCTGEN_DEFS_QCOW2_H

#include <stdint.h>

/* The first four bytes of every image, as a big-endian number. */
#define QCOW2_MAGIC 0x514649fb
/* The first four bytes of every image. */
#define QCOW2_MAGIC_BYTES "QFI\xfb"

/* Oldest version this format description covers. */
#define QCOW2_VERSION_2 2
/* Newest version there is. */
#define QCOW2_VERSION_3 3

/* Smallest cluster: 512 bytes. */
#define MIN_CLUSTER_BITS 9
/* Largest cluster: 2 MiB. */
#define MAX_CLUSTER_BITS 21

/* Unit in which a compressed cluster's length is counted, in bytes. */
#define QCOW2_COMPRESSED_SECTOR_SIZE 512
/* Raw deflate, the only method of version 2. */
#define QCOW2_COMPRESSION_TYPE_ZLIB 0
/* Zstandard frames. */
#define QCOW2_COMPRESSION_TYPE_ZSTD 1

/* Size of an L1 table entry in bytes. */
#define L1E_SIZE 8
/* Size of an L2 table entry in bytes. */
#define L2E_SIZE_NORMAL 8
/* Size of an L2 table entry with extended L2, in bytes. */
#define L2E_SIZE_EXTENDED 16
/* Size of a refcount table entry in bytes. */
#define REFTABLE_ENTRY_SIZE 8

/* L1 entry: offset of the L2 table. */
#define L1E_OFFSET_MASK 0x00fffffffffffe00
/* L1 entry: bits the specification reserves. */
#define L1E_RESERVED_MASK 0x7f000000000001ff
/* L2 entry of a standard cluster: offset of its data. */
#define L2E_OFFSET_MASK 0x00fffffffffffe00
/* L2 entry of a standard cluster: bits the specification reserves. */
#define L2E_STD_RESERVED_MASK 0x3f000000000001fe
/* L2 entry of a compressed cluster: byte offset and length together. */
#define L2E_COMPRESSED_OFFSET_SIZE_MASK 0x3fffffffffffffff
/*
 * L2 entry of a compressed cluster: the sector count has cluster_bits minus
 * this many bits, below QCOW_OFLAG_COMPRESSED; the rest is the byte offset.
 */
#define QCOW2_COMPRESSED_SIZE_BITS_BASE 8
/* Refcount table entry: offset of the refcount block. */
#define REFT_OFFSET_MASK 0xfffffffffffffe00
/* Refcount table entry: bits the specification reserves. */
#define REFT_RESERVED_MASK 0x1ff
/* Largest host offset that an entry can hold. */
#define QCOW2_CLUSTER_OFFSET_MAX ((1ULL << 56) - 1)

/* L1 and L2 entries: the cluster's refcount is exactly one. */
#define QCOW_OFLAG_COPIED (1 << 63)
/* L2 entries: the cluster is compressed. Such clusters never carry the copied flag. */
#define QCOW_OFLAG_COMPRESSED (1 << 62)
/* L2 entries, not with extended L2: the cluster reads as zeros. */
#define QCOW_OFLAG_ZERO (1 << 0)

/* Subclusters of one cluster with extended L2. */
#define QCOW_EXTL2_SUBCLUSTERS_PER_CLUSTER 32
/* Smallest cluster that extended L2 allows: subclusters have 512 bytes at least. */
#define QCOW2_EXTL2_MIN_CLUSTER_BITS 14
/* L2 bitmap: the first of the 32 bits that say "this subcluster is allocated". */
#define QCOW_L2_BITMAP_ALLOC_SHIFT 0
/* L2 bitmap: the first of the 32 bits that say "this subcluster reads as zeros". */
#define QCOW_L2_BITMAP_ZERO_SHIFT 32
/* L2 bitmap: all of the "allocated" bits. */
#define QCOW_L2_BITMAP_ALL_ALLOC (((1ULL << 32) - 1) << QCOW_L2_BITMAP_ALLOC_SHIFT)
/* L2 bitmap: all of the "reads as zeros" bits. */
#define QCOW_L2_BITMAP_ALL_ZEROES (((1ULL << 32) - 1) << QCOW_L2_BITMAP_ZERO_SHIFT)

/* Incompatible feature bit: refcounts may be inconsistent. */
#define QCOW2_INCOMPAT_DIRTY_BITNR 0
/* Incompatible feature bit: any data structure may be inconsistent. */
#define QCOW2_INCOMPAT_CORRUPT_BITNR 1
/* Incompatible feature bit: guest data lies in another file. */
#define QCOW2_INCOMPAT_DATA_FILE_BITNR 2
/* Incompatible feature bit: compression_type is not zlib. */
#define QCOW2_INCOMPAT_COMPRESSION_BITNR 3
/* Incompatible feature bit: L2 entries are extended. */
#define QCOW2_INCOMPAT_EXTL2_BITNR 4
/* Incompatible feature: refcounts may be inconsistent. */
#define QCOW2_INCOMPAT_DIRTY 1 << QCOW2_INCOMPAT_DIRTY_BITNR
/* Incompatible feature: any data structure may be inconsistent. */
#define QCOW2_INCOMPAT_CORRUPT 1 << QCOW2_INCOMPAT_CORRUPT_BITNR
/* Incompatible feature: guest data lies in another file. */
#define QCOW2_INCOMPAT_DATA_FILE 1 << QCOW2_INCOMPAT_DATA_FILE_BITNR
/* Incompatible feature: compression_type is not zlib. */
#define QCOW2_INCOMPAT_COMPRESSION 1 << QCOW2_INCOMPAT_COMPRESSION_BITNR
/* Incompatible feature: L2 entries are extended. */
#define QCOW2_INCOMPAT_EXTL2 1 << QCOW2_INCOMPAT_EXTL2_BITNR

/* Compatible feature bit: refcounts may be updated late. */
#define QCOW2_COMPAT_LAZY_REFCOUNTS_BITNR 0
/* Compatible feature: refcounts may be updated late. */
#define QCOW2_COMPAT_LAZY_REFCOUNTS (1 << QCOW2_COMPAT_LAZY_REFCOUNTS_BITNR)

/* Autoclear feature bit: the bitmaps extension is consistent. */
#define QCOW2_AUTOCLEAR_BITMAPS_BITNR 0
/* Autoclear feature bit: the data file can be read as a raw image. */
#define QCOW2_AUTOCLEAR_DATA_FILE_RAW_BITNR 1
/* Autoclear feature: the bitmaps extension is consistent. */
#define QCOW2_AUTOCLEAR_BITMAPS (1 << QCOW2_AUTOCLEAR_BITMAPS_BITNR)
/* Autoclear feature: the data file can be read as a raw image. */
#define QCOW2_AUTOCLEAR_DATA_FILE_RAW (1 << QCOW2_AUTOCLEAR_DATA_FILE_RAW_BITNR)

/* Guest data is not encrypted. */
#define QCOW_CRYPT_NONE 0
/* Guest data is encrypted with AES in CBC mode. */
#define QCOW_CRYPT_AES 1
/* Guest data is encrypted as the LUKS header says. */
#define QCOW_CRYPT_LUKS 2

/* Refcount width of version 2, as a power of two of bits. */
#define QCOW2_V2_REFCOUNT_ORDER 4
/* Widest refcount, as a power of two of bits. */
#define QCOW2_MAX_REFCOUNT_ORDER 6
/* Header, extensions, snapshot and bitmap directory entries are padded to this many bytes. */
#define QCOW2_ALIGNMENT 8

/* Longest L1 table, in bytes. */
#define QCOW_MAX_L1_SIZE (32 * 1024 * 1024)
/* Longest refcount table, in bytes. */
#define QCOW_MAX_REFTABLE_SIZE (8 * 1024 * 1024)
/* Most snapshots of an image. */
#define QCOW_MAX_SNAPSHOTS 65536
/* Longest snapshot table, in bytes. */
#define QCOW_MAX_SNAPSHOTS_SIZE (1024 * QCOW_MAX_SNAPSHOTS)
/* Longest extra data of a snapshot, in bytes. */
#define QCOW_MAX_SNAPSHOT_EXTRA_DATA 1024
/* Longest backing file name, in bytes. */
#define QCOW2_MAX_BACKING_FILE_SIZE 1023
/* Longest backing format name, in bytes. */
#define QCOW2_MAX_BACKING_FORMAT_SIZE 15
/* Most bitmaps of an image. */
#define QCOW2_MAX_BITMAPS 65535
/* Longest bitmap directory, in bytes. */
#define QCOW2_MAX_BITMAP_DIRECTORY_SIZE (1024 * QCOW2_MAX_BITMAPS)

/*
 * The header, at offset 0. Version 2 ends before incompatible_features;
 * version 3 has header_length bytes.
 */
typedef struct {
    uint32_t magic;                  /* QCOW2_MAGIC */
    uint32_t version;                /* 2 or 3 */

    uint64_t backing_file_offset;    /* of the backing file's name; 0: none */
    uint32_t backing_file_size;      /* length of that name in bytes */

    uint32_t cluster_bits;           /* a cluster has 1 << cluster_bits bytes */
    uint64_t size;                   /* virtual size in bytes */
    uint32_t crypt_method;           /* QCOW_CRYPT_NONE, _AES or _LUKS */

    uint32_t l1_size;                /* entries of the active L1 table */
    uint64_t l1_table_offset;        /* of the active L1 table */

    uint64_t refcount_table_offset;  /* of the refcount table */
    uint32_t refcount_table_clusters; /* its length in clusters */

    uint32_t nb_snapshots;           /* entries of the snapshot table */
    uint64_t snapshots_offset;       /* of the snapshot table */

    /* Features a reader must know to read the image. From here on version 3. */
    uint64_t incompatible_features;
    /* Features a reader may ignore. */
    uint64_t compatible_features;
    /* Features a writer that does not know them must clear. */
    uint64_t autoclear_features;

    uint32_t refcount_order;         /* a refcount has 1 << refcount_order bits */
    uint32_t header_length;          /* of this structure, in bytes */

    /* Present where header_length says so: QCOW2_COMPRESSION_TYPE_ZLIB or _ZSTD. */
    uint8_t compression_type;

    /* Fills the header to a multiple of 8. */
    uint8_t padding[7];
} QCowHeader;

/* Header extension: end of the extension area. */
#define QCOW2_EXT_MAGIC_END 0
/* Header extension: name of the backing file's format. */
#define QCOW2_EXT_MAGIC_BACKING_FORMAT 0xe2792aca
/* Header extension: names of feature bits, an array of Qcow2Feature. */
#define QCOW2_EXT_MAGIC_FEATURE_TABLE 0x6803f857
/* Header extension: a Qcow2CryptoHeaderExtension. */
#define QCOW2_EXT_MAGIC_CRYPTO_HEADER 0x0537be77
/* Header extension: a Qcow2BitmapHeaderExt. */
#define QCOW2_EXT_MAGIC_BITMAPS 0x23852875
/* Header extension: name of the external data file. */
#define QCOW2_EXT_MAGIC_DATA_FILE 0x44415441

/* Precedes each header extension; the data is padded to a multiple of 8. */
typedef struct {
    uint32_t magic; /* one of QCOW2_EXT_MAGIC_* */
    uint32_t len;   /* of the data that follows, in bytes, without padding */
} QCowExtension;

/* Feature name table: the bit belongs to incompatible_features. */
#define QCOW2_FEAT_TYPE_INCOMPATIBLE 0
/* Feature name table: the bit belongs to compatible_features. */
#define QCOW2_FEAT_TYPE_COMPATIBLE 1
/* Feature name table: the bit belongs to autoclear_features. */
#define QCOW2_FEAT_TYPE_AUTOCLEAR 2

/* Entry of the feature name table. */
typedef struct {
    uint8_t type;  /* QCOW2_FEAT_TYPE_* */
    uint8_t bit;   /* number of the bit */
    char name[46]; /* padded with NULs, not always terminated */
} Qcow2Feature;

/* Where the LUKS header lies. */
typedef struct {
    uint64_t offset; /* in the image file, cluster aligned */
    uint64_t length; /* in bytes */
} Qcow2CryptoHeaderExtension;

/* Where the bitmap directory lies. */
typedef struct {
    uint32_t nb_bitmaps;              /* entries of the directory */
    uint32_t reserved32;              /* must be 0 */
    uint64_t bitmap_directory_size;   /* in bytes */
    uint64_t bitmap_directory_offset; /* in the image file, cluster aligned */
} Qcow2BitmapHeaderExt;

/* Entry of the L1 table. */
typedef struct {
    uint64_t entry; /* L1E_OFFSET_MASK, QCOW_OFLAG_COPIED */
} QCow2L1Entry;

/* Entry of an L2 table. */
typedef struct {
    uint64_t entry; /* L2E_* masks and QCOW_OFLAG_* */
} QCow2L2Entry;

/* Entry of an L2 table with extended L2. */
typedef struct {
    uint64_t entry;  /* as QCow2L2Entry; QCOW_OFLAG_ZERO means nothing */
    uint64_t bitmap; /* QCOW_L2_BITMAP_*: two bits for each subcluster */
} QCow2L2EntryExtended;

/* Entry of the refcount table. */
typedef struct {
    uint64_t entry; /* REFT_OFFSET_MASK */
} QCow2RefcountTableEntry;

/* Bitmap directory: the bitmap was not saved properly, its data is not to be trusted. */
#define BME_FLAG_IN_USE (1 << 0)
/* Bitmap directory: the bitmap records every write. */
#define BME_FLAG_AUTO (1 << 1)
/* Bitmap directory: extra data that is not understood may be kept. */
#define BME_FLAG_EXTRA_DATA_COMPATIBLE (1 << 2)
/* Bitmap directory: flags the specification reserves. */
#define BME_RESERVED_FLAGS 0xfffffff8
/* Bitmap directory: a dirty tracking bitmap, the only type there is. */
#define BT_DIRTY_TRACKING_BITMAP 1
/* Most entries of a bitmap table. */
#define BME_MAX_TABLE_SIZE 0x8000000
/* Longest data of a bitmap, in bytes. */
#define BME_MAX_PHYS_SIZE 0x20000000
/* Finest granularity: 512 bytes. */
#define BME_MIN_GRANULARITY_BITS 9
/* Coarsest granularity: 2 GiB. */
#define BME_MAX_GRANULARITY_BITS 31
/* Longest name of a bitmap, in bytes. */
#define BME_MAX_NAME_SIZE 1023
/* Bitmap table entry: offset of the bitmap's cluster. */
#define BME_TABLE_ENTRY_OFFSET_MASK 0x00fffffffffffe00
/* Bitmap table entry: bits the specification reserves. */
#define BME_TABLE_ENTRY_RESERVED_MASK 0xff000000000001fe
/* Bitmap table entry without an offset: the cluster is all ones, else all zeros. */
#define BME_TABLE_ENTRY_FLAG_ALL_ONES (1 << 0)

/* Entry of a bitmap table. */
typedef struct {
    uint64_t entry; /* BME_TABLE_ENTRY_* */
} Qcow2BitmapTableEntry;

/* What an L2 entry says of its cluster. */
enum QCow2ClusterType {
    QCOW2_CLUSTER_UNALLOCATED, /* reads the backing file */
    QCOW2_CLUSTER_ZERO_PLAIN,  /* reads as zeros, nothing allocated */
    QCOW2_CLUSTER_ZERO_ALLOC,  /* reads as zeros although allocated */
    QCOW2_CLUSTER_NORMAL,      /* data at the entry's offset */
    QCOW2_CLUSTER_COMPRESSED,  /* compressed data at the entry's offset */
};

/* What an L2 entry and its bitmap say of one subcluster. */
enum QCow2SubclusterType {
    QCOW2_SUBCLUSTER_UNALLOCATED_PLAIN, /* reads the backing file, no cluster allocated */
    QCOW2_SUBCLUSTER_UNALLOCATED_ALLOC, /* reads the backing file although a cluster is allocated */
    QCOW2_SUBCLUSTER_ZERO_PLAIN,        /* reads as zeros, no cluster allocated */
    QCOW2_SUBCLUSTER_ZERO_ALLOC,        /* reads as zeros although a cluster is allocated */
    QCOW2_SUBCLUSTER_NORMAL,            /* data at the entry's offset */
    QCOW2_SUBCLUSTER_COMPRESSED,        /* part of a compressed cluster */
    QCOW2_SUBCLUSTER_INVALID,           /* entry and bitmap contradict each other */
};

#endif
