// Slots of the native frame.
.include "site.inc"

// A spilled value, by x29 and by sp.
// want: by_frame site=1 kind=slot slot=CFA-16 at=bad_frame
function by_frame
enter 32
str x0, [x29, #16]
site by_frame, 32, 1
bad_frame:
ldr x0, [x29, #16]
leaveframe 32
endfunction by_frame

// want: by_stack site=2 kind=slot slot=CFA-8 at=bad_stack
function by_stack
enter 32
str w0, [sp, #24]
site by_stack, 32, 2
bad_stack:
ldrsw x0, [sp, #24]
leaveframe 32
endfunction by_stack

// Written again, by another name for it and as one of two.
function written
enter 48
site written, 48, 3
mov x8, sp
stp x0, x1, [x8, #16]
ldur x0, [x29, #16]
ldr q0, [sp, #16]
str d0, [sp, #32]
ldr w1, [sp, #36]
leaveframe 48
endfunction written

// Written in part.
// want: half_written site=4 kind=slot slot=CFA-12 at=bad_half
function half_written
enter 32
site half_written, 32, 4
str w0, [sp, #16]
bad_half:
ldr x0, [sp, #16]
leaveframe 32
endfunction half_written

// want: byte site=5 kind=slot slot=CFA-15 at=bad_byte
function byte
enter 32
site byte, 32, 5
strb w0, [sp, #16]
bad_byte:
ldrh w0, [sp, #16]
leaveframe 32
endfunction byte

// A vector register is restored.
// want: vector site=6 kind=slot slot=CFA-16 at=bad_vector
function vector
enter 32
str q0, [sp, #16]
site vector, 32, 6
bad_vector:
ldr q0, [sp, #16]
leaveframe 32
endfunction vector

// One of two is not written.
// want: pair site=7 kind=slot slot=CFA-8 at=bad_pair
function pair
enter 32
site pair, 32, 7
str x0, [sp, #16]
bad_pair:
ldp x0, x1, [sp, #16]
leaveframe 32
endfunction pair

// An argument that the caller passed in its own frame.
// want: incoming site=8 kind=slot slot=CFA+8 at=bad_incoming
function incoming
enter 16
ldr x0, [x29, #24]
site incoming, 16, 8
bad_incoming:
ldr x0, [x29, #24]
leaveframe 16
endfunction incoming

// Arguments for a callee are written before each call.
function outgoing
sub sp, sp, #32
.cfi_def_cfa_offset 32
stp x29, x30, [sp, #16]
add x29, sp, #16
.cfi_def_cfa w29, 16
.cfi_offset w30, -8
.cfi_offset w29, -16
str x0, [sp]
site outgoing, 32, 9
stp x0, xzr, [sp]
site outgoing, 32, 10
ldp x29, x30, [sp, #16]
add sp, sp, #32
ret
endfunction outgoing

// The slot of a saved register is read into another one.
// want: other_register site=11 kind=slot slot=CFA-16 at=bad_other
function other_register
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site other_register, 32, 11
bad_other:
ldr x0, [sp, #16]
ldr x19, [sp, #16]
leaveframe 32
endfunction other_register

// The frame record is real.
function record_slots
enter 16
site record_slots, 16, 12
ldr x0, [x29]
ldr x1, [sp, #8]
leaveframe 16
endfunction record_slots

// An array in the frame, at a place that a register says.
// want: array site=13 kind=slot slot=anywhere at=bad_array
function array
enter 64
site array, 64, 13
add x8, sp, #16
bad_array:
ldr w0, [x8, x0, lsl #2]
leaveframe 64
endfunction array

// The same, with a bound: all of it is written, or not.
function bounded_array
enter 64
site bounded_array, 64, 14
movi v0.2d, #0
stp q0, q0, [sp, #16]
and x9, x0, #0x7
add x8, sp, #16
ldr w0, [x8, x9, lsl #2]
leaveframe 64
endfunction bounded_array

// want: short_array site=15 kind=slot slot=CFA-32 at=bad_short
function short_array
enter 64
site short_array, 64, 15
str q0, [sp, #16]
ubfx w9, w0, #4, #3
add x8, sp, #16
bad_short:
ldr w0, [x8, w9, uxtw #2]
leaveframe 64
endfunction short_array

// A loop with a pointer that moves.
// want: moving site=16 kind=slot slot=anywhere at=bad_moving
function moving
enter 64
site moving, 64, 16
add x8, sp, #16
.Lmoving:
bad_moving:
ldr x9, [x8], #8
cbnz x9, .Lmoving
leaveframe 64
endfunction moving

// Loads and stores whose size the name does not tell.
// want: structure site=17 kind=slot slot=anywhere at=bad_structure
function structure
enter 64
site structure, 64, 17
add x8, sp, #16
bad_structure:
ld1 { v0.16b, v1.16b }, [x8]
leaveframe 64
endfunction structure

// want: no_write site=18 kind=slot slot=CFA-48 at=bad_write
function no_write
enter 64
site no_write, 64, 18
add x8, sp, #16
st1 { v0.16b }, [x8]
bad_write:
ldr x0, [sp, #16]
leaveframe 64
endfunction no_write

// A routine that is given the address of a slot may read it.
// want: given site=19 kind=slot slot=anywhere at=bad_given
function given
enter 64
site given, 64, 19
add x1, sp, #16
mov w2, #8
bad_given:
bl memcpy
leaveframe 64
endfunction given

// Far away: the offset does not fit an instruction.
// want: far site=20 kind=slot slot=CFA-65552 at=bad_far
function far
stp x29, x30, [sp, #-32]!
.cfi_def_cfa_offset 32
str x28, [sp, #16]
mov x29, sp
.cfi_def_cfa w29, 32
.cfi_offset w28, -16
.cfi_offset w30, -24
.cfi_offset w29, -32
sub sp, sp, #16, lsl #12
mov x9, #0x10
movk x9, #0x1, lsl #16
sub sp, sp, x9
add x9, sp, #16, lsl #12
str x0, [x9, #32]
site far, 131120, 20
add x8, sp, #16, lsl #12
bad_far:
ldr x0, [x8, #32]
mov sp, x29
ldr x28, [sp, #16]
leaveframe 32
endfunction far

// A base that is still there at a call may be the address of a result.
// want: far_base site=21 kind=escape at=call_base
function far_base
enter 32
add x8, sp, #16
str x0, [x8]
call_base:
site far_base, 32, 21, reader
leaveframe 32
endfunction far_base

// Not for a callee that does not look at it.
function near_base
enter 32
add x8, sp, #16
str x0, [x8]
site near_base, 32, 22
leaveframe 32
endfunction near_base
