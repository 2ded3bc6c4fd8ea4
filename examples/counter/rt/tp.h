/*
 * The runtime as the program sees it: the thread descriptor, the pause word,
 * and one system call with canonical numbers. Canonical means what Linux calls
 * asm-generic: numbers, flags and structures as on aarch64 and riscv64.
 */
#ifndef TP_H
#define TP_H

/* What the thread pointer (fs_base, tpidr_el0) points to, on every ISA. */
struct tp_thread {
	struct tp_thread *self;   /* TP+0 */
	long unused[4];
	char *portable_sp;        /* TP+40: lowest byte of the innermost portable frame */
	char *native_low;         /* TP+48: bounds of the native stack */
	char *native_high;        /* TP+56 */
};

/* Non-zero asks every thread to park at its next poll. A futex word. */
extern volatile unsigned int __tp_pause;

/* Waits until the pause word is zero. */
void __tp_park(void);

/* The address of the thread descriptor. */
static inline __attribute__((always_inline)) struct tp_thread *tp_self(void)
{
	struct tp_thread *self;
#if defined(__x86_64__)
	__asm__ volatile("mov %%fs:0, %0" : "=r"(self));
#elif defined(__aarch64__)
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(self));
#else
#error "no thread pointer known for this ISA"
#endif
	return self;
}

/*
 * A system call: its result, or a negative error number. __tp_syscall keeps
 * number and arguments where a translation finds them, and is a poll; what
 * runs before main uses __tp_raw_syscall, which is neither.
 */
long __tp_syscall(long number, long a1, long a2, long a3, long a4, long a5, long a6);
long __tp_raw_syscall(long number, long a1, long a2, long a3, long a4, long a5, long a6);

/* Where a signal handler returns to; for SA_RESTORER. */
void __tp_restorer(void);

enum {
	SYS_openat = 56,
	SYS_close = 57,
	SYS_read = 63,
	SYS_write = 64,
	SYS_exit_group = 94,
	SYS_nanosleep = 101,
	SYS_clock_gettime = 113,
	SYS_rt_sigaction = 134,
	SYS_prctl = 167,
	SYS_getpid = 172,
	SYS_brk = 214,
	SYS_munmap = 215,
	SYS_mmap = 222,
	SYS_mprotect = 226,
};

enum { EINTR = 4 };

#endif
