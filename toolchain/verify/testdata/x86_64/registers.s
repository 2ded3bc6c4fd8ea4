# Callee-saved registers, whole and in part.
.include "site.inc"

# want: live_rbx site=1 kind=register register=rbx at=bad_rbx
function live_rbx
enter
save %rbx, -24
pushq %rax
movq %rdi, %rbx
site live_rbx, 24, 1
bad_rbx:
movq %rbx, %rax
addq $8, %rsp
popq %rbx
leaveframe
endfunction live_rbx

# want: live_r12 site=2 kind=register register=r12 at=bad_r12
function live_r12
enter
save %r12, -24
pushq %rax
movq %rdi, %r12
site live_r12, 24, 2
bad_r12:
addq (%rdx,%r12,8), %rax
addq $8, %rsp
popq %r12
leaveframe
endfunction live_r12

# want: live_r14 site=3 kind=register register=r14 at=bad_r14
function live_r14
enter
save %r14, -24
pushq %rax
site live_r14, 24, 3
bad_r14:
testl %r14d, %r14d
addq $8, %rsp
popq %r14
leaveframe
endfunction live_r14

# want: live_r15 site=4 kind=register register=r15 at=bad_r15
function live_r15
enter
save %r15, -24
pushq %rax
site live_r15, 24, 4
bad_r15:
cmovneq %rax, %r15
movq %r15, %rax
addq $8, %rsp
popq %r15
leaveframe
endfunction live_r15

# The lowest byte is written, the rest is what it was.
# want: low_byte site=5 kind=register register=rbx at=bad_low
function low_byte
enter
save %rbx, -24
pushq %rax
site low_byte, 24, 5
movb $1, %bl
bad_low:
movl %ebx, %eax
addq $8, %rsp
popq %rbx
leaveframe
endfunction low_byte

# Two bytes are written, and just these are read.
function low_word
enter
save %rbx, -24
pushq %rax
site low_word, 24, 6
movw $1, %bx
movzwl %bx, %eax
movzbl %bh, %ecx
addl %ecx, %eax
addq $8, %rsp
popq %rbx
leaveframe
endfunction low_word

# One byte is written, its neighbour is read.
# want: second_byte site=7 kind=register register=rbx at=bad_second
function second_byte
enter
save %rbx, -24
pushq %rax
site second_byte, 24, 7
setne %bl
bad_second:
movzbl %bh, %eax
addq $8, %rsp
popq %rbx
leaveframe
endfunction second_byte

# A write of 32 bits clears the upper half.
function half
enter
save %r12, -24
pushq %rax
site half, 24, 8
movl $1, %r12d
movq %r12, %rax
addq $8, %rsp
popq %r12
leaveframe
endfunction half

# Zero, whatever the register held.
function idioms
enter
save %rbx, -24
save %r12, -32
save %r14, -40
save %r15, -48
site idioms, 40, 9
xorl %ebx, %ebx
subq %r12, %r12
cmpq $1, %rax
sbbl %r14d, %r14d
xorq %r15, %r15
leaq (%rbx,%r12), %rax
addq %r14, %rax
addq %r15, %rax
popq %r15
popq %r14
popq %r12
popq %rbx
leaveframe
endfunction idioms

# No idiom: two registers.
# want: no_idiom site=10 kind=register register=rbx at=bad_idiom
# want: no_idiom site=10 kind=register register=r12 at=bad_idiom
function no_idiom
enter
save %rbx, -24
save %r12, -32
site no_idiom, 24, 10
bad_idiom:
xorl %ebx, %r12d
movl %r12d, %eax
popq %r12
popq %rbx
leaveframe
endfunction no_idiom

# On one of two ways only, around a loop.
# want: one_way site=11 kind=register register=rbx at=bad_way
function one_way
enter
save %rbx, -24
pushq %rax
movq %rdi, %rbx
.Lagain:
site one_way, 24, 11
testl %eax, %eax
je .Lout
cmpl $5, %eax
je .Lagain
bad_way:
movq %rbx, %rax
.Lout:
addq $8, %rsp
popq %rbx
leaveframe
endfunction one_way

