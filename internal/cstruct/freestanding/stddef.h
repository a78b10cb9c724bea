/*
 * C 7.19. Like the header of gcc it declares all of its names, or those alone
 * that the includer asks for with __need_NAME.
 */
#if !defined __need_ptrdiff_t && !defined __need_size_t && !defined __need_wchar_t && \
    !defined __need_wint_t && !defined __need_NULL
#define __need_ptrdiff_t
#define __need_size_t
#define __need_wchar_t
#define __need_NULL
#undef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#define __need_max_align_t
#endif

#if defined __need_ptrdiff_t && !defined _CSTRUCTGEN_PTRDIFF_T
#define _CSTRUCTGEN_PTRDIFF_T
typedef __PTRDIFF_TYPE__ ptrdiff_t;
#endif
#undef __need_ptrdiff_t

#if defined __need_size_t && !defined _CSTRUCTGEN_SIZE_T
#define _CSTRUCTGEN_SIZE_T
typedef __SIZE_TYPE__ size_t;
#endif
#undef __need_size_t

#if defined __need_wchar_t && !defined _CSTRUCTGEN_WCHAR_T
#define _CSTRUCTGEN_WCHAR_T
typedef __WCHAR_TYPE__ wchar_t;
#endif
#undef __need_wchar_t

#if defined __need_wint_t && !defined _CSTRUCTGEN_WINT_T
#define _CSTRUCTGEN_WINT_T
typedef __WINT_TYPE__ wint_t;
#endif
#undef __need_wint_t

#ifdef __need_NULL
#undef NULL
#define NULL ((void *)0)
#endif
#undef __need_NULL

#if defined __need_max_align_t && !defined _CSTRUCTGEN_MAX_ALIGN_T
#define _CSTRUCTGEN_MAX_ALIGN_T
typedef struct {
	long long __max_align_ll __attribute__((__aligned__(__alignof__(long long))));
	long double __max_align_ld __attribute__((__aligned__(__alignof__(long double))));
} max_align_t;
#endif
#undef __need_max_align_t
