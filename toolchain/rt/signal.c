/*
 * Signals. A handler finds what it needs in a chunk of memory of its thread's
 * own, the same on each ISA: what the kernel has told, and room for its
 * portable frames. Handlers that interrupt handlers take the next chunk.
 */
#include "rt.h"

#define CHUNK (256UL << 10)

/* Struct k_sigaction of the kernel, the same on all ISAs. */
struct action {
	void *handler;
	u64 flags;
	void (*restorer)(void);
	u64 mask;
};
enum { RESTORER = 0x04000000, LAST_SIGNAL = 64, SET_SIZE = 8 };

/* What the program has installed; the kernel knows __tp_signal_entry only. */
static void *volatile handlers[LAST_SIGNAL + 1];

/* Where the parts of interest are in the kernel's ucontext: mask, PC, SP, FP. */
extern const u64 __tp_ucontext[4];

/* The range in which a system call can still be cancelled. */
extern const char __cp_begin[], __cp_end[];

/*
 * Between the two changes, of the handler here and of the rest in the kernel, a
 * signal may find the new handler with the old flags.
 */
long __tp_sigaction(long number, const void *action, void *old, u64 set_size)
{
	struct action native;
	void *before = NULL;
	int known = number >= 1 && number <= LAST_SIGNAL, handled = 0;
	long got;

	if (known)
		before = handlers[number];
	if (action) {
		native = *(const struct action *)action;
		handled = known && (u64)native.handler > 1; /* neither SIG_DFL nor SIG_IGN */
		if (handled) {
			handlers[number] = native.handler;
			native.handler = __tp_signal_entry;
		}
		native.flags |= RESTORER;
		native.restorer = __tp_restorer;
	}
	got = RAW(SYS_rt_sigaction, number, action ? &native : NULL, old, set_size);
	if (failed(got) && handled)
		handlers[number] = before;
	if (!failed(got) && old && ((struct action *)old)->handler == (void *)__tp_signal_entry)
		((struct action *)old)->handler = before;
	return got;
}

static u64 *native_word(char *ucontext, int which)
{
	return (u64 *)(ucontext + __tp_ucontext[which]);
}

/*
 * The PC as libc's cancellation is to see it: in the range of the stub only if
 * the call there is a cancellation point.
 */
static u64 visible_pc(char *ucontext)
{
	u64 pc = *native_word(ucontext, 1);
	struct tp_call *call = (struct tp_call *)(*native_word(ucontext, 3) - CALL_SIZE);

	if (pc >= (u64)__cp_begin && pc < (u64)__cp_end && (call->phase || !(call->flags & CALL_CANCELLABLE)))
		return (u64)__cp_end;
	return pc;
}

/* The record of the next chunk, which is made if need be. */
static struct tp_signal *next_record(struct tp_thread *thread)
{
	struct tp_signal *outer = thread->signal, **place = outer ? &outer->inner : &thread->first_signal, *made;
	char *low;
	long high;

	if (*place)
		return *place;
	high = __tp_map_stack(CHUNK, GUARD, &low);
	if (failed(high))
		__tp_fatal("signal: no memory for the frames of a handler\n");
	made = (struct tp_signal *)high - 1;
	made->outer = outer;
	if (*place) { /* a signal came in between, and has made it */
		__tp_munmap((u64)low - GUARD, GUARD + CHUNK);
		return *place;
	}
	return *place = made;
}

struct tp_signal *__tp_signal_begin(int number, const siginfo_t *info, char *ucontext)
{
	struct tp_thread *thread = self();
	struct tp_signal *s = next_record(thread);
	ucontext_t *c = &s->context;

	*(struct tp_signal *volatile *)&thread->signal = s; /* from now on a signal takes the chunk after it */
	thread->handled++;
	s->handler = handlers[number];
	s->number = number;
	s->info = *info;
	*c = (ucontext_t){ .uc_flags = 0 };
	__builtin_memcpy(&c->uc_stack, ucontext + 16, sizeof c->uc_stack);
	__builtin_memcpy(&c->uc_sigmask, native_word(ucontext, 0), SET_SIZE);
	c->uc_mcontext.__gregs[REG_PC] = s->pc = visible_pc(ucontext);
	c->uc_mcontext.__gregs[REG_SP] = *native_word(ucontext, 2);
	c->uc_mcontext.__gregs[REG_FP] = *native_word(ucontext, 3);
	return s;
}

/* What a handler may have changed, mask and PC, goes back to the kernel's structure. */
void __tp_signal_end(struct tp_signal *s, char *ucontext)
{
	__builtin_memcpy(native_word(ucontext, 0), &s->context.uc_sigmask, SET_SIZE);
	if (s->context.uc_mcontext.__gregs[REG_PC] != s->pc)
		*native_word(ucontext, 1) = s->context.uc_mcontext.__gregs[REG_PC];
	*(struct tp_signal *volatile *)&self()->signal = s->outer;
}

/* Frees the calling thread's chunks, with all signals blocked. */
void __tp_free_signals(void)
{
	struct tp_signal *s = self()->first_signal, *next;

	self()->first_signal = self()->signal = NULL;
	for (; s; s = next) {
		next = s->inner;
		__tp_munmap((u64)(s + 1) - CHUNK - GUARD, CHUNK + GUARD);
	}
}
