/* String literals: joined, escaped, prefixed. */
#define PLAIN "abc"
#define JOINED "a" "b" "c"
#define ESCAPED "\a\b\f\n\r\t\v\\\'\"\?\x41\101\e"
#define JOINED_ESCAPE "\x4" "1"
#define UNICODE "\u20ac\U0001f600"
#define UTF8 u8"\u20ac"
#define UTF8_JOINED "a" u8"b"
#define RAW_UTF8 "€"
#define EMPTY ""
#define NULS "a\0b\0"
#define PARENTHESES ("abc")
#define LENGTH sizeof("abc")
#define LENGTH_WIDE sizeof(L"abc")
#define LENGTH_16 sizeof(u"a\U0001f600")
#define LENGTH_32 sizeof(U"abc")
#define STRINGIZED STRINGIZE(a + "b\n" 'c')
#define STRINGIZE(x) #x
#define XSTRINGIZE(x) STRINGIZE(x)
#define VERSION XSTRINGIZE(MAJOR) "." XSTRINGIZE(MINOR)
#define MAJOR 1
#define MINOR 2
#define FIRST_CHAR ("abc"[1])
#define NO_STRING *"abc"
#define WIDE L"a\u20ac"
#define UTF16 u"a\U0001f600"
#define UTF32 U"a\U0001f600"
#define WIDE_JOINED L"a" "b"
