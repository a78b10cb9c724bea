enum e { E = 3 }; enum n { N = -1 }; enum p { P = 1 } __attribute__((packed));
typedef unsigned u4 __attribute__((aligned(4))); typedef unsigned short u16; typedef _Bool flag;
struct mixed { char a : 3; int b : 20; short c : 9; long d : 33; unsigned char e : 8; _Bool f : 1; enum e g : 2; enum n h : 2; enum p i : 1; flag j : 1; u16 k : 16; u4 l : 31; };
struct unnamed { int a : 3; int : 5; int b : 8; char : 0; int c : 1; long : 0; char d; int : 0; };
struct straddle { char a : 7; int b : 30; long long c : 60; } __attribute__((packed));
struct straddle_member { char a : 7; int b : 30 __attribute__((packed)); int c : 3; };
struct expression { int a : sizeof(int) * 2; int b : E + 1; unsigned c : 1 << 3; };
struct i128 { unsigned __int128 a : 100; __int128 b : 3; };
union bits { int a : 3; long b : 40; char c; unsigned : 7; };
#pragma pack(1)
struct pragma1 { int a : 3; int b : 30; char c; long d : 5; };
#pragma pack(2)
struct pragma2 { int a : 3; int b : 30; char c; long d : 5; int : 0; char e; };
#pragma pack()
struct aligned_field { int a : 3 __attribute__((aligned(8))); int b : 3; char c : 2 __attribute__((aligned(2))); };
struct zero_only { int : 0; };
struct trailing_zero { char a; int : 0; };
struct first_zero { long : 0; char a; };
#pragma scalar_storage_order big-endian
struct big { unsigned a : 3; unsigned b : 7; unsigned short c : 9; unsigned long d : 33; unsigned char e : 1; int : 0; int f : 5; };
struct big_packed { unsigned a : 3; unsigned b : 30; unsigned long c : 60; } __attribute__((packed));
#pragma scalar_storage_order little-endian
struct little { unsigned a : 3; unsigned b : 7; };
#pragma scalar_storage_order default
struct by_default { unsigned a : 3; struct big b; };
