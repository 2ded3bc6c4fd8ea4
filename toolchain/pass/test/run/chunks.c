// Loops that run in chunks: of all kinds of counters, and of about as many
// iterations as a chunk has.
#include "test.h"

static noinline long sum(const long *a, long n) {
  long s = 0;
  for (long i = 0; i < n; i++)
    s += a[i];
  return s;
}

static noinline void add(int *a, const int *b, int n) {
  for (int i = 0; i < n; i++)
    a[i] += b[i] * 3;
}

static noinline void reverse(char *a, unsigned n) {
  for (unsigned i = 0, j = n - 1; i < j; i++, j--) {
    char t = a[i];
    a[i] = a[j];
    a[j] = t;
  }
}

static noinline long down(const long *p, long n) {
  long s = 0;
  while (n-- > 0)
    s = s * 3 + *p++;
  return s;
}

static noinline long pointers(const int *p, const int *end) {
  long s = 0;
  do
    s = s * 5 + *p;
  while ((p += 3) < end);
  return s;
}

static noinline double polynomial(double x, int n) {
  double r = 0;
  for (int i = n; i >= 0; i -= 2)
    r = r * x + i;
  return r;
}

static noinline long narrow(unsigned char n) {
  long s = 0;
  for (unsigned char i = 1; i != n; i += 2)
    s += i;
  return s;
}

// The counter wraps around in the course of it.
static noinline unsigned wraps(unsigned from, unsigned n) {
  unsigned s = 0;
  for (unsigned i = from; i != from + n; i++)
    s = s * 7 + (i ^ s);
  return s;
}

long test(long argument) {
  long *a = allocate(80000);
  int *b = allocate(40000), *c = allocate(40000);
  char *d = allocate(20000);
  for (int i = 0; i < 10000; i++) {
    a[i] = i * i;
    b[i] = i;
    c[i] = i * 3;
  }
  for (int i = 0; i < 20000; i++)
    d[i] = i % 100 + 1;
  for (long n = 0; n < 10000; n = n < 9 ? n + 1 : n < 4090 ? n * 3 : n < 4100 ? n + 1 : n + 2045) {
    put(sum(a, n));
    add(b, c, n);
    put(b[n / 2]);
    if (n)
      reverse(d, n * 2);
    put(d[n]);
    put(down(a, n));
    put(pointers(b, b + n));
    put_double(polynomial(0.5, n));
    put(narrow((n * 2 + 1) & 255));
    put(wraps(-n / 2, n));
  }
  return argument;
}
