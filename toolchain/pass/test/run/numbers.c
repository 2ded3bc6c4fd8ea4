// Wide and floating-point numbers of all kinds, across calls and as arguments.
#include "test.h"

typedef __int128 wide;
typedef unsigned __int128 unsigned_wide;

static noinline wide divide(wide a, long b, int n) {
  wide sum = 0;
  for (int i = 1; i <= n; i++) {
    sum += a / (b * i) - a % moved(b + i);
    sum ^= (unsigned_wide)a >> moved(i);
  }
  return sum;
}

static noinline long double powers(long double x, int n) {
  long double r = 1;
  while (n) {
    if (moved(n) & 1)
      r *= x;
    x *= x;
    n >>= 1;
  }
  return r;
}

struct quads {
  long double a, b;
};
static noinline struct quads exchange(struct quads q, int depth) {
  if (depth == 0)
    return q;
  struct quads r = exchange((struct quads){q.b, q.a + depth}, depth - 1);
  put(q.a > r.b);
  return (struct quads){r.a / 2, r.b - q.a};
}

static noinline long conversions(double d, float f, long double q, long l, unsigned long u) {
  long sum = 0;
  sum += (long)(float)moved(l) + (long)(double)(unsigned long)moved(u);
  sum += (int)d + (unsigned char)(int)f + (long)q;
  sum ^= moved((long)(d * f));
  sum += (long)((float)u * (float)0.25) + (unsigned)(f + moved(1));
  sum ^= (long)((wide)d << moved(3));
  return sum + (d > f) + (q < moved(l)) + (f != f) + __builtin_isnan(d / 0);
}

static noinline _Complex float small(_Complex float a, _Complex float b, int n) {
  for (int i = 0; i < n; i++) {
    _Complex float c = a + b;
    put(i);
    a = b - moved(i);
    b = c;
  }
  return a;
}

static noinline _Complex long double large(_Complex long double a, int depth) {
  if (depth == 0)
    return a;
  _Complex long double r = large(a + (long double)depth, depth - 1);
  put(depth);
  return r - a;
}

typedef unsigned _BitInt(121) huge;
static noinline huge fibonacci(int n, huge a, huge b) {
  if (n == 0)
    return a;
  huge r = fibonacci(n - 1, b, a + b);
  put(n);
  return r ^ (a << moved(60));
}

static noinline _Float16 half(_Float16 a, int n) {
  for (int i = 0; i < n; i++)
    a = a * (_Float16)0.5 + (_Float16)moved(i);
  return a;
}

static noinline float fused(float a, float b, float c) {
  float r = a * b + c;
  return r + moved(1) * b;
}

static void put_quad(long double x) {
  union {
    long double q;
    long l[2];
  } bits = {x};
  put(bits.l[0]);
  put(bits.l[1]);
}

long test(long argument) {
  wide d = divide((wide)123456789012345 << 50, 98765, 7);
  put(d);
  put(d >> 64);
  put(divide(-((wide)1 << 90), 7, 5) >> 40);
  put_quad(powers(1.0009765625L, 1000 + argument));
  struct quads q = exchange((struct quads){1.5L, -2.25L}, 5);
  put_quad(q.a);
  put_quad(q.b);
  put(conversions(-3.75, 200.5f, 1e18L, -5, (1ul << 63) - 1025));
  _Complex float s = small(1 + 2.5if, 3 - 1.5if, 6);
  put_double(__real__ s);
  put_double(__imag__ s);
  _Complex long double l = large(1 + 2.5il, 4);
  put_quad(__real__ l);
  put_quad(__imag__ l);
  huge h = fibonacci(40, 0, 1);
  put(h);
  put(h >> 64);
  put((float)half(3, 9) * 1024);
  put_double(fused(1.1f, 2.3f, -2.5f));
  return argument;
}
