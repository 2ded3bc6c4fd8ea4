/*
 * The runtime's x86-64 part. aarch64.S is its twin: the same functions, the
 * same frames, the same points. The C part of the runtime is common to both.
 */
#include "offsets.h"

.macro FUNCTION name
	.section .text.\name, "ax", @progbits
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

.macro ALIAS name, function
	.globl	\name
	.type	\name, @function
	.set	\name, \function
.endm

.macro POINT name
	.globl	\name
\name:
.endm

.macro FRAME
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
.endm

/* What is left of the function has no frame. */
.macro NO_FRAME
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
.endm

.set EINTR, 4
.set FUTEX_WAIT_PRIVATE, 128
.set SIG_BLOCK, 0
.set SIG_SETMASK, 2
.set ARCH_SET_FS, 0x1002
.set NATIVE_munmap, 11
.set NATIVE_rt_sigprocmask, 14
.set NATIVE_rt_sigreturn, 15
.set NATIVE_clone, 56
.set NATIVE_exit, 60
.set NATIVE_arch_prctl, 158
.set NATIVE_futex, 202

/*
 * The kernel starts here, with argc and what follows on the stack. The program
 * runs on stacks of the runtime's own.
 */
FUNCTION _start
	.cfi_undefined %rip
	xor	%ebp, %ebp
	mov	%rsp, %rdi
	call	__tp_prepare
	mov	START_NATIVE(%rax), %rsp
	mov	START_PORTABLE(%rax), %r13
	mov	START_ARGUMENTS(%rax), %rbx
	call	__tp_settle
	mov	%rbx, %rdi
	call	_start_c
POINT __tp_root
	hlt
END _start

/*
 * void __tp_park(void): waits until the pause word is zero. A thread may be
 * put to __tp_park_wait with FP and SP alone.
 */
FUNCTION __tp_park
	FRAME
	cmpl	$0, __tp_poison_rate
	jne	1f
POINT __tp_park_wait
	mov	__tp_pause, %edx		/* the value to wait on */
	test	%edx, %edx
	jz	__tp_park_end
	mov	$__tp_pause, %edi
	mov	$FUTEX_WAIT_PRIVATE, %esi
	xor	%r10d, %r10d			/* for ever */
	mov	$NATIVE_futex, %eax
	syscall
	jmp	__tp_park_wait
POINT __tp_park_end
	pop	%rbp
	.cfi_remember_state
	NO_FRAME
	ret
	.cfi_restore_state
1:	mov	%rbp, %rdi
	call	__tp_poison
	test	%eax, %eax
	jz	__tp_park_end
	movabs	$POISON, %rax
	mov	%rax, %rbx
	mov	%rax, %r12
	mov	%rax, %r14
	mov	%rax, %r15
	jmp	__tp_park_end
END __tp_park

/*
 * long __tp_syscall(long n, long a1, ... long a6): a system call by its
 * canonical number, with canonical arguments; the result or a negative error
 * number. Its frame is struct tp_call. From __tp_sys_resume to __tp_sys_end the
 * frame is complete and all that is needed: a thread may be put to
 * __tp_sys_resume with FP and SP alone.
 *
 * A call that was interrupted, but not by a handler, is made again: what has
 * interrupted it was a pause, a dump or a debugger, of which the program is not
 * to know.
 */
.globl __tp_sys_frame
.set __tp_sys_frame, CALL_SIZE
FUNCTION __tp_syscall
	FRAME
	sub	$CALL_SIZE, %rsp
	mov	%edi, CALL_NUMBER(%rbp)
	movl	$0, CALL_FLAGS(%rbp)
	mov	%rsi, CALL_ARGUMENTS(%rbp)
	mov	%rdx, CALL_ARGUMENTS+8(%rbp)
	mov	%rcx, CALL_ARGUMENTS+16(%rbp)
	mov	%r8, CALL_ARGUMENTS+24(%rbp)
	mov	%r9, CALL_ARGUMENTS+32(%rbp)
	mov	16(%rbp), %rax
	mov	%rax, CALL_ARGUMENTS+40(%rbp)
	movq	$0, CALL_PHASE(%rbp)
