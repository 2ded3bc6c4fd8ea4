/* The thread pointer is the address of struct pthread on every ISA. */
static inline uintptr_t __get_tp() { return (uintptr_t)__builtin_thread_pointer(); }

/* The runtime's words, struct tp_thread in toolchain/rt/rt.h, are where other ISAs have a hole. */
#define CANARY_PAD
#define canary_pad tp_words[6]
enum { TP_PORTABLE_LOW, TP_NATIVE_LOW, TP_NATIVE_HIGH };

/* From the thread pointer to the block of thread-local variables, and its alignment. */
#define TP_TLS_OFFSET 256
#define TP_TLS_ALIGN 64

#define MC_PC __gregs[0]
