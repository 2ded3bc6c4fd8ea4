// Jump tables: how they are bounded, and that each way is followed.
.include "site.inc"

.macro frame
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
.endm
.macro unframe
ldr x19, [sp, #16]
leaveframe 32
.endm

// Bytes, in words from a place in the function.
// want: bytes site=1 kind=register register=x19 at=bad_bytes
function bytes
frame
site bytes, 32, 1
cmp w0, #2
b.hi .Lb_out
adrp x8, .Lb_table
add x8, x8, :lo12:.Lb_table
mov w9, w0
adr x10, .Lb_0
ldrb w11, [x8, x9]
add x10, x10, x11, lsl #2
br x10
.Lb_0:
mov w19, #1
.Lb_1:
b .Lb_out
.Lb_2:
bad_bytes:
mov x0, x19
.Lb_out:
unframe
endfunction bytes
.section .rodata.bytes,"a",%progbits
.Lb_table:
.byte (.Lb_0 - .Lb_0) >> 2, (.Lb_1 - .Lb_0) >> 2, (.Lb_2 - .Lb_0) >> 2
// Not part of the table.
.byte 1, 2, 3

// Halfwords; the index is the argument of a subtraction.
function halfwords
frame
site halfwords, 32, 2
sub w8, w0, #65
cmp w8, #1
b.hi .Lh_out
adrp x9, .Lh_table
add x9, x9, :lo12:.Lh_table
adr x10, .Lh_0
ldrh w11, [x9, w8, uxtw #1]
add x10, x10, x11, lsl #2
br x10
.Lh_0:
mov w19, #1
.Lh_1:
b .Lh_out
.Lh_other:
mov x0, x19
.Lh_out:
unframe
endfunction halfwords
.section .rodata.halfwords,"a",%progbits
.p2align 1
.Lh_table:
.hword (.Lh_0 - .Lh_0) >> 2, (.Lh_1 - .Lh_0) >> 2
.hword (.Lh_other - .Lh_0) >> 2

// Words, from the table itself.
// want: words site=3 kind=register register=x19 at=bad_words
function words
frame
site words, 32, 3
mov x8, x0
cmp x8, #1
b.ls .Lw_jump
b .Lw_out
.Lw_jump:
adrp x9, .Lw_table
add x9, x9, :lo12:.Lw_table
ldrsw x10, [x9, x8, lsl #2]
add x9, x9, x10
br x9
.Lw_0:
mov w19, #1
b .Lw_out
.Lw_1:
bad_words:
mov x0, x19
.Lw_out:
unframe
endfunction words
.section .rodata.words,"a",%progbits
.p2align 2
.Lw_table:
.word .Lw_0 - .Lw_table, .Lw_1 - .Lw_table

// Addresses, with no case left for a default.
// want: addresses site=4 kind=register register=x19 at=bad_addresses
function addresses
frame
site addresses, 32, 4
adrp x9, .La_table
add x9, x9, :lo12:.La_table
and w10, w0, #0x7f
ldr x8, [x9, w10, uxtw #3]
br x8
.La_0:
unframe
.La_1:
bad_addresses:
mov x0, x19
b .La_0
endfunction addresses
.section .rodata.addresses,"a",%progbits
.p2align 3
.La_table:
.xword .La_0, .La_1, 0

// The greatest case does not fit a comparison.
function many
frame
site many, 32, 5
mov w8, #5000
cmp w0, w8
b.hs .Lm_out
adrp x9, .Lm_table
add x9, x9, :lo12:.Lm_table
adr x10, .Lm_0
mov w0, w0
ldrb w11, [x9, x0]
add x10, x10, x11, lsl #2
br x10
.Lm_0:
mov w19, #1
.Lm_out:
unframe
endfunction many
.section .rodata.many,"a",%progbits
.Lm_table:
.zero 5000

// The comparison was of another register.
// want: unguarded site=6 kind=register register=x19 at=bad_unguarded
function unguarded
frame
site unguarded, 32, 6
cmp w1, #0
b.hi .Lu_out
adrp x9, .Lu_table
add x9, x9, :lo12:.Lu_table
adr x10, .Lu_0
ldrb w11, [x9, w0, uxtw]
add x10, x10, x11, lsl #2
br x10
.Lu_0:
b .Lu_out
.Lu_1:
bad_unguarded:
mov x0, x19
.Lu_out:
unframe
endfunction unguarded
.section .rodata.unguarded,"a",%progbits
.Lu_table:
.byte 0, 1, 255

// A loop around a switch; the table's address is made before the loop, and
// the index is spilled between the comparison and the jump.
function loop
enter 64
stp x22, x21, [sp, #16]
.cfi_offset w21, -40
.cfi_offset w22, -48
.Ll_again:
site loop, 64, 7
adrp x21, .Ll_table
add x21, x21, :lo12:.Ll_table
.Ll_next:
ldrb w8, [x0], #1
sub w8, w8, #48
cmp w8, #2
b.hi .Ll_out
str w8, [sp, #40]
str x0, [sp, #48]
bl leaf
ldr x0, [sp, #48]
ldr w8, [sp, #40]
adr x10, .Ll_0
ldrb w11, [x21, x8]
add x10, x10, x11, lsl #2
br x10
.Ll_0:
b .Ll_next
.Ll_1:
b .Ll_again
.Ll_out:
ldp x22, x21, [sp, #16]
leaveframe 64
endfunction loop
.section .rodata.loop,"a",%progbits
.Ll_table:
.byte 0, 1, 0
.byte 9, 9, 9

// The index changes after the comparison.
// want: changed site=8 kind=unknown at=bad_changed
function changed
frame
site changed, 32, 8
cmp w0, #1
b.hi .Lc_out
add w0, w0, #1
adrp x9, .Lc_table
add x9, x9, :lo12:.Lc_table
adr x10, .Lc_out
ldrh w11, [x9, w0, uxtw #1]
add x10, x10, x11, lsl #2
bad_changed:
br x10
.Lc_out:
unframe
endfunction changed
.section .rodata.changed,"a",%progbits
.p2align 1
.Lc_table:
.hword 0x4000, 0, 0

// hexfloat-like: a character by a bit mask, then by ranges.
function hex
frame
.Lx_more:
site hex, 32, 9
sub w8, w0, #48
cmp w8, #54
b.hi .Lx_out
mov w9, #1
lsl x9, x9, x8
mov x10, #0x3ff
movk x10, #0x7e, lsl #16
tst x9, x10
b.eq .Lx_out
orr w11, w0, #0x20
sub w12, w11, #87
cmp w8, #10
csel w19, w8, w12, lo
scvtf d0, w19
fcmp d0, #0.0
b.vs .Lx_out
b.ne .Lx_more
.Lx_out:
unframe
endfunction hex
