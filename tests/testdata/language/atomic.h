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

/* An array is made of the unqualified type: what alignment came with the qualifier is lost. */
typedef long long under __attribute__((aligned(4)));
typedef const under const_under;
typedef atomic_eight atomic_again;
#define PLACE(type, dims) __builtin_offsetof(struct { char a; type b dims; }, b)
#define OF_CONST PLACE(const under, )
#define OF_CONST_ARRAY PLACE(const under, [3])
#define OF_TYPEDEF PLACE(const_under, )
#define OF_TYPEDEF_ARRAY PLACE(const_under, [2])
#define OF_ATOMIC PLACE(atomic_eight, )
#define OF_ATOMIC_ARRAY PLACE(atomic_eight, [2])
#define OF_ATOMIC_DIRECT PLACE(_Atomic struct eight, [2])
#define OF_ATOMIC_GRID PLACE(_Atomic struct eight, [2][2])
#define OF_ATOMIC_CONST PLACE(const atomic_eight, )
#define OF_ATOMIC_AGAIN PLACE(atomic_again, [1])
#define OF_VOLATILE PLACE(volatile under, [2])
#define SIZE_OF_ATOMIC sizeof(atomic_eight[2])
