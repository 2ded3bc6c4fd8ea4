# Jump tables: how they are bounded, and that each way is followed.
.include "site.inc"

# As a switch is: compared, extended, through a table of addresses.
# want: absolute site=1 kind=register register=rbx at=bad_absolute
function absolute
enter
save %rbx, -24
pushq %rax
site absolute, 24, 1
cmpl $2, %eax
ja .La_out
movl %eax, %eax
jmpq *.La_table(,%rax,8)
.La_0:
movl $1, %ebx
.La_1:
xorl %eax, %eax
jmp .La_out
bad_absolute:
.La_2:
movq %rbx, %rax
.La_out:
addq $8, %rsp
popq %rbx
leaveframe
endfunction absolute
.section .rodata.absolute,"a",@progbits
.p2align 3
.La_table:
.quad .La_0, .La_1, .La_2

# What is behind the bound is not followed, though it would be a way.
function bound
enter
save %rbx, -24
pushq %rax
site bound, 24, 2
movl %eax, %ecx
cmpl $1, %eax
ja .Lb_out
jmpq *.Lb_table(,%rcx,8)
.Lb_0:
movl $1, %ebx
.Lb_1:
.Lb_out:
addq $8, %rsp
popq %rbx
leaveframe
.Lb_other:
movq %rbx, %rax
ud2
endfunction bound
.section .rodata.bound,"a",@progbits
.p2align 3
.Lb_table:
.quad .Lb_0, .Lb_1
.quad .Lb_other

# Distances from the table, sign-extended.
# want: relative site=3 kind=register register=r12 at=bad_relative
function relative
enter
save %r12, -24
pushq %rax
site relative, 24, 3
addl $-65, %eax
cmpl $3, %eax
jae .Lr_out
leaq .Lr_table(%rip), %rcx
movslq (%rcx,%rax,4), %rax
addq %rcx, %rax
jmpq *%rax
.Lr_0:
xorl %r12d, %r12d
.Lr_1:
jmp .Lr_out
bad_relative:
.Lr_2:
movl %r12d, %eax
.Lr_out:
addq $8, %rsp
popq %r12
leaveframe
endfunction relative
.section .rodata.relative,"a",@progbits
.p2align 2
.Lr_table:
.long .Lr_0 - .Lr_table, .Lr_1 - .Lr_table, .Lr_2 - .Lr_table

# Two comparisons meet before the jump; the index is a byte, and was spilled.
function met
enter
save %rbx, -24
subq $24, %rsp
site met, 40, 4
cmpb $2, %al
jbe .Lm_jump
movl %edx, %eax
cmpb $1, %al
ja .Lm_out
.Lm_jump:
movb %al, -24(%rbp)
movl %eax, -28(%rbp)
callq leaf
movl -28(%rbp), %eax
movzbl %al, %ecx
jmpq *.Lm_table(,%rcx,8)
.Lm_0:
.Lm_1:
.Lm_2:
movl $1, %eax
.Lm_out:
addq $24, %rsp
popq %rbx
leaveframe
endfunction met
.section .rodata.met,"a",@progbits
.p2align 3
.Lm_table:
.quad .Lm_0, .Lm_1, .Lm_2
.quad 0

# No case is left for a default: the table ends where it can only end.
# want: no_default site=5 kind=register register=rbx at=bad_default
function no_default
enter
save %rbx, -24
pushq %rax
site no_default, 24, 5
andl $7, %eax
jmpq *.Ln_table(,%rax,8)
.Ln_0:
movl $1, %ebx
.Ln_1:
addq $8, %rsp
popq %rbx
leaveframe
bad_default:
.Ln_2:
movq (%rbx), %rax
ud2
endfunction no_default
.section .rodata.no_default,"a",@progbits
.p2align 3
.Ln_table:
.quad .Ln_0, .Ln_1, .Ln_2
.quad 0

# Two tables side by side, neither with a bound. Only the second has bad ways,
# and those are not after the site.
function side_by_side
enter
save %rbx, -24
pushq %rax
testl %edi, %edi
je .Ls_second
site side_by_side, 24, 6
jmpq *.Ls_table1(,%rax,8)
.Ls_second:
movl %esi, %esi
jmpq *.Ls_table2(,%rsi,8)
.Ls_1:
addq $8, %rsp
popq %rbx
leaveframe
.Ls_2:
movq %rbx, %rax
jmp .Ls_1
endfunction side_by_side
.section .rodata.side_by_side,"a",@progbits
.p2align 3
.Ls_table1:
.quad .Ls_1, .Ls_1
.Ls_table2:
.quad .Ls_2, .Ls_2

