#include "test.h"

static jmp_buf outer;

static noinline void throw_from(int depth, int value) {
  volatile int here = depth;
  if (depth == 0)
    longjmp(outer, value);
  throw_from(depth - 1, value);
  put(here);
}

static noinline long catching(long a, long b) {
  volatile long count = 0;
  long c = a * b;
  int value = setjmp(outer);
  count++;
  if (value < 5)
    throw_from(10, value + 1);
  return count * 1000 + a * 100 + b * 10 + c + value;
}

static noinline long saving(int n) {
  volatile long sum = 0;
  for (volatile int i = 0; i < n; i++) {
    int value = sigsetjmp(outer, 1);
    if (value == 0)
      throw_from(i, i + 1);
    sum += value;
  }
  return sum;
}

static noinline long with_array(int n) {
  int a[n];
  for (int i = 0; i < n; i++)
    a[i] = i * i;
  if (setjmp(outer) == 0)
    throw_from(5, 1);
  long sum = 0;
  for (int i = 0; i < n; i++)
    sum += a[i];
  return sum;
}

long test(long argument) {
  put(catching(3, 4));
  put(saving(6));
  put(with_array(10));
  return argument;
}
