#define EMPTY
#define OBJECT 5
#define CALL(x, y) ((x) * 10 + (y))
#define V1 CALL(1, 2)
#define JOIN(a, b) a ## b
#define XJOIN(a, b) JOIN(a, b)
#define V3 JOIN(0x, ff)
#define V4 XJOIN(OBJECT, 0)
#define VARIADIC(first, ...) FIRST_OF(__VA_ARGS__, first)
#define FIRST_OF(x, ...) x
#define V5 VARIADIC(1, 2, 3)
#define GNU(args...) FIRST_OF(args, 0)
#define V6 GNU(7, 8)
#define OPTIONAL(x, ...) (x __VA_OPT__(+ FIRST_OF(__VA_ARGS__, 0)))
#define V7 OPTIONAL(1)
#define V8 OPTIONAL(1, 41)
#define COMMA_GONE(x, ...) FIRST_OF(x, ## __VA_ARGS__)
#define V9 COMMA_GONE(3)
#define f(a) a * g
#define g(a) f(a)
#define V10 f(2)(9)
#define SELF SELF_ + 1
#define SELF_ 6
#define V11 SELF
#define STR(x) #x
#define V12 STR(a   b /* c */ "d\n" '\'')
#define V13 STR( )
#define LATE LATER
#define LATER 3
#define V14 LATE
#define V15 sizeof(STR(xyz))
#define V16 CALL EMPTY (1, 2)
#define NARG(...) NARG_(__VA_ARGS__, 3, 2, 1, 0)
#define NARG_(a, b, c, n, ...) n
#define V17 NARG(x, y)
#define V18 __LINE__ > 0
#if defined OBJECT && !defined(NOT) && OBJECT == 5 && CALL(1, 2) == 12
#define IF1 1
#endif
#if 0 || (2 - 3 < 0) && (-1 > 0u) && 'a' == 97 && (1 ? 2 : 0) && ~0 < 0 && 0x7fffffffffffffff + 0 > 0 && 5 / 2 == 2 && 5 % 3 == 2 && 1 << 40 > 0
#define IF2 1
#endif
#ifdef UNKNOWN
#error not live
#elif OBJECT > 3
#define IF3 1
#else
#include <no/such/header.h>
#endif
#ifndef UNKNOWN
# define IF4 1
#else
  garbage ' unterminated
#endif
#if __has_include(<stddef.h>) && !__has_include("no-such.h") && __has_attribute(packed) && __has_builtin(__builtin_expect)
#define IF5 1
#endif
#if 18446744073709551615u == -1
#define IF6 1
#endif
#if __GNUC__ == 12 && __LP64__ && __SIZEOF_POINTER__ == 8 && __CHAR_BIT__ == 8 && __STDC_VERSION__ >= 201112L && __x86_64__
#define IF7 1
#endif
#if UNDEFINED_NAME == 0 && !UNDEFINED_NAME && L'\x7fffffff' > 0 && '\377' < 0
#define IF8 1
#endif
#define CONTINUED 1 + \
	2
#define INCLUDED <stddef.h>
#include INCLUDED
size_t used;
#pragma push_macro("OBJECT")
#undef OBJECT
#define OBJECT 9
struct pushed { char a[OBJECT]; };
#pragma pop_macro("OBJECT")
struct popped { char a[OBJECT]; };
#pragma pack(push, 1)
struct pack1 { char a; int b; };
#pragma pack(push, name, 2)
struct pack2 { char a; int b; };
#pragma pack()
struct pack0 { char a; int b; };
#pragma pack(pop, name)
struct pack1_again { char a; int b; };
#pragma pack(pop)
struct pack_none { char a; int b; };
_Pragma("pack(2)") struct pack_operator { char a; int b; }; _Pragma("pack()")
#line 1000 "elsewhere"
#define AFTER_LINE 1
#pragma GCC diagnostic ignored "-Wall"
#ident "x"
#define COUNTER_TYPE sizeof(__COUNTER__)
%:define DIGRAPH <: 1 :>
struct digraph <% char a<:3:>; %>;
#define TRIGRAPH "??="
