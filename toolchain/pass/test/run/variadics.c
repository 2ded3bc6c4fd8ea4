#include "test.h"
#include <stdarg.h>

struct big {
  long a[5];
};
struct two {
  int a, b;
};

static noinline long sum_list(const char *format, va_list list) {
  long sum = 0;
  for (; *format; format++)
    switch (*format) {
    case 'i':
      sum = sum * 3 + va_arg(list, int);
      break;
    case 'l':
      sum = sum * 3 + va_arg(list, long);
      break;
    case 'd':
      sum = sum * 3 + (long)(va_arg(list, double) * 16);
      break;
    case 'q':
      sum = sum * 3 + (long)va_arg(list, __int128);
      break;
    case 'b':
      sum = sum * 3 + va_arg(list, struct big).a[4];
      break;
    case 't':
      sum = sum * 3 + va_arg(list, struct two).b;
      break;
    case 's':
      sum = sum * 3 + *va_arg(list, const char *);
      break;
    }
  return sum;
}

noinline long sum(const char *format, ...) {
  va_list list, copy;
  va_start(list, format);
  va_copy(copy, list);
  long a = sum_list(format, list), b = sum_list(format, copy);
  va_end(copy);
  va_end(list);
  return a * 5 + b;
}

long (*volatile sum_pointer)(const char *, ...) = sum;

noinline long through(int n, const char *format, ...) {
  va_list list;
  va_start(list, format);
  long skipped = 0;
  while (n-- > 0)
    skipped += va_arg(list, int);
  long result = skipped + sum_list(format, list);
  va_end(list);
  return result;
}

// Without a prototype.
long old();
noinline long old(a, b, c) int a, c;
long b;
{ return a * 100 + b * 10 + c; }

long test(long argument) {
  struct big b = {{1, 2, 3, 4, 5}};
  struct two t = {6, 7};
  put(sum("iii", 1, 2, 3));
  put(sum("iqi", 1, (__int128)99, 3));
  put(sum("qdq", (__int128)9, 1.5, (__int128)-3));
  put(sum_pointer("lidsbt", 1L << 40, -5, 2.25, "x", b, t));
  put(sum("iiiiiiiiiiiiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20));
  put(through(3, "lb", 1, 2, 3, 4L, b));
  put(old(1, 2L, 3));
  return argument;
}
