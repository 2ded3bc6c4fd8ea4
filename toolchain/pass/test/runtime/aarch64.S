// The ISA's part of the test runtime. Registers that are dead at a site are
// filled with a pattern after a park.
	.text
	.globl _start
_start:
	mov x29, #0
	mov x0, sp
	bl start
	brk #1

// long enter(long (*function)(long), long argument, void *context)
	.globl enter, enter_return
enter:
	stp x29, x30, [sp, #-176]!
	mov x29, sp
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mov x20, x2
	mov x9, x0
	mov x0, x1
	blr x9
enter_return:
	mov sp, x29
	ldp x19, x20, [sp, #16]
	ldp x21, x22, [sp, #32]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #64]
	ldp x27, x28, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	ldp x29, x30, [sp], #176
	ret

	.globl __tp_park
	.type __tp_park, %function
__tp_park:
	stp x29, x30, [sp, #-16]!
	mov x29, sp
	mov x0, x29
	bl park
	cbz w0, 1f
	ldr x0, =0x5a5a5a5a5a5a5a5a
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 21, 22, 23, 24, 25, 26, 27, 28
	mov x\n, x0
	.endr
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	dup v\n\().2d, x0
	.endr
1:	adrp x0, result
	ldr x0, [x0, :lo12:result]
	ldp x29, x30, [sp], #16
	ret

	.globl put
put:
	stp x29, x30, [sp, #-16]!
	bl put_number
	ldp x29, x30, [sp], #16
	adrp x9, __tp_pause
	ldr w9, [x9, :lo12:__tp_pause]
	cbnz w9, __tp_park
	ret

	.globl moved
moved:
	adrp x9, result
	str x0, [x9, :lo12:result]
	adrp x9, __tp_pause
	ldr w9, [x9, :lo12:__tp_pause]
	cbnz w9, __tp_park
	ret

	.globl __tp_setjmp, __tp_sigsetjmp
__tp_sigsetjmp:
	mov x1, x2
__tp_setjmp:
	mov x9, sp
	stp x9, x29, [x1]
	stp x30, x20, [x1, #16]
	str x1, [x0]
	mov w0, #0
	ret

	.globl longjmp
longjmp:
	ldr x10, [x0]
	mov w0, w1
	ldr x11, =0x5a5a5a5a5a5a5a5a
	.irp n, 19, 21, 22, 23, 24, 25, 26, 27, 28
	mov x\n, x11
	.endr
	ldp x9, x29, [x10]
	ldp x30, x20, [x10, #16]
	mov sp, x9
	ret

// long syscall(long number, long a, long b, long c)
	.globl syscall
syscall:
	mov x8, x0
	mov x0, x1
	mov x1, x2
	mov x2, x3
	svc #0
	ret
