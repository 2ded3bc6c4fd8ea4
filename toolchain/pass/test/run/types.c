// Values of all types that live across calls.
#include "test.h"

noinline long identity(long x) { return x; }
long (*volatile call)(long) = identity;

typedef int v4 __attribute__((vector_size(16)));
typedef float f4 __attribute__((vector_size(16)));
typedef long v8 __attribute__((vector_size(64)));

static noinline __int128 wide(__int128 a, int n) {
  for (int i = 0; i < n; i++) {
    a = a * 5 + call(i);
    a ^= a << 70;
  }
  return a;
}

static noinline long double quad(long double a, int n) {
  for (int i = 0; i < n; i++)
    a = a * 1.0625L + call(i);
  return a;
}

static noinline float single(float a, float b, int n) {
  for (int i = 0; i < n; i++)
    a = a * b + call(i);
  return a + b;
}

static noinline v4 vector(v4 a, v4 b, int n) {
  for (int i = 0; i < n; i++)
    a = a * b + (int)call(i);
  return a;
}

static noinline long compare(v4 a, v4 b, int n) {
  v4 mask = a > b;
  for (int i = 0; i < n; i++) {
    v4 other = a + (int)call(i) > b;
    mask ^= other & i;
  }
  return mask[0] + 3l * mask[1] + 7l * mask[2] + 11l * mask[3];
}

static noinline v8 long_vector(v8 a, int n) {
  for (int i = 0; i < n; i++)
    a = a * 3 + call(i);
  return a;
}

static noinline long flags(long a, long b, int n) {
  _Bool x = a < b, y = a == b, z = 0;
  for (int i = 0; i < n; i++) {
    z ^= call(i) > 3;
    x = call(a) < i && !y;
    y ^= z;
  }
  return x + 2 * y + 4 * z;
}

static noinline short narrow(short a, signed char b, unsigned char c, int n) {
  for (int i = 0; i < n; i++) {
    a = a * 3 + call(b);
    b = b * 5 + call(c);
    c = c * 7 + call(a);
  }
  return a + b + c;
}

static noinline _Complex double complex(_Complex double a, int n) {
  for (int i = 0; i < n; i++) {
    __real__ a += call(i);
    __imag__ a -= __real__ a * 0.5;
  }
  return a;
}

static noinline unsigned _BitInt(77) bits(unsigned _BitInt(77) a, int n) {
  for (int i = 0; i < n; i++)
    a = a * 11 + call(i);
  return a;
}

long test(long argument) {
  __int128 w = wide(1, 12);
  put(w);
  put(w >> 64);
  put(quad(2.5L, 20));
  put_double(single(1.5f, 0.75f, 9));
  v4 v = vector((v4){1, 2, 3, 4}, (v4){5, 6, 7, 8}, 6);
  for (int i = 0; i < 4; i++)
    put(v[i]);
  put(compare((v4){1, 20, 3, 40}, (v4){10, 2, 30, 4}, 17));
  v8 l = long_vector((v8){1, 2, 3, 4, 5, 6, 7, 8}, 9);
  for (int i = 0; i < 8; i++)
    put(l[i]);
  put(flags(1, 2, 9));
  put(narrow(100, -7, 200, 8));
  _Complex double c = complex(1.0 + 2.0i, 5);
  put_double(__real__ c);
  put_double(__imag__ c);
  put(bits(3, 30) >> 20);
  return argument;
}
