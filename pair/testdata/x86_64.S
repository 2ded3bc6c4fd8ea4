	.section .text.start,"ax"
	.globl _start, root, use
_start:	xor %ebp, %ebp
	call main
root:	hlt
use:	ret
	.section .text.park,"ax"
	.globl park, park_wait, park_end
park:	push %rbp
	mov %rsp, %rbp
park_wait:
	nop
	nop
park_end:
	pop %rbp
	ret
	.section .text.sys,"ax"
	.globl sys, sys_resume, sys_insn, sys_end
sys:	push %rbp
	mov %rsp, %rbp
	sub $80, %rsp
sys_resume:
	nop
sys_insn:
	syscall
	call park
	nop
sys_end:
	leave
	ret
	.section .text.restorer,"ax"
	.globl restorer
restorer:
	mov $15, %eax
	syscall
	.section .note.GNU-stack,"",@progbits
