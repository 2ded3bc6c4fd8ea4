// Vectors of all widths across calls, in pieces and as arguments.
#include "test.h"

typedef signed char c8 __attribute__((vector_size(8)));
typedef unsigned char c16 __attribute__((vector_size(16)));
typedef short s8 __attribute__((vector_size(16)));
typedef int i2 __attribute__((vector_size(8)));
typedef int i4 __attribute__((vector_size(16)));
typedef int i8 __attribute__((vector_size(32)));
typedef float f2 __attribute__((vector_size(8)));
typedef float f8 __attribute__((vector_size(32)));
typedef double d2 __attribute__((vector_size(16)));
typedef double d8 __attribute__((vector_size(64)));
typedef long l16 __attribute__((vector_size(128)));
typedef int i3 __attribute__((ext_vector_type(3)));
typedef _Bool b8 __attribute__((ext_vector_type(8)));

#define THROUGH(type)                                                                                                  \
  static noinline type type##_through(type a, type b, int n) {                                                        \
    if (n == 0)                                                                                                        \
      return a;                                                                                                        \
    type c = type##_through(b, a + b, n - 1);                                                                          \
    put(n);                                                                                                            \
    return c * b - a;                                                                                                  \
  }
THROUGH(c8)
THROUGH(c16)
THROUGH(s8)
THROUGH(i2)
THROUGH(i3)
THROUGH(i4)
THROUGH(i8)
THROUGH(f2)
THROUGH(f8)
THROUGH(d2)
THROUGH(d8)
THROUGH(l16)

#define SHOW(v)                                                                                                        \
  for (unsigned i = 0; i < sizeof(v) / sizeof((v)[0]); i++)                                                           \
  put((v)[i])

static noinline void widths(void) {
  c8 a = c8_through((c8){1, 2, 3, 4, 5, 6, 7, 8}, (c8){8, 7, 6}, 3);
  SHOW(a);
  c16 b = c16_through((c16){1, 2, 3, 4, 5}, (c16){200, 100, 50}, 3);
  SHOW(b);
  s8 c = s8_through((s8){1000, 2000, 3000}, (s8){-1, -2}, 3);
  SHOW(c);
  i2 d = i2_through((i2){1, 2}, (i2){3, 4}, 4);
  SHOW(d);
  i3 e = i3_through((i3){1, 2, 3}, (i3){3, 4, 5}, 4);
  put(e.x + e.y * 10 + e.z * 100);
  i4 f = i4_through((i4){1, 2, 3, 4}, (i4){5, 6, 7, 8}, 5);
  SHOW(f);
  i8 g = i8_through((i8){1, 2, 3, 4, 5, 6, 7, 8}, (i8){3, 3, 3, 3}, 5);
  SHOW(g);
  f2 h = f2_through((f2){1.5f, 2}, (f2){3, 0.5f}, 3);
  SHOW(h);
  f8 k = f8_through((f8){1.5f, 2, 3, 4}, (f8){3, 0.5f, 7}, 3);
  SHOW(k);
  d2 l = d2_through((d2){1.5, 2}, (d2){3, 0.5}, 3);
  SHOW(l);
  d8 m = d8_through((d8){1, 2, 3, 4, 5, 6, 7, 8}, (d8){0.5, 1, 1.5, 2}, 3);
  SHOW(m);
  l16 o = l16_through((l16){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, (l16){7, 7}, 3);
  SHOW(o);
}

static noinline long elements(i8 a, s8 b, int n) {
  long sum = 0;
  for (int i = 0; i < n; i++) {
    a[moved(i) & 7] += sum;
    sum += a[(i * 3) & 7];
    b[(i + 1) & 7] ^= moved(sum);
    sum ^= b[i & 7];
  }
  SHOW(a);
  return sum;
}

static noinline long pieces(i4 a, i4 b, f2 c) {
  i4 low = __builtin_shufflevector(a, b, 0, 4, 1, 5), high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  put(low[1]);
  i8 both = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  put(both[6]);
  s8 small = __builtin_convertvector(both, s8);
  d2 wide = __builtin_convertvector(c, d2);
  put(small[2]);
  i4 bits = (i4)(wide > (d2){1, 1});
  put(moved(bits[0]) + bits[2]);
  i8 mask = both > 3;
  put(moved(mask[0]));
  return __builtin_reduce_add(both & mask) + small[7] + (long)(wide[0] * 4);
}

static noinline long flags(b8 a, b8 b, int n) {
  for (int i = 0; i < n; i++) {
    b8 c = a ^ b;
    a[i & 7] = moved(i) & 1;
    b = c | a;
  }
  long sum = 0;
  for (int i = 0; i < 8; i++)
    sum = sum * 4 + a[i] * 2 + b[i];
  return sum;
}

// More than there are registers.
static noinline long many(i4 a, d2 b, i4 c, d2 d, i4 e, d2 f, i4 g, d2 h, i4 i, d2 j, i8 k, int depth) {
  if (depth)
    return many(i, j, a, b, c, d, e, f, g, h, k + 1, depth - 1) * 3 + a[0] + (long)b[1];
  i4 sum = a + c * 2 + e * 3 + g * 4 + i * 5;
  d2 other = b + d * 2 + f * 3 + h * 4 + j * 5;
  put(sum[1]);
  return sum[0] + sum[3] + (long)other[0] + k[0] + k[7];
}

long test(long argument) {
  widths();
  put(elements((i8){1, 2, 3, 4, 5, 6, 7, 8}, (s8){9, 8, 7, 6, 5, 4, 3, 2}, 20));
  put(pieces((i4){1, 2, 3, 4}, (i4){5, 6, 7, 8}, (f2){0.75f, 3}));
  put(flags((b8){1, 0, 1, 1}, (b8){0, 0, 1, 1, 0, 1}, 11));
  put(many((i4){1, 2}, (d2){3, 4}, (i4){5, 6}, (d2){7, 8}, (i4){9, 10}, (d2){11, 12}, (i4){13, 14}, (d2){15, 16},
           (i4){17, 18, 19, 20}, (d2){21, 22}, (i8){23}, 4));
  return argument;
}
