// Calls of all kinds: what is passed and returned where, through which pointer,
// and under which name.
#include "test.h"

// Structures ------------------------------------------------------------------

struct s1 { char a; };
struct s3 { char a[3]; };
struct s8 { int a; float b; };
struct s12 { int a, b, c; };
struct s16 { double a; long b; };
struct s17 { char a[17]; };
struct floats { float a, b, c, d; };
struct doubles { double a, b; };
struct nested { struct s3 a; struct s8 b; };
struct aligned { _Alignas(32) long a; char b; };
struct empty {};
union either { long a; double b; char c[5]; };
struct bits { unsigned a : 3; int b : 7; unsigned long c : 33; _Bool d : 1; short e : 11; };

#define THROUGH(type)                                                                                                  \
  static noinline struct type type##_through(struct type x, int depth) {                                              \
    if (depth == 0)                                                                                                    \
      return x;                                                                                                        \
    struct type r = type##_through(x, depth - 1);                                                                      \
    put(depth);                                                                                                        \
    return r;                                                                                                          \
  }
THROUGH(s1)
THROUGH(s3)
THROUGH(s8)
THROUGH(s12)
THROUGH(s16)
THROUGH(s17)
THROUGH(floats)
THROUGH(doubles)
THROUGH(nested)
THROUGH(aligned)
THROUGH(empty)

static noinline union either turn(union either e) {
  put(e.a);
  e.b = -e.b;
  return e;
}

static noinline struct bits count(struct bits x, int n) {
  for (int i = 0; i < n; i++) {
    x.a += moved(i);
    x.b -= x.a;
    x.c = x.c * 5 + x.b;
    x.d ^= moved(x.a) > 3;
    x.e = x.e * 3 - x.d;
  }
  return x;
}

static void structures(void) {
  put(s1_through((struct s1){'x'}, 2).a);
  put(s3_through((struct s3){{1, 2, 3}}, 2).a[2]);
  struct s8 a = s8_through((struct s8){4, 0.5f}, 2);
  put(a.a);
  put_double(a.b);
  put(s12_through((struct s12){4, 5, 6}, 2).c);
  struct s16 b = s16_through((struct s16){1.25, -9}, 2);
  put(b.b);
  put_double(b.a);
  put(s17_through((struct s17){"seventeen bytes!"}, 3).a[12]);
  struct floats c = floats_through((struct floats){1, 2, 3, 4.5f}, 2);
  put_double(c.a + c.b * c.c - c.d);
  struct doubles d = doubles_through((struct doubles){1.5, 2.5}, 2);
  put_double(d.a * d.b);
  struct nested e = nested_through((struct nested){{{7, 8, 9}}, {10, 11}}, 2);
  put(e.a.a[1] + e.b.a + (int)e.b.b);
  struct aligned f = aligned_through((struct aligned){12, 13}, 2);
  put(f.a + f.b);
  empty_through((struct empty){}, 1);
  put_double(turn((union either){.b = 3.5}).b);
  struct bits g = count((struct bits){5, -3, 1l << 31, 1, 100}, 9);
  put(g.a + 10l * g.b + 100l * g.c + g.d + g.e);
}

// More arguments than there are registers -------------------------------------------

static noinline long mixed(char a, double b, short c, float d, long e, double f, unsigned char g, float h, int i,
                           double j, unsigned k, double l, _Bool m, double n, long o, double p, signed char q, double r,
                           struct s12 s, struct s17 t, long double u, __int128 v, struct s3 w) {
  long sum = a + 3 * (long)b + 5 * c + 7 * (long)d + 11 * e + 13 * (long)f + 17 * g + 19 * (long)h + 23 * i;
  put(sum);
  sum += 29 * (long)j + 31 * k + 37 * (long)l + 41 * m + 43 * (long)n + 47 * o + 53 * (long)p + 59 * q + 61 * (long)r;
  put(sum);
  return sum + s.a * s.b + s.c + t.a[3] + (long)(u * 8) + (long)(v >> 60) + w.a[0] - w.a[2];
}
static long (*volatile mixed_pointer)(char, double, short, float, long, double, unsigned char, float, int, double,
                                      unsigned, double, _Bool, double, long, double, signed char, double, struct s12,
                                      struct s17, long double, __int128, struct s3) = mixed;

// Most registers for integers are free when its arguments are stored.
static noinline double fractions(double a, double b, double c, double d, double e, double f, double g, double h,
                                 double i, double j, double k) {
  put_double(i * j - k);
  return moved(1) ? a + b * c - d * e + f * g - h : 0;
}
static double (*volatile fractions_pointer)(double, double, double, double, double, double, double, double, double,
                                            double, double) = fractions;

static void arguments(long n) {
  put_double(fractions_pointer(n, 2, 3, 4, 5, 6, 7, 8, 9, n + 0.5, moved(n)));
  for (int i = 0; i < 3; i++)
    put(mixed_pointer(-1, 2.5, -3, 4.5f, 5 + n, 6, 207, 8, -9, 10, 11, 12, 1, 14, -15, 16, -17, 18,
                      (struct s12){1, 2, i}, (struct s17){"abcdef"}, 2.125L, (__int128)n << 62 | i,
                      (struct s3){{i, 2, 3}}));
}

