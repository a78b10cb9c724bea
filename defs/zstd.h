/*
 * As much of the Zstandard frame format (RFC 8878) as it takes to find where
 * a frame ends without decoding it. Numbers are little-endian.
 */
#ifndef CSTRUCTGEN_DEFS_ZSTD_H
#define CSTRUCTGEN_DEFS_ZSTD_H

/* Length of a block header in bytes (section 3.1.1.2). */
#define ZSTD_BLOCK_HEADER_SIZE 3
/* Block header: this is the frame's last block. */
#define ZSTD_BLOCK_LAST_MASK 0x1
/* Block header: lowest bit of the block type. */
#define ZSTD_BLOCK_TYPE_SHIFT 1
/* Block header: the block type, once shifted. */
#define ZSTD_BLOCK_TYPE_MASK 0x3
/* Block header: lowest bit of the block size. */
#define ZSTD_BLOCK_SIZE_SHIFT 3

/* Largest size of a block in bytes, compressed or not (section 3.1.1.2.4). */
#define ZSTD_BLOCK_SIZE_MAX (1 << 17)
/* Length of the checksum that may close a frame, in bytes (section 3.1.1). */
#define ZSTD_CONTENT_CHECKSUM_SIZE 4

/* How a block is stored (section 3.1.1.2.2). */
enum ZstdBlockType {
    ZSTD_BLOCK_RAW,        /* block size bytes as they are */
    ZSTD_BLOCK_RLE,        /* one byte, repeated block size times */
    ZSTD_BLOCK_COMPRESSED, /* block size bytes to decode */
    ZSTD_BLOCK_RESERVED,   /* not allowed */
};

#endif
