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
callee noreturn
callee another

// These use the addresses in x0, x1 and x8.
.macro reader name
.section .text.\name,"ax",%progbits
.globl \name
.type \name,%function
.p2align 2
\name:
ldr x9, [x1]
str x9, [x0]
str x9, [x8]
ret
.size \name, . - \name
.endm
reader reader
reader memcpy
