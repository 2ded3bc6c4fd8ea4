# Slots of the native frame.
.include "site.inc"

# A spilled value, by rbp and by rsp.
# want: by_rbp site=1 kind=slot slot=CFA-24 at=bad_rbp
function by_rbp
enter
subq $16, %rsp
movq %rdi, -8(%rbp)
site by_rbp, 24, 1
bad_rbp:
movq -8(%rbp), %rax
addq $16, %rsp
leaveframe
endfunction by_rbp

# want: by_rsp site=2 kind=slot slot=CFA-32 at=bad_rsp
function by_rsp
enter
subq $16, %rsp
movq %rdi, (%rsp)
site by_rsp, 24, 2
bad_rsp:
addq (%rsp), %rax
addq $16, %rsp
leaveframe
endfunction by_rsp

# Written again, by another name for it.
function written
enter
subq $16, %rsp
movq %rdi, (%rsp)
site written, 24, 3
movq %rax, -16(%rbp)
callq leaf
addq (%rsp), %rax
addq $16, %rsp
leaveframe
endfunction written

# Written in part.
# want: half_written site=4 kind=slot slot=CFA-20 at=bad_half
function half_written
enter
subq $16, %rsp
site half_written, 24, 4
movl %eax, -8(%rbp)
bad_half:
movq -8(%rbp), %rax
addq $16, %rsp
leaveframe
endfunction half_written

# In two halves, and by a vector register.
function pieces
enter
subq $32, %rsp
site pieces, 40, 5
movl %eax, -8(%rbp)
movl %edx, -4(%rbp)
movq -8(%rbp), %rax
xorps %xmm0, %xmm0
movaps %xmm0, -32(%rbp)
addq -24(%rbp), %rax
addl -32(%rbp), %eax
addq $32, %rsp
leaveframe
endfunction pieces

# A vector register is restored.
# want: vector site=6 kind=slot slot=CFA-32 at=bad_vector
function vector
enter
subq $16, %rsp
movaps %xmm0, -16(%rbp)
site vector, 24, 6
bad_vector:
movaps -16(%rbp), %xmm0
addq $16, %rsp
leaveframe
endfunction vector

# A byte is changed in place: it is read first.
# want: in_place site=7 kind=slot slot=CFA-24 at=bad_place
function in_place
enter
subq $16, %rsp
site in_place, 24, 7
bad_place:
orb $1, -8(%rbp)
addq $16, %rsp
leaveframe
endfunction in_place

# An argument that the caller passed in its own frame.
# want: incoming site=8 kind=slot slot=CFA+0 at=bad_incoming
function incoming
enter
movq 16(%rbp), %rdi
site incoming, 8, 8
bad_incoming:
movq 16(%rbp), %rax
leaveframe
endfunction incoming

# Arguments for a callee are written before each call.
function outgoing
enter
subq $16, %rsp
movq %rdi, (%rsp)
site outgoing, 24, 9
movq %rax, (%rsp)
movq $1, 8(%rsp)
site outgoing, 24, 10
addq $16, %rsp
leaveframe
endfunction outgoing

# A value that is pushed, and popped after the site.
# want: pushed site=11 kind=slot slot=CFA-24 at=bad_pop
function pushed
enter
pushq %rdi
pushq %rax
site pushed, 24, 11
addq $8, %rsp
bad_pop:
popq %rdi
callq reader
leaveframe
endfunction pushed

# Pushed and popped between sites.
function push_pop
enter
site push_pop, 8, 12
pushq %rax
pushq $1
popq %rcx
popq %rax
leaveframe
endfunction push_pop

# For alignment, dead registers are pushed and popped.
function alignment
enter
pushq %rax
pushq %rax
site alignment, 24, 13
popq %rcx
popq %rsi
leaveframe
endfunction alignment

# The slot of a saved register is read into another one.
# want: other_register site=14 kind=slot slot=CFA-24 at=bad_other
function other_register
enter
save %rbx, -24
pushq %rax
site other_register, 24, 14
bad_other:
movq -8(%rbp), %rax
addq $8, %rsp
popq %rbx
leaveframe
endfunction other_register

