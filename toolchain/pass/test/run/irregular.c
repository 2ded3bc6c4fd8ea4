// Control flow that is no nest of loops: gotos into loops, many exits, endless
// loops, switches over loops.
#include "test.h"

// Both loops are entered in the middle, and each from the other.
static noinline long tangled(long n, long way) {
  long sum = moved(n), i = 0, j = 0;
  if (way == 1)
    goto inner;
  if (way == 2)
    goto last;
outer:
  sum += moved(i) * 3;
inner:
  sum ^= j;
  if (++j % 5 && j < n)
    goto inner;
  if (way == 3 && moved(j) > 7)
    goto last;
  if (++i < n)
    goto outer;
last:
  sum = sum * 5 + moved(i + j);
  if (i++ < 3)
    goto inner;
  return sum;
}

// A loop with two entries, in which a value crosses on one way only.
static noinline long two_entries(long n, int way) {
  long a = n * 7, b = moved(a) + 1;
  if (way)
    goto second;
first:
  a = a * 3 + b;
second:
  b = moved(b) ^ a;
  if (--n > 0)
    goto first;
  return a + b;
}

static noinline void copy(short *to, const short *from, int count) {
  int n = (count + 7) / 8;
  switch (count % 8) {
  case 0:
    do {
      *to++ = *from++;
    case 7:
      *to++ = moved(*from++);
    case 6:
      *to++ = *from++;
    case 5:
      *to++ = *from++;
    case 4:
      *to++ = moved(*from++);
    case 3:
      *to++ = *from++;
    case 2:
      *to++ = *from++;
    case 1:
      *to++ = *from++;
    } while (--n > 0);
  }
}

static noinline long exits(const long *a, long n, long limit) {
  long sum = 0, product = 1;
  for (long i = 0; i < n; i++) {
    for (long j = i; j < n; j++) {
      sum += a[j];
      if (sum > limit)
        return sum;
      if (a[j] == 13)
        break;
      if (a[j] == 17)
        goto next;
      if (a[j] < 0)
        goto found;
      product = product * 3 + moved(a[j]);
    }
    sum ^= product;
  next:
    if (product > 1l << 40)
      goto found;
    continue;
  }
  return -sum;
found:
  return moved(product) + sum;
}

static noinline long endless(long n) {
  long sum = 0;
  for (;;) {
    for (;;) {
      sum += n;
      if (n % 3 == 0)
        break;
      n = n * 5 + 1;
      if (moved(n) > 100000)
        return sum;
    }
    n++;
    while (1) {
      if (sum++ % 11 == 0)
        break;
    }
  }
}

// A table of constants, and one of jumps.
static noinline long constants(int n) {
  switch (n) {
  case 0: return 31;
  case 1: return -5;
  case 2: return 77;
  case 3: return 12345678901;
  case 4: return 9;
  case 5: return 1000;
  case 6: return -42;
  default: return 0;
  }
}

static noinline const char *name(int n) {
  switch (n) {
  case 10: return "ten";
  case 11: return "eleven";
  case 12: return "twelve";
  case 13: return "thirteen";
  case 14: return "fourteen";
  default: return "other";
  }
}

static noinline long machine(const char *program, long a) {
  long b = 1;
  for (const char *p = program; *p; p++)
    switch (*p) {
    case 'a': a = moved(a + 1); break;
    case 'b': b = moved(b * 2); break;
    case 'c': a ^= b; break;
    case 'd': put(a); break;
    case 'e': put(b);
    case 'f': a += 7; break;
    case 'g': if (moved(a) & 1) p++; break;
    case 'h': return a - b;
    case 'i' ... 'z': a = a * 3 + *p; break;
    default: b = ~b;
    }
  return a + b;
}

static noinline long sparse(long n) {
  switch (n) {
  case -1000000: return moved(1);
  case 0: return moved(2);
  case 77: return moved(3) + n;
  case 1l << 40: return moved(4);
  default: return n > 0 ? sparse(n - 78) : moved(5);
  }
}

long test(long argument) {
  for (int way = 0; way < 4; way++)
    put(tangled(12, way));
  put(two_entries(9, 0));
  put(two_entries(9, 1));
  short from[40], to[40];
  for (int i = 0; i < 40; i++)
    from[i] = i * 1001;
  for (int n = 17; n < 26; n++) {
    copy(to, from, n);
    put(to[n - 1] + to[n / 2]);
  }
  static const long numbers[] = {1, 5, 9, 13, 2, 4, 17, 6, 8, -1, 3, 3, 3};
  for (int n = 1; n <= 13; n++)
    put(exits(numbers, n, 60));
  put(exits(numbers + 4, 6, 1000));
  put(endless(7));
  for (int i = -1; i < 16; i++) {
    put(constants(i));
    put_text(name(i));
  }
  put(machine("abcdefgabcxyzggecefa!dgh", 3));
  put(machine("bbbbgac?zd", 4));
  put(sparse(-1000000) + 10 * sparse(0) + 100 * sparse(77) + 1000 * sparse(1l << 40) + 10000 * sparse(500));
  return argument;
}
