#include "test.h"

static long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static long ackermann(long m, long n) {
  if (m == 0)
    return n + 1;
  if (n == 0)
    return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

static long odd(long n);
static noinline long even(long n) { return n == 0 ? 1 : odd(n - 1); }
static noinline long odd(long n) { return n == 0 ? 0 : even(n - 1); }

static void hanoi(int n, int from, int to, int by, long *moves) {
  if (n == 0)
    return;
  hanoi(n - 1, from, by, to, moves);
  moves[from * 3 + to]++;
  hanoi(n - 1, by, to, from, moves);
}

// More arguments than there are registers for them.
noinline long many(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, int depth) {
  if (depth == 0)
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
  long r = many(j, a, b, c, d, e, f, g, h, i, depth - 1);
  return r * 31 + a - b + c - d + e - f + g - h + i - j;
}

noinline double mixed(double a, float b, long c, double d, int depth) {
  if (depth == 0)
    return a + b * c - d;
  double r = mixed(d, a, c + 1, b, depth - 1);
  return r * 0.5 + a - b + c * d;
}

// Tail calls: with other arguments than its own, as a part of the function only,
// and after another call.
noinline long end(long a, const char *b, double c) { return a * 3 + b[1] + (long)c; }
noinline long swap(const char *b, long a, long unused, double c) { return a > 5 ? end(a, b, c) : unused; }
long (*volatile swap_pointer)(const char *, long, long, double) = swap;
noinline long late(long a, const char *b) {
  put(a);
  return swap_pointer(b, a, 7, 2.5);
}
noinline void nothing(const char *b, long a) {
  if (a)
    end(a, b, 1);
}

long test(long argument) {
  put(late(4, "xyz") + late(40, "xyz"));
  nothing("xyz", 1);
  put(fib(15 + argument));
  put(ackermann(2, 5));
  put(even(100) + 2 * odd(101));
  long moves[9] = {0};
  hanoi(7, 0, 2, 1, moves);
  for (int i = 0; i < 9; i++)
    put(moves[i]);
  put(many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9));
  put_double(mixed(1.5, 2.25f, 3, 4.125, 8));
  return 0;
}
