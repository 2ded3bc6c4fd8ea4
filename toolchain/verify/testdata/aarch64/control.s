// Control flow: calls that do not return, tail calls, landing pads, and what
// cannot be followed.
.include "site.inc"

function traps
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site traps, 32, 1
cbnz w0, .Lbad
ldr x19, [sp, #16]
leaveframe 32
.Lbad:
bl noreturn
brk #1
mov x0, x19
endfunction traps

// After the last call comes another function.
function ends
enter 16
cbnz w0, .Lends
site ends, 16, 2
leaveframe 16
.Lends:
bl noreturn
endfunction ends

function tail
enter 16
site tail, 16, 3
ldp x29, x30, [sp], #16
b another
endfunction tail

function tail_pointer
enter 16
site tail_pointer, 16, 4
ldp x29, x30, [sp], #16
ldr x1, [x0, #8]
br x1
endfunction tail_pointer

// A landing pad that nobody comes to is a trap.
.section .text.invokes,"ax",%progbits
.globl invokes
.type invokes,%function
.p2align 2
invokes:
.cfi_startproc
.cfi_personality 27, callee
.cfi_lsda 27, .Ltable
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
.Lfrom:
site invokes, 32, 5
.Lto:
ldr x19, [sp, #16]
leaveframe 32
.Lpad:
brk #1
mov x0, x19
endfunction invokes
.section .gcc_except_table,"a",%progbits
.Ltable:
.byte 255, 255, 1
.uleb128 .Ltable_end - .Ltable_begin
.Ltable_begin:
.uleb128 .Lfrom - invokes, .Lto - .Lfrom, .Lpad - invokes
.byte 0
.Ltable_end:

// One that somebody could come to is a way as any other.
// want: catches site=6 kind=register register=x19 at=bad_pad
.section .text.catches,"ax",%progbits
.globl catches
.type catches,%function
.p2align 2
catches:
.cfi_startproc
.cfi_personality 27, callee
.cfi_lsda 27, .Ltable2
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
.Lfrom2:
site catches, 32, 6
bl leaf
.Lto2:
ldr x19, [sp, #16]
leaveframe 32
.Lpad2:
bl leaf
bad_pad:
mov x0, x19
bl noreturn
brk #1
endfunction catches
.section .gcc_except_table,"a",%progbits
.Ltable2:
.byte 255, 255, 3
.uleb128 .Ltable2_end - .Ltable2_begin
.Ltable2_begin:
.word .Lfrom2 - catches, .Lto2 - .Lfrom2, .Lpad2 - catches
.byte 0
.Ltable2_end:

// want: nowhere site=7 kind=unknown at=bad_jump
function nowhere
enter 16
site nowhere, 16, 7
bad_jump:
br x0
endfunction nowhere

// want: frame_left site=8 kind=unknown at=bad_left
function frame_left
enter 16
site frame_left, 16, 8
bad_left:
b another
endfunction frame_left

// want: beyond site=9 kind=unknown at=bad_end
function beyond
enter 16
site beyond, 16, 9
bad_end:
nop
endfunction beyond

// want: no_code site=10 kind=unknown at=bad_code
function no_code
enter 16
site no_code, 16, 10
bad_code:
.inst 0xffffffff
leaveframe 16
endfunction no_code

// want: system site=11 kind=unknown at=bad_system
function system
enter 16
site system, 16, 11
bad_system:
svc #0
leaveframe 16
endfunction system

// want: aligned site=12 kind=unknown at=bad_aligned
function aligned
enter 16
sub x9, sp, #64
and sp, x9, #0xffffffffffffffc0
site aligned, 80, 12
bad_aligned:
ldr x0, [sp]
mov sp, x29
leaveframe 16
endfunction aligned

// Returns without the return address.
// want: wrong_return site=13 kind=unknown at=bad_return
function wrong_return
enter 16
site wrong_return, 16, 13
ldr x29, [sp], #16
bad_return:
ret
endfunction wrong_return

// Scalable vectors are not code for any aarch64.
// want: scalable site=14 kind=unknown at=bad_scalable
function scalable
enter 16
site scalable, 16, 14
bad_scalable:
.inst 0x04200000
leaveframe 16
endfunction scalable
