/* The allocator, from one thread and from several. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 200, ROUNDS = 3000, THREADS = 4 };

struct block { unsigned char *p; size_t n; };

static unsigned next(unsigned *state) { return *state = *state * 1103515245u + 12345u; }

static void fill(struct block *b, unsigned seed)
{
	for (size_t i = 0; i < b->n; i += 61)
		b->p[i] = seed + i;
}

static int right(struct block *b, unsigned seed)
{
	for (size_t i = 0; i < b->n; i += 61)
		if (b->p[i] != (unsigned char)(seed + i))
			return 0;
	return 1;
}

static void *churn(void *argument)
{
	struct block blocks[BLOCKS] = { 0 };
	unsigned state = (uintptr_t)argument;
	long wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned k = next(&state) >> 8;
		struct block *b = &blocks[k % BLOCKS];

		if (b->p && !right(b, k % BLOCKS))
			wrong++;
		switch (k >> 10 & 3) {
		case 0:
			free(b->p);
			b->p = NULL;
			b->n = 0;
			break;
		case 1: {
			size_t n = (k >> 12) % 70000;
			unsigned char *p = realloc(b->p, n + 1);
			size_t keep = b->n < n ? b->n : n;

			b->p = p;
			b->n = keep;
			if (!right(b, k % BLOCKS))
				wrong++;
			b->n = n;
			fill(b, k % BLOCKS);
			break;
		}
		default:
			free(b->p);
			b->n = (k >> 12) % (k & 64 ? 300000 : 500);
			b->p = malloc(b->n + 1);
			fill(b, k % BLOCKS);
		}
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i].p);
	return (void *)wrong;
}

int main(void)
{
	pthread_t threads[THREADS];
	void *wrong, *volatile p, *q;
	unsigned char *zero;
	size_t n = 0;

	printf("%ld\n", (long)churn((void *)1));
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i + 2));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		printf("%ld\n", (long)wrong);
	}
	zero = calloc(1000, 1003);
	for (size_t i = 0; i < 1003000; i++)
		n += zero[i];
	printf("%zu %d\n", n, malloc_usable_size(zero) >= 1003000);
	free(zero);
	for (size_t align = 16; align <= 65536; align *= 2) {
		p = aligned_alloc(align, align * 3);
		if (posix_memalign(&q, align, 100))
			return 1;
		printf("%d%d ", (int)((uintptr_t)p % align), (int)((uintptr_t)q % align));
		free(p);
		free(q);
	}
	putchar('\n');
	/* For clang, malloc itself leaves errno alone. */
	void *(*volatile allocate)(size_t) = malloc;
	errno = 0;
	p = allocate(SIZE_MAX / 2);
	printf("%d %d\n", p == NULL, errno == ENOMEM);
	p = calloc(SIZE_MAX / 2, 3);
	printf("%d\n", p == NULL);
	/* Large blocks grow where they are, or move. */
	p = malloc(1 << 20);
	memset(p, 7, 1 << 20);
	for (n = 2 << 20; n <= 64 << 20; n *= 2)
		p = realloc(p, n);
	for (n = 0; n < 1 << 20 && ((char *)p)[n] == 7; n++)
		;
	printf("%zu\n", n);
	free(p);
	return 0;
}
