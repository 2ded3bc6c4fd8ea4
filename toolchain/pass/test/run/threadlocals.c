#include "test.h"

_Thread_local int initialised = 42;
static _Thread_local long zero;
static _Thread_local const long constant = 7;
_Thread_local char array[100] = "thread-local";
extern _Thread_local int other;
_Alignas(64) static _Thread_local int aligned = 3;
static _Thread_local struct {
  int a, b;
} *pointer;

noinline void touch(int *p) { *p += 1; }

static noinline int *choose(int n) { return n ? &initialised : &other; }

long test(long argument) {
  for (int i = 0; i < 10 + argument; i++) {
    touch(choose(i & 1));
    zero += initialised * constant;
    array[i] ^= i;
  }
  put(initialised);
  put(other);
  put(zero);
  put_text(array);
  put((long)&aligned % 64);
  put(aligned + (pointer == 0));
  return argument;
}

_Thread_local int other = 5;