# The slot of the frame record is real, and so is the return address.
function record_slots
enter
site record_slots, 8, 15
movq (%rbp), %rax
movq 8(%rbp), %rdx
leaveframe
endfunction record_slots

# An array in the frame, at a place that a register says.
# want: array site=16 kind=slot slot=anywhere at=bad_array
function array
enter
subq $48, %rsp
site array, 56, 16
bad_array:
movl (%rsp,%rax,4), %eax
addq $48, %rsp
leaveframe
endfunction array

# The same, with a bound that says how far it reaches: all of it is written.
function bounded_array
enter
subq $48, %rsp
site bounded_array, 56, 17
xorps %xmm0, %xmm0
movups %xmm0, (%rsp)
andl $3, %eax
movl (%rsp,%rax,4), %eax
addq $48, %rsp
leaveframe
endfunction bounded_array

# Not all of it is.
# want: short_array site=18 kind=slot slot=CFA-48 at=bad_short
function short_array
enter
subq $48, %rsp
site short_array, 56, 18
xorps %xmm0, %xmm0
movups %xmm0, (%rsp)
andl $7, %eax
bad_short:
movl (%rsp,%rax,4), %eax
addq $48, %rsp
leaveframe
endfunction short_array

# By a pointer into the frame, and by a copy of it in a slot.
# want: pointer site=19 kind=slot slot=CFA-40 at=bad_pointer
function pointer
enter
subq $32, %rsp
site pointer, 40, 19
leaq -32(%rbp), %rax
movq %rax, -8(%rbp)
movq -8(%rbp), %rcx
bad_pointer:
movq 8(%rcx), %rax
addq $32, %rsp
leaveframe
endfunction pointer

# A routine that is given the address of a slot may read it.
# want: given site=20 kind=slot slot=anywhere at=bad_given
function given
enter
subq $32, %rsp
site given, 40, 20
leaq -32(%rbp), %rdi
movl $8, %edx
bad_given:
callq memcpy
addq $32, %rsp
leaveframe
endfunction given

# Before the site it does not matter.
function given_before
enter
subq $32, %rsp
leaq -32(%rbp), %rdi
callq memset
movl -32(%rbp), %edi
site given_before, 40, 21
addq $32, %rsp
leaveframe
endfunction given_before

# String instructions read and write wherever rsi and rdi point.
# want: string site=22 kind=slot slot=anywhere at=bad_string
function string
enter
subq $32, %rsp
site string, 40, 22
leaq -32(%rbp), %rsi
movq %rax, %rdi
movl $4, %ecx
bad_string:
rep movsq
addq $32, %rsp
leaveframe
endfunction string

# A store that may leave the slot as it was does not write it.
# want: maybe site=23 kind=slot slot=CFA-24 at=bad_maybe
function maybe
enter
subq $16, %rsp
site maybe, 24, 23
bad_maybe:
cmpxchgq %rcx, -8(%rbp)
movq -8(%rbp), %rax
addq $16, %rsp
leaveframe
endfunction maybe

# A jump through a pointer in a slot.
# want: jump site=24 kind=slot slot=CFA-24 at=bad_jump
function jump
enter
site jump, 8, 24
popq %rbp
.cfi_def_cfa %rsp, 8
bad_jump:
jmpq *-16(%rsp)
endfunction jump

# A copy from slot to slot is as good as the slot is.
# want: copied site=25 kind=slot slot=CFA-24 at=bad_copy
function copied
enter
subq $32, %rsp
movq %rdi, -8(%rbp)
site copied, 40, 25
bad_copy:
movq -8(%rbp), %rcx
movq %rcx, -16(%rbp)
movq -16(%rbp), %rax
movq %rcx, -24(%rbp)
addq $32, %rsp
leaveframe
endfunction copied

# Nobody reads the copy.
function copied_for_nothing
enter
subq $32, %rsp
site copied_for_nothing, 40, 26
movq -8(%rbp), %rcx
movq %rcx, -16(%rbp)
addq $32, %rsp
leaveframe
endfunction copied_for_nothing
