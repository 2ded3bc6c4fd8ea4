/*
 * The native stack of a thread, beside the stack that pthread_create or the
 * program has given it, which is its portable one. Compiled without portable
 * frames: it is what runs when they are not yet or no longer there.
 */
#define _GNU_SOURCE
#include <sched.h>
#include "pthread_impl.h"

hidden long __tp_raw_syscall(long, long, long, long, long, long, long);
hidden long __tp_map_stack(size_t, size_t, char **);
hidden long __tp_munmap(uintptr_t, size_t);
hidden void __tp_free_signals(void);
hidden _Noreturn void __tp_leave(void *, size_t, void *, size_t, int);

#define GUARD (1UL << 20)        /* below each stack that the runtime makes */
#define SMALLEST (256UL << 10)   /* room for functions that have their variables here */

/* A new thread's native stack, by the flags of its clone; its top or an error. */
hidden long __tp_native_stack(long flags, struct pthread *new)
{
	size_t size = SMALLEST;
	char *low;
	long high;

	if (flags & CLONE_SETTLS)
		size += new->stack_size;
	high = __tp_map_stack(size, GUARD, &low);
	if (flags & CLONE_SETTLS && high > 0) {
		new->tp_words[TP_PORTABLE_LOW] = (uintptr_t)new->stack - new->stack_size;
		new->tp_words[TP_NATIVE_LOW] = (uintptr_t)low;
		new->tp_words[TP_NATIVE_HIGH] = high;
	}
	return high;
}

/* After a clone that has failed. */
hidden void __tp_no_native_stack(long flags, struct pthread *new)
{
	if (flags & CLONE_SETTLS)
		__tp_munmap(new->tp_words[TP_NATIVE_LOW] - GUARD,
			new->tp_words[TP_NATIVE_HIGH] - new->tp_words[TP_NATIVE_LOW] + GUARD);
}

/* Ends the thread and frees what the runtime has given it, and the mapping given. */
static _Noreturn void leave(void *base, size_t size, int code)
{
	struct pthread *self = __pthread_self();
	uintptr_t low = self->tp_words[TP_NATIVE_LOW] - GUARD;
	long all = -1;

	__tp_raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, 0, _NSIG/8, 0, 0);
	__tp_free_signals();
	__tp_leave(base, size, (void *)low, self->tp_words[TP_NATIVE_HIGH] - low, code);
}

void __unmapself(void *base, size_t size)
{
	leave(base, size, 0);
}

/* The system call exit. A child that vfork has made is not the thread whose descriptor it sees. */
hidden _Noreturn void __tp_exit(int code)
{
	struct pthread *self = __pthread_self();

	if (self->tid && self->tid != __tp_raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0))
		__tp_leave(0, 0, 0, 0, code);
	leave(0, 0, code);
}
