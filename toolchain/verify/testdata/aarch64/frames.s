// Stack maps and .eh_frame against the code.
.include "site.inc"

// want: too_small site=1 kind=frame-size at=call_small
function too_small
enter 32
call_small:
site too_small, 16, 1
leaveframe 32
endfunction too_small

// A call with the stack pointer lower than at the others.
// want: lowered site=3 kind=frame-size at=call_lowered
function lowered
enter 16
site lowered, 16, 2
sub sp, sp, #16
str x0, [sp]
call_lowered:
site lowered, 16, 3
add sp, sp, #16
leaveframe 16
endfunction lowered

// want: by_stack site=4 kind=cfi at=call_stack
function by_stack
stp x29, x30, [sp, #-16]!
.cfi_def_cfa_offset 16
.cfi_offset w30, -8
.cfi_offset w29, -16
mov x29, sp
call_stack:
site by_stack, 16, 4
leaveframe 16
endfunction by_stack

// want: distance site=5 kind=cfi at=call_distance
function distance
enter 32
.cfi_def_cfa w29, 16
call_distance:
site distance, 32, 5
leaveframe 32
endfunction distance

// The frame pointer points past the record.
// want: past site=6 kind=cfi at=call_past
function past
stp x29, x30, [sp, #-32]!
add x29, sp, #16
.cfi_def_cfa w29, 16
.cfi_offset w30, -24
.cfi_offset w29, -32
call_past:
site past, 32, 6
leaveframe 32
endfunction past

// The return address is not saved where .eh_frame says.
// want: swapped site=7 kind=cfi at=call_swapped
function swapped
stp x30, x29, [sp, #-16]!
mov x29, sp
.cfi_def_cfa w29, 16
.cfi_offset w30, -8
.cfi_offset w29, -16
call_swapped:
site swapped, 16, 7
ldp x30, x29, [sp], #16
ret
endfunction swapped

// want: no_call site=8 kind=site at=site_8
function no_call
enter 16
nop
record no_call, 16, 8
leaveframe 16
endfunction no_call
