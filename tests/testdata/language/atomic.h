/* _Atomic raises the alignment of what a machine word can hold. */
struct three { char a[3]; };
struct eight { char a[8]; };
struct sixteen { char a[16]; };
struct atomics {
	char a; _Atomic int b; char c; _Atomic(short) d; char e; _Atomic struct eight f; char g; _Atomic(struct three) h;
	char i; _Atomic struct sixteen j; char k; _Atomic long double l; char m; _Atomic(int *) n; int *_Atomic o; char p;
	_Atomic _Bool q; char r; _Atomic double s;
};
typedef _Atomic struct eight atomic_eight;
struct holds { char a; atomic_eight b; };
