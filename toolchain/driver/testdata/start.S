
	.section .text._start,"ax"
	.globl _start
	.type _start, @function
_start:
#ifdef __x86_64__
	xor %ebp, %ebp
	mov %rsp, %rdi
	and $-16, %rsp
	call start
	ud2
#else
	mov x29, #0
	mov x0, sp
	bl start
	brk #1
#endif
	.size _start, . - _start

	.section .text.sys_write,"ax"
	.globl sys_write
	.type sys_write, @function
sys_write:
#ifdef __x86_64__
	mov $1, %eax
	syscall
	ret
#else
	mov x8, #64
	svc #0
	ret
#endif
	.size sys_write, . - sys_write

	.section .text.sys_exit,"ax"
	.globl sys_exit
	.type sys_exit, @function
sys_exit:
#ifdef __x86_64__
	mov $231, %eax
	syscall
#else
	mov x8, #94
	svc #0
#endif
	.size sys_exit, . - sys_exit