// Pointers ----------------------------------------------------------------------------

typedef long operation(long, long);
static long add(long a, long b) { return moved(a) + b; }
static long subtract(long a, long b) { return moved(a - b); }
static long multiply(long a, long b) { return a * moved(b); }
static long recurse(long a, long b);
static operation *const operations[] = {add, subtract, multiply, recurse};
static long recurse(long a, long b) {
  return a <= 0 || a > 12 ? b : operations[a & 3](a - 1, b + 1) + recurse(a - 3, b);
}

static noinline operation *choose(long n) {
  put(n);
  return n & 1 ? add : multiply;
}

static noinline long apply(operation *f, const long *a, long n, long start) {
  for (long i = 0; i < n; i++)
    start = f(start, a[i]);
  return start;
}

struct object {
  const struct class { long (*get)(const struct object *); void (*set)(struct object *, long); } *class;
  long value;
};
static long get(const struct object *o) { return moved(o->value); }
static void set(struct object *o, long value) { o->value = moved(value) * 2; }
static const struct class class = {get, set};

static void pointers(void) {
  static const long numbers[] = {3, 1, 4, 1, 5, 9, 2, 6};
  for (int i = 0; i < 4; i++)
    put(apply(operations[i], numbers, 8, i));
  put(choose(1)(5, 6) + choose(2)(5, 6));
  struct object o = {&class, 4};
  for (int i = 0; i < 3; i++)
    o.class->set(&o, o.class->get(&o) + i);
  put(o.value);
}

// Names -------------------------------------------------------------------------------

__attribute__((weak)) long replaceable(long x) { return moved(x) * 2; }
extern long missing(long) __attribute__((weak));
noinline long original(long x) { return x ? moved(x) + original(x - 1) : 0; }
extern long second_name(long) __attribute__((alias("original")));
static long third_name(long) __attribute__((alias("original")));
extern long weak_name(long) __attribute__((weak, alias("original")));
__attribute__((visibility("hidden"), used)) long hidden(long x) { return second_name(x) ^ 1; }
static inline __attribute__((always_inline)) long inlined(long x) { return moved(x) + 1; }
__attribute__((cold)) static noinline long cold(long x) { return moved(x) - 1; }
__attribute__((const)) static noinline long constant(long x) { return x * 3; }
__attribute__((pure)) static noinline long pure(const long *x) { return *x * 5; }
__attribute__((constructor)) static void never(void) {} // this runtime has no constructors

static void names(long n) {
  put(replaceable(4));
  put(missing ? missing(1) : -1);
  put(second_name(4) + third_name(5) + weak_name(6) + hidden(7) + inlined(8) + cold(9));
  for (long i = 0; i < n; i++)
    put(constant(n) + pure(&n) + moved(i));
  put(constant(n) + pure(&n));
}

// Tail calls ----------------------------------------------------------------------------

#define musttail __attribute__((musttail)) return
static noinline long last(long a, long b) { return moved(a) * b; }
static noinline long sure(long a, long b) {
  if (a > b)
    musttail last(a - b, b);
  return moved(a);
}

static noinline void ignore(long a, double b) { moved(a + (long)b); }
static noinline void usual(long a, double b) {
  if (moved(a) > 3)
    ignore(a, b);
  else
    put(a);
}
static noinline double floating(double a, long b) {
  put_double(a);
  return b > 0 ? floating(a * 0.5 + b, b - 1) : a;
}
static noinline int extended(signed char a) { return moved(a); }
static noinline long narrow(int a) { return extended(a); }

static void tails(void) {
  put(sure(5, 3) + sure(3, 5));
  usual(2, 1.5);
  usual(4, 2.5);
  put_double(floating(3.25, 5));
  put(narrow(300));
}

// Old style, statement expressions, and what the compiler expands ------------------------

static noinline long expansions(long a, int n) {
  long sum = ({
    long x = moved(a);
    for (int i = 0; i < n; i++)
      x += moved(i) << i;
    x;
  });
  long product;
  if (__builtin_mul_overflow(moved(sum), 1l << 40, &product))
    product = -1;
  int small;
  sum += __builtin_add_overflow((int)moved(2147483647), n, &small) ? small : 0;
  sum += __builtin_popcountl(moved(a)) + __builtin_clzl(moved(a)) + __builtin_ctzl(moved(a));
  sum += __builtin_bswap32(moved(a));
  const char *function = __func__;
  return sum ^ product ^ function[moved(2)] ^ (moved(a) ?: 5) ^ __builtin_expect(moved(n) > 3, 0);
}

long test(long argument) {
  structures();
  arguments(argument);
  pointers();
  names(argument + 3);
  tails();
  put(expansions(12345, 4));
  return argument;
}
