/*
 * The runtime's aarch64 part; see x86_64.S, its twin, where the functions are
 * described.
 */
#include "offsets.h"

.macro FUNCTION name
	.section .text.\name, "ax", %progbits
	.balign	16
	.globl	\name
	.type	\name, %function
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

.macro ALIAS name, function
	.globl	\name
	.type	\name, %function
	.set	\name, \function
.endm

.macro POINT name
	.globl	\name
\name:
.endm

.macro FRAME
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
.endm

/* What is left of the function has no frame. */
.macro NO_FRAME
	.cfi_def_cfa sp, 0
	.cfi_restore x29
	.cfi_restore x30
.endm

.macro ADDRESS register, symbol
	adrp	\register, \symbol
	add	\register, \register, :lo12:\symbol
.endm

.set EINTR, 4
.set FUTEX_WAIT_PRIVATE, 128
.set SIG_BLOCK, 0
.set SIG_SETMASK, 2
.set NATIVE_exit, 93
.set NATIVE_futex, 98
.set NATIVE_rt_sigprocmask, 135
.set NATIVE_rt_sigreturn, 139
.set NATIVE_munmap, 215
.set NATIVE_clone, 220

FUNCTION _start
	.cfi_undefined x30
	mov	x29, #0
	mov	x30, #0
	mov	x0, sp
	bl	__tp_prepare
	ldp	x19, x1, [x0]			/* START_ARGUMENTS, START_NATIVE */
	ldr	x20, [x0, #START_PORTABLE]
	mov	sp, x1
	bl	__tp_settle
	mov	x0, x19
	bl	_start_c
POINT __tp_root
	brk	#0
END _start

FUNCTION __tp_park
	FRAME
	ADDRESS	x0, __tp_poison_rate
	ldr	w0, [x0]
	cbnz	w0, 1f
POINT __tp_park_wait
	ADDRESS	x0, __tp_pause
	ldr	w2, [x0]			/* the value to wait on */
	cbz	w2, __tp_park_end
	mov	x1, #FUTEX_WAIT_PRIVATE
	mov	x3, #0				/* for ever */
	mov	x8, #NATIVE_futex
	svc	#0
	b	__tp_park_wait
POINT __tp_park_end
	ldp	x29, x30, [sp], #16
	.cfi_remember_state
	NO_FRAME
	ret
	.cfi_restore_state
1:	mov	x0, x29
	bl	__tp_poison
	cbz	w0, __tp_park_end
	ldr	x19, =POISON
	mov	x21, x19
	mov	x22, x19
	mov	x23, x19
	mov	x24, x19
	mov	x25, x19
	mov	x26, x19
	mov	x27, x19
	mov	x28, x19
	fmov	d8, x19
	fmov	d9, x19
	fmov	d10, x19
	fmov	d11, x19
	fmov	d12, x19
	fmov	d13, x19
	fmov	d14, x19
	fmov	d15, x19
	b	__tp_park_end
	.ltorg
END __tp_park

.globl __tp_sys_frame
.set __tp_sys_frame, CALL_SIZE
FUNCTION __tp_syscall
	FRAME
	sub	sp, sp, #CALL_SIZE
	stp	w0, wzr, [x29, #CALL_NUMBER]	/* CALL_FLAGS */
	str	x1, [x29, #CALL_ARGUMENTS]
	stp	x2, x3, [x29, #CALL_ARGUMENTS+8]
	stp	x4, x5, [x29, #CALL_ARGUMENTS+24]
	stp	x6, xzr, [x29, #CALL_ARGUMENTS+40]	/* CALL_PHASE */
POINT __tp_sys_resume
POINT __cp_begin
	ldr	x8, [x29, #CALL_PHASE]
	cbnz	x8, 4f
	ldr	w8, [x29, #CALL_FLAGS]
	mrs	x10, tpidr_el0
	ldr	w10, [x10, #THREAD_HANDLED]
	and	w8, w8, #CALL_CANCELLABLE
	orr	w8, w8, w10, lsl #CALL_HANDLED_SHIFT
	str	w8, [x29, #CALL_FLAGS]
	sub	x9, x29, #-(CALL_NUMBER)	/* number and arguments */
	ldr	w8, [x9]
	cmp	x8, #(converted_end - converted)
	b.hs	1f
	ADDRESS	x10, converted
	ldrb	w10, [x10, x8]
	cbz	w10, 1f
	sub	x0, x29, #CALL_SIZE
	bl	__tp_convert_aarch64
	cbz	w0, 4f				/* it has the result */
	sub	x9, x29, #-(CALL_NATIVE)
	b	1f
6:	ldr	w8, [x29, #CALL_NUMBER]
	cmp	w8, #CALL_close
	b.eq	5f
	cmp	w8, #CALL_connect
	b.eq	5f
	ldr	w8, [x29, #CALL_FLAGS]
	mrs	x10, tpidr_el0
	ldr	w10, [x10, #THREAD_HANDLED]
	eor	w8, w8, w10, lsl #CALL_HANDLED_SHIFT
	lsr	w8, w8, #CALL_HANDLED_SHIFT
	cbnz	w8, 5f
	str	xzr, [x29, #CALL_PHASE]
	b	__tp_sys_resume
1:	ldr	w10, [x29, #CALL_FLAGS]
	tbz	w10, #0, 2f			/* CALL_CANCELLABLE */
	mrs	x10, tpidr_el0
	ldr	w10, [x10, #THREAD_CANCEL]
	cbnz	w10, __cp_cancel
2:	ldr	w8, [x9]
	ldr	x0, [x9, #8]
	ldp	x1, x2, [x9, #16]
	ldp	x3, x4, [x9, #32]
	ldr	x5, [x9, #48]
POINT __tp_sys_insn
	svc	#0
POINT __cp_end
	str	x0, [x29, #CALL_RESULT]
	mov	x8, #1
	str	x8, [x29, #CALL_PHASE]
4:	ldr	x8, [x29, #CALL_RESULT]
	cmn	x8, #EINTR
	b.eq	6b
	ldr	w8, [x29, #CALL_FLAGS]
	tbz	w8, #1, 5f			/* CALL_PACKED */
	sub	x0, x29, #CALL_SIZE
	bl	__tp_unpack
5:	ADDRESS	x8, __tp_pause
	ldr	w8, [x8]
	cbz	w8, __tp_sys_end
	bl	__tp_park
POINT __tp_sys_parked
	b	__tp_sys_end
POINT __tp_sys_end
	ldr	x0, [x29, #CALL_RESULT]
	mov	sp, x29
	.cfi_remember_state
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	NO_FRAME
	ret
	.cfi_restore_state
POINT __cp_cancel				/* as if the caller had called __cancel */
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	NO_FRAME
	b	__cancel
END __tp_syscall

FUNCTION __syscall_cp_asm
	FRAME
	sub	sp, sp, #CALL_SIZE
	mov	w8, #CALL_CANCELLABLE
	stp	w1, w8, [x29, #CALL_NUMBER]	/* CALL_FLAGS */
	str	x2, [x29, #CALL_ARGUMENTS]
	stp	x3, x4, [x29, #CALL_ARGUMENTS+8]
	stp	x5, x6, [x29, #CALL_ARGUMENTS+24]
	stp	x7, xzr, [x29, #CALL_ARGUMENTS+40]	/* CALL_PHASE */
	b	__tp_sys_resume
END __syscall_cp_asm

FUNCTION __tp_raw_syscall
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	svc	#0
	ret
END __tp_raw_syscall

FUNCTION __clone
	FRAME
	sub	sp, sp, #48
	stp	x19, x21, [sp]
	stp	x22, x23, [sp, #16]
	str	x1, [sp, #32]
	mov	x19, x0
	mov	w21, w2
	mov	x22, x3
	mov	x23, x4
	mov	x1, sp				/* the child's native stack */
	mov	x9, x20				/* its context */
	mov	w10, #(CLONE_VM | CLONE_VFORK)
	and	w2, w2, w10
	cmp	w2, #CLONE_VM
	b.ne	1f
	mov	w0, w21
	ldr	x1, [x23, #8]
	bl	__tp_native_stack
	tbnz	x0, #63, 2f
	mov	x1, x0
	ldr	x9, [sp, #32]
	and	x9, x9, #-16
1:	mov	w0, w21
	ldp	x2, x3, [x23]
	ldr	x4, [x23, #16]
	mov	x8, #NATIVE_clone
	svc	#0
	cbz	x0, 3f
	tbz	x0, #63, 2f
	str	x0, [sp, #32]
	mov	w0, w21
	ldr	x1, [x23, #8]
	bl	__tp_no_native_stack
	ldr	x0, [sp, #32]
2:	ldp	x19, x21, [sp]
	ldp	x22, x23, [sp, #16]
	mov	sp, x29
	.cfi_remember_state
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	NO_FRAME
	ret
	.cfi_restore_state
3:	.cfi_undefined x30
	mov	x29, #0
	mov	x30, #0
	mov	x20, x9
	mov	x0, x22
	blr	x19
POINT __tp_root_thread
	bl	__tp_exit
	brk	#0
END __clone

FUNCTION __tp_leave
	mov	x19, x2
	mov	x21, x3
	mov	x22, x4
	mov	x8, #NATIVE_munmap
	svc	#0
	mov	x0, x19
	mov	x1, x21
	mov	x8, #NATIVE_munmap
	svc	#0
	mov	x0, x22
	mov	x8, #NATIVE_exit
	svc	#0
	brk	#0
END __tp_leave

FUNCTION __set_thread_area
	msr	tpidr_el0, x0
	mov	w0, #0
	ret
END __set_thread_area

FUNCTION __tp_signal_entry
	mov	x1, sp				/* the kernel gives them only with SA_SIGINFO */
	add	x2, sp, #128
	FRAME
	bl	__tp_signal_begin
	mov	x20, x0
	ldp	x8, x0, [x20]			/* SIGNAL_HANDLER, SIGNAL_NUMBER */
	add	x1, x20, #SIGNAL_INFO
	add	x2, x20, #SIGNAL_CONTEXT
	blr	x8
POINT __tp_signal_return
	mov	x0, x20
	add	x1, x29, #16 + 128		/* the kernel's ucontext, after its siginfo */
	bl	__tp_signal_end
	ldp	x29, x30, [sp], #16
	NO_FRAME
	ret
END __tp_signal_entry

FUNCTION __restore_rt
	mov	x8, #NATIVE_rt_sigreturn
	svc	#0
	brk	#0
END __restore_rt
ALIAS __restore, __restore_rt
ALIAS __tp_restorer, __restore_rt

.section .tpfs.private.rodata.__tp_ucontext, "a", %progbits
.balign 8
.globl __tp_ucontext
.type __tp_ucontext, %object
__tp_ucontext:
	.quad	40, 440, 432, 416
.size __tp_ucontext, . - __tp_ucontext

FUNCTION __tp_setjmp
	mov	x3, #0				/* flags */
.Lsetjmp:
	str	x1, [x0]
	mov	x9, sp
	stp	x9, x29, [x1, #SLOT_SP]
	stp	x30, x20, [x1, #SLOT_PC]
	mrs	x9, tpidr_el0
	ldr	x9, [x9, #THREAD_SIGNAL]
	str	x9, [x1, #SLOT_SIGNAL]
	str	x3, [x1, #SLOT_FLAGS]
	mov	w0, #0
	ret
END __tp_setjmp

FUNCTION __tp_sigsetjmp
	mov	x3, #0
.Lsigsetjmp:
	mov	w4, w1
	mov	x1, x2
	cbz	w4, .Lsetjmp
	orr	x5, x3, #SLOT_HAS_MASK
	mov	x6, x0
	mov	x7, x1
	mov	x0, #SIG_BLOCK			/* adds nothing, gives the old mask */
	mov	x1, #0
	add	x2, x7, #SLOT_MASK
	mov	x3, #8
	mov	x8, #NATIVE_rt_sigprocmask
	svc	#0
	mov	x0, x6
	mov	x1, x7
	mov	x3, x5
	b	.Lsetjmp
END __tp_sigsetjmp

.macro SAVE_REGISTERS slot
	stp	x19, x21, [\slot, #SLOT_SIZE]
	stp	x22, x23, [\slot, #SLOT_SIZE+16]
	stp	x24, x25, [\slot, #SLOT_SIZE+32]
	stp	x26, x27, [\slot, #SLOT_SIZE+48]
	stp	x28, xzr, [\slot, #SLOT_SIZE+64]
	stp	d8, d9, [\slot, #SLOT_SIZE+72]
	stp	d10, d11, [\slot, #SLOT_SIZE+88]
	stp	d12, d13, [\slot, #SLOT_SIZE+104]
	stp	d14, d15, [\slot, #SLOT_SIZE+120]
	mov	x3, #SLOT_HAS_REGISTERS
.endm
FUNCTION setjmp
	add	x1, x0, #8
	SAVE_REGISTERS x1
	b	.Lsetjmp
END setjmp
ALIAS _setjmp, setjmp
ALIAS __setjmp, setjmp

FUNCTION sigsetjmp
	add	x2, x0, #8
	SAVE_REGISTERS x2
	b	.Lsigsetjmp
END sigsetjmp
ALIAS __sigsetjmp, sigsetjmp

FUNCTION longjmp
	cmp	w1, #0
	cinc	w9, w1, eq
	ldr	x10, [x0]
	ldr	x11, [x10, #SLOT_FLAGS]
	tbz	x11, #1, 1f			/* SLOT_HAS_REGISTERS */
	ldp	x19, x21, [x10, #SLOT_SIZE]
	ldp	x22, x23, [x10, #SLOT_SIZE+16]
	ldp	x24, x25, [x10, #SLOT_SIZE+32]
	ldp	x26, x27, [x10, #SLOT_SIZE+48]
	ldr	x28, [x10, #SLOT_SIZE+64]
	ldp	d8, d9, [x10, #SLOT_SIZE+72]
	ldp	d10, d11, [x10, #SLOT_SIZE+88]
	ldp	d12, d13, [x10, #SLOT_SIZE+104]
	ldp	d14, d15, [x10, #SLOT_SIZE+120]
1:	ldp	x30, x20, [x10, #SLOT_PC]
	mrs	x12, tpidr_el0
	ldr	x13, [x10, #SLOT_SIGNAL]
	str	x13, [x12, #THREAD_SIGNAL]
	ldp	x12, x29, [x10, #SLOT_SP]
	mov	sp, x12
	tbz	x11, #0, 2f			/* SLOT_HAS_MASK */
	mov	x0, #SIG_SETMASK		/* last: a signal that waits for it comes now */
	add	x1, x10, #SLOT_MASK
	mov	x2, #0
	mov	x3, #8
	mov	x8, #NATIVE_rt_sigprocmask
	svc	#0
2:	mov	w0, w9
	ret
END longjmp
ALIAS _longjmp, longjmp
ALIAS siglongjmp, longjmp
ALIAS __tp_longjmp, longjmp

/* The exceptions have the kernel's order already; the two bits of rounding are the other way round. */
FUNCTION __tp_get_fenv
	mrs	x0, fpsr
	and	w0, w0, #0x1f
	mrs	x1, fpcr
	ubfx	w2, w1, #22, #1
	ubfx	w3, w1, #23, #1
	orr	w0, w0, w3, lsl #8
	orr	w0, w0, w2, lsl #9
	ret
END __tp_get_fenv

FUNCTION __tp_set_fenv
	mrs	x1, fpsr
	bfi	w1, w0, #0, #5
	msr	fpsr, x1
	mrs	x1, fpcr
	lsr	w2, w0, #8
	lsr	w3, w0, #9
	bfi	w1, w2, #23, #1
	bfi	w1, w3, #22, #1
	msr	fpcr, x1
	ret
END __tp_set_fenv

FUNCTION __tp_personality
	brk	#0
END __tp_personality

.macro STRING name, text
	.section .tpfs.private.rodata.\name, "a", %progbits
	.globl	\name
	.type	\name, %object
\name:
	.asciz	"\text"
	.size	\name, . - \name
.endm
STRING __tp_vdso_version, "LINUX_2.6.39"
STRING __tp_vdso_clock_gettime, "__kernel_clock_gettime"

/* For each canonical number, which is the kernel's too, whether the call needs a look first. */
.macro CONVERT canonical
	.org	converted + \canonical
	.byte	1
.endm
.section .tpfs.private.rodata.converted, "a", %progbits
converted:
	CONVERT	25				/* fcntl */
	CONVERT	56				/* openat */
	CONVERT	59				/* pipe2 */
	CONVERT	93				/* exit */
	CONVERT	94				/* exit_group */
	CONVERT	134				/* rt_sigaction */
	CONVERT	196				/* shmat */
	CONVERT	215				/* munmap */
	CONVERT	216				/* mremap */
	CONVERT	222				/* mmap */
	CONVERT	262				/* fanotify_init */
	CONVERT	265				/* open_by_handle_at */
	CONVERT	437				/* openat2 */
converted_end:

.section .note.GNU-stack, "", %progbits
