package qcow2

import "syscall"

// openFlags keep an open from waiting (a FIFO for its writer) and from making
// a terminal the process's own. On 32-bit systems they also allow files of
// 2 GiB and more, which os.Root, unlike os.Open, does not do by itself.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_LARGEFILE
