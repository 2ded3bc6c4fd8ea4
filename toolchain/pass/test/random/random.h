// What the programs of generator_test.go need: types of all kinds, for each of
// which there are the same few functions, and exceptions.
#pragma once
#include "../run/test.h"
#include <stdarg.h>

// In this many calls a program comes to its end.
static long fuel = 300;

#define TYPE(name, from, to, plus, minus, times)                                                                       \
  static name name##_from(long x) { return from; }                                                                     \
  static long name##_long(name x) { return to; }                                                                       \
  static name name##_add(name a, name b) { return plus; }                                                              \
  static name name##_sub(name a, name b) { return minus; }                                                             \
  static noinline name name##_mul(name a, name b) { return times; }                                                    \
  static name name##_moved(name x) {                                                                                   \
    moved(0);                                                                                                          \
    return x;                                                                                                          \
  }

// Integers, which wrap around.
typedef unsigned __int128 all;
#define INTEGER(name) TYPE(name, x, x ^ (all)x >> 64, (all)a + (all)b, (all)a - (all)b, (all)a *(all)b)
typedef signed char i8;
typedef unsigned short u16;
typedef int i32;
typedef long i64;
typedef unsigned long u64;
typedef __int128 i128;
typedef unsigned _BitInt(77) u77;
typedef _Bool b1;
INTEGER(i8)
INTEGER(u16)
INTEGER(i32)
INTEGER(i64)
INTEGER(u64)
INTEGER(i128)
INTEGER(u77)
INTEGER(b1)

// Fractions, which stay small: what is too large or none at all depends on the
// ISA when it is converted.
#define BOUNDED(x) ((x) > -1e9 && (x) < 1e9 ? (x) : 1.5f)
#define FRACTION(name) TYPE(name, (x & 1023) * 0.375f, (long)(x * 4), BOUNDED(a + b), BOUNDED(a - b), BOUNDED(a *b))
typedef float f32;
typedef double f64;
typedef long double f128;
FRACTION(f32)
FRACTION(f64)
FRACTION(f128)

typedef unsigned v4i32 __attribute__((vector_size(16)));
typedef unsigned long v8i64 __attribute__((vector_size(64)));
typedef double v2f64 __attribute__((vector_size(16)));
static long sum4(v4i32 x) {
  long sum = 0;
  for (int i = 0; i < 4; i++)
    sum = sum * 3 + x[i];
  return sum;
}
static long sum8(v8i64 x) {
  long sum = 0;
  for (int i = 0; i < 8; i++)
    sum = (sum & 0xffffff) * 5 + (x[i] & 0xffffff);
  return sum;
}
TYPE(v4i32, ((v4i32){1, 2, 3, x} + (unsigned)x), sum4(x), a + b, a - b, a *b)
TYPE(v8i64, ((v8i64){8, 7, 6, x, 5, 4, 3} ^ (unsigned long)x), sum8(x), a + b, a - b, a *b)
TYPE(v2f64, ((v2f64){x & 255, 0.5}), (long)(x[0] * 8 + x[1]), a * 0.5 + b * 0.25, a * 0.5 - b * 0.25,
     a *b / (a * a + b * b + 1))

typedef struct { signed char a[3]; } s3;
typedef struct { long a; double b; } s16;
typedef struct { long a[5]; float b; int c : 5; unsigned d : 11; } s48;
TYPE(s3, ((s3){{x, x >> 8, x >> 16}}), x.a[0] + 3 * x.a[1] + 5 * x.a[2], ((s3){{a.a[0] + b.a[0], a.a[1], b.a[2]}}),
     ((s3){{a.a[0] - b.a[1], b.a[1], a.a[2]}}), ((s3){{a.a[1] * b.a[1], b.a[2], a.a[0]}}))
TYPE(s16, ((s16){x, f64_from(x)}), i64_add(x.a, f64_long(x.b)), ((s16){i64_add(a.a, b.a), b.b}),
     ((s16){i64_sub(a.a, b.a), f64_sub(a.b, b.b)}), ((s16){b.a, f64_mul(a.b, b.b)}))
TYPE(s48, ((s48){{x, 2, 3, 4, x >> 3}, f32_from(x), x & 15, x & 2047}),
     i64_add(x.a[0] ^ x.a[4], x.c + x.d + f32_long(x.b)),
     ((s48){{a.a[1], b.a[0], 5, a.a[4], b.a[4]}, f32_add(a.b, b.b), a.c, b.d}),
     ((s48){{a.a[0], i64_sub(b.a[0], a.a[2])}, b.b, b.c, a.d}),
     ((s48){{b.a[4], b.a[3], a.a[0]}, f32_mul(a.b, b.b), a.c}))

// The sum of arguments whose types are given.
static noinline long gather(const char *types, ...) {
  va_list list;
  va_start(list, types);
  unsigned long sum = 0;
  for (; *types; types++)
    switch (*types) {
    case 'i': sum = sum * 3 + va_arg(list, int); break;
    case 'l': sum = sum * 3 + va_arg(list, long); break;
    case 'w': sum = sum * 3 + i128_long(va_arg(list, i128)); break;
    case 'd': sum = sum * 3 + f64_long(va_arg(list, double)); break;
    case 'q': sum = sum * 3 + f128_long(va_arg(list, long double)); break;
    case 't': sum = sum * 3 + s16_long(va_arg(list, s16)); break;
    case 's': sum = sum * 3 + s48_long(va_arg(list, s48)); break;
    }
  va_end(list);
  return moved(sum);
}

struct handler {
  struct handler *previous;
  jmp_buf buffer;
};
static struct handler *handlers;
static noinline void raise(long value) {
  struct handler *h = handlers;
  if (!h)
    return;
  handlers = h->previous;
  longjmp(h->buffer, (value & 255) | 1);
}
