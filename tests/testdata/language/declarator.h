typedef int i, *pi, ai[3], (*fp)(int), *(*pap)[4];
typedef struct node node;
struct node { node *next, *(*get)(node *, int), *list[2]; int (*(*chain)(void))[2]; };
typedef struct node node;
struct many { int a, *b, c[2], (*d)(void), e : 3, : 2, f : 1; unsigned : 0; const i g; pi h; ai j; ai k[2]; fp l; pap m; };
struct nested { struct inner { int a; } b; union { struct { int c; long d; }; char e[20]; }; struct inner f; struct { int g; } h[2]; };
struct uses_inner { struct inner a; };
typedef struct { int a; } untagged, *untagged_pointer;
struct pointer_to_incomplete { struct never *a; union never_either *b; enum plain_later *c; };
struct anonymous { int a; struct { int b; struct { int c; union { int d; float e; }; }; }; int f; };
typedef unsigned long long int ull; typedef long unsigned lu; typedef int short signed iss; typedef char unsigned cu;
struct order { ull a; lu b; iss c; cu d; long int long e; double long f; _Complex float g; float _Complex h; };
struct same_line { int a; } same_object, *same_pointer; typedef struct same_line same_typedef;
typedef char string[16]; struct strings { string a; string b[2]; const string c; };
struct old_k { int a; }; int kandr(a, b) int a; char b; { return a + b; }
static inline int body(struct old_k *x) { struct local { int y; } z = { 1 }; return x->a + z.y; }
extern struct old_k *external[], other_external;
int (*function_pointer)(struct old_k *, ...) = 0;
__typeof__(int[3]) typeof_object; struct with_typeof { __typeof__(typeof_object) a; __typeof__(1l) b; typeof(struct old_k) c; };
struct self { struct self *a; struct self *(*b)(struct self); };
struct multi { char a[2][3][4]; int (*b)[2][3]; char (*c[2])[5]; };
struct missing_type { unsigned a; signed b; long c; short d; unsigned long e; };
_Static_assert(sizeof(struct multi) == 48, "size");
__asm__(".section .text");
void noreturn_(void) __attribute__((noreturn)); _Noreturn void noreturn2(void);
_Thread_local int thread_local_;
struct i128 { char a; __int128 b; unsigned __int128 c; char d; long double e; __float128 f; _Float128 g; _Float64x h; _Float16 k; };
