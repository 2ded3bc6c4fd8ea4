/*
 * As musl's own, but the vDSO is looked up at the start of the program, never
 * later: a program that came from another machine has none. A translation
 * therefore sets the pointer to NULL.
 */
#include <time.h>
#include <errno.h>
#include "syscall.h"
#include "libc.h"

/* The vDSO's names for version and function on this ISA. */
extern hidden const char __tp_vdso_version[], __tp_vdso_clock_gettime[];

hidden void *__vdsosym(const char *, const char *);

static int (*volatile vdso_clock_gettime)(clockid_t, struct timespec *) __attribute__((section("tpreset")));

hidden void __tp_init_clock(void)
{
	vdso_clock_gettime = (int (*)(clockid_t, struct timespec *))__vdsosym(__tp_vdso_version, __tp_vdso_clock_gettime);
}

int __clock_gettime(clockid_t clk, struct timespec *ts)
{
	int (*f)(clockid_t, struct timespec *) = vdso_clock_gettime;

	if (f) {
		int r = f(clk, ts);

		if (!r || r == -EINVAL)
			return __syscall_ret(r);
	}
	return __syscall_ret(__syscall(SYS_clock_gettime, clk, ts));
}

weak_alias(__clock_gettime, clock_gettime);
