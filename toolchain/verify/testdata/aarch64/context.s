// The context: x20.
.include "site.inc"

.macro keep
str x20, [sp, #16]
.cfi_offset w20, -16
.endm
.macro giveback
ldr x20, [sp, #16]
leaveframe 32
.endm

// Saved, made the base of the portable frame, found again.
function framed
enter 32
keep
str x0, [x20, #-16]!
site framed, 32, 1
ldr x0, [x20]
site framed, 32, 2
ldr x0, [x20], #16
giveback
endfunction framed

// Passed on: the function has no portable frame.
function passed_on
enter 16
site passed_on, 16, 3
site passed_on, 16, 4
leaveframe 16
endfunction passed_on

// Restored after the last site without having been read.
function not_read
enter 32
keep
sub x20, x20, #16
site not_read, 32, 5
giveback
endfunction not_read

// Another value comes into it before it is read; on one of two ways.
// want: overwritten site=6 kind=context register=x20 at=bad_write
function overwritten
enter 32
keep
sub x20, x20, #16
site overwritten, 32, 6
cbz w0, .Lgood
bad_write:
mov w20, w0
bl leaf
.Lgood:
ldr x0, [x20]
giveback
endfunction overwritten

// After it was read it is a register like any other.
function reused
enter 32
keep
sub x20, x20, #16
site reused, 32, 7
ldr x20, [x20]
bl leaf
mov x0, x20
giveback
endfunction reused

// Changed, but saved nowhere: the caller's is lost.
// want: not_saved site=8 kind=context register=x20 at=call_lost
function not_saved
enter 16
sub x20, x20, #16
call_lost:
site not_saved, 16, 8
add x20, x20, #16
leaveframe 16
endfunction not_saved

// Saved, but not where .eh_frame says.
// want: elsewhere site=9 kind=context register=x20 at=call_elsewhere
function elsewhere
enter 32
str x20, [sp, #24]
.cfi_offset w20, -16
sub x20, x20, #16
call_elsewhere:
site elsewhere, 32, 9
mov x0, x20
ldr x20, [sp, #16]
leaveframe 32
endfunction elsewhere

// Its slot is real, whatever it is read into.
function own_slot
enter 32
keep
site own_slot, 32, 10
ldr x0, [x29, #16]
giveback
endfunction own_slot

// Loaded from a slot that is not its own.
// want: wrong_slot site=11 kind=context register=x20 at=bad_load
// want: wrong_slot site=11 kind=slot slot=CFA-8 at=bad_load
function wrong_slot
enter 32
keep
sub x20, x20, #16
site wrong_slot, 32, 11
bad_load:
ldr x20, [sp, #24]
giveback
endfunction wrong_slot
