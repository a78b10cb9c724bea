/* Headers that come with a compiler, not with a system. */
#include <stddef.h>
#include <stdarg.h>
#include <stdbool.h>
#include <float.h>
#include <stdalign.h>
#include <stdnoreturn.h>
#include <iso646.h>
struct freestanding { alignas(16) char a; bool d; max_align_t e; wchar_t f; ptrdiff_t g; char j[sizeof(va_list)]; };
#define SPELLED ((1 and 0) or not 0)
#define OFFSET offsetof(struct freestanding, g)