POINT __tp_sys_resume
POINT __cp_begin
	cmpq	$0, CALL_PHASE(%rbp)
	jne	4f
	mov	CALL_FLAGS(%rbp), %eax
	mov	%fs:THREAD_HANDLED, %ecx
	and	$CALL_CANCELLABLE, %eax
	shl	$CALL_HANDLED_SHIFT, %ecx
	or	%ecx, %eax
	mov	%eax, CALL_FLAGS(%rbp)
	lea	CALL_NUMBER(%rbp), %r11		/* number and arguments */
	mov	(%r11), %eax
	cmp	$(systab_end - systab) / 2, %eax
	jae	1f				/* newer numbers are the same everywhere */
	movzwl	systab(,%rax,2), %eax
	test	$CONVERTED, %eax
	jz	1f
	lea	-CALL_SIZE(%rbp), %rdi
	call	__tp_convert_x86_64
	test	%eax, %eax
	jz	4f				/* it has the result */
	lea	CALL_NATIVE(%rbp), %r11
	mov	(%r11), %eax
	movzwl	systab(,%rax,2), %eax
	and	$~CONVERTED, %eax
	jmp	1f
6:						/* EINTR: see the comment above */
	mov	CALL_NUMBER(%rbp), %eax
	cmp	$CALL_close, %eax
	je	5f
	cmp	$CALL_connect, %eax
	je	5f
	mov	%fs:THREAD_HANDLED, %ecx
	shl	$CALL_HANDLED_SHIFT, %ecx
	xor	CALL_FLAGS(%rbp), %ecx
	shr	$CALL_HANDLED_SHIFT, %ecx
	jnz	5f
	movq	$0, CALL_PHASE(%rbp)
	jmp	__tp_sys_resume
1:	testb	$CALL_CANCELLABLE, CALL_FLAGS(%rbp)
	jz	2f
	cmpl	$0, %fs:THREAD_CANCEL
	jne	__cp_cancel
2:	mov	8(%r11), %rdi
	mov	16(%r11), %rsi
	mov	24(%r11), %rdx
	mov	32(%r11), %r10
	mov	40(%r11), %r8
	mov	48(%r11), %r9
POINT __tp_sys_insn
	syscall
POINT __cp_end
	mov	%rax, CALL_RESULT(%rbp)
	movq	$1, CALL_PHASE(%rbp)
4:	cmpq	$-EINTR, CALL_RESULT(%rbp)
	je	6b
	testb	$CALL_PACKED, CALL_FLAGS(%rbp)
	jz	5f
	lea	-CALL_SIZE(%rbp), %rdi
	call	__tp_unpack
5:	cmpl	$0, __tp_pause
	je	__tp_sys_end
	call	__tp_park
POINT __tp_sys_parked
	jmp	__tp_sys_end
POINT __tp_sys_end
	mov	CALL_RESULT(%rbp), %rax
	leave
	.cfi_remember_state
	NO_FRAME
	ret
	.cfi_restore_state
POINT __cp_cancel				/* as if the caller had called __cancel */
	leave
	NO_FRAME
	jmp	__cancel
END __tp_syscall

/*
 * long __syscall_cp_asm(volatile int *cancel, long n, long a1, ... long a6):
 * the same as a cancellation point.
 */
FUNCTION __syscall_cp_asm
	FRAME
	sub	$CALL_SIZE, %rsp
	mov	%esi, CALL_NUMBER(%rbp)
	movl	$CALL_CANCELLABLE, CALL_FLAGS(%rbp)
	mov	%rdx, CALL_ARGUMENTS(%rbp)
	mov	%rcx, CALL_ARGUMENTS+8(%rbp)
	mov	%r8, CALL_ARGUMENTS+16(%rbp)
	mov	%r9, CALL_ARGUMENTS+24(%rbp)
	mov	16(%rbp), %rax
	mov	%rax, CALL_ARGUMENTS+32(%rbp)
	mov	24(%rbp), %rax
	mov	%rax, CALL_ARGUMENTS+40(%rbp)
	movq	$0, CALL_PHASE(%rbp)
	jmp	__tp_sys_resume
END __syscall_cp_asm

/*
 * long __tp_raw_syscall(long n, long a1, ... long a6): by a canonical number,
 * but with this kernel's own structures. Neither a poll nor a place to be
 * moved at.
 */
FUNCTION __tp_raw_syscall
	mov	%rdi, %rax
	cmp	$(systab_end - systab) / 2, %rax
	jae	1f
	movzwl	systab(,%rax,2), %eax
	and	$~CONVERTED, %eax
