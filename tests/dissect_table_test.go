package tests

import "cstructgen/gen"

// A construct is a line of the compatibility table of dialect dissect: what a
// definition means, and what given bytes say under it.
type construct struct {
	name    string
	text    string
	size    int64 // of type t; -1: dynamic
	bytes   string
	want    string // the Go value, and how many bytes were read where that is not all
	big     bool
	aligned bool
	pointer int64
	lossy   bool // the encoding is not the bytes: something in them has no field
}

// constructs is the table. Sizes and values are those of dissect.cstruct.
var constructs = []construct{
	// Integers, and their names.
	{name: "uint8 to uint64", text: "struct t { uint8 a; uint16 b; uint32 c; uint64 d; };", size: 15,
		bytes: "01 0203 04050607 08090a0b0c0d0e0f", want: "{A:1 B:770 C:117835012 D:1084818905618843912}"},
	{name: "int8 to int64", text: "struct t { int8 a; int16 b; int32 c; int64 d; };", size: 15,
		bytes: "ff feff fdffffff fcffffffffffffff", want: "{A:-1 B:-2 C:-3 D:-4}"},
	{name: "big-endian", text: "struct t { uint16 a; int32 b; uint64 c; };", size: 14, big: true,
		bytes: "0102 ffffffff 0000000000000003", want: "{A:258 B:-1 C:3}"},
	{name: "uint24, int24", text: "struct t { uint24 a; int24 b; uint24 c[2]; };", size: 12,
		bytes: "010203 feffff 010000 ffffff", want: "{A:197121 B:-2 C:[1 16777215]}"},
	{name: "uint24, int24 big-endian", text: "struct t { uint24 a; int24 b; };", size: 6, big: true,
		bytes: "010203 fffffe", want: "{A:66051 B:-2}"},
	{name: "uint48, int48", text: "struct t { uint48 a; int48 b; };", size: 12,
		bytes: "010000000080 ffffffffffff", want: "{A:140737488355329 B:-1}"},
	{name: "uint128, OWORD", text: "struct t { uint128 a; OWORD b; };", size: 32,
		bytes: "00112233445566778899aabbccddeeff 000000000000000000000000000000ff",
		want:  "{A:[0 17 34 51 68 85 102 119 136 153 170 187 204 221 238 255] B:[0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 255]}"},
	{name: "float16 is its bits", text: "struct t { float16 a; };", size: 2, bytes: "003c", want: "{A:15360}"},
	{name: "float, double", text: "struct t { float a; double b; };", size: 12, bytes: "0000c03f 00000000000004c0", want: "{A:1.5 B:-2.5}"},
	{name: "C's integers: long has 4 bytes", text: "struct t { short a; int b; long c; unsigned long d; long long e; unsigned int f; signed char g; unsigned short h; };", size: 29,
		bytes: "ffff ffffffff ffffffff ffffffff ffffffffffffffff 01000000 ff 0200", want: "{A:-1 B:-1 C:-1 D:4294967295 E:-1 F:1 G:-1 H:2}"},
	{name: "unsigned char is text", text: "struct t { unsigned char a; unsigned char b[3]; };", size: 4, bytes: "41 424344", want: "{A:65 B:[66 67 68]}"},
	{name: "Windows' names", text: "struct t { BYTE a; WORD b; DWORD c; QWORD d; LONG e; LONGLONG f; UCHAR g; USHORT h; ULONG i; ULONG64 j; SHORT k; };", size: 44,
		bytes: "01 0200 03000000 0400000000000000 ffffffff ffffffffffffffff 05 0600 07000000 0800000000000000 ffff",
		want:  "{A:1 B:2 C:3 D:4 E:-1 F:-1 G:5 H:6 I:7 J:8 K:-1}"},
	{name: "IDA's and Microsoft's names", text: "struct t { _BYTE a; _WORD b; _DWORD c; _QWORD d; __int8 e; unsigned __int16 f; __int32 g; unsigned __int64 h; };", size: 30,
		bytes: "01 0200 03000000 0400000000000000 ff 0500 feffffff 0600000000000000", want: "{A:1 B:2 C:3 D:4 E:-1 F:5 G:-2 H:6}"},
	{name: "kernel's and other names", text: "struct t { u8 a; __u16 b; u32 c; __u64 d; uchar e; ushort f; uint g; ulong h; int16_t i; uint64_t j; };", size: 36,
		bytes: "01 0200 03000000 0400000000000000 05 0600 07000000 08000000 ffff 0900000000000000", want: "{A:1 B:2 C:3 D:4 E:5 F:6 G:7 H:8 I:-1 J:9}"},

	// Characters.
	{name: "char is a byte", text: "struct t { char a; char b[4]; };", size: 5, bytes: "80 7a6f6d67", want: "{A:128 B:[122 111 109 103]}"},
	{name: "wchar", text: "struct t { wchar a; wchar b[2]; WCHAR c; wchar_t d; };", size: 10, bytes: "4100 42004300 4400 4500", want: "{A:65 B:[66 67] C:68 D:69}"},
	{name: "wchar big-endian", text: "struct t { wchar a[2]; };", size: 4, big: true, bytes: "00410042", want: "{A:[65 66]}"},
	{name: "char to the NUL", text: "struct t { char a[]; uint8 b; };", size: -1, bytes: "6c616c6100 07", want: "{A:[108 97 108 97] B:7}"},
	{name: "wchar to the NUL", text: "struct t { wchar a[]; uint8 b; };", size: -1, bytes: "4100 4200 0000 07", want: "{A:[65 66] B:7}"},
	{name: "strings, fixed and to the NUL", text: "struct t { char magic[4]; wchar w[4]; uint8 a; uint16 b; uint32 c; char s[]; wchar ws[]; };", size: -1,
		bytes: "74657374 7400650073007400 01 0203 04050607 6c6100 740065000000",
		want:  "{Magic:[116 101 115 116] W:[116 101 115 116] A:1 B:770 C:117835012 S:[108 97] Ws:[116 101]}"},

	// leb128.
	{name: "uleb128", text: "struct t { uleb128 a; uleb128 b; };", size: -1, bytes: "8b25 c98fb006", want: "{A:4747 B:13371337}"},
	{name: "ileb128", text: "struct t { ileb128 a; ileb128 b; ileb128 c; ileb128 d; };", size: -1, bytes: "8b25 7e f55a ded6cf7c", want: "{A:4747 B:-2 C:-4747 D:-7083170}"},
	{name: "ileb128 of 64 bits", text: "struct t { ileb128 a; ileb128 b; };", size: -1, bytes: "ffffffffffffffffff00 8080808080808080807f",
		want: "{A:9223372036854775807 B:-9223372036854775808}"},
	{name: "length that is leb128", text: "struct t { uleb128 n; char d[n]; };", size: -1, bytes: "03 414141", want: "{N:3 D:[65 65 65]}"},
	{name: "leb128 to the zero", text: "struct t { uleb128 a[]; ileb128 b[]; };", size: -1, bytes: "af18 8b25 00 f55a 00", want: "{A:[3119 4747] B:[-4747]}"},
	{name: "leb128 longer than needed", text: "struct t { uleb128 a; };", size: -1, bytes: "8200", want: "{A:2}", lossy: true},
	{name: "nested with leb128", text: "struct e { uleb128 len; char data[len]; uint32 crc; }; struct t { uleb128 n; e es[n]; };", size: -1,
		bytes: "02 01 41 01000000 00 02000000", want: "{N:2 Es:[{Len:1 Data:[65] Crc:1} {Len:0 Data:[] Crc:2}]}"},

	// Lengths.
	{name: "length of an earlier field", text: "struct t { uint8 n; uint16 d[n]; };", size: -1, bytes: "02 0100 0200", want: "{N:2 D:[1 2]}"},
	{name: "length from an expression", text: "#define const 1\nstruct t { uint8 flag; uint8 a[(flag & 1) * 4]; uint8 b[flag & (1 << 2)]; uint8 c[const]; };", size: -1,
		bytes: "01 00010203 ff", want: "{Flag:1 A:[0 1 2 3] B:[] C:[255]}"},
	{name: "the same, the other way", text: "#define const 1\nstruct t { uint8 flag; uint8 a[(flag & 1) * 4]; uint8 b[flag & (1 << 2)]; uint8 c[const]; };", size: -1,
		bytes: "04 04050607 ff", want: "{Flag:4 A:[] B:[4 5 6 7] C:[255]}"},
	{name: "n * 2 + 1", text: "struct t { uint8 n; char d[n * 2 + 1]; };", size: -1, bytes: "01 414243", want: "{N:1 D:[65 66 67]}"},
	{name: "length of a nested field", text: "struct h { uint8 a; uint8 n; }; struct t { h hdr; char d[hdr.n]; };", size: -1, bytes: "07 02 4142", want: "{Hdr:{A:7 N:2} D:[65 66]}"},
	{name: "length of an unnamed struct's field", text: "struct t { struct { uint8 n; }; char d[n]; };", size: -1, bytes: "02 4142", want: "{N:2 D:[65 66]}"},
	{name: "length of a union's field", text: "struct t { union { uint16 n; uint8 b[2]; } u; char d[u.n]; };", size: -1, bytes: "0200 4142", want: "{U:[2 0] D:[65 66]}"},
	{name: "length of an unnamed union's field", text: "struct t { union { uint16 n; uint8 b[2]; }; char d[n]; };", size: -1, bytes: "0200 4142", want: "{Anon0:[2 0] D:[65 66]}"},
	{name: "length of a bit-field", text: "enum A : uint16 { A = 0 }; struct t { uint16 size : 4; A b : 4; char d[size]; };", size: -1,
		bytes: "f400 68656c70", want: "{Size:4 B:A(15) Pad0:[0] D:[104 101 108 112]}"},
	{name: "length of an enum", text: "enum E : uint8 { X = 1 }; struct t { E e; char d[e + E.X]; };", size: -1, bytes: "01 4142", want: "{E:X D:[65 66]}"},
	{name: "length of a pointer", text: "struct t { char *n; char d[n]; };", size: -1, pointer: 1, bytes: "02 4142", want: "{N:2 D:[65 66]}"},
	{name: "negative length is 0", text: "struct t { int8 n; char d[n]; uint8 e[n - 1]; uint8 f; };", size: -1, bytes: "ff 07", want: "{N:-1 D:[] E:[] F:7}"},
	{name: "negative constant length is 0", text: "struct t { uint8 a[-1]; uint8 b; };", size: 1, bytes: "07", want: "{B:7}"},
	{name: "/ and % round down", text: "struct t { int8 n; uint8 a[n / 2 + 4]; uint8 b[n % 3]; };", size: -1, bytes: "fb 01 02", want: "{N:-5 A:[1] B:[2]}"},
	{name: "shifts and bits", text: "struct t { uint8 n; uint8 a[n >> 6]; uint8 b[1 << (n & 1)]; uint8 c[~n & 1]; uint8 d[n ^ 0x41 | 1]; };", size: -1,
		bytes: "41 01 0203 04", want: "{N:65 A:[1] B:[2 3] C:[] D:[4]}"},
	{name: "unary minus", text: "struct t { int8 n; char d[-n]; };", size: -1, bytes: "fe 4142", want: "{N:-2 D:[65 66]}"},
	{name: "sizeof", text: "struct a { char x[sizeof(uint32)]; }; struct t { char a[sizeof(a) * 2]; };", size: 8, bytes: "4142434445464748", want: "{A:[65 66 67 68 69 70 71 72]}"},
	{name: "sizeof beside a field", text: "struct h { uint16 x; }; struct t { uint8 n; char d[n - sizeof(h)]; };", size: -1, bytes: "04 4142", want: "{N:4 D:[65 66]}"},
	{name: "offsetof", text: "struct h { uint16 x; uint32 y; }; struct t { char d[offsetof(h, y)]; };", size: 2, bytes: "4142", want: "{D:[65 66]}"},
	{name: "64-bit lengths", text: "struct t { uint64 n; char d[n * 2 - 1]; };", size: -1, bytes: "0100000000000000 41", want: "{N:1 D:[65]}"},
	{name: "product of two lengths", text: "struct t { uint32 w; uint32 h; uint16 d[w * h]; };", size: -1, bytes: "02000000 01000000 0100 0200", want: "{W:2 H:1 D:[1 2]}"},
	{name: "anonymous enum as length", text: "enum : uint32 { n = 2 }; struct t { uint16 a[n]; };", size: 4, bytes: "0100 0200", want: "{A:[1 2]}"},
	{name: "to the NUL element", text: "struct t { uint16 a[]; uint8 b; };", size: -1, bytes: "0100 0002 0000 07", want: "{A:[1 512] B:7}"},
	{name: "structs to one of zeros", text: "struct e { uint32 a; uint32 b; }; struct t { e es[]; uint8 c; };", size: -1,
		bytes: "01000000 00000000 0000000000000000 07", want: "{Es:[{A:1 B:0}] C:7}"},
	{name: "dynamic structs to one of zeros", text: "struct e { uint8 n; char d[n]; }; struct t { e es[]; uint8 c; };", size: -1,
		bytes: "01 41 02 4242 00 07", want: "{Es:[{N:1 D:[65]} {N:2 D:[66 66]}] C:7}"},
	{name: "unions to one of zeros", text: "union u { uint32 a; uint16 b; }; struct t { u us[]; };", size: -1, bytes: "01000000 02000000 00000000", want: "{Us:[[1 0 0 0] [2 0 0 0]]}"},
	{name: "enums to 0", text: "enum E : uint16 { A = 1, B }; struct t { E e[]; };", size: -1, bytes: "0100 0200 0000", want: "{E:[A B]}"},
	{name: "floats to 0", text: "struct t { float f[]; };", size: -1, bytes: "0000c03f 00000000", want: "{F:[1.5]}"},
	{name: "uint24 to 0", text: "struct t { uint24 f[]; };", size: -1, bytes: "010000 000001 000000", want: "{F:[1 65536]}"},
	{name: "bytes to the end", text: "struct t { uint8 a; char d[EOF]; };", size: -1, bytes: "01 414243", want: "{A:1 D:[65 66 67]}"},
	{name: "numbers to the end", text: "struct t { uint16 d[EOF]; };", size: -1, bytes: "0100 0200 03", want: "{D:[1 2]} 4"},
	{name: "structs to the end", text: "struct e { uint8 n; char d[n]; }; struct t { e es[EOF]; };", size: -1, bytes: "01 41 00 02 42", want: "{Es:[{N:1 D:[65]} {N:0 D:[]}]} 3"},
	{name: "leb128 to the end", text: "struct t { uleb128 d[EOF]; };", size: -1, bytes: "01 8b25 80", want: "{D:[1 4747]} 3"},
	{name: "strings to the end", text: "struct t { char d[EOF][]; };", size: -1, bytes: "4100 424200", want: "{D:[[65] [66 66]]}"},

	// Several dimensions.
	{name: "three dimensions", text: "struct t { uint8 a[2][2][2]; };", size: 8, bytes: "0102030405060708", want: "{A:[[[1 2] [3 4]] [[5 6] [7 8]]]}"},
	{name: "three dynamic dimensions", text: "struct t { uint8 x; uint8 y; uint8 z; uint8 a[x][y][z]; };", size: -1, bytes: "020103 010203040506", want: "{X:2 Y:1 Z:3 A:[[[1 2 3]] [[4 5 6]]]}"},
	{name: "argv[argc][]", text: "struct t { uint32 argc; char argv[argc][]; };", size: -1, bytes: "02000000 6100 626300", want: "{Argc:2 Argv:[[97] [98 99]]}"},
	{name: "argv[argc][2]", text: "struct t { uint32 argc; char argv[argc][2]; };", size: -1, bytes: "02000000 6100 6263", want: "{Argc:2 Argv:[[97 0] [98 99]]}"},
	{name: "fixed outside, dynamic inside", text: "struct t { uint8 n; uint8 a[2][n]; wchar s[2][]; };", size: -1, bytes: "01 05 06 4100 0000 0000", want: "{N:1 A:[[5] [6]] S:[[65] []]}"},

	// Enums and flags.
	{name: "enum is uint32", text: "enum E { A, B, C = 7, D }; struct t { E a; E b; };", size: 8, bytes: "01000000 08000000", want: "{A:B B:D}"},
	{name: "enum of a type", text: "enum E : uint16 { A = 1, B = 2 }; struct t { E a; E b[2]; };", size: 6, bytes: "0200 0100 0900", want: "{A:B B:[A E(9)]}"},
	{name: "enum of a type of two words", text: "enum E : unsigned short { A }; struct t { E a; };", size: 2, bytes: "0000", want: "{A:A}"},
	{name: "enum of uint24", text: "enum E : uint24 { A = 1, B = 2 }; struct t { E a; E b; };", size: 6, bytes: "020000 000001", want: "{A:B B:E(65536)}"},
	{name: "signed enum", text: "enum E : int8 { A = -1, B }; struct t { E a; E b; };", size: 2, bytes: "ff 00", want: "{A:A B:B}"},
	{name: "enum over its own values", text: "enum E { A, B = A + 3, C }; struct t { E a; };", size: 4, bytes: "04000000", want: "{A:C}"},
	{name: "commas are optional", text: "enum E { A = 0 // one\n B\n C = 5, D, E\n F };  struct t { E a; };", size: 4, bytes: "08000000", want: "{A:F}"},
	{name: "names of digits", text: "enum E : uint8 { 1_A = 1, 2B, 386 }; struct t { E a; E b; };", size: 2, bytes: "02 03", want: "{A:2B B:386}"},
	{name: "flag counts in powers of two", text: "flag F : uint16 { a, b, c = 32, d }; struct t { F x; F y; };", size: 4, bytes: "0300 4100", want: "{X:a|b Y:a|d}"},
	{name: "flag from a value", text: "flag F { a = 2, b, c }; struct t { F x; };", size: 4, bytes: "0e000000", want: "{X:a|b|c}"},
	{name: "one name in two enums", text: "enum E : uint8 { A = 1 }; enum F : uint8 { A = 2 }; struct t { E e; F f; };", size: 2, bytes: "01 02", want: "{E:A F:A}"},
	{name: "enum in a struct", text: "struct t { enum : uint8 { X, Y } kind; enum K : uint16 { Z } k; };", size: 3, bytes: "01 0000", want: "{Kind:Y K:Z}"},
	{name: "typedef of an enum", text: "typedef enum { A = 1 } E; struct t { E e; };", size: 4, bytes: "01000000", want: "{E:A}"},

	// Bit-fields.
	{name: "bit-fields", text: "struct t { uint16 a:4; uint16 b:4; uint16 c:4; uint16 d:4; uint32 e; uint16 f:2; uint16 g:3; uint32 h; };", size: 12,
		bytes: "1234 ff000000 1f00 01000000", want: "{A:2 B:1 C:4 D:3 E:255 F:3 G:7 Pad0:[0] H:1}"},
	{name: "bit-fields big-endian", text: "struct t { uint16 a:4; uint16 b:4; uint16 c:4; uint16 d:4; uint32 e; uint16 f:2; uint16 g:3; uint16 h:4; uint32 i; };", size: 12, big: true,
		bytes: "1234 000000ff 1f00 00000001", want: "{A:1 B:2 C:3 D:4 E:255 F:0 G:3 H:14 I:1}"},
	{name: "a full unit, then another", text: "struct t { uint16 a:4; uint16 b:12; uint16 c:16; uint16 d; };", size: 6, bytes: "1200 ff00 0700", want: "{A:2 B:1 C:255 D:7}"},
	{name: "another type, another unit", text: "struct t { uint16 a:1; uint32 b:1; uint8 c:1; };", size: 7, bytes: "0100 01000000 01", want: "{A:1 Pad0:[0] B:1 Pad1:[0 0 0] C:1}"},
	{name: "names of one type, one unit", text: "struct t { DWORD a:1; uint32_t b:1; unsigned int c:30; };", size: 4, bytes: "07000000", want: "{A:1 B:1 C:1}"},
	{name: "bit-fields are unsigned", text: "struct t { int8 a:4; int8 b:4; };", size: 1, bytes: "ff", want: "{A:15 B:15}"},
	{name: "bit-fields of flags", text: "flag F8 : uint8 { A = 1, B = 2 }; flag F16 : uint16 { A = 1, B = 2 }; struct t { uint16 a:1; uint16 b:1; F16 c:2; F8 d:4; };", size: 3, big: true,
		bytes: "f000 30", want: "{A:1 B:1 C:A|B Pad0:[0] D:A|B}"},
	{name: "bit-fields of char", text: "struct t { uint16 a:4; uint16 b:4; char c:8; char d[2]; };", size: 5, bytes: "1200 ff 6942", want: "{A:2 B:1 Pad0:[0] C:255 D:[105 66]}"},
	{name: "bit-fields of uint24", text: "struct t { uint24 a:4; uint24 b:20; };", size: 3, bytes: "123456", want: "{A:2 B:353089}"},
	{name: "bit-fields behind a dynamic field", text: "struct t { uint8 n; char d[n]; uint16 a:4; uint16 b:12; };", size: -1, bytes: "01 41 1200", want: "{N:1 D:[65] A:2 B:1}"},

	// Discarded fields.
	{name: "_ is read and forgotten", text: "struct t { uint8 a; uint8 _; uint16 b; uint16 _; char d; char _; };", size: 8,
		bytes: "01 02 0300 0400 61 62", want: "{A:1 B:3 D:97}", lossy: true},
	{name: "_ of dynamic size", text: "struct t { uint8 n; char _[n]; uleb128 _; char _[]; uint16 _[]; uint8 a; };", size: -1,
		bytes: "02 4142 8101 4300 01000000 07", want: "{N:2 A:7}", lossy: true},
	{name: "_ as a bit-field", text: "struct t { uint8 a:2; uint8 _:4; uint8 b:2; };", size: 1, bytes: "ff", want: "{A:3 B:3}", lossy: true},

	// Pointers.
	{name: "pointer of 8 bytes", text: "struct t { uint32 *a; char *b[2]; };", size: 24, bytes: "0100000000000000 0200000000000000 0300000000000000", want: "{A:1 B:[2 3]}"},
	{name: "pointer of 4 bytes", text: "struct t { uint32 *a; void **b; };", size: 8, pointer: 4, bytes: "01000000 02000000", want: "{A:1 B:2}"},
	{name: "pointer to itself", text: "struct t { uint16 data; t *next; struct t *prev; };", size: 6, pointer: 2, bytes: "0100 0400 0600", want: "{Data:1 Next:4 Prev:6}"},
	{name: "typedef of a pointer", text: "typedef uint32 *ptr; struct t { ptr ptr; };", size: 1, pointer: 1, bytes: "11", want: "{Ptr:17}"},

	// Structs and unions.
	{name: "packed by default", text: "struct t { uint8 a; uint64 b; uint16 c; };", size: 11, bytes: "01 0200000000000000 0300", want: "{A:1 B:2 C:3}"},
	{name: "nested, with and without names", text: "struct t { char m[4]; struct { uint32 a; uint32 b; } a; struct { char c[8]; }; };", size: 20,
		bytes: "7a6f6d67 39050000 28230000 6465616462656566", want: "{M:[122 111 109 103] A:{A:1337 B:9000} C:[100 101 97 100 98 101 101 102]}"},
	{name: "several declarators", text: "struct t { uint16 a, b, *c; struct { uint8 x; } d, e; };", size: 14,
		bytes: "0100 0200 0300000000000000 04 05", want: "{A:1 B:2 C:3 D:{X:4} E:{X:5}}"},
	{name: "array of unnamed structs", text: "struct t { struct { uint16 b; } a[2]; };", size: 4, bytes: "0100 0200", want: "{A:[{B:1} {B:2}]}"},
	{name: "a struct's name is a type", text: "struct e { uint8 x; }; struct t { e a; struct e b; };", size: 2, bytes: "01 02", want: "{A:{X:1} B:{X:2}}"},
	{name: "a struct's name behind its brace", text: "struct { uint8 x; } e; struct t { e a; };", size: 1, bytes: "01", want: "{A:{X:1}}"},
	{name: "typedefs", text: "typedef struct _e { uint8 x; } e, *pe; typedef char id[2]; struct t { e a; id b; pe c; };", size: 11,
		bytes: "01 4142 0300000000000000", want: "{A:{X:1} B:[65 66] C:3}"},
	{name: "no semicolon at the end", text: "typedef struct e { uint8 x; }\nstruct t { e a; }", size: 1, bytes: "01", want: "{A:{X:1}}"},
	{name: "variables declare nothing", text: "struct t { uint8 x; } t1, *t2;\nstruct u { t a; };", size: 1, bytes: "01", want: "{X:1}"},
	{name: "keywords of other languages as names", text: "struct t { uint8 flag; uint8 in; uint16 class; uint8 short; };", size: 5, bytes: "01 02 0300 04", want: "{Flag:1 In:2 Class:3 Short:4}"},
	{name: "union", text: "union t { uint32 a; char b[8]; };", size: 8, bytes: "7a6f6d6762656566", want: "[122 111 109 103 98 101 101 102]"},
	{name: "unnamed union with a struct", text: "typedef struct t { union { uint32 a; struct { char b[3]; char c; }; }; uint32 d; }", size: 8,
		bytes: "01010202 03030404", want: "{Anon0:[1 1 2 2] D:67371779}"},
	{name: "union with a dynamic member", text: "struct e { uint8 n; char d[n]; }; union u { e a; uint16 b; }; struct t { u u; uint8 c; };", size: -1,
		bytes: "03 414243", want: "{U:{A:{N:3 D:[65 66 67]} B:16643} C:66} 3"},
	{name: "union whose member says the length", text: "struct t { union { uint8 x; char d[x]; } u; };", size: -1, bytes: "02 41", want: "{U:{X:2 D:[2 65]}}"},
	{name: "int8 and signed char are numbers", text: "struct t { int8 a[2]; uint8 n; signed char b[n]; };", size: -1, bytes: "ff01 01 fe", want: "{A:[-1 1] N:1 B:[-2]}"},
	{name: "union of one dynamic member", text: "union u { char d[]; }; struct t { u u; uint8 c; };", size: -1, bytes: "4100 07", want: "{U:{D:[65]} C:7}"},
	{name: "a struct of dynamic size without a name", text: "struct t { struct { uint8 n; char d[n]; uint8 e; }; uint8 f; };", size: -1,
		bytes: "02 4142 03 04", want: "{N:2 D:[65 66] E:3 F:4}"},
	{name: "struct of its own kind", text: "struct t { uint8 n; t children[n]; uint8 id; };", size: -1,
		bytes: "02 00 05 01 00 06 07 08", want: "{N:2 Children:[{N:0 Children:[] Id:5} {N:1 Children:[{N:0 Children:[] Id:6}] Id:7}] Id:8}"},

	// The aligned mode.
	{name: "aligned", text: "struct t { uint8 a; uint32 b; uint16 c; uint64 d; uint8 e; };", size: 32, aligned: true,
		bytes: "01 000000 02000000 0300 000000000000 0400000000000000 05 00000000000000",
		want:  "{A:1 Pad0:[0 0 0] B:2 C:3 Pad1:[0 0 0 0 0 0] D:4 E:5 Pad2:[0 0 0 0 0 0 0]}"},
	{name: "aligned uint24 and uint48", text: "struct t { uint8 a; uint24 b; uint48 c; };", size: 16, aligned: true,
		bytes: "01 000000 020000 00 030000000000 0000", want: "{A:1 Pad0:[0 0 0] B:2 Pad1:[0] C:3 Pad2:[0 0]}"},
	{name: "aligned union", text: "union t { uint64 a; uint32 b[3]; };", size: 16, aligned: true, bytes: "000102030405060708090a0b0c0d0e0f", want: "[0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]"},
	{name: "aligned bit-fields", text: "struct t { uint16 a:4; uint16 b:4; uint32 c:4; uint16 d; };", size: 12, aligned: true,
		bytes: "1200 0000 02000000 1000 0000", want: "{A:2 B:1 Pad0:[0 0 0] C:2 Pad1:[0 0 0] D:16 Pad2:[0 0]}"},
	{name: "aligned pointer", text: "struct t { uint32 a; uint32 *b; uint16 c; };", size: 24, aligned: true,
		bytes: "01000000 00000000 0200000000000000 0300 000000000000", want: "{A:1 Pad0:[0 0 0 0] B:2 C:3 Pad1:[0 0 0 0 0 0]}"},
	{name: "aligned behind a dynamic field", text: "struct t { uint8 a; uint16 b[a]; uint32 c; uint64 d; uint8 e; uint32 f[e]; uint64 g; };", size: -1, aligned: true,
		bytes: "06 00 020004000600 08000a000c00 0000 10000000 00000000 1800000000000000 02 000000 24000000 28000000 00000000 3000000000000000",
		want:  "{A:6 Pad0:[0] B:[2 4 6 8 10 12] C:16 D:24 E:2 F:[36 40] G:48}"},

	// Definitions.
	{name: "macros are values", text: "#define A 1 + 2\n#define B A * 2\nstruct t { uint8 x[B]; };", size: 6, bytes: "010203040506", want: "{X:[1 2 3 4 5 6]}"},
	{name: "what an enum says", text: "enum P : uint8 { TCP = 2 };\n#define N P.TCP | 1\nstruct t { uint8 x[N]; };", size: 3, bytes: "010203", want: "{X:[1 2 3]}"},
	{name: "#define and #ifdef in a struct", text: "struct t {\n#define V 2\nuint8 a;\n#ifdef V\nuint16 v;\n#endif\n#ifndef X\nuint8 b[V];\n#else\nuint32 c;\n#endif\n#undef V\n#ifdef V\nuint64 d;\n#endif\n};", size: 5,
		bytes: "01 0200 0304", want: "{A:1 V:2 B:[3 4]}"},
	{name: "#[...]", text: "#[nocompile]\nstruct t { uint8 a; };", size: 1, bytes: "01", want: "{A:1}"},
	{name: "#include is not followed", text: "#include <stdint.h>\n#include \"a.h\"\nstruct t { uint8_t a; };", size: 1, bytes: "01", want: "{A:1}"},
	{name: "a name is a constant before it is a field", text: "#define n 1\nstruct t { uint8 n; uint8 d[n]; };", size: 2, bytes: "05 06", want: "{N:5 D:[6]}"},
	{name: "octal and binary numbers", text: "struct t { uint8 a[010 - 0b111]; uint8 b[0o2]; uint8 c[0x2UL]; };", size: 5, bytes: "0102030405", want: "{A:[1] B:[2 3] C:[4 5]}"},
}

