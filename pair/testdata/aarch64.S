	.section .text.start,"ax"
	.globl _start, root, use
_start:	mov x29, xzr
	bl main
root:	brk #0
use:	ret
	.section .text.park,"ax"
	.globl park, park_wait, park_end
park:	stp x29, x30, [sp, #-16]!
	mov x29, sp
park_wait:
	nop
	nop
park_end:
	ldp x29, x30, [sp], #16
	ret
	.section .text.sys,"ax"
	.globl sys, sys_resume, sys_insn, sys_end
sys:	stp x29, x30, [sp, #-16]!
	mov x29, sp
	sub sp, sp, #96
sys_resume:
	nop
sys_insn:
	svc #0
	bl park
	nop
sys_end:
	mov sp, x29
	ldp x29, x30, [sp], #16
	ret
	.section .text.restorer,"ax"
	.globl restorer
restorer:
	mov x8, #139
	svc #0
	.section .note.GNU-stack,"",@progbits
