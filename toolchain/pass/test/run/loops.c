#include "test.h"

noinline long step(long i) { return i * 7 % 13; }
long (*volatile step_pointer)(long) = step;

static noinline long calls(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++)
    sum += step_pointer(i);
  return sum;
}

static noinline long sometimes(long n, long a, const long *b) {
  long sum = 0;
  for (long i = 0; i < n; i++)
    if (b[i % 7] & 1)
      sum += step_pointer(a + b[i % 7]) + i;
  return sum;
}

static noinline unsigned long length(const char *s) {
  const char *p = s;
  while (*p)
    p++;
  return p - s;
}

static noinline void sort(int *a, int n) {
  for (int i = 1; i < n; i++) {
    int x = a[i], j = i;
    for (; j > 0 && a[j - 1] > x; j--)
      a[j] = a[j - 1];
    a[j] = x;
  }
}

static noinline void multiply(double *c, const double *a, const double *b, int n) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++)
        sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
}

static noinline long collatz(unsigned long n) {
  long steps = 0;
  while (n != 1) {
    n = n & 1 ? 3 * n + 1 : n / 2;
    steps++;
  }
  return steps;
}

// Values that are merged, and used only on some of the ways after a call.
static noinline long merges(long n, long x, long y, long z) {
  long a = x * 3, b = y * 5, c = z * 7, sum = 0;
  for (long i = 0; i < n; i++) {
    switch (step_pointer(i + a) & 3) {
    case 0:
      sum += a;
      a = step_pointer(b) + a;
      break;
    case 1:
      b = c + sum;
      break;
    case 2:
      if (step_pointer(c) > 6)
        c = a ^ b;
      sum -= b;
      break;
    default:
      sum += c + i;
    }
    if (i % 3 == 0)
      continue;
    sum += step_pointer(sum & 1023);
  }
  return sum + a + b + c;
}

long test(long argument) {
  static const long b[] = {1, 2, 3, 4, 5, 6, 7};
  put(calls(20));
  put(sometimes(50, 11, b));
  put(length("a string of some length"));
  int numbers[40];
  for (int i = 0; i < 40; i++)
    numbers[i] = i * 37 % 41;
  sort(numbers, 40);
  for (int i = 0; i < 40; i++)
    put(numbers[i]);
  double x[36], y[36], z[36];
  for (int i = 0; i < 36; i++) {
    x[i] = i * 0.5;
    y[i] = 36 - i * 0.25;
  }
  multiply(z, x, y, 6);
  for (int i = 0; i < 36; i++)
    put_double(z[i]);
  put(collatz(27));
  put(merges(100, 1, 2, 3));
  return argument;
}
