/* sizeof, _Alignof and what has no size. */
struct s { char a; long b : 3; char flexible[]; };
struct incomplete;
extern int table[];
static const int known[] = { 1, 2, 3 };
static const char text[] = "four";
static const char braced[] = { "four" };
static const char *names[] = { "a", "b", };
static const int designated[] = { [5] = 1, 2, [0] = 3 };
static const struct pair { int a, b; } pairs[] = { { 1, 2 }, { .b = 3 } };
static const struct pair flat[] = { 1, 2, 3, 4 };
static const int grid[][2] = { { 1, 2 }, { 3, 4 }, { 5 } };
enum { COUNT = 4, ranged_end };
static const int ranged[] = { [0 ... COUNT] = 1 };
int data, array[3][5];
int function(void);

#define OF_STRUCT sizeof(struct s)
#define OF_DATA sizeof data
#define OF_ARRAY sizeof(array)
#define OF_ROW sizeof array[0]
#define OF_ELEMENT sizeof(array[0][0])
#define OF_COUNT (sizeof(array) / sizeof(array[0]))
#define OF_KNOWN (sizeof(known) / sizeof(known[0]))
#define OF_TEXT sizeof(text)
#define OF_BRACED sizeof(braced)
#define OF_NAMES sizeof(names)
#define OF_DESIGNATED sizeof(designated)
#define OF_PAIRS sizeof(pairs)
#define OF_GRID sizeof(grid)
#define OF_FLAT sizeof(flat)
#define OF_RANGED sizeof(ranged)
#define OF_INCOMPLETE sizeof(struct incomplete)
#define OF_TABLE sizeof(table)
#define OF_UNBOUNDED sizeof(int[])
#define OF_FLEXIBLE sizeof(((struct s *)0)->flexible)
#define OF_BITFIELD sizeof(((struct s *)0)->b)
#define OF_LITERAL sizeof((int[]){ 1, 2, 3 })
#define OF_LITERAL2 sizeof((struct s){ 1 })
#define OF_LITERAL3 sizeof (char[]){ "four" }
#define OF_FUNCTION sizeof(function)
#define OF_VOID sizeof(void)
#define OF_CALL sizeof(function())
#define OF_ASSIGN sizeof(data = 1l)
#define OF_ASSIGN2 sizeof(*(char *)0 = 1)
#define OF_INCREMENT sizeof(((struct s *)0)->a++)
#define OF_COMPLEX sizeof(__real__ (_Complex float)1)
#define OF_COMMA sizeof(1, 'a', 2l)
#define OF_POINTER sizeof(&array)
#define OF_DEREF sizeof(*&array)
#define OF_TYPE sizeof(int (*)[5])
#define OF_TYPE2 sizeof(int (*[3])(void))
#define OF_TYPEOF sizeof(__typeof__(array[0]))
#define OF_COND sizeof(1 ? 'a' : 1l)
#define OF_STATEMENT sizeof(({ long l = 1; l; }))
#define ALIGN_OF_UNBOUNDED _Alignof(long[])
#define ALIGN_OF_LONG _Alignof(long)
#define ALIGN_OF_DATA __alignof__(data)
#define ALIGN_OF_STRUCT _Alignof(struct s)
#define ALIGN_OF_ALIGNED __alignof__(aligned)
#define ALIGN_OF_MEMBER __alignof__(((struct holder *)0)->member)
int aligned __attribute__((aligned(64)));
struct holder { char c; int member __attribute__((aligned(32))); };
