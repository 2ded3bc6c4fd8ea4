	.data
	.globl pause, table
	.balign 8
pause:	.long 0
	.long 7
table:	.quad leaf, middle, main
	.bss
	.globl cache
	.balign 8
cache:	.zero 64
	.section .note.GNU-stack,""
