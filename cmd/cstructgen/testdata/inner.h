#define OF_INCLUDED 1


struct inner {
    unsigned short x;
};

struct unused {
    int x;
};
