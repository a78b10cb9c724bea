/* #line moves __LINE__ and __FILE__, and a line marker does. */
#define HERE __LINE__
enum { LINE_BEFORE = __LINE__ - HERE };
#line 100
enum { LINE_HUNDRED = __LINE__, LINE_HERE = HERE };

enum { LINE_LATER = __LINE__ };
#define NUMBER 7
#line NUMBER "other.h"
enum { LINE_SEVEN = __LINE__ };
struct line_name { char name[sizeof(__FILE__)]; };
# 1000 "a\"b.h" 3 4
enum { LINE_MARKER = \
	__LINE__ };
struct line_name_quoted { char name[sizeof(__FILE__)], text[sizeof("a" __FILE__ "b")]; };
#line 5
enum { LINE_FIVE = __LINE__ };
struct line_name_kept { char name[sizeof(__FILE__)]; };
#if __LINE__ == 8
enum { LINE_IF = 1 };
#endif
