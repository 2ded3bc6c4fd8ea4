// Memory that comes and goes: cleanups, compound literals, arrays of variable
// size in loops, large frames and alignments.
#include "test.h"

static void close(long *x) { put(*x * 10); }
static void unlock(char **p) {
  put(**p);
  **p = '-';
}
#define cleanup(f) __attribute__((cleanup(f)))

static noinline long cleanups(long n, char *text) {
  cleanup(close) long a = n;
  for (long i = 0; i < n; i++) {
    cleanup(close) long b = moved(i);
    cleanup(unlock) char *p = text + i;
    if (i == 2)
      continue;
    if (*p == 'x')
      goto out;
    if (b == 5)
      return moved(a) + b;
    a += b;
  }
out:
  return a;
}

struct point {
  long x, y, z;
};
static noinline long length(const struct point *p) { return moved(p->x) + p->y * 2 + p->z * 3; }
static noinline long literals(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) {
    sum += length(&(struct point){i, moved(i), .z = 5});
    const int *a = (int[]){1, i, sum, moved(4)};
    sum = sum * 3 + length(&(const struct point){.y = a[1]}) + a[2] - a[3];
  }
  return sum;
}

static noinline void fill(int rows, int columns, int a[rows][columns], int seed) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      a[i][j] = seed * i + j;
}

static noinline long matrix(int rows, int columns) {
  int a[rows][columns];
  fill(rows, columns, a, moved(3));
  long sum = sizeof a;
  for (int i = 0; i < rows; i++) {
    int b[i + 1][columns];
    fill(i + 1, columns, b, i);
    for (int j = 0; j < columns; j++)
      sum = sum * 3 + moved(b[i][j]) - a[i][j];
    if (sum & 1)
      continue;
    char c[moved(i) + 1];
    c[i] = sum;
    sum ^= c[moved(i)];
  }
  return sum;
}

// Memory of a loop's iteration must go before the next.
static noinline long much(int n) {
  long sum = 0;
  for (int i = 0; i < n; i++) {
    char a[20000 + moved(i)];
    a[19999] = i;
    a[0] = moved(1);
    sum += a[19999] + a[0];
  }
  return sum;
}

static noinline long jump_out(int n) {
  long sum = 0;
again:;
  int a[n];
  a[n - 1] = moved(n);
  sum += a[n - 1];
  if (n++ < 20)
    goto again;
  return sum;
}

static noinline long large(int depth) {
  long a[5000];
  char b[3000];
  for (int i = 0; i < 5000; i++)
    a[i] = i * depth;
  b[2999] = moved(depth);
  long sum = depth ? large(depth - 1) : 0;
  for (int i = 0; i < 5000; i += 100)
    sum = sum * 3 + a[i];
  return sum + b[2999];
}

static noinline long strict(int n) {
  _Alignas(256) char a[100];
  char *b = __builtin_alloca_with_align(n * 64, 64 * 8);
  _Alignas(4096) long c = moved(n);
  if ((long)a % 256 || (long)b % 64 || (long)&c % 4096)
    return -1;
  a[99] = moved(n);
  b[n * 64 - 1] = 3;
  put(((long)a | (long)b | (long)&c) & 63);
  return n ? c + a[99] + b[n * 64 - 1] + strict(n - 1) : 0;
}

// Pointers into the frame that are kept elsewhere.
static long *kept;
static noinline void keep(long *p) { kept = p; }
static noinline long escape(long n) {
  long a = n, b = n * 2;
  keep(n & 1 ? &a : &b);
  *kept += moved(5);
  long c = a;
  *kept ^= moved(c);
  return a * 100 + b + (n > 0 ? escape(n - 1) : 0);
}

long test(long argument) {
  char text[] = "abcdefgh";
  put(cleanups(8, text));
  put_text(text);
  char other[] = "abx";
  put(cleanups(3, other));
  put(literals(5));
  put(matrix(5, 4));
  put(much(100));
  put(jump_out(3));
  put(large(3));
  put(strict(3));
  put(escape(4));
  return argument;
}
