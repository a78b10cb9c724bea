/* Attributes in every place. */
#define packed_ __attribute__((packed))
struct __attribute__((packed)) __attribute__((aligned(2))) before { char a; int b; };
struct __attribute__((__packed__)) between { char a; int b; };
struct after { char a; int b; } __attribute__((packed, aligned(4)));
struct after_list { char a; int b; } __attribute__((packed)) __attribute__((aligned(8))) after_object;
typedef struct { char a; long b; } __attribute__((packed)) typedef_inner;
typedef struct { char a; long b; } typedef_outer __attribute__((aligned(32)));
typedef __attribute__((aligned(2))) long long under;
typedef int over __attribute__((aligned(16)));
typedef long __attribute__((aligned(4))) middle;
struct members {
	char a; under b; char c; over d; char e; middle f; char g;
	int h packed_; char i; long j __attribute__((packed, aligned(2))); char k;
	__attribute__((aligned(16))) char l; int __attribute__((aligned(8))) m, n; short o packed_, p;
	_Alignas(32) char q; _Alignas(double) char r; _Alignas(0) char s;
	struct { char t; int u; } v __attribute__((aligned(64)));
	struct { char t; int u; } packed_ w;
	struct { char x; int y; } packed_;
	int *z __attribute__((aligned(16))), (*zz)(void) packed_;
};
enum small { SMALL = 1 } __attribute__((packed));
enum __attribute__((packed)) small2 { SMALL2 = 300 };
enum aligned_enum { ALIGNED_ENUM } __attribute__((aligned(16)));
struct enums { char a; enum small b; enum small2 c; enum aligned_enum d; char e; enum aligned_enum f : 3; };
typedef enum { TYPED } __attribute__((packed)) typed_enum;
struct modes {
	int a __attribute__((mode(QI))); unsigned b __attribute__((__mode__(__DI__))); int c __attribute__((mode(HI)));
	float d __attribute__((mode(DF))); int e __attribute__((mode(word))); int f __attribute__((mode(byte)));
	unsigned g __attribute__((mode(pointer)));
};
typedef unsigned int u_di __attribute__((mode(DI)));
typedef float v4 __attribute__((vector_size(16)));
typedef int v2 __attribute__((vector_size(8)));
struct vectors { char a; v4 b; char c; v2 d; };
struct big { int a; short b : 3; } __attribute__((scalar_storage_order("big-endian")));
struct big_nested { int c; struct big d; unsigned e : 5; } __attribute__((scalar_storage_order("little-endian")));
struct c23 { [[gnu::packed]] int a; char b; };
struct [[gnu::packed]] c23_tag { char a; int b; };
struct extension { __extension__ union { int a; float b; }; __extension__ long long c; };
struct ignored { int a __attribute__((deprecated("old"), unused)); char b __attribute__((nonstring)); } __attribute__((designated_init, may_alias));
union transparent { int *a; void *b; } __attribute__((transparent_union));
typedef char aligned_array[3] __attribute__((aligned(4)));
struct arrays { char a; aligned_array b; char c; };
struct const_members { const int a; volatile char b; int *restrict c; const volatile struct after *const d; };
union aligned_union { char a; short b; } __attribute__((aligned));
struct empty { };
struct has_empty { int a; struct empty b; char c; struct empty d[3]; };
struct zero_array { char a; int b[0]; long c[0]; };
struct flexible { char a; struct { short b; long c; } d[]; };
union only_zero { int a[0]; };
struct packed_flexible { char a; int b[]; } __attribute__((packed));

/* Within a declarator, an attribute is one of the type that there is so far. */
struct within_pointer { char c; int *__attribute__((aligned(16))) p; char d; };
struct within_packed { char c; int *__attribute__((aligned(16))) p; int (__attribute__((aligned(8))) x); } __attribute__((packed));
struct within_pointers { char c; int *__attribute__((aligned(16))) *p; char d; };
struct within_lowered { char c; int *__attribute__((aligned(2))) p; char d; };
struct within_no_packed { char c; int *__attribute__((packed)) p; int (__attribute__((packed)) x); };
struct within_parentheses { char c; int (*__attribute__((aligned(16))) p)[3]; int (__attribute__((aligned(16))) *q); };
struct within_arrays { char c; int (__attribute__((aligned(16))) a)[3]; char d; };
union within_union { char c; int (__attribute__((aligned(16))) x); } __attribute__((packed));

/* Behind a comma, it is one of the declarator that follows. */
typedef int behind_comma_a, __attribute__((aligned(8))) behind_comma_b;
struct behind_comma { char c; behind_comma_a x; char d; behind_comma_b y; };
int behind_comma_x, __attribute__((aligned(32))) behind_comma_y;
enum { BEHIND_COMMA_X = _Alignof(behind_comma_x), BEHIND_COMMA_Y = _Alignof(behind_comma_y) };

/* A vector is aligned to its size by its type. */
typedef int vector_of_four __attribute__((vector_size(16)));
struct vector_packed { char c; vector_of_four v; __attribute__((vector_size(16))) int w; char d; } __attribute__((packed));
struct vector_const { char c; const vector_of_four v[2]; };
