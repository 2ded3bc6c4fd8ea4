/*
 * Numbers that C and assembly must agree on. rt.h and libc's pthread_arch.h
 * check them against the structures.
 */
#ifndef OFFSETS_H
#define OFFSETS_H

/* struct pthread, which the thread pointer points to */
#define THREAD_NATIVE_LOW 48
#define THREAD_NATIVE_HIGH 56
#define THREAD_SIGNAL 64
#define THREAD_HANDLED 80
#define THREAD_CANCEL 108

/* struct tp_call, from the frame pointer */
#define CALL_SIZE 176
#define CALL_NATIVE -128
#define CALL_RESULT -72
#define CALL_NUMBER -64
#define CALL_FLAGS -60
#define CALL_ARGUMENTS -56
#define CALL_PHASE -8

/*
 * The bits of its flags, which are in one word with the number, so that a
 * translation carries them over.
 */
#define CALL_CANCELLABLE 1
#define CALL_PACKED 2
#define CALL_HANDLED_SHIFT 8 /* above: THREAD_HANDLED when the call was issued */

/* Numbers of the system calls that are not made again after EINTR */
#define CALL_close 57
#define CALL_connect 203

/* struct tp_start */
#define START_ARGUMENTS 0
#define START_NATIVE 8
#define START_PORTABLE 16

/* struct tp_signal */
#define SIGNAL_HANDLER 0
#define SIGNAL_NUMBER 8
#define SIGNAL_INFO 16
#define SIGNAL_CONTEXT 144

/* A slot of setjmp. With SLOT_REGISTERS the callee-saved registers follow it. */
#define SLOT_SP 0
#define SLOT_FP 8
#define SLOT_PC 16
#define SLOT_CONTEXT 24
#define SLOT_SIGNAL 32
#define SLOT_MASK 40
#define SLOT_FLAGS 48
#define SLOT_SIZE 64
#define SLOT_HAS_MASK 1
#define SLOT_HAS_REGISTERS 2

/* In the table of system calls: the arguments differ from the canonical ones */
#define CONVERTED 0x8000

#define CLONE_VM 0x100
#define CLONE_VFORK 0x4000

/* What the poison mode writes to all that is dead */
#define POISON 0x5a5a5a5a5a5a5a5a

#endif
