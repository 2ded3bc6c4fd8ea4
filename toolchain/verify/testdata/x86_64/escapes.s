# Addresses in the native frame that outlive the moment: the stack may be
# elsewhere after a site.
.include "site.inc"

# want: to_memory site=1 kind=escape at=store_memory
function to_memory
enter
subq $16, %rsp
leaq -8(%rbp), %rax
store_memory:
movq %rax, (%rdi)
site to_memory, 24, 1
addq $16, %rsp
leaveframe
endfunction to_memory

# want: to_callee site=2 kind=escape at=call_callee
function to_callee
enter
subq $16, %rsp
movq %rsp, %rdi
call_callee:
site to_callee, 24, 2, reader
addq $16, %rsp
leaveframe
endfunction to_callee

# On the stack, as a seventh argument.
# want: on_stack site=3 kind=escape at=call_stack
function on_stack
enter
subq $32, %rsp
leaq 16(%rsp), %rax
movq %rax, (%rsp)
call_stack:
site on_stack, 40, 3
addq $32, %rsp
leaveframe
endfunction on_stack

# want: to_vector site=4 kind=escape at=move_vector
function to_vector
enter
subq $16, %rsp
move_vector:
movq %rsp, %xmm0
site to_vector, 24, 4
addq $16, %rsp
leaveframe
endfunction to_vector

# A routine gives its argument back.
# want: returned site=5 kind=escape at=store_returned
function returned
enter
subq $48, %rsp
movq %rsp, %rdi
movq %rdi, %rbx
callq memcpy
addq $8, %rax
store_returned:
movq %rax, (%rcx)
site returned, 56, 5
addq $48, %rsp
leaveframe
endfunction returned

# By way of another function; and perhaps, through a pointer.
# want: to_passes site=7 kind=escape at=call_passes
# want: to_passes site=8 kind=escape at=call_pointer
function to_passes
enter
subq $16, %rsp
movq %rsp, %rdi
call_passes:
site to_passes, 24, 7, passes
movq %rsp, %rdi
call_pointer:
site to_passes, 24, 8, by_table
addq $16, %rsp
leaveframe
endfunction to_passes

# What a callee does not read is no argument.
function no_argument
enter
subq $16, %rsp
movq %rsp, %rdi
movq %rax, (%rdi)
site no_argument, 24, 9
movq %rsp, %rdi
movq %rax, (%rdi)
site no_argument, 24, 10, ignores
addq $16, %rsp
leaveframe
endfunction no_argument

# Numbers that are no addresses, or hold half of one.
function numbers
enter
subq $32, %rsp
movq %rsp, %rax
movl %eax, (%rsi)
cmpq %rax, %rdi
seta (%rsi)
movq %rdi, 8(%rsp)
site numbers, 40, 6
addq $32, %rsp
leaveframe
endfunction numbers
