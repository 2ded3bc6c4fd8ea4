#include "test.h"

static long word;
static int half;
static short quarter;
static unsigned char byte;
static _Atomic unsigned bits;
static __int128 wide __attribute__((aligned(16)));
static _Atomic double fraction;
static struct pair { int a, b; } volatile pair;

static noinline long fetch(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) {
    sum += __atomic_fetch_add(&word, moved(i), __ATOMIC_SEQ_CST);
    sum ^= __atomic_sub_fetch(&half, i, __ATOMIC_RELAXED);
    sum += __atomic_fetch_xor(&quarter, moved(sum), __ATOMIC_ACQ_REL);
    sum ^= __atomic_nand_fetch(&byte, sum, __ATOMIC_RELEASE);
    sum += __atomic_exchange_n(&word, moved(sum), __ATOMIC_SEQ_CST);
  }
  return sum;
}

static noinline long compare(long n) {
  long expected = 0, failures = 0;
  word = 5;
  for (long i = 0; i < n; i++)
    while (!__atomic_compare_exchange_n(&word, &expected, moved(expected + i), 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
      failures += moved(1);
  return failures * 1000 + word;
}

// Until its holder gives it back, which here is at once.
static noinline long lock(char *flag, long n) {
  long sum = 0;
  while (__atomic_test_and_set(flag, __ATOMIC_ACQUIRE))
    if (moved(++sum) > n)
      __atomic_clear(flag, __ATOMIC_RELEASE);
  return sum;
}

static noinline long others(long n) {
  for (long i = 0; i < n; i++) {
    bits |= moved(1u << i);
    bits++;
    fraction += moved(i) * 0.5;
    pair.a = moved(pair.b) + 1;
    pair.b += pair.a;
    __sync_fetch_and_add(&word, pair.b);
    __sync_bool_compare_and_swap(&half, half, moved(i));
    __sync_synchronize();
  }
  wide = (__int128)moved(3) << 70;
  return bits + pair.b + (long)(wide >> 68);
}

long test(long argument) {
  put(fetch(10 + argument));
  put(compare(7));
  char flag = 0;
  put(lock(&flag, 5));
  put(lock(&flag, 5));
  put(others(9));
  put_double(fraction);
  put(word + half + quarter + byte);
  return argument;
}
