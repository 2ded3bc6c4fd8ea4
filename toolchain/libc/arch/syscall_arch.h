#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

/* The runtime's stub; all numbers and structures are asm-generic's. */
__attribute__((__visibility__("hidden"))) long __tp_syscall(long, long, long, long, long, long, long);

static inline long __syscall0(long n)
{
	return __tp_syscall(n, 0, 0, 0, 0, 0, 0);
}

static inline long __syscall1(long n, long a)
{
	return __tp_syscall(n, a, 0, 0, 0, 0, 0);
}

static inline long __syscall2(long n, long a, long b)
{
	return __tp_syscall(n, a, b, 0, 0, 0, 0);
}

static inline long __syscall3(long n, long a, long b, long c)
{
	return __tp_syscall(n, a, b, c, 0, 0, 0);
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
	return __tp_syscall(n, a, b, c, d, 0, 0);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
	return __tp_syscall(n, a, b, c, d, e, 0);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	return __tp_syscall(n, a, b, c, d, e, f);
}

/* For __vdsosym, which is called by src/time/clock_gettime.c. */
#define VDSO_USEFUL

#define IPC_64 0
