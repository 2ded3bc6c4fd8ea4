# The ISA's part of the test runtime. Registers that are dead at a site are
# filled with a pattern after a park.
	.text
	.globl _start
_start:
	xor %ebp, %ebp
	mov %rsp, %rdi
	and $-16, %rsp
	call start
	ud2

# long enter(long (*function)(long), long argument, void *context)
	.globl enter, enter_return
enter:
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rax
	mov %rdx, %r13
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
enter_return:
	mov -8(%rbp), %rbx
	mov -16(%rbp), %r12
	mov -24(%rbp), %r13
	mov -32(%rbp), %r14
	mov -40(%rbp), %r15
	mov %rbp, %rsp
	pop %rbp
	ret

	.globl __tp_park
	.type __tp_park, @function
__tp_park:
	push %rbp
	mov %rsp, %rbp
	mov %rbp, %rdi
	and $-16, %rsp
	call park
	test %eax, %eax
	jz 1f
	movabs $0x5a5a5a5a5a5a5a5a, %rax
	mov %rax, %rbx
	mov %rax, %rcx
	mov %rax, %rdx
	mov %rax, %rsi
	mov %rax, %rdi
	mov %rax, %r8
	mov %rax, %r9
	mov %rax, %r10
	mov %rax, %r11
	mov %rax, %r12
	mov %rax, %r14
	mov %rax, %r15
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movq %rax, %xmm\n
	punpcklqdq %xmm\n, %xmm\n
	.endr
1:	mov result, %rax
	mov %rbp, %rsp
	pop %rbp
	ret

	.globl put
put:
	sub $8, %rsp
	call put_number
	add $8, %rsp
	cmpl $0, __tp_pause
	jne __tp_park
	ret

	.globl moved
moved:
	mov %rdi, result
	cmpl $0, __tp_pause
	jne __tp_park
	mov %rdi, %rax
	ret

	.globl __tp_setjmp, __tp_sigsetjmp
__tp_sigsetjmp:
	mov %rdx, %rsi
__tp_setjmp:
	mov (%rsp), %rax
	lea 8(%rsp), %rdx
	mov %rdx, (%rsi)
	mov %rbp, 8(%rsi)
	mov %rax, 16(%rsi)
	mov %r13, 24(%rsi)
	movabs $0x5a5a5a5a5a5a5a5a, %rax
	mov %rax, 32(%rsi)
	mov %rax, 40(%rsi)
	mov %rax, 48(%rsi)
	mov %rax, 56(%rsi)
	mov %rsi, (%rdi)
	xor %eax, %eax
	ret

# What clang's programs call: the slot is in the buffer, and registers are kept.
	.globl setjmp, _setjmp, sigsetjmp
setjmp:
_setjmp:
sigsetjmp:
	lea 8(%rdi), %rsi
	call __tp_setjmp
	lea 8(%rsp), %rdx
	mov %rdx, (%rsi)
	mov (%rsp), %rdx
	mov %rdx, 16(%rsi)
	mov %rbx, 32(%rsi)
	mov %r12, 40(%rsi)
	mov %r14, 48(%rsi)
	mov %r15, 56(%rsi)
	ret

	.globl longjmp
longjmp:
	mov (%rdi), %rdx
	mov %esi, %eax
	mov (%rdx), %rsp
	mov 8(%rdx), %rbp
	mov 24(%rdx), %r13
	mov 32(%rdx), %rbx
	mov 40(%rdx), %r12
	mov 48(%rdx), %r14
	mov 56(%rdx), %r15
	jmp *16(%rdx)

# long syscall(long number, long a, long b, long c)
	.globl syscall
syscall:
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	syscall
	ret

	.section .note.GNU-stack, "", @progbits
