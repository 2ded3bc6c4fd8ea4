// Cycles of sure tail calls. No function can have a site before such a call, so
// the one that polls parks in another.
#include "test.h"

#define musttail __attribute__((musttail)) return
static noinline long sure_odd(long n, long sum);
static noinline long sure_even(long n, long sum) {
  if (n == 0)
    return sum;
  musttail sure_odd(n - 1, sum + n);
}
static noinline long sure_odd(long n, long sum) { musttail sure_even(n - 1, sum ^ n); }

typedef long state(const char *, long);
static state *const states[4];
static noinline long next(const char *p, long sum) { musttail states[*p & 3](p + 1, sum * 3 + *p); }
static long state0(const char *p, long sum) { musttail next(p, sum + 1); }
static long state1(const char *p, long sum) { musttail next(p, sum ^ 5); }
static long state2(const char *p, long sum) { return *p ? next(p, moved(sum)) : sum; }
static long state3(const char *p, long sum) { return *p ? moved(next(p, -sum)) : -sum; }
static state *const states[4] = {state0, state1, state2, state3};

long test(long argument) {
  put(sure_even(50, 1));
  put(next("a text that ends with\x4f", 1));
  put(next("another, which is \x52", 2));
  return argument;
}