1:	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	ret
END __tp_raw_syscall

/*
 * int __clone(int (*f)(void *), void *stack, int flags, void *arg, long *rest)
 * where rest has ptid, tls and ctid. A new thread has stack as its portable
 * one, and gets a native one. A child that has a memory of its own, or makes
 * its parent wait, goes on on its parent's stacks.
 */
FUNCTION __clone
	FRAME
	push	%r12
	push	%r14
	push	%r15
	push	%rbx
	push	%rsi
	push	%rsi
	mov	%rdi, %r12
	mov	%edx, %ebx
	mov	%rcx, %r14
	mov	%r8, %r15
	mov	%rsp, %rsi			/* the child's native stack */
	mov	%r13, %r9			/* its context */
	and	$CLONE_VM | CLONE_VFORK, %edx
	cmp	$CLONE_VM, %edx
	jne	1f
	mov	%ebx, %edi
	mov	8(%r15), %rsi
	call	__tp_native_stack
	test	%rax, %rax
	js	2f
	mov	%rax, %rsi
	mov	(%rsp), %r9
	and	$-16, %r9
1:	mov	%ebx, %edi
	mov	(%r15), %rdx
	mov	8(%r15), %r8
	mov	16(%r15), %r10
	mov	$NATIVE_clone, %eax
	syscall
	test	%rax, %rax
	jz	3f
	jns	2f
	mov	%rax, (%rsp)
	mov	%ebx, %edi
	mov	8(%r15), %rsi
	call	__tp_no_native_stack
	mov	(%rsp), %rax
2:	lea	-32(%rbp), %rsp
	pop	%rbx
	pop	%r15
	pop	%r14
	pop	%r12
	pop	%rbp
	.cfi_remember_state
	NO_FRAME
	ret
	.cfi_restore_state
3:	.cfi_undefined %rip
	xor	%ebp, %ebp
	mov	%r9, %r13
	mov	%r14, %rdi
	call	*%r12
POINT __tp_root_thread
	mov	%eax, %edi
	call	__tp_exit
	hlt
END __clone

/*
 * void __tp_leave(void *a, size_t a_size, void *b, size_t b_size, int code):
 * unmaps two ranges, one of which holds the stack, and ends the thread. A size
 * may be zero.
 */
FUNCTION __tp_leave
	mov	%rdx, %rbx
	mov	%rcx, %r12
	mov	%r8, %r14
	mov	$NATIVE_munmap, %eax
	syscall
	mov	%rbx, %rdi
	mov	%r12, %rsi
	mov	$NATIVE_munmap, %eax
	syscall
	mov	%r14, %rdi
	mov	$NATIVE_exit, %eax
	syscall
	hlt
END __tp_leave

FUNCTION __set_thread_area
	mov	%rdi, %rsi
	mov	$ARCH_SET_FS, %edi
	mov	$NATIVE_arch_prctl, %eax
	syscall
	ret
END __set_thread_area

/*
 * Every handler is entered here: a signal finds anything in the context
 * register. __tp_signal_begin gives a record with what the handler is to see,
 * below which its portable frames lie.
 */
FUNCTION __tp_signal_entry
	FRAME
	call	__tp_signal_begin
	mov	%rax, %r13
	mov	SIGNAL_NUMBER(%r13), %rdi
	lea	SIGNAL_INFO(%r13), %rsi
	lea	SIGNAL_CONTEXT(%r13), %rdx
	call	*SIGNAL_HANDLER(%r13)
POINT __tp_signal_return
	mov	%r13, %rdi
	lea	16(%rbp), %rsi			/* the kernel's ucontext */
	call	__tp_signal_end
	pop	%rbp
	NO_FRAME
	ret
END __tp_signal_entry

FUNCTION __restore_rt
	mov	$NATIVE_rt_sigreturn, %eax
	syscall
	hlt
END __restore_rt
ALIAS __restore, __restore_rt
ALIAS __tp_restorer, __restore_rt

/* Where the parts of interest are in this kernel's ucontext: mask, PC, SP, FP. */
.section .tpfs.private.rodata.__tp_ucontext, "a", @progbits
.balign 8
.globl __tp_ucontext
.type __tp_ucontext, @object
__tp_ucontext:
	.quad	296, 168, 160, 120
