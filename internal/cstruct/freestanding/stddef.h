/* C 7.19 */
#ifndef _CSTRUCTGEN_STDDEF_H
#define _CSTRUCTGEN_STDDEF_H

typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __SIZE_TYPE__ size_t;
typedef __WCHAR_TYPE__ wchar_t;
typedef struct {
	long long __max_align_ll __attribute__((__aligned__(__alignof__(long long))));
	long double __max_align_ld __attribute__((__aligned__(__alignof__(long double))));
} max_align_t;

#undef NULL
#define NULL ((void *)0)
#undef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)

#endif

/* glibc asks for single names; all of them are here already, but this. */
#if defined __need_wint_t && !defined _CSTRUCTGEN_WINT_T
#define _CSTRUCTGEN_WINT_T
typedef __WINT_TYPE__ wint_t;
#endif
#undef __need_ptrdiff_t
#undef __need_size_t
#undef __need_wchar_t
#undef __need_wint_t
#undef __need_NULL
