# Control flow: calls that do not return, tail calls, landing pads, and what
# cannot be followed.
.include "site.inc"

# After a call that does not return comes a trap, or another function.
function traps
enter
save %rbx, -24
pushq %rax
site traps, 24, 1
testl %eax, %eax
jne .Lbad
addq $8, %rsp
popq %rbx
leaveframe
.Lbad:
callq noreturn
ud2
movq %rbx, %rax
endfunction traps

function ends
enter
testl %edi, %edi
jne .Lends
site ends, 8, 2
leaveframe
.Lends:
callq noreturn
endfunction ends

# Tail calls: direct, conditional, through a pointer.
function tail
enter
site tail, 8, 3
popq %rbp
.cfi_def_cfa %rsp, 8
jmp another
endfunction tail

function tail_if
testq %rdi, %rdi
je another
enter
site tail_if, 8, 4
leaveframe
endfunction tail_if

function tail_pointer
enter
site tail_pointer, 8, 5
popq %rbp
.cfi_def_cfa %rsp, 8
jmpq *8(%rax)
endfunction tail_pointer

# Round again from the start, as a tail call of itself.
function itself
enter
site itself, 8, 6
popq %rbp
.cfi_def_cfa %rsp, 8
testl %eax, %eax
jne itself
retq
endfunction itself

# A landing pad that nobody comes to is a trap.
.section .text.invokes,"ax",@progbits
.globl invokes
.type invokes,@function
invokes:
.cfi_startproc
.cfi_personality 3, callee
.cfi_lsda 3, .Ltable
enter
save %rbx, -24
pushq %rax
.Lfrom:
site invokes, 24, 7
.Lto:
addq $8, %rsp
popq %rbx
leaveframe
.Lpad:
ud2
movq %rbx, %rax
endfunction invokes
.section .gcc_except_table,"a",@progbits
.Ltable:
.byte 255, 255, 1
.uleb128 .Ltable_end - .Ltable_begin
.Ltable_begin:
.uleb128 .Lfrom - invokes, .Lto - .Lfrom, .Lpad - invokes
.byte 0
.Ltable_end:

# One that somebody could come to is a way as any other.
# want: catches site=8 kind=register register=rbx at=bad_pad
.section .text.catches,"ax",@progbits
.globl catches
.type catches,@function
catches:
.cfi_startproc
.cfi_personality 3, callee
.cfi_lsda 3, .Ltable2
enter
save %rbx, -24
pushq %rax
# The call at the site is what unwinds.
.Lfrom2:
site catches, 24, 8
.Lto2:
addq $8, %rsp
popq %rbx
leaveframe
.Lpad2:
bad_pad:
movq (%rbx), %rdi
callq noreturn
ud2
endfunction catches
.section .gcc_except_table,"a",@progbits
.Ltable2:
.byte 255, 255, 3
.uleb128 .Ltable2_end - .Ltable2_begin
.Ltable2_begin:
.long .Lfrom2 - catches, .Lto2 - .Lfrom2, .Lpad2 - catches
.byte 0
.Ltable2_end:

# A jump to where nothing is known of.
# want: nowhere site=9 kind=unknown at=bad_jump
function nowhere
enter
site nowhere, 8, 9
bad_jump:
jmpq *%rax
endfunction nowhere

# Out of the function, into the middle of another.
# want: middle site=10 kind=unknown at=bad_middle
function middle
enter
site middle, 8, 10
popq %rbp
.cfi_def_cfa %rsp, 8
bad_middle:
jmp another_middle
endfunction middle
.section .text.target,"ax",@progbits
.type target,@function
target:
nop
another_middle:
retq
.size target, . - target

# To another function, with the frame still there.
# want: frame_left site=11 kind=unknown at=bad_left
function frame_left
enter
site frame_left, 8, 11
bad_left:
jmp another
endfunction frame_left

# Beyond the end.
# want: beyond site=12 kind=unknown at=bad_end
function beyond
enter
site beyond, 8, 12
bad_end:
nop
endfunction beyond

# Into the middle of an instruction.
# want: torn site=13 kind=unknown at=bad_torn
function torn
enter
site torn, 8, 13
testl %eax, %eax
je .Ltorn + 1
.Ltorn:
bad_torn = . + 1
movl $0x90909090, %eax
leaveframe
endfunction torn

# A system call is nothing that compiled code has.
# want: system site=14 kind=unknown at=bad_system
function system
enter
site system, 8, 14
bad_system:
syscall
leaveframe
endfunction system

# The stack pointer is not known: the frame is aligned.
# want: aligned site=15 kind=unknown at=bad_aligned
function aligned
enter
andq $-64, %rsp
subq $64, %rsp
movq %rdi, -8(%rbp)
site aligned, 72, 15
bad_aligned:
movq (%rsp), %rax
leave
.cfi_def_cfa %rsp, 8
retq
endfunction aligned

# Returns to where nobody called from.
# want: wrong_return site=16 kind=unknown at=bad_return
function wrong_return
enter
site wrong_return, 8, 16
popq %rbp
.cfi_def_cfa %rsp, 8
pushq %rax
bad_return:
retq
endfunction wrong_return

# Code without sites may do what it likes.
function leaf_only
movq %rbx, %rax
jmpq *%rax
endfunction leaf_only
