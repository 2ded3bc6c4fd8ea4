// Callee-saved registers, whole and in part.
.include "site.inc"
.arch_extension lse

// want: live_x19 site=1 kind=register register=x19 at=bad_x19
function live_x19
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
mov x19, x0
site live_x19, 32, 1
bad_x19:
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction live_x19

// want: live_x21 site=2 kind=register register=x21 at=bad_x21
function live_x21
enter 32
str x21, [sp, #16]
.cfi_offset w21, -16
mov x21, x0
site live_x21, 32, 2
bad_x21:
mov x0, x21
ldr x21, [sp, #16]
leaveframe 32
endfunction live_x21

// want: live_x22 site=3 kind=register register=x22 at=bad_x22
function live_x22
enter 32
str x22, [sp, #16]
.cfi_offset w22, -16
mov x22, x0
site live_x22, 32, 3
bad_x22:
mov w0, w22
ldr x22, [sp, #16]
leaveframe 32
endfunction live_x22

// want: live_x23 site=4 kind=register register=x23 at=bad_x23
function live_x23
enter 32
str x23, [sp, #16]
.cfi_offset w23, -16
mov x23, x0
site live_x23, 32, 4
bad_x23:
mov x0, x23
ldr x23, [sp, #16]
leaveframe 32
endfunction live_x23

// want: live_x24 site=5 kind=register register=x24 at=bad_x24
function live_x24
enter 32
str x24, [sp, #16]
.cfi_offset w24, -16
mov x24, x0
site live_x24, 32, 5
bad_x24:
mov w0, w24
ldr x24, [sp, #16]
leaveframe 32
endfunction live_x24

// want: live_x25 site=6 kind=register register=x25 at=bad_x25
function live_x25
enter 32
str x25, [sp, #16]
.cfi_offset w25, -16
mov x25, x0
site live_x25, 32, 6
bad_x25:
mov x0, x25
ldr x25, [sp, #16]
leaveframe 32
endfunction live_x25

// want: live_x26 site=7 kind=register register=x26 at=bad_x26
function live_x26
enter 32
str x26, [sp, #16]
.cfi_offset w26, -16
mov x26, x0
site live_x26, 32, 7
bad_x26:
mov w0, w26
ldr x26, [sp, #16]
leaveframe 32
endfunction live_x26

// want: live_x27 site=8 kind=register register=x27 at=bad_x27
function live_x27
enter 32
str x27, [sp, #16]
.cfi_offset w27, -16
mov x27, x0
site live_x27, 32, 8
bad_x27:
mov x0, x27
ldr x27, [sp, #16]
leaveframe 32
endfunction live_x27

// want: live_x28 site=9 kind=register register=x28 at=bad_x28
function live_x28
enter 32
str x28, [sp, #16]
.cfi_offset w28, -16
mov x28, x0
site live_x28, 32, 9
bad_x28:
mov w0, w28
ldr x28, [sp, #16]
leaveframe 32
endfunction live_x28

// want: live_d8 site=10 kind=register register=d8 at=bad_d8
function live_d8
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
fmov d8, d0
site live_d8, 32, 10
bad_d8:
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction live_d8

// want: live_d9 site=11 kind=register register=d9 at=bad_d9
function live_d9
enter 32
str d9, [sp, #16]
.cfi_offset b9, -16
fmov d9, d0
site live_d9, 32, 11
bad_d9:
fadd d0, d0, d9
ldr d9, [sp, #16]
leaveframe 32
endfunction live_d9

// want: live_d10 site=12 kind=register register=d10 at=bad_d10
function live_d10
enter 32
str d10, [sp, #16]
.cfi_offset b10, -16
fmov d10, d0
site live_d10, 32, 12
bad_d10:
fcvtzs w0, s10
ldr d10, [sp, #16]
leaveframe 32
endfunction live_d10

// want: live_d11 site=13 kind=register register=d11 at=bad_d11
function live_d11
enter 32
str d11, [sp, #16]
.cfi_offset b11, -16
fmov d11, d0
site live_d11, 32, 13
bad_d11:
str q11, [x0]
ldr d11, [sp, #16]
leaveframe 32
endfunction live_d11

// want: live_d12 site=14 kind=register register=d12 at=bad_d12
function live_d12
enter 32
str d12, [sp, #16]
.cfi_offset b12, -16
fmov d12, d0
site live_d12, 32, 14
bad_d12:
mov v0.16b, v12.16b
ldr d12, [sp, #16]
leaveframe 32
endfunction live_d12

// want: live_d13 site=15 kind=register register=d13 at=bad_d13
function live_d13
enter 32
str d13, [sp, #16]
.cfi_offset b13, -16
fmov d13, d0
site live_d13, 32, 15
bad_d13:
umov w0, v13.h[1]
ldr d13, [sp, #16]
leaveframe 32
endfunction live_d13

// want: live_d14 site=16 kind=register register=d14 at=bad_d14
function live_d14
enter 32
str d14, [sp, #16]
.cfi_offset b14, -16
fmov d14, d0
site live_d14, 32, 16
bad_d14:
str h14, [x0]
ldr d14, [sp, #16]
leaveframe 32
endfunction live_d14

// want: live_d15 site=17 kind=register register=d15 at=bad_d15
function live_d15
enter 32
str d15, [sp, #16]
.cfi_offset b15, -16
fmov d15, d0
site live_d15, 32, 17
bad_d15:
fmla v0.2d, v1.2d, v15.2d
ldr d15, [sp, #16]
leaveframe 32
endfunction live_d15

// A write of 32 bits clears the upper half.
function half
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site half, 32, 18
mov w19, #1
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction half

// movk leaves 48 bits as they were.
// want: keep site=19 kind=register register=x19 at=bad_keep
function keep
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site keep, 32, 19
bad_keep:
movk x19, #1
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction keep

// So does an insertion of bits.
// want: insert_bits site=20 kind=register register=x19 at=bad_bits
function insert_bits
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site insert_bits, 32, 20
bad_bits:
bfi x19, x0, #0, #8
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction insert_bits

// A condition may select it.
// want: select site=21 kind=register register=x19 at=bad_select
function select
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site select, 32, 21
bad_select:
csel x0, x0, x19, eq
ldr x19, [sp, #16]
leaveframe 32
endfunction select

// The accumulator is read.
// want: accumulate site=22 kind=register register=d8 at=bad_fma
function accumulate
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site accumulate, 32, 22
bad_fma:
fmla v8.2d, v0.2d, v1.2d
ldr d8, [sp, #16]
leaveframe 32
endfunction accumulate

// Two elements make up the lower half.
function lanes
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site lanes, 32, 23
mov v8.s[0], w0
mov v8.s[1], w1
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction lanes

// One does not.
// want: one_lane site=24 kind=register register=d8 at=bad_lane
function one_lane
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site one_lane, 32, 24
mov v8.s[0], w0
bad_lane:
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction one_lane

// What is read is what was written.
function own_lane
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site own_lane, 32, 25
mov v8.h[1], w0
mov v8.h[0], v0.h[2]
fmov w0, s8
ldr d8, [sp, #16]
leaveframe 32
endfunction own_lane

// An element of it is read.
// want: from_lane site=26 kind=register register=d8 at=bad_from
function from_lane
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site from_lane, 32, 26
bad_from:
mov v0.s[0], v8.s[1]
ldr d8, [sp, #16]
leaveframe 32
endfunction from_lane

// The upper half is nobody's.
function high_lane
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site high_lane, 32, 27
mov v8.d[1], x0
fmov v8.d[1], x0
fmov d8, d0
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction high_lane

// An element is loaded.
function lane_load
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site lane_load, 32, 28
ld1 { v8.d }[0], [x0]
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction lane_load

// A scalar write clears the rest.
function scalar
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site scalar, 32, 29
fmov s8, w0
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction scalar

// One of two registers in a row.
// want: tuple site=30 kind=register register=d8 at=bad_tuple
function tuple
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site tuple, 32, 30
bad_tuple:
st2 { v7.2d, v8.2d }, [x0]
ldr d8, [sp, #16]
leaveframe 32
endfunction tuple

// Both are written.
function tuple_write
enter 32
str d8, [sp, #16]
.cfi_offset b8, -16
site tuple_write, 32, 31
ld2 { v8.2d, v9.2d }, [x0]
fmov x0, d8
ldr d8, [sp, #16]
leaveframe 32
endfunction tuple_write

// Zero comes from its own register.
function zero
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site zero, 32, 32
mov x19, xzr
add x0, x19, xzr
movi d8, #0
ldr x19, [sp, #16]
leaveframe 32
endfunction zero

// Calls that are no sites keep the register, and what a site left in it.
// want: through_leaf site=33 kind=register register=x19 at=bad_through
function through_leaf
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site through_leaf, 32, 33
bl leaf
bad_through:
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction through_leaf

// What was put into it since is good.
function no_site
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site no_site, 32, 34
mov x19, x0
bl leaf
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction no_site

// On one of several ways.
// want: one_way site=35 kind=register register=x19 at=bad_way
function one_way
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site one_way, 32, 35
cbz w0, .Lone_out
tbnz w0, #2, .Lone_out
bad_way:
add x0, x0, x19
.Lone_out:
ldr x19, [sp, #16]
leaveframe 32
endfunction one_way

// Loaded as one of two.
function pair
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site pair, 32, 36
ldp x0, x19, [x0]
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
endfunction pair

// Stored exclusively.
// want: exclusive site=37 kind=register register=x19 at=bad_exclusive
function exclusive
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site exclusive, 32, 37
bad_exclusive:
stlxr w1, x19, [x0]
ldr x19, [sp, #16]
leaveframe 32
endfunction exclusive

// Compared and swapped.
// want: compare site=38 kind=register register=x19 at=bad_compare
function compare
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site compare, 32, 38
bad_compare:
casal x19, x1, [x0]
ldr x19, [sp, #16]
leaveframe 32
endfunction compare