.size __tp_ucontext, . - __tp_ucontext

/*
 * int __tp_setjmp(jmp_buf, slot): the compiler gives the slot, which is in the
 * caller's portable frame, and leaves nothing in callee-saved registers.
 */
FUNCTION __tp_setjmp
	xor	%eax, %eax			/* flags */
.Lsetjmp:
	mov	%rsi, (%rdi)
	lea	8(%rsp), %rdx
	mov	%rdx, SLOT_SP(%rsi)
	mov	%rbp, SLOT_FP(%rsi)
	mov	(%rsp), %rdx
	mov	%rdx, SLOT_PC(%rsi)
	mov	%r13, SLOT_CONTEXT(%rsi)
	mov	%fs:THREAD_SIGNAL, %rdx
	mov	%rdx, SLOT_SIGNAL(%rsi)
	mov	%rax, SLOT_FLAGS(%rsi)
	xor	%eax, %eax
	ret
END __tp_setjmp

/* int __tp_sigsetjmp(sigjmp_buf, int with_mask, slot) */
FUNCTION __tp_sigsetjmp
	xor	%eax, %eax
.Lsigsetjmp:
	xchg	%rsi, %rdx			/* the slot, whether with mask */
	test	%edx, %edx
	jz	.Lsetjmp
	mov	%rdi, %r8
	mov	%rsi, %r9
	mov	%rax, %rdx
	mov	$SIG_BLOCK, %edi		/* adds nothing, gives the old mask */
	xor	%esi, %esi
	push	%rdx
	.cfi_def_cfa_offset 16
	lea	SLOT_MASK(%r9), %rdx
	mov	$8, %r10d
	mov	$NATIVE_rt_sigprocmask, %eax
	syscall
	pop	%rax
	.cfi_def_cfa_offset 8
	or	$SLOT_HAS_MASK, %rax
	mov	%r8, %rdi
	mov	%r9, %rsi
	jmp	.Lsetjmp
END __tp_sigsetjmp

/*
 * setjmp as called by a function without a portable frame. It may have values
 * in callee-saved registers; the slot is in the jmp_buf.
 */
.macro SAVE_REGISTERS slot
	mov	%rbx, SLOT_SIZE(\slot)
	mov	%r12, SLOT_SIZE+8(\slot)
	mov	%r14, SLOT_SIZE+16(\slot)
	mov	%r15, SLOT_SIZE+24(\slot)
	mov	$SLOT_HAS_REGISTERS, %eax
.endm
FUNCTION setjmp
	lea	8(%rdi), %rsi
	SAVE_REGISTERS %rsi
	jmp	.Lsetjmp
END setjmp
ALIAS _setjmp, setjmp
ALIAS __setjmp, setjmp

FUNCTION sigsetjmp
	lea	8(%rdi), %rdx
	SAVE_REGISTERS %rdx
	jmp	.Lsigsetjmp
END sigsetjmp
ALIAS __sigsetjmp, sigsetjmp

FUNCTION longjmp
	mov	%esi, %r9d
	test	%r9d, %r9d
	jnz	1f
	inc	%r9d
1:	mov	(%rdi), %rdi
	testb	$SLOT_HAS_REGISTERS, SLOT_FLAGS(%rdi)
	jz	2f
	mov	SLOT_SIZE(%rdi), %rbx
	mov	SLOT_SIZE+8(%rdi), %r12
	mov	SLOT_SIZE+16(%rdi), %r14
	mov	SLOT_SIZE+24(%rdi), %r15
2:	mov	SLOT_CONTEXT(%rdi), %r13
	mov	SLOT_SIGNAL(%rdi), %rdx
	mov	%rdx, %fs:THREAD_SIGNAL
	mov	SLOT_FP(%rdi), %rbp
	mov	SLOT_PC(%rdi), %r8
	mov	SLOT_SP(%rdi), %rsp
	testb	$SLOT_HAS_MASK, SLOT_FLAGS(%rdi)
	jz	3f
	lea	SLOT_MASK(%rdi), %rsi		/* last: a signal that waits for it comes now */
	mov	$SIG_SETMASK, %edi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$NATIVE_rt_sigprocmask, %eax
	syscall
3:	mov	%r9d, %eax
	jmp	*%r8