# A loop around a switch, as an interpreter is.
function interpreter
enter
save %r14, -24
pushq %rax
.Li_loop:
site interpreter, 24, 7
movzbl (%rax), %ecx
cmpq $3, %rcx
ja .Li_out
jmpq *.Li_table(,%rcx,8)
.Li_0:
movq %rax, %r14
callq leaf
addq %r14, %rax
.Li_1:
callq leaf
jmp .Li_loop
.Li_2:
.Li_3:
movl $3, %r14d
jmp .Li_0
.Li_out:
addq $8, %rsp
popq %r14
leaveframe
endfunction interpreter
.section .rodata.interpreter,"a",@progbits
.p2align 3
.Li_table:
.quad .Li_0, .Li_1, .Li_2, .Li_3

# The comparison was of another number, or of this one before it changed.
# want: stale site=8 kind=unknown at=bad_stale
function stale
enter
site stale, 8, 8
cmpl $1, %eax
ja .Lt_out
movl (%rdi,%rax,4), %eax
bad_stale:
jmpq *.Lt_table(,%rax,8)
.Lt_out:
leaveframe
endfunction stale
.section .data.stale,"aw",@progbits
.p2align 3
# In writable memory: no table of a compiler.
.Lt_table:
.quad .Lt_out, .Lt_out

# The bound is greater than the table.
# want: too_far site=9 kind=unknown at=bad_far
function too_far
enter
site too_far, 8, 9
cmpl $2, %eax
ja .Lf_out
movl %eax, %eax
bad_far:
jmpq *.Lf_table(,%rax,8)
.Lf_out:
leaveframe
endfunction too_far
.section .rodata.too_far,"a",@progbits
.p2align 3
.Lf_table:
.quad .Lf_out, .Lf_out
.quad 0

# A tail call through a table of functions.
function functions
enter
site functions, 8, 10
popq %rbp
.cfi_def_cfa %rsp, 8
cmpl $1, %eax
ja .Lx_out
movl %eax, %eax
jmpq *.Lx_table(,%rax,8)
.Lx_out:
retq
endfunction functions
.section .rodata.functions,"a",@progbits
.p2align 3
.Lx_table:
.quad another, leaf

# The same without a bound.
# want: any_function site=11 kind=unknown at=bad_any
function any_function
enter
site any_function, 8, 11
popq %rbp
.cfi_def_cfa %rsp, 8
bad_any:
jmpq *.Ly_table(,%rax,8)
endfunction any_function
.section .rodata.any_function,"a",@progbits
.p2align 3
.Ly_table:
.quad another, leaf

# Like printf's: the character less a constant, one of several states, and
# ways that join.
function states
enter
save %rbx, -24
save %r12, -32
save %r14, -40
save %r15, -48
save %r13, -56
subq $40, %rsp
addq $-64, %r13
movq %rsi, 16(%r13)
.Lp_more:
site states, 88, 12
movq 16(%r13), %rsi
xorl %ebx, %ebx
.Lp_state:
movsbl (%rsi), %ecx
leal -65(%rcx), %edx
cmpl $57, %edx
ja .Lp_done
movl %edx, %eax
imulq $58, %rbx, %rdx
movzbl .Lp_states(%rdx,%rax), %ebx
testl %ebx, %ebx
je .Lp_done
incq %rsi
leal -1(%rbx), %r14d
cmpl $7, %r14d
jb .Lp_state
leal -32(%rcx), %r15d
andl $15, %r15d
cmpl $5, %r15d
ja .Lp_done
jmpq *.Lp_table(,%r15,8)
.Lp_a:
movq %rsi, -64(%rbp)
callq leaf
movq -64(%rbp), %rsi
movq %rsi, 16(%r13)
jmp .Lp_more
.Lp_b:
movl $16, %r12d
jmp .Lp_c
.Lp_d:
xorl %r12d, %r12d
.Lp_c:
movl %r12d, %edi
callq leaf
jmp .Lp_more
.Lp_done:
addq $40, %rsp
popq %r13
popq %r15
popq %r14
popq %r12
popq %rbx
leaveframe
endfunction states
.section .rodata.states,"a",@progbits
.Lp_states:
.zero 464
.p2align 3
.Lp_table:
.quad .Lp_a, .Lp_b, .Lp_c0, .Lp_d, .Lp_done, .Lp_done
.set .Lp_c0, .Lp_d
