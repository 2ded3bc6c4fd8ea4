// What the functions under test call. They have no sites.
.macro callee name
.section .text.\name,"ax",%progbits
.globl \name
.type \name,%function
.p2align 2
\name:
ret
.size \name, . - \name
.endm
callee callee
callee leaf
callee memcpy
callee memset
callee noreturn
callee another