END longjmp
ALIAS _longjmp, longjmp
ALIAS siglongjmp, longjmp
ALIAS __tp_longjmp, longjmp

/*
 * unsigned __tp_get_fenv(void), void __tp_set_fenv(unsigned): bits 0-4 are the
 * exceptions of fenv.h, 8-9 the rounding: 0 nearest, 1 down, 2 up, 3 to zero.
 */
FUNCTION __tp_get_fenv
	stmxcsr	-4(%rsp)
	mov	-4(%rsp), %ecx
	mov	%ecx, %eax
	mov	%ecx, %edx
	and	$1, %eax
	shr	$1, %edx
	and	$0x1e, %edx
	or	%edx, %eax
	shr	$13 - 8, %ecx
	and	$0x300, %ecx
	or	%ecx, %eax
	ret
END __tp_get_fenv

FUNCTION __tp_set_fenv
	mov	%edi, %eax
	mov	%edi, %edx
	and	$1, %eax
	shl	$1, %edx
	and	$0x3c, %edx
	or	%edx, %eax
	shl	$13 - 8, %edi
	and	$0x6000, %edi
	or	%edi, %eax
	or	$0x1f80, %eax			/* no exception traps */
	mov	%eax, -4(%rsp)
	ldmxcsr	-4(%rsp)
	fnstcw	-4(%rsp)			/* the builtins for long double look here */
	shr	$13 - 10, %edi
	andw	$~0xc00, -4(%rsp)
	or	%di, -4(%rsp)
	fldcw	-4(%rsp)
	ret
END __tp_set_fenv

/* The personality of all landing pads. None is ever taken. */
FUNCTION __tp_personality
	ud2
END __tp_personality

/* What the vDSO's function is called. */
.macro STRING name, text
	.section .tpfs.private.rodata.\name, "a", @progbits
	.globl	\name
	.type	\name, @object
\name:
	.asciz	"\text"
	.size	\name, . - \name
.endm
STRING __tp_vdso_version, "LINUX_2.6"
STRING __tp_vdso_clock_gettime, "__vdso_clock_gettime"

/*
 * The kernel's number for each canonical one. Where there is none, 0x7f7f,
 * which no kernel has. All from 424 on are the same.
 */
.macro NUMBER canonical, native
	.org	systab + 2 * \canonical, 0x7f
	.short	\native
.endm
.macro CONVERT canonical, native
	.org	systab + 2 * \canonical, 0x7f
	.short	\native | CONVERTED
