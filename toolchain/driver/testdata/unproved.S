/*
 * unproved keeps a value in a callee-saved register across a call at which its
 * thread can be moved, and proved does not.
 */
#ifdef __x86_64__
#define STACK_SIZE 24
.macro FUNCTION name, after
	.type	\name, @function
\name:
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rbx
	.cfi_offset %rbx, -24
	sub	$8, %rsp
	mov	$5, %ebx
	call	__tp_park
.Lreturn_\name:
	mov	\after, %eax
	add	$8, %rsp
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	\name, . - \name
.endm
#define AFTER %ebx
#define FIVE $5
#else
#define STACK_SIZE 32
.macro FUNCTION name, after
	.type	\name, @function
\name:
	.cfi_startproc
	stp	x29, x30, [sp, #-32]!
	.cfi_def_cfa_offset 32
	.cfi_offset x30, -24
	.cfi_offset x29, -32
	mov	x29, sp
	.cfi_def_cfa x29, 32
	str	x19, [sp, #16]
	.cfi_offset x19, -16
	mov	w19, #5
	bl	__tp_park
.Lreturn_\name:
	mov	w0, \after
	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	.cfi_def_cfa sp, 0
	ret
	.cfi_endproc
	.size	\name, . - \name
.endm
#define AFTER w19
#define FIVE #5
#endif

	.section .text.unproved, "ax"
	.globl	unproved
	FUNCTION unproved, AFTER
	.section .text.proved, "ax"
	.globl	proved
	FUNCTION proved, FIVE

	.section .llvm_stackmaps, "a"
	.balign	8
	.byte	3, 0, 0, 0
	.long	2, 0, 2
	.quad	unproved, STACK_SIZE, 1
	.quad	proved, STACK_SIZE, 1
	.quad	0x1001
	.long	.Lreturn_unproved - unproved, 0, 0, 0
	.quad	0x1002
	.long	.Lreturn_proved - proved, 0, 0, 0
