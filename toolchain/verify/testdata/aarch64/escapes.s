// Addresses in the native frame that outlive the moment.
.include "site.inc"
.arch_extension lse

// want: to_memory site=1 kind=escape at=store_memory
function to_memory
enter 32
add x9, sp, #16
store_memory:
str x9, [x0]
site to_memory, 32, 1
leaveframe 32
endfunction to_memory

// want: as_one_of_two site=2 kind=escape at=store_pair
function as_one_of_two
enter 32
add x9, x29, #16
store_pair:
stp x1, x9, [x0, #16]
site as_one_of_two, 32, 2
leaveframe 32
endfunction as_one_of_two

// want: to_callee site=3 kind=escape at=call_callee
function to_callee
enter 32
mov x1, sp
call_callee:
site to_callee, 32, 3, reader
leaveframe 32
endfunction to_callee

// want: to_vector site=4 kind=escape at=move_vector
function to_vector
enter 32
add x9, sp, #16
move_vector:
fmov d0, x9
site to_vector, 32, 4
leaveframe 32
endfunction to_vector

// want: exchanged site=5 kind=escape at=bad_exchange
function exchanged
enter 32
add x9, sp, #16
bad_exchange:
swp x9, x11, [x0]
site exchanged, 32, 5
leaveframe 32
endfunction exchanged

function numbers
enter 32
add x9, sp, #16
str w9, [x0]
cmp x9, x1
cset w11, hi
str w11, [x1]
str x1, [sp, #16]
site numbers, 32, 6
leaveframe 32
endfunction numbers
