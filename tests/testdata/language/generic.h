/* _Generic selects by type, of its controlling expression after decay. */
#define NAME(x) _Generic((x), char: 1, signed char: 2, unsigned char: 3, short: 4, unsigned short: 5, int: 6, \
	unsigned: 7, long: 8, unsigned long: 9, long long: 10, float: 11, double: 12, long double: 13, char *: 14, \
	const char *: 15, void *: 16, int *: 17, struct tag *: 18, enum named *: 19, int (*)(void): 20, default: 99)

struct tag { int x : 3; unsigned y : 5; char z[4]; };
enum named { FIRST = 1, BIG = 0x80000000 };

#define OF_CHAR     NAME((char)1)
#define OF_LITERAL  NAME('a')
#define OF_SHORT    NAME((short)1 + (short)1)
#define OF_UNSIGNED NAME(1u)
#define OF_LONG     NAME(1l)
#define OF_LLONG    NAME(1ll)
#define OF_SIZE     NAME(sizeof(int))
#define OF_FLOAT    NAME(1.0f)
#define OF_DOUBLE   NAME(1.0)
#define OF_LDOUBLE  NAME(1.0l)
#define OF_STRING   NAME("abc")
#define OF_VOID     NAME((void *)0)
#define OF_INT_PTR  NAME((int *)0)
#define OF_TAG_PTR  NAME((struct tag *)0)
#define OF_ENUM     NAME(FIRST)
#define OF_BIG      NAME(BIG)
#define OF_DEFAULT  NAME((struct tag **)0)
#define OF_COND     NAME(1 ? (char)1 : 2l)
#define NESTED      (_Generic(1, int: _Generic(1.0, double: 7, default: 8)) + 1)
#define IN_STRING   _Generic(0, int: "int", default: "other")
#define IN_FLOAT    _Generic(0, int: 1.5, default: 2)
#define UNCHOSEN    _Generic(0, int: 3, long: 1 / 0)
#define SIZED       sizeof(_Generic(0l, int: (char)0, long: (struct tag *)0))
#define IN_IF       _Generic(0u, int: 0, unsigned: 1)

struct by_generic { char a[_Generic(1l, int: 3, long: 5)]; int b : _Generic(1, int: 7, default: 1); };
