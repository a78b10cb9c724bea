/* Everything that layout shows. */
#include "inner.h"

#define LIMIT (4 * 1024)
#define RATE 2.5
#define NAME "demo"
#define BYTES "\xff\\"
#define CALL(x) (x)
#define TEXT not a constant

enum kind { KIND_A, KIND_B = -1 };

typedef unsigned short port_t;

struct demo {
    char flag;
    unsigned int a : 3;
    unsigned int : 2;
    int b : 4;
    enum kind kind;
    struct inner inner[2][3];
    union {
        port_t port;
        float number;
    } u;
    void (*call)(int);
    char last;
};

struct packet {
    unsigned long long len;
    unsigned char data[];
};

int function(void);
