/* More thread-local variables than fit the start-up block, variadic functions of all kinds, and structures by value. */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct small { char c; short s; };
struct pair { long a; double b; };
struct big { int n[20]; double d; };
union mixed { double d; int i[2]; };

static __thread struct big block[20] = { { { 1, 2, 3 }, 4.5 } };
static __thread char zeros[5000];
__thread int shared = 77;
extern __thread int shared;
static __thread int *self_reference;

static struct big change(struct big b, int k)
{
	b.n[k] += 100;
	b.d *= 2;
	return b;
}

static struct pair swap(struct pair p) { return (struct pair){ (long)p.b, p.a }; }
static struct small grow(struct small s, float f, struct small t) { return (struct small){ s.c + 1, (short)(s.s + t.s + f) }; }

static double sum(const char *types, ...)
{
	va_list ap, copy;
	double total = 0;

	va_start(ap, types);
	va_copy(copy, ap);
	for (const char *t = types; *t; t++)
		switch (*t) {
		case 'i': total += va_arg(ap, int); break;
		case 'l': total += va_arg(ap, long long); break;
		case 'd': total += va_arg(ap, double); break;
		case 'L': total += (double)va_arg(ap, long double); break;
		case 'p': total += *(int *)va_arg(ap, void *); break;
		case 's': total += va_arg(ap, struct small).s; break;
		case 'q': total += va_arg(ap, struct pair).b; break;
		case 'b': total += va_arg(ap, struct big).d; break;
		case 'w': total += (double)va_arg(ap, __int128); break;
		}
	total += va_arg(copy, int);
	va_end(copy);
	va_end(ap);
	return total;
}

static double apply(double (*f)(const char *, ...), int x) { return f("idlpqi", x, 2.5, 3LL, &x, (struct pair){ 1, 9.25 }, 6); }

static void *thread(void *unused)
{
	self_reference = &shared;
	block[3] = change(block[0], 1);
	shared++;
	zeros[4999] = 5;
	printf("%d %d %g %d %d\n", shared, block[3].n[1], block[3].d, *self_reference, zeros[0]);
	return NULL;
}

int main(void)
{
	pthread_t t;
	struct big b = { { 5 }, 1.5 };
	struct pair p = swap((struct pair){ 3, 4.0 });
	struct small s = grow((struct small){ 1, 2 }, 3.5f, (struct small){ 4, 5 });
	union mixed m = { 1.0 };

	for (int i = 0; i < 3; i++) {
		pthread_create(&t, NULL, thread, NULL);
		pthread_join(t, NULL);
	}
	printf("%d %d %d\n", shared, block[3].n[1], zeros[4999]);
	b = change(change(b, 0), 19);
	printf("%d %d %g\n", b.n[0], b.n[19], b.d);
	printf("%ld %g %d %d %d %d\n", p.a, p.b, s.c, s.s, m.i[0], m.i[1]);
	printf("%g\n", sum("idL", 1, 2.5, 3.25L));
	printf("%g\n", sum("isqbwi", 1, s, p, b, (__int128)7, 8));
	printf("%g %g\n", apply(sum, 10), apply(sum, -10));
	printf("%zu %zu %zu %zu\n", sizeof(struct small), sizeof(struct pair), sizeof(struct big), offsetof(struct pair, b));
	printf("%s %d%c%s%5.1f%ld%hhd%s\n", "many", 1, '-', "x", 2.0, 3L, 4, "end");
	return 0;
}
