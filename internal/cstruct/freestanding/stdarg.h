/* C 7.16; glibc asks whether __GNUC_VA_LIST is defined. */
#ifndef __GNUC_VA_LIST
#define __GNUC_VA_LIST
typedef __builtin_va_list __gnuc_va_list;
#endif

/* glibc asks for that type alone. */
#ifdef __need___va_list
#undef __need___va_list
#elif !defined _CSTRUCTGEN_STDARG_H
#define _CSTRUCTGEN_STDARG_H
typedef __gnuc_va_list va_list;
#define va_start(list, last) __builtin_va_start(list, last)
#define va_end(list) __builtin_va_end(list)
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_copy(to, from) __builtin_va_copy(to, from)
#define __va_copy(to, from) __builtin_va_copy(to, from)
#endif
