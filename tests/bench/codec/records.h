/* What is measured: a header as formats have them, and a long table. */
#include <stdint.h>

/* 150 bytes in 22 fields. */
struct __attribute__((packed)) header {
    char magic[8];             /* "BENCHREC" */
    uint32_t version;          /* of the format */
    uint32_t flags;            /* none yet */
    uint64_t size;             /* of the data in bytes */
    uint64_t table_offset;     /* of the table in bytes */
    uint64_t created;          /* seconds since 1970 */
    uint64_t modified;         /* seconds since 1970 */
    uint8_t uuid[16];          /* of the file */
    uint32_t block_bits;       /* a block has 1 << block_bits bytes */
    uint32_t table_size;       /* entries of the table */
    uint32_t owner;            /* user */
    uint32_t group;            /* group */
    uint16_t minor;            /* version that wrote the file */
    uint16_t mode;             /* permissions */
    uint16_t links;            /* how many */
    uint16_t state;            /* clean or not */
    uint64_t features;         /* that a reader must know */
    uint64_t compatible;       /* features that it need not know */
    char label[40];            /* for people */
    uint32_t checksum;         /* of all before it */
    uint8_t kind;              /* of the data */
    uint8_t level;             /* of compression */
};

/* 64 KiB of numbers. */
struct table {
    uint64_t entries[8192]; /* offsets */
};
