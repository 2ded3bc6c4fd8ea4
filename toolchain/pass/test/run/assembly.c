// Inline assembly. What has text is no business of the code generator's, and the
// function stays where it is; without text, or with a comment alone, it is only a
// barrier.
//
// Stays: aligned, jumps, interrupted
#include "test.h"

static noinline long barrier(long a, long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) {
    long b = a * i;
    __asm__("" : "+r"(b));
    __asm__ volatile("" ::: "memory");
    sum += moved(b);
    __asm__ volatile("" : : "r"(sum), "r"(a) : "memory");
  }
  return sum;
}

static noinline double hide(double x) {
  __asm__("" : "=r"(x) : "0"(x));
  __asm__ volatile("# nobody knows what x is\n\t// or was" : "+r"(x));
  put(1);
  return x;
}

// It calls what may move, and passes its context on.
static noinline long aligned(long n) {
  long a[10], sum = 0;
  __asm__ volatile(".balign 16");
  for (int i = 0; i < 10; i++)
    a[i] = i * n;
  for (int i = 0; i < 10; i++)
    sum += moved(a[i]) + (n ? aligned(n - 1) : 0);
  return sum;
}

static jmp_buf buffer;
static noinline void jump(int value) {
  put(value);
  longjmp(buffer, value + 1);
}

static noinline long jumps(long n) {
  volatile long count = 0;
  volatile int numbers[20];
  for (int i = 0; i < 20; i++)
    numbers[i] = i * n;
  __asm__ volatile(".balign 16");
  int value = setjmp(buffer);
  count++;
  if (value < 5)
    jump(value);
  long sum = count * 1000 + n;
  for (int i = 0; i < 20; i++)
    sum += numbers[i];
  return sum;
}

__attribute__((returns_twice)) noinline long twice(long x) { return moved(x); }
static noinline long interrupted(long n) {
  long a = n * 3;
  return twice(n) + a + moved(a);
}

long test(long argument) {
  put(barrier(3, 10));
  put_double(hide(2.5));
  put(aligned(2));
  put(jumps(4));
  put(interrupted(5));
  return argument;
}
