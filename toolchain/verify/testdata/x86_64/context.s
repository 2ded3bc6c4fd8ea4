# The context: r13.
.include "site.inc"

# Saved, made the base of the portable frame, found again.
function framed
enter
save %r13, -24
pushq %rax
addq $-16, %r13
movq %rdi, (%r13)
site framed, 24, 1
movq (%r13), %rdi
site framed, 24, 2
movq (%r13), %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction framed

# Passed on: the function has no portable frame.
function passed_on
enter
site passed_on, 8, 3
site passed_on, 8, 4
leaveframe
endfunction passed_on

# Restored after the last site without having been read.
function not_read
enter
save %r13, -24
pushq %rax
addq $-16, %r13
site not_read, 24, 5
addq $8, %rsp
popq %r13
leaveframe
endfunction not_read

# Another value comes into it before it is read.
# want: overwritten site=6 kind=context register=r13 at=bad_write
function overwritten
enter
save %r13, -24
pushq %rax
addq $-16, %r13
site overwritten, 24, 6
bad_write:
movq %rax, %r13
movq (%r13), %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction overwritten

# In part is as bad; and on one of two ways.
# want: clobbered site=7 kind=context register=r13 at=bad_clobber
function clobbered
enter
save %r13, -24
pushq %rax
addq $-16, %r13
site clobbered, 24, 7
testl %eax, %eax
je .Lgood
bad_clobber:
movb $1, %r13b
callq leaf
.Lgood:
movq (%r13), %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction clobbered

# After it was read it is a register like any other.
function reused
enter
save %r13, -24
pushq %rax
addq $-16, %r13
site reused, 24, 8
movq (%r13), %rcx
leaq (%rax,%rcx), %r13
callq leaf
movq %r13, %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction reused

# Read and written at once.
function stepped
enter
save %r13, -24
pushq %rax
addq $-16, %r13
site stepped, 24, 9
addq $16, %r13
movq %r13, %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction stepped

# Changed, but saved nowhere: the caller's is lost.
# want: not_saved site=10 kind=context register=r13 at=call_lost
function not_saved
enter
addq $-16, %r13
call_lost:
site not_saved, 8, 10
addq $16, %r13
leaveframe
endfunction not_saved

# Saved, but not where .eh_frame says.
# want: elsewhere site=11 kind=context register=r13 at=call_elsewhere
# want: elsewhere site=11 kind=context register=r13 at=restore_elsewhere
# want: elsewhere site=11 kind=slot slot=CFA-32 at=restore_elsewhere
function elsewhere
enter
pushq %rax
pushq %r13
.cfi_offset %r13, -24
addq $-16, %r13
call_elsewhere:
site elsewhere, 24, 11
restore_elsewhere:
popq %r13
addq $8, %rsp
leaveframe
endfunction elsewhere

# Its slot is real, whatever it is read into; what is not its slot is not.
function own_slot
enter
save %r13, -24
pushq %rax
site own_slot, 24, 12
movq -8(%rbp), %rax
addq $8, %rsp
popq %r13
leaveframe
endfunction own_slot

# The slot is used for something else before the site.
# want: slot_reused site=13 kind=context register=r13 at=call_reused
function slot_reused
enter
save %r13, -24
pushq %rax
movq %rdi, -8(%rbp)
call_reused:
site slot_reused, 24, 13
addq $8, %rsp
popq %r13
leaveframe
endfunction slot_reused
