/*
 * What stands around the files in a ZIP archive: a header before each, the
 * directory behind all of them, and the end, which says where that begins.
 */

#define ZIP_LOCAL b"PK\x03\x04"
#define ZIP_ENTRY b"PK\x01\x02"
#define ZIP_END   b"PK\x05\x06"

// How a file is compressed.
enum zip_method : uint16 { STORED, DEFLATED = 8, ZSTD = 93 };

// What wrote an archive.
enum zip_system : uint8 { DOS, UNIX = 3, NTFS = 10 };

// What kinds of extra fields there are.
enum zip_extra_kind : uint16 {
    ZIP64 = 1
    TIMES = 0x5455
};

// A time as MS-DOS stores it.
union zip_time {
    uint32 value;          // newer ones are larger
    struct {
        uint16 second : 5; // halved
        uint16 minute : 6; // of the hour
        uint16 hour : 5;   // of the day
        uint16 day : 5;    // from 1
        uint16 month : 4;  // from 1
        uint16 year : 7;   // since 1980
    };
};

// What both headers say of a file.
struct zip_about {
    uint8 needs;           // version in tenths that can read it
    uint8 _;
    uint16 encrypted : 1;  // the data is
    uint16 level : 2;      // what the compressor was asked for
    uint16 follows : 1;    // checksum and sizes stand behind the data
    uint16 enhanced : 1;   // of DEFLATED: its successor
    uint16 patch : 1;      // of a file that is elsewhere
    uint16 strong : 1;     // encryption
    uint16 unused : 4;     // 0
    uint16 utf8 : 1;       // name and comment are
    uint16 reserved : 4;   // 0
    zip_method method;     // of compression
    zip_time modified;     // by a local clock
    uint32 crc32;          // of the data as it was
    uint32 compressed;     // size in bytes
    uint32 size;           // of the data as it was
    uint16 name_size;      // in bytes
    uint16 extra_size;     // in bytes
};

// Stands before the data of a file.
struct zip_local {
    char magic[4];         // ZIP_LOCAL
    zip_about;
    char name[name_size];  // with slashes
    char extra[extra_size]; // zip_extra, one behind the other
    char data[(1 - follows) * compressed]; // none where its size is not known here
};

// A file in the directory.
struct zip_entry {
    char magic[4];         // ZIP_ENTRY
    uint8 version;         // of what wrote it, in tenths
    zip_system system;     // what attributes mean
    zip_about;
    uint16 comment_size;   // in bytes
    uint16 disk;           // where the file begins
    uint16 is_text : 1;    // probably
    uint16 internal : 15;  // attributes
    union {
        uint32 attributes; // as system has them
        struct {
            uint16 dos;    // read-only, hidden, directory
            uint16 mode;   // of UNIX
        };
    };                     // how the file was kept
    uint32 offset;         // of its zip_local
    char name[name_size];  // with slashes
    char extra[extra_size]; // zip_extra, one behind the other
    char comment[comment_size]; // on the file
};

// Data of a kind that zip_extra_kind lists.
struct zip_extra {
    zip_extra_kind kind;   // what data is
    uint16 size;           // of data in bytes
    char data[size];       // as kind has it
};

// Of kind TIMES, in Unix time.
struct zip_times {
    uint8 modified : 1;    // mtime is there
    uint8 accessed : 1;    // atime is there
    uint8 created : 1;     // ctime is there
    uint8 unused : 5;      // 0
    int32 mtime[modified]; // none or one
    int32 atime[accessed]; // none or one
    int32 ctime[created];  // none or one
};

// The end of an archive.
struct zip_end {
    char magic[4];         // ZIP_END
    uint16 disk;           // this one, from 0
    uint16 directory_disk; // where the directory begins
    uint16 here;           // entries on this disk
    uint16 entries;        // on all disks
    uint32 size;           // of the directory in bytes
    uint32 offset;         // of the directory
    uint16 comment_size;   // in bytes
    char comment[comment_size]; // on the whole
};