// values are macros of dialect dissect, and what comes of them: the kind of
// constant and its text, or nothing.
var values = []struct{ text, want string }{
	{`#define X 42`, "int 42"},
	{`#define X 0x2a`, "int 42"},
	{`#define X (1 + 2 * 3)`, "int 7"},
	{`#define X 1 << 63`, "int 9223372036854775808"},
	{`#define X -7 / 2`, "int -4"},
	{`#define X -7 % 3`, "int 2"},
	{`#define X ~1`, "int -2"},
	{`#define X 010ULL`, "int 8"},
	{`#define X 1 | 2 | 4`, "int 7"},
	{`#define X 1 & 1 * 4`, "int 0"},
	{`#define X 1 // one`, "int 1"},
	{"#define X (1 + \\\n 2 + \\\n 3)", "int 6"},
	{`#define X sizeof(uint48)`, "int 6"},
	{`#define X 1.5`, "float 3/2"},
	{`#define X -1e3`, "float -1000"},
	{`#define X "hello"`, `string "hello"`},
	{`#define X 'hello'`, `string "hello"`},
	{`#define X "a\"b\\\n\x00"`, `string "a\"b\\\n\x00"`},
	{`#define X b"\x00\x01ab"`, `string "\x00\x01ab"`},
	{`#define X somevalue`, `string "somevalue"`},
	{`#define X some | value`, `string "some | value"`},
	{`#define X`, "none"},
	{`#define X(a) (a + 1)`, "none"},
	{"#define X 1\n#undef X", "none"},
	{"#define X 1\n#define X 2", "int 2"},
	{"#define X Y\n#define Y 1", `string "Y"`},
}

