/*
 * The tables of qcow2 images whose entries differ in size, as
 * docs/interop/qcow2.txt of QEMU specifies them, in the dialect of
 * dissect.cstruct: a field can say the length of another. What else there is
 * in an image is in qcow2.h.
 */

/* What an entry of the snapshot table begins with. */
typedef struct {
    uint64_t l1_table_offset; /* of the snapshot's L1 table */
    uint32_t l1_size;         /* entries of that table */
    uint16_t id_str_size;     /* length of the id in bytes */
    uint16_t name_size;       /* length of the name in bytes */
    uint32_t date_sec;        /* when it was taken, seconds since 1970 UTC */
    uint32_t date_nsec;       /* and nanoseconds */
    uint64_t vm_clock_nsec;   /* guest run time at that moment, nanoseconds */
    uint32_t vm_state_size;   /* in bytes; see vm_state_size_large */
    uint32_t extra_data_size; /* length of the extra data in bytes */
} QCowSnapshotHeader;

/* The snapshot's extra data, as much of it as extra_data_size says. */
typedef struct {
    uint64_t vm_state_size_large; /* in bytes, in place of vm_state_size */
    uint64_t disk_size;           /* virtual size of the snapshot in bytes */
    uint64_t icount;              /* instructions executed; all ones: unknown */
} QCowSnapshotExtraData;

/* Entry of the snapshot table. */
typedef struct {
    QCowSnapshotHeader header;               /* says the lengths of all that follows */
    char extra_data[header.extra_data_size]; /* begins with a QCowSnapshotExtraData, or a part of one */
    char id_str[header.id_str_size];         /* not NUL terminated */
    char name[header.name_size];             /* not NUL terminated */
    /* up to a multiple of 8 bytes; the last entry of a file can lack it */
    char padding[-(sizeof(QCowSnapshotHeader) + header.extra_data_size + header.id_str_size + header.name_size) & 7];
} QCowSnapshotEntry;

/* What an entry of the bitmap directory begins with. */
typedef struct {
    uint64_t bitmap_table_offset; /* in the image file, cluster aligned */
    uint32_t bitmap_table_size;   /* entries of that table */
    uint32_t flags;               /* BME_FLAG_* */
    uint8_t type;                 /* BT_DIRTY_TRACKING_BITMAP */
    uint8_t granularity_bits;     /* a bit stands for 1 << granularity_bits bytes */
    uint16_t name_size;           /* length of the name in bytes */
    uint32_t extra_data_size;     /* length of the extra data in bytes */
} Qcow2BitmapDirEntry;

/* Entry of the bitmap directory. */
typedef struct {
    Qcow2BitmapDirEntry header;              /* says the lengths of all that follows */
    char extra_data[header.extra_data_size]; /* of a kind that does not exist yet */
    char name[header.name_size];             /* not NUL terminated */
    /* up to a multiple of 8 bytes */
    char padding[-(sizeof(Qcow2BitmapDirEntry) + header.extra_data_size + header.name_size) & 7];
} Qcow2BitmapEntry;
