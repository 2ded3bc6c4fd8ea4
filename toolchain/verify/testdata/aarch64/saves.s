// Prologues and epilogues: what is saved and restored is not read.
.include "site.inc"

// Pairs of all kinds, with the frame record at the end.
function pairs
sub sp, sp, #128
.cfi_def_cfa_offset 128
stp d9, d8, [sp, #32]
str x27, [sp, #48]
stp x29, x30, [sp, #64]
stp x22, x21, [sp, #80]
stp x20, x19, [sp, #96]
add x29, sp, #64
.cfi_def_cfa w29, 64
.cfi_offset w19, -24
.cfi_offset w20, -32
.cfi_offset w21, -40
.cfi_offset w22, -48
.cfi_offset w30, -56
.cfi_offset w29, -64
.cfi_offset w27, -80
.cfi_offset b8, -88
.cfi_offset b9, -96
site pairs, 128, 1
ldr x8, [x20]
mov x19, x0
fmov d8, d0
ldp x20, x19, [sp, #96]
ldp x22, x21, [sp, #80]
ldp x29, x30, [sp, #64]
ldr x27, [sp, #48]
ldp d9, d8, [sp, #32]
add sp, sp, #128
ret
endfunction pairs

// .eh_frame that follows the epilogue, with code behind it.
function asynchronous
enter 32
stp x20, x19, [sp, #16]
.cfi_offset w19, -8
.cfi_offset w20, -16
site asynchronous, 32, 2
cbnz w0, .Lmore
.cfi_remember_state
.cfi_def_cfa wsp, 32
ldp x20, x19, [sp, #16]
ldp x29, x30, [sp], #32
.cfi_def_cfa_offset 0
.cfi_restore w19
.cfi_restore w20
.cfi_restore w30
.cfi_restore w29
ret
.Lmore:
.cfi_restore_state
site asynchronous, 32, 3
ldp x20, x19, [sp, #16]
leaveframe 32
endfunction asynchronous

// The stack pointer comes back from the frame pointer.
function by_frame
stp x29, x30, [sp, #-32]!
str x19, [sp, #16]
mov x29, sp
.cfi_def_cfa w29, 32
.cfi_offset w19, -16
.cfi_offset w30, -24
.cfi_offset w29, -32
sub sp, sp, #1040
site by_frame, 1072, 4
mov sp, x29
ldr x19, [sp, #16]
leaveframe 32
endfunction by_frame

function by_distance
enter 32
sub sp, sp, #64
site by_distance, 96, 5
sub sp, x29, #0
leaveframe 32
endfunction by_distance

// The prologue is not at the entry: one way needs no frame.
function wrapped
cbz x0, .Lnone
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site wrapped, 32, 6
mov x19, x0
bl leaf
mov x0, x19
ldr x19, [sp, #16]
ldp x29, x30, [sp], #32
.cfi_def_cfa wsp, 0
.cfi_restore w19
.cfi_restore w30
.cfi_restore w29
ret
.Lnone:
mov x0, xzr
ret
endfunction wrapped

// Several ways join in one tail.
function tails
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site tails, 32, 7
cmp w0, #1
b.lt .Ltail
b.eq .Lone
mov w19, w0
bl leaf
mov w0, w19
.Ltail:
ldr x19, [sp, #16]
leaveframe 32
.Lone:
mov w0, #2
b .Ltail
endfunction tails

// Restored from a slot that .eh_frame does not name.
// want: not_named site=8 kind=slot slot=CFA-16 at=bad_named
function not_named
enter 32
str x19, [sp, #16]
site not_named, 32, 8
bad_named:
ldr x19, [sp, #16]
leaveframe 32
endfunction not_named

// Two registers are restored the wrong way round.
// want: crossed site=9 kind=slot slot=CFA-16 at=bad_crossed
function crossed
enter 32
stp x22, x21, [sp, #16]
.cfi_offset w21, -8
.cfi_offset w22, -16
site crossed, 32, 9
bad_crossed:
ldp x21, x22, [sp, #16]
leaveframe 32
endfunction crossed

// The caller's value is restored, then used.
// want: after_restore site=10 kind=slot slot=CFA-16 at=bad_restore
function after_restore
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
site after_restore, 32, 10
mov x19, #0
bad_restore:
ldr x19, [sp, #16]
mov x0, x19
leaveframe 32
endfunction after_restore

// Code that is far away from the rest, and jumps back into it.
function cold
enter 32
str x19, [sp, #16]
.cfi_offset w19, -16
ldr w8, [x0]
cbnz w8, .Lcold
.Lback:
mov x19, x0
bl leaf
mov x0, x19
ldr x19, [sp, #16]
leaveframe 32
.Lcold:
site cold, 32, 11
b .Lback
endfunction cold
