# Stack maps and .eh_frame against the code.
.include "site.inc"

# want: too_small site=1 kind=frame-size at=call_small
function too_small
enter
pushq %rax
pushq %rax
call_small:
site too_small, 16, 1
addq $16, %rsp
leaveframe
endfunction too_small

# Arguments that are pushed make the frame larger at that call.
# want: pushes site=3 kind=frame-size at=call_pushes
function pushes
enter
site pushes, 8, 2
pushq %rax
pushq %rax
call_pushes:
site pushes, 8, 3
addq $16, %rsp
leaveframe
endfunction pushes

# .eh_frame never says that rbp is the frame's.
# want: by_stack site=4 kind=cfi at=call_stack
function by_stack
pushq %rbp
.cfi_def_cfa_offset 16
.cfi_offset %rbp, -16
movq %rsp, %rbp
call_stack:
site by_stack, 8, 4
popq %rbp
.cfi_def_cfa_offset 8
retq
endfunction by_stack

# It says so with a wrong distance.
# want: distance site=5 kind=cfi at=call_distance
function distance
enter
.cfi_def_cfa %rbp, 24
call_distance:
site distance, 8, 5
popq %rbp
.cfi_def_cfa %rsp, 8
retq
endfunction distance

# rbp points elsewhere at the call.
# want: moved site=6 kind=cfi at=call_moved
# want: moved site=6 kind=escape at=call_moved
# want: moved site=6 kind=slot slot=CFA-24 at=back_moved
function moved
enter
pushq %rbp
movq %rsp, %rbp
call_moved:
site moved, 16, 6
back_moved:
popq %rbp
leaveframe
endfunction moved

# The caller's rbp is not where it should be.
# want: not_record site=7 kind=cfi at=call_record
function not_record
pushq %rax
pushq %rbp
.cfi_def_cfa_offset 24
.cfi_offset %rbp, -24
leaq 8(%rsp), %rbp
.cfi_def_cfa %rbp, 16
call_record:
site not_record, 16, 7
popq %rbp
.cfi_def_cfa %rsp, 16
addq $8, %rsp
.cfi_def_cfa_offset 8
retq
endfunction not_record

# Overwritten by the function itself, which then has no frame to leave.
# want: overwritten site=8 kind=unknown at=return_over
function overwritten
enter
movq %rdi, (%rbp)
site overwritten, 8, 8
popq %rbp
.cfi_def_cfa %rsp, 8
return_over:
retq
endfunction overwritten

# No .eh_frame at all.
# want: silent site=9 kind=cfi at=silent
.section .text.silent,"ax",@progbits
.type silent,@function
silent:
pushq %rbp
movq %rsp, %rbp
site silent, 8, 9
popq %rbp
retq
.size silent, . - silent

# A record where there is no call.
# want: no_call site=10 kind=site at=site_10
function no_call
enter
nop
record no_call, 8, 10
leaveframe
endfunction no_call

# One after a call that nothing leads to.
# want: dead_call site=11 kind=site at=site_11
function dead_call
enter
site dead_call, 8, 12
leaveframe
callq callee
record dead_call, 8, 11
ud2
endfunction dead_call

# One at the function's end, and one outside of it.
# want: at_end site=13 kind=site at=site_13
function at_end
enter
callq noreturn
endfunction at_end
record at_end, 8, 13
nop

# Two of one call.
# want: double site=14 kind=site at=site_14
function double
enter
callq callee
record double, 8, 15
record double, 8, 14
leaveframe
endfunction double

# A record of what is no function.
# want: @no_function site=16 kind=site at=no_function
.section .text.no_function,"ax",@progbits
no_function:
callq callee
record no_function, 8, 16
retq

# Functions that the linker left out have the address zero.
.section .llvm_stackmaps,"a",@progbits
.p2align 3
.byte 3, 0, 0, 0
.long 1, 0, 1
.quad 0, 8, 1
.quad 17
.long 12
.short 0, 0
.long 0, 0
