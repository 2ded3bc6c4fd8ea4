/*
 * The runtime's C part. It is compiled without portable frames, for what it
 * does is never moved: it has no polls, and makes system calls only by
 * __tp_raw_syscall. All of it is in the programs of every ISA.
 */
#ifndef RT_H
#define RT_H

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "offsets.h"

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define CHECK_OFFSET(type, field, offset) \
	_Static_assert(offsetof(type, field) == (offset), #type "." #field)

/* The first words of struct pthread; pthread_arch.h has the others. */
struct tp_thread {
	struct tp_thread *self;
	long libc[4];
	char *portable_low;
	char *native_low, *native_high;
	struct tp_signal *signal;        /* of the innermost handler that is running, or NULL */
	struct tp_signal *first_signal;  /* where the outermost handler's goes, or NULL */
	u32 handled;                     /* how many handlers have been called */
};
CHECK_OFFSET(struct tp_thread, native_low, THREAD_NATIVE_LOW);
CHECK_OFFSET(struct tp_thread, native_high, THREAD_NATIVE_HIGH);
CHECK_OFFSET(struct tp_thread, signal, THREAD_SIGNAL);
CHECK_OFFSET(struct tp_thread, handled, THREAD_HANDLED);

static inline struct tp_thread *self(void) { return __builtin_thread_pointer(); }

/* The frame of the system-call stub, up to its frame pointer. */
struct tp_call {
	long scratch[6];
	u64 native[7];                   /* number and arguments, where they differ from the canonical ones */
	long result;
	u32 number;
	u32 flags;                       /* CALL_CANCELLABLE and so on */
	u64 arg[6];
	u64 phase;                       /* 0: the call is to be issued or under way, 1: the result is valid */
};
_Static_assert(sizeof(struct tp_call) == CALL_SIZE, "struct tp_call");
CHECK_OFFSET(struct tp_call, native, CALL_SIZE + CALL_NATIVE);
CHECK_OFFSET(struct tp_call, flags, CALL_SIZE + CALL_FLAGS);
CHECK_OFFSET(struct tp_call, result, CALL_SIZE + CALL_RESULT);
CHECK_OFFSET(struct tp_call, number, CALL_SIZE + CALL_NUMBER);
CHECK_OFFSET(struct tp_call, arg, CALL_SIZE + CALL_ARGUMENTS);
CHECK_OFFSET(struct tp_call, phase, CALL_SIZE + CALL_PHASE);

/* Where a program starts. */
struct tp_start {
	long *arguments;                 /* argc, argv and so on, as the kernel lays them out */
	char *native, *portable;         /* the tops of the main thread's stacks */
};
CHECK_OFFSET(struct tp_start, arguments, START_ARGUMENTS);
CHECK_OFFSET(struct tp_start, native, START_NATIVE);
CHECK_OFFSET(struct tp_start, portable, START_PORTABLE);

/*
 * What a handler sees, at the top of its signal chunk. Its portable frames lie
 * below.
 */
struct tp_signal {
	void *handler;
	long number;
	siginfo_t info;
	ucontext_t context;
	u64 pc;                          /* as first given in context */
	struct tp_signal *outer, *inner; /* records of the chunks before and after this one, or NULL */
} __attribute__((aligned(64)));
CHECK_OFFSET(struct tp_signal, handler, SIGNAL_HANDLER);
CHECK_OFFSET(struct tp_signal, number, SIGNAL_NUMBER);
CHECK_OFFSET(struct tp_signal, info, SIGNAL_INFO);
CHECK_OFFSET(struct tp_signal, context, SIGNAL_CONTEXT);

/* Canonical numbers; see asm-generic/unistd.h. */
enum {
	SYS_epoll_ctl = 21, SYS_epoll_pwait = 22, SYS_fcntl = 25, SYS_openat = 56, SYS_close = 57,
	SYS_pipe2 = 59, SYS_read = 63, SYS_write = 64, SYS_newfstatat = 79, SYS_fstat = 80,
	SYS_exit = 93, SYS_exit_group = 94, SYS_rt_sigaction = 134, SYS_rt_sigprocmask = 135,
	SYS_prctl = 167, SYS_gettid = 178, SYS_semctl = 191, SYS_shmctl = 195, SYS_shmat = 196,
	SYS_shmdt = 197, SYS_brk = 214, SYS_munmap = 215, SYS_mremap = 216, SYS_clone = 220,
	SYS_mmap = 222, SYS_mprotect = 226, SYS_prlimit64 = 261, SYS_fanotify_init = 262,
	SYS_open_by_handle_at = 265, SYS_openat2 = 437, SYS_epoll_pwait2 = 441,
};

/* Results of the kernel. Those of -4095 to -1 are errors. */
enum { EBADF = 9, ENOMEM = 12, EEXIST = 17, EINVAL = 22, E2BIG = 7 };
static inline int failed(long result) { return (u64)result > -4096UL; }

enum {
	PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2,
	MAP_PRIVATE = 0x2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000,
	MAP_STACK = 0x20000, MAP_HUGETLB = 0x40000, MAP_FIXED_NOREPLACE = 0x100000,
};

long __tp_raw_syscall(long n, long a1, long a2, long a3, long a4, long a5, long a6);
#define RAW(n, ...) RAW_(n, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(n, a, b, c, d, e, f, ...) \
	__tp_raw_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Writes the message, a line, to standard error; with fatal it then ends the process. */
void __tp_complain(const char *message);
_Noreturn void __tp_fatal(const char *message);

/* Sets the thread pointer. */
int __set_thread_area(void *pointer);

/* address.c: memory below the limit */
void __tp_limit_addresses(int bits);
int __tp_beyond_limit(u64 end);
long __tp_mmap(u64 address, u64 size, u64 protection, u64 flags, long fd, u64 offset);
long __tp_mremap(u64 address, u64 old_size, u64 size, u64 flags, u64 target);
long __tp_munmap(u64 address, u64 size);
long __tp_shmat(long id, u64 address, u64 flags);

/*
 * A stack of that many bytes from *low up, with a guard below. The result is
 * its top, or an error.
 */
long __tp_map_stack(u64 size, u64 guard, char **low);

/* signal.c */
long __tp_sigaction(long number, const void *action, void *old, u64 set_size);
void __tp_free_signals(void);
void __tp_signal_entry(void);
void __tp_restorer(void);

/* poison.c */
extern u32 __tp_poison_rate;
void __tp_start_poison(const char *rate);

/* libc's thread.c */
_Noreturn void __tp_exit(int code);

/*
 * The bytes of the guard below each stack; the main thread's is at least as large
 * as its stack. A frame is not probed, so one that is larger than the
 * guard may overflow the stack unnoticed.
 */
#define GUARD (1UL << 20)

#endif
