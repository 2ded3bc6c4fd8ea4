// Allocas: escaped ones, dynamic ones, over-aligned ones, structures by value.
#include "test.h"

struct node {
  struct node *next;
  long value;
};

// A list through the frames of a recursion.
static noinline long chain(int depth, struct node *previous) {
  struct node here = {previous, depth};
  if (depth == 0) {
    long sum = 0;
    for (struct node *n = &here; n; n = n->next)
      sum = sum * 3 + n->value;
    return sum;
  }
  return chain(depth - 1, &here) + here.value;
}

static noinline void fill(int *a, int n, int seed) {
  for (int i = 0; i < n; i++)
    a[i] = seed + i * i;
}

static noinline int variable(int n) {
  int a[n];
  fill(a, n, n);
  int sum = 0;
  for (int round = 0; round < 3; round++) {
    int b[n + round];
    fill(b, n + round, round);
    for (int i = 0; i < n + round; i++)
      sum = sum * 5 + b[i] - a[i % n];
  }
  return sum;
}

static noinline long allocas(int n) {
  char *pieces[10];
  for (int i = 0; i < 10; i++) {
    pieces[i] = __builtin_alloca(n + i);
    for (int j = 0; j < n + i; j++)
      pieces[i][j] = i * j;
  }
  long sum = 0;
  for (int i = 0; i < 10; i++)
    for (int j = 0; j < n + i; j++)
      sum = sum * 7 + pieces[i][j];
  return sum;
}

static noinline long aligned(int depth) {
  _Alignas(64) int a[20];
  _Alignas(128) char b[3];
  b[1] = depth;
  fill(a, 20, depth);
  if ((long)a % 64 || (long)b % 128)
    return -1;
  long sum = depth ? aligned(depth - 1) : 0;
  for (int i = 0; i < 20; i++)
    sum = sum * 3 + a[i];
  return sum + b[1];
}

static noinline long aligned_and_variable(int n) {
  _Alignas(32) int a[8];
  int b[n];
  fill(a, 8, n);
  fill(b, n, 2);
  if ((long)a % 32)
    return -1;
  long sum = 0;
  for (int i = 0; i < n; i++)
    sum = sum * 3 + a[i % 8] + b[i];
  return n > 1 ? sum + aligned_and_variable(n / 2) : sum;
}

struct big {
  long a[9];
};
struct two {
  long a, b;
};
struct quad {
  __int128 x;
};

static noinline struct big make_big(long seed) {
  struct big b;
  for (int i = 0; i < 9; i++)
    b.a[i] = seed * i;
  return b;
}
static noinline long sum_big(struct big b, int depth) {
  if (depth)
    return sum_big(b, depth - 1) + b.a[depth];
  long sum = 0;
  for (int i = 0; i < 9; i++)
    sum += b.a[i] * i;
  b.a[0] = 1;
  return sum;
}
static noinline struct two turn(struct two t, int depth) {
  return depth ? turn((struct two){t.b, t.a + depth}, depth - 1) : t;
}
static noinline struct quad shift(struct quad q, int depth) {
  if (depth == 0)
    return q;
  struct quad r = shift((struct quad){q.x * 3 + depth}, depth - 1);
  return (struct quad){r.x ^ (q.x << 5)};
}

// The same memory may serve for both arrays.
static noinline long scopes(int n) {
  long sum = 0;
  for (int i = 0; i < n; i++) {
    {
      int a[50];
      fill(a, 50, i);
      sum += a[i] * a[49];
    }
    {
      long b[30];
      for (int j = 0; j < 30; j++)
        b[j] = i + 1 + j * j;
      sum ^= b[i] + b[29];
    }
  }
  return sum;
}

long test(long argument) {
  put(chain(20, 0));
  put(variable(9));
  put(allocas(6));
  put(aligned(3));
  put(aligned_and_variable(13));
  put(sum_big(make_big(4 + argument), 5));
  struct two t = turn((struct two){1, 2}, 7);
  put(t.a);
  put(t.b);
  struct quad q = shift((struct quad){12345}, 20);
  put(q.x);
  put(q.x >> 64);
  put(scopes(12));
  return 0;
}
