# Prologues and epilogues: what is saved and restored is not read.
.include "site.inc"

# All forms of leaving.
function by_leave
enter
subq $32, %rsp
movq %rbx, -8(%rbp)
.cfi_offset %rbx, -24
site by_leave, 40, 1
xorl %ebx, %ebx
movq -8(%rbp), %rbx
leave
.cfi_def_cfa %rsp, 8
retq
endfunction by_leave

function by_lea
enter
save %rbx, -24
save %r14, -32
subq $64, %rsp
site by_lea, 88, 2
leaq -16(%rbp), %rsp
popq %r14
popq %rbx
leaveframe
endfunction by_lea

function by_mov
enter
subq $64, %rsp
site by_mov, 72, 3
movq %rbp, %rsp
leaveframe
endfunction by_mov

function by_add
enter
save %r15, -24
save %r14, -32
save %r13, -40
save %r12, -48
save %rbx, -56
subq $4088, %rsp
movq %rdi, %r13
site by_add, 4136, 4
movq (%r13), %rax
addq $4088, %rsp
popq %rbx
popq %r12
popq %r13
popq %r14
popq %r15
leaveframe
endfunction by_add

# The prologue is not at the entry: one way needs no frame.
function wrapped
testq %rdi, %rdi
je .Lnone
enter
save %rbx, -24
pushq %rax
site wrapped, 24, 5
movq %rax, %rbx
callq leaf
movq %rbx, %rax
addq $8, %rsp
popq %rbx
popq %rbp
.cfi_def_cfa %rsp, 8
.cfi_restore %rbx
.cfi_restore %rbp
retq
.Lnone:
xorl %eax, %eax
retq
endfunction wrapped

# A frame for each of two ways, one after the other.
function twice
enter
save %rbx, -24
pushq %rax
site twice, 24, 6
addq $8, %rsp
popq %rbx
popq %rbp
.cfi_def_cfa %rsp, 8
testl %eax, %eax
je .Ldone
pushq %rbp
.cfi_def_cfa_offset 16
movq %rsp, %rbp
.cfi_def_cfa_register %rbp
pushq %rbx
pushq %rax
movl %eax, %ebx
callq leaf
movl %ebx, %edi
site twice, 24, 7
addq $8, %rsp
popq %rbx
popq %rbp
.cfi_def_cfa %rsp, 8
.Ldone:
retq
endfunction twice

# Several returns, and one tail for two of them.
function tails
enter
save %rbx, -24
pushq %rax
site tails, 24, 8
testl %eax, %eax
js .Lnegative
je .Ltail
movl %eax, %ebx
callq leaf
movl %ebx, %eax
.Ltail:
addq $8, %rsp
popq %rbx
leaveframe
.Lnegative:
movl $1, %eax
addq $8, %rsp
popq %rbx
leaveframe
endfunction tails

# Restored from a slot that .eh_frame does not name: a value, not a save.
# want: not_named site=9 kind=slot slot=CFA-24 at=bad_restore
function not_named
enter
pushq %rbx
pushq %rax
site not_named, 24, 9
addq $8, %rsp
bad_restore:
popq %rbx
leaveframe
endfunction not_named

# Restored from the slot of another register.
# want: crossed site=10 kind=slot slot=CFA-32 at=bad_first
# want: crossed site=10 kind=slot slot=CFA-24 at=bad_second
function crossed
enter
save %rbx, -24
save %r12, -32
site crossed, 24, 10
bad_first:
popq %rbx
bad_second:
popq %r12
leaveframe
endfunction crossed

# A register is pushed after the site for another purpose than to save it.
# want: pushed_live site=11 kind=register register=rbx at=bad_push
function pushed_live
enter
save %rbx, -24
pushq %rax
site pushed_live, 24, 11
bad_push:
pushq %rbx
popq %rax
addq $8, %rsp
popq %rbx
leaveframe
endfunction pushed_live

# Code that is far away from the rest, and jumps back into it.
function cold
enter
save %rbx, -24
pushq %rax
cmpl $0, (%rdi)
jne .Lcold
.Lback:
movq %rdi, %rbx
callq leaf
movq %rbx, %rax
addq $8, %rsp
popq %rbx
leaveframe
.Lcold:
site cold, 24, 12
movq %rax, %rdi
jmp .Lback
endfunction cold
