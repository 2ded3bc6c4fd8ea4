/*
 * Thread-local variables at addresses that are the same on each ISA: the block
 * is TP_TLS_OFFSET bytes behind the thread pointer, and section tptls is its
 * template, up to where only zeros follow.
 */
#define SYSCALL_NO_TLS 1
#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include "pthread_impl.h"
#include "libc.h"
#include "atomic.h"
#include "syscall.h"

_Static_assert(sizeof(struct pthread) <= TP_TLS_OFFSET, "struct pthread");
_Static_assert(offsetof(struct pthread, tp_words) == 40, "struct tp_thread");
_Static_assert(offsetof(struct pthread, cancel) == 108, "THREAD_CANCEL");

volatile int __thread_list_lock;

extern weak hidden const char __start_tptls[], __stop_tptls[];

/* The main thread's stacks, as the runtime has made them. */
extern hidden char *__tp_main_portable_low, *__tp_main_portable_high;
extern hidden char *__tp_main_native_low, *__tp_main_native_high;

hidden void __tp_init_clock(void);

int __init_tp(void *p)
{
	pthread_t td = p;

	td->self = td;
	if (__set_thread_area(td) < 0)
		return -1;
	libc.can_do_threads = 1;
	td->detach_state = DT_JOINABLE;
	td->tid = __syscall(SYS_set_tid_address, &__thread_list_lock);
	td->locale = &libc.global_locale;
	td->robust_list.head = &td->robust_list.head;
	td->sysinfo = __sysinfo;
	td->next = td->prev = td;
	return 0;
}

static struct {
	char space[TP_TLS_OFFSET + 256];
} __attribute__((aligned(TP_TLS_ALIGN))) builtin_tls;

/* Where a thread's descriptor goes in memory of libc.tls_size bytes. */
void *__copy_tls(unsigned char *mem)
{
	mem += -(uintptr_t)mem & (TP_TLS_ALIGN - 1);
	memcpy(mem + TP_TLS_OFFSET, __start_tptls, __stop_tptls - __start_tptls);
	return mem;
}

void __init_tls(size_t *aux)
{
	void *mem = &builtin_tls;
	size_t size = __stop_tptls - __start_tptls;
	pthread_t td;

	libc.tls_align = TP_TLS_ALIGN;
	libc.tls_size = TP_TLS_OFFSET + size + TP_TLS_ALIGN - 1 & -TP_TLS_ALIGN;
	if (libc.tls_size > sizeof builtin_tls)
		mem = (void *)__syscall(SYS_mmap, 0, libc.tls_size, PROT_READ | PROT_WRITE,
			MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	libc.tls_size += TP_TLS_ALIGN;

	td = __copy_tls(mem);
	td->tp_words[TP_PORTABLE_LOW] = (uintptr_t)__tp_main_portable_low;
	td->tp_words[TP_NATIVE_LOW] = (uintptr_t)__tp_main_native_low;
	td->tp_words[TP_NATIVE_HIGH] = (uintptr_t)__tp_main_native_high;
	td->stack = __tp_main_portable_high;
	td->stack_size = __tp_main_portable_high - __tp_main_portable_low;
	if (__init_tp(td) < 0)
		a_crash();

	/* No frame is larger than the guard of a stack. */
	__default_guardsize = DEFAULT_GUARD_MAX;
	__tp_init_clock();
}
