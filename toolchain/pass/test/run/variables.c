// More variables than registers, in functions with many sites: they live in the
// frame. Some take each other's values, all at once.
#include "test.h"

#define VARIABLES(X) \
  X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) X(i) X(j) X(k) X(l) X(m) X(n) X(o) X(p) X(q) X(r) X(s) X(t)
#define DECLARE(v) long v = moved(seed += 7);
#define PUT(v) put(v);

// A reader that can stop and go on anywhere, as those of compressed files.
static noinline long rotate(long seed, const char *text) {
  VARIABLES(DECLARE)
  for (; *text; text++)
    switch (*text) {
    case 'a':
      while (a > moved(10))
        a -= 3, t += a;
      break;
    case 'b': {
      long first = b; // all of these at once
      b = c, c = d, d = e, e = f, f = g, g = h, h = i, i = j, j = k, k = first;
      moved(k);
      break;
    }
    case 'c': {
      long swap = l;
      l = m, m = swap;
    }
      // fall through
    case 'd':
      do
        n = moved(n) / 2 + o, o = p, p = n;
      while (n > 40);
      q += n;
      break;
    case 'e':
      if (moved(r) & 1)
        r = s, s = 0;
      else
        r = 1, s = r + q;
      break;
    case 'f':
      a = b = c = moved(5);
      break;
    default:
      if (moved(t) > 100)
        return t;
      t = a + b * 2 + c * 3;
    }
  VARIABLES(PUT)
  return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l ^ m ^ n ^ o ^ p ^ q ^ r ^ s ^ t;
}

// Doubles and narrow numbers in the same loop, and a value that is two
// variables' at first.
static noinline double mixed(long n) {
  double u = moved(1), v = u, w = 2, x = 3, y = 4, z = 5;
  char c1 = n, c2 = 2, c3 = 3, c4 = 4;
  short s1 = n, s2 = 2, s3 = 3, s4 = 4;
  const char *text = "mixed";
  for (long k = 0; k < n; k++) {
    double old = u;
    u = v + moved(k), v = w, w = x, x = y, y = z, z = old / 2;
    c1 += c2, c2 ^= c3, c3 = c4, c4 = moved(c1);
    s1 -= s2, s2 = s3, s3 = s4, s4 = moved(s1);
    if (moved(k) % 3 == 0)
      text = text[1] ? text + 1 : "again";
  }
  put_double(u), put_double(v), put_double(w), put_double(x), put_double(y), put_double(z);
  put(c1), put(c2), put(c3), put(c4), put(s1), put(s2), put(s3), put(s4);
  put_text(text);
  return u + v;
}

long test(long argument) {
  put(rotate(argument + 3, "abcdefabccdbbeadfbca"));
  put(rotate(argument + 90, "bdbdbcx?x"));
  put_double(mixed(25));
  return argument;
}
