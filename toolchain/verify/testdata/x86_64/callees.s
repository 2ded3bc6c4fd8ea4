# What the functions under test call. They have no sites.
.macro callee name
.section .text.\name,"ax",@progbits
.globl \name
.type \name,@function
\name:
retq
.size \name, . - \name
.endm
callee callee
callee leaf
callee noreturn
callee another

# reader and what ends in it use the address in rdi; by_table may.
.macro reader name
.section .text.\name,"ax",@progbits
.globl \name
.type \name,@function
\name:
movq (%rdi), %rcx
movq %rdi, %rax
retq
.size \name, . - \name
.endm
reader reader
reader memcpy
reader memset

.section .text.passes,"ax",@progbits
.globl passes
.type passes,@function
passes:
testl %esi, %esi
je reader
pushq %rbp
callq passes
popq %rbp
retq
.size passes, . - passes

.section .text.by_table,"ax",@progbits
.globl by_table
.type by_table,@function
by_table:
jmpq *%rsi
.size by_table, . - by_table

# ignores writes rdi before anybody reads it.
.section .text.ignores,"ax",@progbits
.globl ignores
.type ignores,@function
ignores:
movl $1, %edi
jmp reader
.size ignores, . - ignores