// refusals are texts that dialect dissect refuses, and what it says.
var refusals = []struct{ text, want string }{
	{"struct t { uint16 a:12; uint16 b:12; };", "in.h:1:32: bit-field of 12 bits in a unit of uint16 that has 4 left"},
	{"struct t { uint8 a; uint8 a; };", `in.h:1:27: member "a" occurs twice (first at in.h:1:18)`},
	{"struct t { fake a; };", `in.h:1:12: unknown type name "fake"`},
	{"struct t { unsigned long long unsigned a; };", `in.h:1:40: expected ";", found "a"`},
	{"struct t { uint8 n; char a[][n]; };", "in.h:1:27: array of arrays without length"},
	{"struct t { char a[n]; };", `in.h:1:19: "n" is neither an earlier member nor a constant`},
	{"struct t { char a[b]; uint8 b; };", `in.h:1:19: "b" is neither an earlier member nor a constant`},
	{"struct t { uint8 n; struct { char d[n]; }; };", `in.h:1:37: "n" is neither an earlier member nor a constant`},
	{"struct t { float b; char a[b]; };", `in.h:1:28: member "b" is no integer of up to 8 bytes`},
	{"struct t { uint8 b; char a[b.c]; };", `in.h:1:28: "b" is no struct`},
	{"struct t { uint8 b; char a[b > 1]; };", `in.h:1:30: ">" is no operator of this dialect`},
	{"struct t { uint8 b; char a[b / 0]; };", "in.h:1:30: division by zero"},
	{"struct t { t a; };", `in.h:1:14: field "a": struct t has incomplete type (t contains t at 1:12)`},
	{"enum E : char { A };", "in.h:1:1: an enum cannot be stored in char"},
	{"enum E : uint8 { A = 256 };", `in.h:1:18: value 256 of "A" does not fit uint8`},
	{"#endif", "in.h:1:2: #endif without #if"},
	{"#ifdef A", "in.h:1:2: unterminated #ifdef"},
	{"#if 1\n#endif", "in.h:1:2: #if: this dialect has #ifdef and #ifndef"},
	{"#foobar", `in.h:1:2: unknown directive "foobar"`},
	{"uint8 x;", `in.h:1:1: expected a declaration, found "uint8"`},
	{"struct t { uint8 a:0x; };", `in.h:1:20: malformed number "0x"`},
	{"struct t { uint8 n; char a[1 << (n << 62)]; };", "in.h:1:30: the length 1 << (n << 62) can be larger than any number that Go has"},
}

var dissectOrders = map[bool]gen.Order{false: gen.Little, true: gen.Big}
