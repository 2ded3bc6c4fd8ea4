// Calls that do not return, or do so twice.
#include "test.h"

struct handler {
  struct handler *previous;
  jmp_buf buffer;
};
static struct handler *handlers;

static _Noreturn noinline void raise(int value) {
  put(value);
  struct handler *h = handlers;
  handlers = h->previous;
  longjmp(h->buffer, value);
}

static noinline long check(long x) {
  if (x > 10)
    raise(moved(x));
  return moved(x) + 1;
}

// Each handler handles what the next one raises.
static noinline long nested(int depth, long x) {
  struct handler here;
  here.previous = handlers;
  volatile long result = x * 3;
  int value = setjmp(here.buffer);
  if (value == 0) {
    handlers = &here;
    result += depth ? nested(depth - 1, x + 1) : check(x);
    handlers = here.previous;
    return result;
  }
  put(result + value);
  if (depth < 3)
    raise(value + 1);
  return result * 100 + value;
}

// Two calls of setjmp in one function, and values that live across both.
static noinline long both(long a, long b) {
  struct handler first, second;
  long c = moved(a) * b;
  first.previous = second.previous = handlers;
  int x = setjmp(first.buffer);
  long d = c + x;
  if (x == 0) {
    handlers = &first;
    check(11 + a);
  }
  int y = _setjmp(second.buffer);
  if (y == 0) {
    handlers = &second;
    check(d);
  }
  return moved(a) + b * 10 + c * 100 + d * 1000 + x + y;
}

// In a loop, beside an aligned array and one of variable size.
static noinline long retries(int n) {
  _Alignas(64) int counts[16] = {0};
  struct handler here;
  for (volatile int i = 0; i < n; i++) {
    char name[i + 3];
    name[i] = i + 'a';
    here.previous = handlers;
    if (setjmp(here.buffer) == 0) {
      handlers = &here;
      check(9 + i);
      handlers = here.previous;
    } else {
      counts[i]++;
    }
    put(name[i]);
  }
  long sum = 0;
  for (int i = 0; i < n; i++)
    sum = sum * 2 + counts[i];
  return sum;
}

// The call that does not return has values of its caller in no need.
static noinline long clamp(long x, long low, long high) {
  if (low > high)
    raise(50);
  long r = x < low ? low : x > high ? high : x;
  if (moved(r) != r)
    __builtin_unreachable();
  return r;
}

static noinline long clamps(long a, long b) {
  struct handler here;
  here.previous = handlers;
  int value = setjmp(here.buffer);
  if (value)
    return -value;
  handlers = &here;
  long r = clamp(5, a, b) + clamp(b, a, moved(b)) * 10;
  handlers = here.previous;
  return r;
}

long test(long argument) {
  put(nested(5, 3));
  put(nested(5, 8));
  put(both(2, 3));
  put(retries(8));
  put(clamps(2, 4));
  put(clamps(4, 2));
  return argument;
}
