enum plain { A, B, C = 10, D };
enum negative { N1 = -1, N2, N3 = 0x7fffffff };
enum wide { W1 = 0x100000000, W2 };
enum wide_negative { WN1 = -1, WN2 = 0x80000000 };
enum unsigned_wide { U1 = 0xffffffffffffffff };
enum by_size { S1 = sizeof(enum plain), S2 = sizeof(W1), S3 = sizeof(A), S4 = sizeof(U1) };
enum by_other { O1 = C + 1, O2 = O1 << 3, O3 = (int)1.5, O4 = 'a', O5 = D == 11 ? 5 : 6 };
enum trailing { T1, T2, };
enum attributed { AT1 __attribute__((deprecated)), AT2 __attribute__((unused)) = 5, AT3 };
enum before_use;
enum before_use { BU1 = 3 };
typedef enum { TD1 = 1 } typedef_enum;
struct with_enum { enum plain a; enum { IN1 = 5, IN2 } b; enum wide c; typedef_enum d[IN1]; enum negative e : 3; enum plain f : 5; };
enum { ANONYMOUS = 77 };
static const enum in_data { DATA1 = 1 } in_data_object;
#define SAME SAME
enum same { SAME = 12 };
#define OTHER_SAME 13
enum negative_big { NB1 = -0x7fffffffffffffff - 1, NB2 = 0x7fffffffffffffff };
enum one_bit { OB = 1 } __attribute__((packed));
enum max_char { MC1 = 255 } __attribute__((packed));
enum max_short { MS1 = 256, MS2 = -1 } __attribute__((packed));
