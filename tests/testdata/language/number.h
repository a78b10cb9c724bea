/* Literals and their types. */
#define DEC 42
#define HEX 0XfF
#define OCT 0777
#define BIN 0b1011
#define SUFFIX_UL 1UL
#define SUFFIX_LLU 1llU
#define SUFFIX_ULL 1uLL
#define BIG_DEC 9223372036854775807
#define BIG_HEX 0xffffffffffffffff
#define HEX_INT 0x80000000
#define CHAR 'a'
#define CHAR_HIGH '\xff'
#define CHAR_MULTI 'abcd'
#define CHAR_FIVE 'ab\0c'
#define CHAR_WIDE L'\x1234'
#define CHAR_16 u'\u20ac'
#define CHAR_32 U'\U0001f600'
#define CHAR_OCT '\101'
#define CHAR_E '\e'
#define FLOAT 1.5f
#define DOUBLE .5e-3
#define LDOUBLE 1.1L
#define HEXFLOAT 0x1.8p3
#define SMALLEST 4.9406564584124654e-324
#define QUAD 1.1Q
#define QUAD2 1.1f128
#define HALF 1.1f16
#define F32 1.1f32
#define F64X 1.1f64x
#define SUBNORMAL 1e-310
#define FLTSUB 1e-45f
#define MINUS_ZERO -0.0
#define MINUS_ZERO2 (0.0 * -1)
#define MINUS_ZERO3 (-0.0 - 0.0)
#define PLUS_ZERO (-0.0 + 0.0)
#define MINUS_ZERO_F (float)-0.0
#define MINUS_TINY (float)-1e-60
#define MINUS_INT ((int)-0.0)
#define MINUS_COMPARE (-0.0 == 0.0)
#define NOT_MINUS (!-0.0)
#define MINUS_MINUS (- -0.0)
#define MINUS_COND (1 ? -0.0 : 1)
#define MINUS_COND2 (1 ? -0.0f : 1.0)
#define MINUS_DIV (-0.0 / 5)
#define MINUS_LONG ((long double)-0.0)
#define INT_FLOAT ((int)1.9)
#define NEG_FLOAT ((int)-1.9)
#define BOOL_FLOAT ((_Bool)0.5)
#define BOOL_MINUS ((_Bool)-0.0)
#define WRAP (0x7fffffff + 1)
#define WRAPL (0x7fffffffffffffff * 2)
#define MINUS_FABS __builtin_fabs(-0.0)
#define INTMIN_DIV ((-0x7fffffff - 1) / -1)
#define INTMIN_MOD ((-0x7fffffff - 1) % -1)
#define SHIFT (1u << 31)
#define SHIFT_NEG (-1 >> 3)
#define SHIFT_SIGN (1 << 31)
#define TERNARY (1 ? 2 : 3u)
#define ELVIS (0 ?: 5)
#define LOGIC (1 && 0 || !0)
#define BITS (~0u ^ 0xf0 | 1 & 3)
#define NESTED_COND (0 ? 1 : 0 ? 2 : 3)
#define ADDRESS ((unsigned long)&((struct s *)0)->b)
#define DISTANCE ((char *)&((struct s *)16)->b - (char *)16)
#define CAST_ENUM ((enum e)3)
#define CAST_INT128 ((__int128)1 << 5)
#define TO_BOOL ((_Bool)256)
#define UNSIGNED_COMPARE (-1 < 1u)
#define EXTENSION (__extension__ 5)
#define FLOAT_COMPARE (1.5 > 1)
#define FLOAT_NOT (!1.5)
#define FLOAT_AND (1.5 && 2)
#define MIXED (1 + 1.5f)
#define MIXED2 (1.5f * 2.0)
#define DIV_FLOAT (1.0 / 3)
#define DIV_FLOATF (1.0f / 3)
#define CONV_FLOAT ((float)16777217)
#define CONV_DOUBLE ((double)9007199254740993)
#define SUM_FLOAT (0.1f + 0.2f)
#define SUM_LONG (0.1L + 0.2L)

#pragma scalar_storage_order little-endian
struct s { char a; int b; };
enum e { E0, E5 = 5 };
#define TOO_LARGE_HEX 0x0000000000001000800000805F9B34FB
#define TOO_LARGE_HEX1 0x10000000000000001
#define TOO_LARGE_HEXU 0x1800000000000000fu
#define TOO_LARGE_DEC 99999999999999999999
#define TOO_LARGE_DECU 99999999999999999999u
#define TOO_LARGE_DECL 36893488147419103233l
#define TOO_LARGE_OCT 07777777777777777777777777
#define LARGE_DEC 18446744073709551615