.endm
.section .tpfs.private.rodata.systab, "a", @progbits
.balign 2
systab:
	NUMBER	0, 206			/* io_setup */
	NUMBER	1, 207			/* io_destroy */
	NUMBER	2, 209			/* io_submit */
	NUMBER	3, 210			/* io_cancel */
	NUMBER	4, 208			/* io_getevents */
	NUMBER	5, 188			/* setxattr */
	NUMBER	6, 189			/* lsetxattr */
	NUMBER	7, 190			/* fsetxattr */
	NUMBER	8, 191			/* getxattr */
	NUMBER	9, 192			/* lgetxattr */
	NUMBER	10, 193			/* fgetxattr */
	NUMBER	11, 194			/* listxattr */
	NUMBER	12, 195			/* llistxattr */
	NUMBER	13, 196			/* flistxattr */
	NUMBER	14, 197			/* removexattr */
	NUMBER	15, 198			/* lremovexattr */
	NUMBER	16, 199			/* fremovexattr */
	NUMBER	17, 79			/* getcwd */
	NUMBER	18, 212			/* lookup_dcookie */
	NUMBER	19, 290			/* eventfd2 */
	NUMBER	20, 291			/* epoll_create1 */
	CONVERT	21, 233			/* epoll_ctl */
	CONVERT	22, 281			/* epoll_pwait */
	NUMBER	23, 32			/* dup */
	NUMBER	24, 292			/* dup3 */
	NUMBER	25, 72			/* fcntl */
	NUMBER	26, 294			/* inotify_init1 */
	NUMBER	27, 254			/* inotify_add_watch */
	NUMBER	28, 255			/* inotify_rm_watch */
	NUMBER	29, 16			/* ioctl */
	NUMBER	30, 251			/* ioprio_set */
	NUMBER	31, 252			/* ioprio_get */
	NUMBER	32, 73			/* flock */
	NUMBER	33, 259			/* mknodat */
	NUMBER	34, 258			/* mkdirat */
	NUMBER	35, 263			/* unlinkat */
	NUMBER	36, 266			/* symlinkat */
	NUMBER	37, 265			/* linkat */
	NUMBER	38, 264			/* renameat */
	NUMBER	39, 166			/* umount2 */
	NUMBER	40, 165			/* mount */
	NUMBER	41, 155			/* pivot_root */
	NUMBER	42, 180			/* nfsservctl */
	NUMBER	43, 137			/* statfs */
	NUMBER	44, 138			/* fstatfs */
	NUMBER	45, 76			/* truncate */
	NUMBER	46, 77			/* ftruncate */
	NUMBER	47, 285			/* fallocate */
	NUMBER	48, 269			/* faccessat */
	NUMBER	49, 80			/* chdir */
	NUMBER	50, 81			/* fchdir */
	NUMBER	51, 161			/* chroot */
	NUMBER	52, 91			/* fchmod */
	NUMBER	53, 268			/* fchmodat */
	NUMBER	54, 260			/* fchownat */
	NUMBER	55, 93			/* fchown */
	NUMBER	56, 257			/* openat */
	NUMBER	57, 3			/* close */
	NUMBER	58, 153			/* vhangup */
	NUMBER	59, 293			/* pipe2 */
	NUMBER	60, 179			/* quotactl */
	NUMBER	61, 217			/* getdents64 */
	NUMBER	62, 8			/* lseek */
	NUMBER	63, 0			/* read */
	NUMBER	64, 1			/* write */
	NUMBER	65, 19			/* readv */
	NUMBER	66, 20			/* writev */
	NUMBER	67, 17			/* pread64 */
	NUMBER	68, 18			/* pwrite64 */
	NUMBER	69, 295			/* preadv */
	NUMBER	70, 296			/* pwritev */
	NUMBER	71, 40			/* sendfile */
	NUMBER	72, 270			/* pselect6 */
	NUMBER	73, 271			/* ppoll */
	NUMBER	74, 289			/* signalfd4 */
	NUMBER	75, 278			/* vmsplice */
	NUMBER	76, 275			/* splice */
	NUMBER	77, 276			/* tee */
	NUMBER	78, 267			/* readlinkat */
	CONVERT	79, 262			/* newfstatat */
	CONVERT	80, 5			/* fstat */
	NUMBER	81, 162			/* sync */
	NUMBER	82, 74			/* fsync */
	NUMBER	83, 75			/* fdatasync */
	NUMBER	84, 277			/* sync_file_range */
	NUMBER	85, 283			/* timerfd_create */
	NUMBER	86, 286			/* timerfd_settime */
	NUMBER	87, 287			/* timerfd_gettime */
	NUMBER	88, 280			/* utimensat */
	NUMBER	89, 163			/* acct */
	NUMBER	90, 125			/* capget */
	NUMBER	91, 126			/* capset */
	NUMBER	92, 135			/* personality */
	CONVERT	93, 60			/* exit */
	CONVERT	94, 231			/* exit_group */
	NUMBER	95, 247			/* waitid */
	NUMBER	96, 218			/* set_tid_address */
	NUMBER	97, 272			/* unshare */
	NUMBER	98, 202			/* futex */
	NUMBER	99, 273			/* set_robust_list */
	NUMBER	100, 274		/* get_robust_list */
	NUMBER	101, 35			/* nanosleep */
	NUMBER	102, 36			/* getitimer */
	NUMBER	103, 38			/* setitimer */
	NUMBER	104, 246		/* kexec_load */
	NUMBER	105, 175		/* init_module */
	NUMBER	106, 176		/* delete_module */
	NUMBER	107, 222		/* timer_create */
	NUMBER	108, 224		/* timer_gettime */
	NUMBER	109, 225		/* timer_getoverrun */
	NUMBER	110, 223		/* timer_settime */
	NUMBER	111, 226		/* timer_delete */
	NUMBER	112, 227		/* clock_settime */
	NUMBER	113, 228		/* clock_gettime */
	NUMBER	114, 229		/* clock_getres */
	NUMBER	115, 230		/* clock_nanosleep */
	NUMBER	116, 103		/* syslog */
	NUMBER	117, 101		/* ptrace */
	NUMBER	118, 142		/* sched_setparam */
	NUMBER	119, 144		/* sched_setscheduler */
	NUMBER	120, 145		/* sched_getscheduler */
	NUMBER	121, 143		/* sched_getparam */
	NUMBER	122, 203		/* sched_setaffinity */
	NUMBER	123, 204		/* sched_getaffinity */
	NUMBER	124, 24			/* sched_yield */
	NUMBER	125, 146		/* sched_get_priority_max */
	NUMBER	126, 147		/* sched_get_priority_min */
	NUMBER	127, 148		/* sched_rr_get_interval */
	NUMBER	128, 219		/* restart_syscall */
	NUMBER	129, 62			/* kill */
	NUMBER	130, 200		/* tkill */
	NUMBER	131, 234		/* tgkill */
	NUMBER	132, 131		/* sigaltstack */
	NUMBER	133, 130		/* rt_sigsuspend */
	CONVERT	134, 13			/* rt_sigaction */
	NUMBER	135, 14			/* rt_sigprocmask */
	NUMBER	136, 127		/* rt_sigpending */
	NUMBER	137, 128		/* rt_sigtimedwait */
	NUMBER	138, 129		/* rt_sigqueueinfo */
	NUMBER	139, 15			/* rt_sigreturn */
	NUMBER	140, 141		/* setpriority */
	NUMBER	141, 140		/* getpriority */
	NUMBER	142, 169		/* reboot */
	NUMBER	143, 114		/* setregid */
	NUMBER	144, 106		/* setgid */
	NUMBER	145, 113		/* setreuid */
	NUMBER	146, 105		/* setuid */
	NUMBER	147, 117		/* setresuid */
	NUMBER	148, 118		/* getresuid */
	NUMBER	149, 119		/* setresgid */
	NUMBER	150, 120		/* getresgid */
	NUMBER	151, 122		/* setfsuid */
	NUMBER	152, 123		/* setfsgid */
	NUMBER	153, 100		/* times */
	NUMBER	154, 109		/* setpgid */
	NUMBER	155, 121		/* getpgid */
	NUMBER	156, 124		/* getsid */
	NUMBER	157, 112		/* setsid */
	NUMBER	158, 115		/* getgroups */
	NUMBER	159, 116		/* setgroups */
	NUMBER	160, 63			/* uname */
	NUMBER	161, 170		/* sethostname */
	NUMBER	162, 171		/* setdomainname */
	NUMBER	163, 97			/* getrlimit */
	NUMBER	164, 160		/* setrlimit */
	NUMBER	165, 98			/* getrusage */
	NUMBER	166, 95			/* umask */
	NUMBER	167, 157		/* prctl */
	NUMBER	168, 309		/* getcpu */
	NUMBER	169, 96			/* gettimeofday */
	NUMBER	170, 164		/* settimeofday */
	NUMBER	171, 159		/* adjtimex */
	NUMBER	172, 39			/* getpid */
	NUMBER	173, 110		/* getppid */
	NUMBER	174, 102		/* getuid */
	NUMBER	175, 107		/* geteuid */
	NUMBER	176, 104		/* getgid */
	NUMBER	177, 108		/* getegid */
	NUMBER	178, 186		/* gettid */
	NUMBER	179, 99			/* sysinfo */
	NUMBER	180, 240		/* mq_open */
	NUMBER	181, 241		/* mq_unlink */
	NUMBER	182, 242		/* mq_timedsend */
	NUMBER	183, 243		/* mq_timedreceive */
	NUMBER	184, 244		/* mq_notify */
	NUMBER	185, 245		/* mq_getsetattr */
	NUMBER	186, 68			/* msgget */
	NUMBER	187, 71			/* msgctl */
	NUMBER	188, 70			/* msgrcv */
	NUMBER	189, 69			/* msgsnd */
	NUMBER	190, 64			/* semget */
	CONVERT	191, 66			/* semctl */
	NUMBER	192, 220		/* semtimedop */
	NUMBER	193, 65			/* semop */
	NUMBER	194, 29			/* shmget */
	NUMBER	195, 31			/* shmctl */
	CONVERT	196, 30			/* shmat */
	NUMBER	197, 67			/* shmdt */
	NUMBER	198, 41			/* socket */
	NUMBER	199, 53			/* socketpair */
	NUMBER	200, 49			/* bind */
	NUMBER	201, 50			/* listen */
	NUMBER	202, 43			/* accept */
	NUMBER	203, 42			/* connect */
	NUMBER	204, 51			/* getsockname */
	NUMBER	205, 52			/* getpeername */
	NUMBER	206, 44			/* sendto */
	NUMBER	207, 45			/* recvfrom */
	NUMBER	208, 54			/* setsockopt */
	NUMBER	209, 55			/* getsockopt */
	NUMBER	210, 48			/* shutdown */
	NUMBER	211, 46			/* sendmsg */
	NUMBER	212, 47			/* recvmsg */
	NUMBER	213, 187		/* readahead */
	NUMBER	214, 12			/* brk */
	CONVERT	215, 11			/* munmap */
	CONVERT	216, 25			/* mremap */
	NUMBER	217, 248		/* add_key */
	NUMBER	218, 249		/* request_key */
	NUMBER	219, 250		/* keyctl */
	CONVERT	220, 56			/* clone */
	NUMBER	221, 59			/* execve */
	CONVERT	222, 9			/* mmap */
	NUMBER	223, 221		/* fadvise64 */
	NUMBER	224, 167		/* swapon */
	NUMBER	225, 168		/* swapoff */
	NUMBER	226, 10			/* mprotect */
	NUMBER	227, 26			/* msync */
	NUMBER	228, 149		/* mlock */
	NUMBER	229, 150		/* munlock */
	NUMBER	230, 151		/* mlockall */
	NUMBER	231, 152		/* munlockall */
	NUMBER	232, 27			/* mincore */
	NUMBER	233, 28			/* madvise */
	NUMBER	234, 216		/* remap_file_pages */
	NUMBER	235, 237		/* mbind */
	NUMBER	236, 239		/* get_mempolicy */
	NUMBER	237, 238		/* set_mempolicy */
	NUMBER	238, 256		/* migrate_pages */
	NUMBER	239, 279		/* move_pages */
	NUMBER	240, 297		/* rt_tgsigqueueinfo */
	NUMBER	241, 298		/* perf_event_open */
	NUMBER	242, 288		/* accept4 */
	NUMBER	243, 299		/* recvmmsg */
	NUMBER	260, 61			/* wait4 */
	NUMBER	261, 302		/* prlimit64 */
	NUMBER	262, 300		/* fanotify_init */
	NUMBER	263, 301		/* fanotify_mark */
	NUMBER	264, 303		/* name_to_handle_at */
	NUMBER	265, 304		/* open_by_handle_at */
	NUMBER	266, 305		/* clock_adjtime */
	NUMBER	267, 306		/* syncfs */
	NUMBER	268, 308		/* setns */
	NUMBER	269, 307		/* sendmmsg */
	NUMBER	270, 310		/* process_vm_readv */
	NUMBER	271, 311		/* process_vm_writev */
	NUMBER	272, 312		/* kcmp */
	NUMBER	273, 313		/* finit_module */
	NUMBER	274, 314		/* sched_setattr */
	NUMBER	275, 315		/* sched_getattr */
	NUMBER	276, 316		/* renameat2 */
	NUMBER	277, 317		/* seccomp */
	NUMBER	278, 318		/* getrandom */
	NUMBER	279, 319		/* memfd_create */
	NUMBER	280, 321		/* bpf */
	NUMBER	281, 322		/* execveat */
	NUMBER	282, 323		/* userfaultfd */
	NUMBER	283, 324		/* membarrier */
	NUMBER	284, 325		/* mlock2 */
	NUMBER	285, 326		/* copy_file_range */
	NUMBER	286, 327		/* preadv2 */
	NUMBER	287, 328		/* pwritev2 */
	NUMBER	288, 329		/* pkey_mprotect */
	NUMBER	289, 330		/* pkey_alloc */
	NUMBER	290, 331		/* pkey_free */
	NUMBER	291, 332		/* statx */
	NUMBER	292, 333		/* io_pgetevents */
	NUMBER	293, 334		/* rseq */
	NUMBER	294, 320		/* kexec_file_load */
	.set	number, 424
	.rept	441 - 424
	NUMBER	number, number
	.set	number, number + 1
	.endr
	CONVERT	441, 441			/* epoll_pwait2 */
systab_end:

.section .note.GNU-stack, "", @progbits
