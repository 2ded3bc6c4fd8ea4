// An interpreter with computed gotos.
#include "test.h"

enum { PUSH, ADD, MUL, DUP, SWAP, JNZ, DEC, CALL, HALT };

noinline long helper(long x) { return x * 3 + 1; }
long (*volatile helper_pointer)(long) = helper;

static noinline long run(const int *code) {
  static const void *const labels[] = {&&push, &&add, &&mul, &&dup, &&swap, &&jnz, &&dec, &&call, &&halt};
  long stack[32], *top = stack, t;
  const int *pc = code;
#define NEXT goto *labels[*pc++]
  NEXT;
push:
  *top++ = *pc++;
  NEXT;
add:
  top--;
  top[-1] += *top;
  NEXT;
mul:
  top--;
  top[-1] *= *top;
  NEXT;
dup:
  *top = top[-1];
  top++;
  NEXT;
swap:
  t = top[-1];
  top[-1] = top[-2];
  top[-2] = t;
  NEXT;
jnz:
  pc = top[-1] ? code + *pc : pc + 1;
  NEXT;
dec:
  top[-1]--;
  NEXT;
call:
  top[-1] = helper_pointer(top[-1]);
  NEXT;
halt:
  return top[-2];
}

static noinline int relative(int n) {
  static const int offsets[] = {&&a - &&a, &&b - &&a, &&c - &&a};
  int sum = 0;
  for (int i = 0; i < n; i++) {
    goto *(&&a + offsets[i % 3]);
  a:
    sum += 1;
    continue;
  b:
    sum *= 3;
    continue;
  c:
    sum ^= i;
  }
  return sum;
}

long test(long argument) {
  static const int code[] = {PUSH, 1, PUSH, 20, SWAP, CALL, PUSH, 1000, ADD, SWAP, DEC, JNZ, 4, HALT};
  put(run(code));
  put(relative(30));
  return argument;
}
