/*
 * One of each thing that makes a struct's size depend on its values.
 */

#define MAGIC b"SMPL"

flag Options : uint8 { NAMED, SORTED, HUGE = 64 };

// A point in three bytes a coordinate.
struct point {
    int24 x, y;       // of a grid
};

// A text with its length.
struct text {
    uleb128 size;     // of data in bytes
    char data[size];  // not terminated
};

// A tree: each node has nodes.
struct node {
    uint8 id;         // not 0
    uint8 children;   // how many there are
    node child[children]; // of the same kind
};

// A union whose members differ in size.
union either {
    text name;        // if it is named
    uint16 number;    // else
};

// A list of one of each kind.
struct sample {
    char magic[4];                 // MAGIC
    uint16 rows : 4;               // of grid
    uint16 columns : 4;            // of grid
    Options options;               // what it is
    uint8 _[3];
    uint32 count;                  // of points
    union { uint16 half; uint8 bytes[2]; }; // the number of texts
    uint32 grid[rows][columns];    // the numbers
    point points[count];           // one for each
    text texts[(half + 1) / 2];    // half as many, rounded up
    wchar title[];                 // in UTF-16
    ileb128 deltas[];              // no delta is 0
    text names[];                  // up to one that is empty
    point path[];                  // up to the origin
    node root;                     // of the tree
    char lines[rows][];            // one for each row
    uint16 rest[EOF];              // whatever follows
};

// What is read only.
struct choice {
    uint8 kind;                    // what value is
    either value;                  // says it
};
