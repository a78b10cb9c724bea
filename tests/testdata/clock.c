/*
 * The processor time of a thread passes FACTOR times as fast: QEMU, which
 * measures with it how many rounds of a key derivation fit into a second, sees
 * so that much sooner. To be preloaded; see fastClock.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int getrusage(__rusage_who_t who, struct rusage *usage)
{
	int r = syscall(SYS_getrusage, who, usage);

	if (r == 0 && who == RUSAGE_THREAD) {
		long long us = (usage->ru_utime.tv_sec * 1000000LL + usage->ru_utime.tv_usec) * FACTOR;

		usage->ru_utime.tv_sec = us / 1000000;
		usage->ru_utime.tv_usec = us % 1000000;
	}
	return r;
}