# Calls that are no sites keep callee-saved registers.
function no_site
enter
save %rbx, -24
pushq %rax
site no_site, 24, 12
movq %rax, %rbx
callq leaf
movq %rbx, %rax
addq $8, %rsp
popq %rbx
leaveframe
endfunction no_site

# So what was in one before such a call is still what a site left there.
# want: through_leaf site=13 kind=register register=rbx at=bad_through
function through_leaf
enter
save %rbx, -24
pushq %rax
site through_leaf, 24, 13
callq leaf
bad_through:
movq %rbx, %rax
addq $8, %rsp
popq %rbx
leaveframe
endfunction through_leaf

# The caller's value is restored, then used.
# want: after_restore site=14 kind=slot slot=CFA-24 at=bad_restore
function after_restore
enter
save %rbx, -24
pushq %rax
site after_restore, 24, 14
xorl %ebx, %ebx
addq $8, %rsp
bad_restore:
popq %rbx
movq %rbx, %rax
leaveframe
endfunction after_restore

# Read by an instruction that does not name it.
# want: implicit site=15 kind=register register=rbx at=bad_implicit
function implicit
enter
save %rbx, -24
pushq %rax
site implicit, 24, 15
bad_implicit:
cmpxchg16b (%rdi)
addq $8, %rsp
popq %rbx
leaveframe
endfunction implicit

# Written by one.
function implicit_write
enter
save %rbx, -24
pushq %rax
site implicit_write, 24, 16
cpuid
movl %ebx, %eax
addq $8, %rsp
popq %rbx
leaveframe
endfunction implicit_write

# nop has operands but reads nothing.
function long_nop
enter
save %rbx, -24
pushq %rax
site long_nop, 24, 17
nopw 0(%rbx,%r12)
addq $8, %rsp
popq %rbx
leaveframe
endfunction long_nop

# The unused upper bytes of a value are copied with it: between registers,
# through slots, and by arithmetic of a greater width.
function upper_bytes
enter
save %rbx, -24
subq $24, %rsp
site upper_bytes, 40, 18
movb $1, %bl
movl %ebx, %ecx
movl %ecx, -20(%rbp)
callq leaf
movl -20(%rbp), %ebx
leal 5(%rbx), %edx
addl $-10, %edx
xorl %ebx, %edx
testl $0x81, %edx
movb %dl, (%rdi)
sete %al
movzbl %al, %eax
movsbl %dl, %edx
addq $24, %rsp
popq %rbx
leaveframe
endfunction upper_bytes

# They are not unused: by a comparison, a shift to the right, an address, or
# flags that look at the whole.
# want: compared site=19 kind=register register=rbx at=bad_compared
function compared
enter
save %rbx, -24
pushq %rax
site compared, 24, 19
movb $1, %bl
movl %ebx, %ecx
bad_compared:
cmpl $1, %ebx
sete %al
addq $8, %rsp
popq %rbx
leaveframe
endfunction compared

# want: shifted site=20 kind=register register=rbx at=bad_shifted
function shifted
enter
save %rbx, -24
pushq %rax
site shifted, 24, 20
movb $1, %bl
bad_shifted:
shrl $4, %ebx
movb %bl, %al
addq $8, %rsp
popq %rbx
leaveframe
endfunction shifted

# want: addressed site=21 kind=register register=rbx at=bad_addressed
function addressed
enter
save %rbx, -24
pushq %rax
site addressed, 24, 21
movb $1, %bl
bad_addressed:
movb (%rax,%rbx), %al
addq $8, %rsp
popq %rbx
leaveframe
endfunction addressed

# want: flagged site=22 kind=register register=rbx at=bad_flagged
function flagged
enter
save %rbx, -24
pushq %rax
site flagged, 24, 22
movb $1, %bl
bad_flagged:
addl $1, %ebx
movb %bl, %al
incb %al
jo .Lflagged
.Lflagged:
addq $8, %rsp
popq %rbx
leaveframe
endfunction flagged

# The sign comes from the highest byte that is loaded.
# want: signed site=23 kind=slot slot=CFA-17 at=bad_signed
function signed
enter
subq $16, %rsp
site signed, 24, 23
movw $1, -4(%rbp)
movb $1, -2(%rbp)
bad_signed:
movslq -4(%rbp), %rax
shrq $40, %rax
addq $16, %rsp
leaveframe
endfunction signed
