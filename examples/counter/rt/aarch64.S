/*
 * The runtime's aarch64 part; see x86_64.S, its twin. Canonical numbers are
 * this kernel's own.
 */
.set FUTEX_WAIT_PRIVATE, 128

.macro FUNCTION name
	.section .stub.\name, "ax", %progbits
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

.macro ADDRESS register, symbol
	adrp	\register, \symbol
	add	\register, \register, :lo12:\symbol
.endm

/* The kernel starts here, with argc and what follows on the stack. */
.globl __tp_root
FUNCTION _start
	.cfi_undefined x30
	mov	x29, #0
	mov	x30, #0
	mov	x0, sp
	ADDRESS	x1, __tp_main_thread
	msr	tpidr_el0, x1
	ldr	x1, [x1, #56]
	mov	sp, x1
	bl	__tp_start
	mov	x1, x0
	ldr	x0, [x1], #8
	bl	main
__tp_root:					/* needs nothing of its stack */
	mov	x8, #94				/* exit_group */
	svc	#0
	brk	#0
END _start

.globl __tp_park_wait, __tp_park_end
FUNCTION __tp_park
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
__tp_park_wait:
	ADDRESS	x0, __tp_pause
	ldr	w2, [x0]			/* the value to wait on */
	cbz	w2, __tp_park_end
	mov	x1, #FUTEX_WAIT_PRIVATE
	mov	x3, #0				/* for ever */
	mov	x8, #98				/* futex */
	svc	#0
	b	__tp_park_wait
__tp_park_end:
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa sp, 0
	.cfi_restore x29
	.cfi_restore x30
	ret
END __tp_park

/* The frame is that of x86_64.S, word for word. */
.set SYS_FRAME, 80
.globl __tp_sys_resume, __tp_sys_insn, __tp_sys_end, __tp_sys_frame
.set __tp_sys_frame, SYS_FRAME
FUNCTION __tp_syscall
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov	x29, sp
	.cfi_def_cfa_register x29
	sub	sp, sp, #SYS_FRAME
	stp	x0, x1, [x29, #-64]
	stp	x2, x3, [x29, #-48]
	stp	x4, x5, [x29, #-32]
	stp	x6, xzr, [x29, #-16]
__tp_sys_resume:
	ldr	x8, [x29, #-8]
	cbnz	x8, 1f
	ldp	x8, x0, [x29, #-64]
	ldp	x1, x2, [x29, #-48]
	ldp	x3, x4, [x29, #-32]
	ldr	x5, [x29, #-16]
__tp_sys_insn:
	svc	#0
	str	x0, [x29, #-72]
	mov	x8, #1
	str	x8, [x29, #-8]
1:	adrp	x8, __tp_pause
	ldr	w8, [x8, :lo12:__tp_pause]
	cbz	w8, __tp_sys_end
	bl	__tp_park
	b	1b
__tp_sys_end:
	ldr	x0, [x29, #-72]
	mov	sp, x29
	.cfi_def_cfa_register sp
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	ret
END __tp_syscall

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

FUNCTION __tp_restorer
	mov	x8, #139			/* rt_sigreturn */
	svc	#0
	brk	#0
END __tp_restorer

.section .note.GNU-stack, "", %progbits
