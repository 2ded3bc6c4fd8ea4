/*
 * The runtime's x86-64 part. aarch64.S is its twin: same functions, same
 * frames, same addresses of functions. The labels that bound the ranges in
 * which a thread can be moved (park_wait, sys_resume ...) are private to each.
 */

.macro FUNCTION name
	.section .stub.\name, "ax", @progbits
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

/* Turns the canonical number in rax into this kernel's. To \unknown if there is none. */
.macro NATIVE_NUMBER unknown
	cmp	$(systab_end - systab) / 2, %rax
	jae	\unknown
	movzwl	systab(,%rax,2), %eax
	sub	$1, %eax
	js	\unknown
.endm

.set ENOSYS, 38
.set FUTEX_WAIT_PRIVATE, 128
.set ARCH_SET_FS, 0x1002

/* The kernel starts here, with argc and what follows on the stack. */
.globl __tp_root
FUNCTION _start
	.cfi_undefined %rip
	xor	%ebp, %ebp
	mov	%rsp, %rbx
	mov	$__tp_main_thread, %esi
	mov	56(%rsi), %rsp
	mov	$ARCH_SET_FS, %edi
	mov	$158, %eax			/* arch_prctl */
	syscall
	mov	%rbx, %rdi
	call	__tp_start
	mov	(%rax), %rdi
	lea	8(%rax), %rsi
	call	main
__tp_root:					/* needs nothing of its stack */
	mov	%eax, %edi
	mov	$231, %eax			/* exit_group */
	syscall
	hlt
END _start

.globl __tp_park_wait, __tp_park_end
FUNCTION __tp_park
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
__tp_park_wait:
	mov	__tp_pause, %edx		/* the value to wait on */
	test	%edx, %edx
	jz	__tp_park_end
	mov	$__tp_pause, %edi
	mov	$FUTEX_WAIT_PRIVATE, %esi
	xor	%r10d, %r10d			/* for ever */
	mov	$202, %eax			/* futex */
	syscall
	jmp	__tp_park_wait
__tp_park_end:
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
END __tp_park

/*
 * Its frame, in words from the frame pointer: -9 result, -8 number, -7..-2
 * arguments, -1 phase (0: to be issued or under way, 1: the result is valid).
 * From sys_resume to sys_end the frame is complete, and all that is needed: a
 * thread may be put to sys_resume with nothing but frame and stack pointer.
 */
.set SYS_FRAME, 80
.globl __tp_sys_resume, __tp_sys_insn, __tp_sys_end, __tp_sys_frame
.set __tp_sys_frame, SYS_FRAME
FUNCTION __tp_syscall
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	sub	$SYS_FRAME, %rsp
	mov	%rdi, -64(%rbp)
	mov	%rsi, -56(%rbp)
	mov	%rdx, -48(%rbp)
	mov	%rcx, -40(%rbp)
	mov	%r8, -32(%rbp)
	mov	%r9, -24(%rbp)
	mov	16(%rbp), %rax
	mov	%rax, -16(%rbp)
	movq	$0, -8(%rbp)
__tp_sys_resume:
	cmpq	$0, -8(%rbp)
	jne	3f
	mov	-64(%rbp), %rax
	NATIVE_NUMBER 1f
	jmp	2f
1:	movq	$-ENOSYS, -72(%rbp)		/* before sys_insn, behind which rax is the result */
	movq	$1, -8(%rbp)
	jmp	3f
2:	mov	-56(%rbp), %rdi
	mov	-48(%rbp), %rsi
	mov	-40(%rbp), %rdx
	mov	-32(%rbp), %r10
	mov	-24(%rbp), %r8
	mov	-16(%rbp), %r9
__tp_sys_insn:
	syscall
	mov	%rax, -72(%rbp)
	movq	$1, -8(%rbp)
3:	cmpl	$0, __tp_pause
	je	__tp_sys_end
	call	__tp_park
	jmp	3b
__tp_sys_end:
	mov	-72(%rbp), %rax
	leave
	.cfi_def_cfa %rsp, 8
	ret
END __tp_syscall

FUNCTION __tp_raw_syscall
	mov	%rdi, %rax
	NATIVE_NUMBER 1f
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret
1:	mov	$-ENOSYS, %rax
	ret
END __tp_raw_syscall

FUNCTION __tp_restorer
	mov	$15, %eax			/* rt_sigreturn */
	syscall
	hlt
END __tp_restorer

/* Canonical number -> this kernel's number + 1; 0 where there is none. */
.macro NUMBER canonical, native
	.org	systab + 2 * \canonical
	.short	\native + 1
.endm
.section .private.systab, "a", @progbits
.balign 2
systab:
	NUMBER	56, 257				/* openat */
	NUMBER	57, 3				/* close */
	NUMBER	63, 0				/* read */
	NUMBER	64, 1				/* write */
	NUMBER	94, 231				/* exit_group */
	NUMBER	101, 35				/* nanosleep */
	NUMBER	113, 228			/* clock_gettime */
	NUMBER	134, 13				/* rt_sigaction */
	NUMBER	167, 157			/* prctl */
	NUMBER	172, 39				/* getpid */
	NUMBER	214, 12				/* brk */
	NUMBER	215, 11				/* munmap */
	NUMBER	222, 9				/* mmap */
	NUMBER	226, 10				/* mprotect */
systab_end:

.section .note.GNU-stack, "", @progbits
