/*
 * Looks at all mappings of a process with threads, files and large blocks:
 * nothing but what the kernel maps for itself may lie beyond the limit.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef BITS
const int __tp_address_bits = BITS; /* the program's own wish */
#else
enum { BITS = 47 };
#endif

enum { PAGE = 4096 };

static pthread_barrier_t barrier;

/* Of the runtime. */
void __tp_limit_addresses(int bits);

static void *wait(void *unused)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* A process that comes from another kernel may have left room below the limit. */
static int grows_beyond(void)
{
	const unsigned long limit = (1UL << 37) - PAGE;
	char *page, *more;

	__tp_limit_addresses(37);
	page = mmap((char *)limit - PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (page == MAP_FAILED || mremap(page, PAGE, 3 * PAGE, 0) != MAP_FAILED) {
		printf("a mapping at the limit, %p, grows in place\n", page);
		return 1;
	}
	more = mremap(page, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	if (more == MAP_FAILED || (unsigned long)more > limit - 3 * PAGE) {
		printf("a mapping at the limit, %p, becomes a larger one at %p\n", page, more);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv, char **environment)
{
	pthread_t threads[20];
	unsigned long low, high;
	char line[500], *p;
	int wrong = 0, stack = 0;
	FILE *f;

	pthread_barrier_init(&barrier, NULL, 21);
	for (int i = 0; i < 20; i++)
		pthread_create(&threads[i], NULL, wait, NULL);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 100; i++) {
		p = malloc(3000000);
		memset(p, i, 100);
		p = realloc(p, 5000000);
		if (i % 2)
			free(p);
	}
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, f)) {
		sscanf(line, "%lx-%lx", &low, &high);
		if (low <= (unsigned long)environment && (unsigned long)environment < high)
			stack = strstr(line, "[stack]") != NULL;
		if (high > (1UL << BITS) - PAGE && !strstr(line, "[v")) {
			printf("beyond the limit: %s", line);
			wrong = 1;
		}
	}
	fclose(f);
	/* The kernel knows where its stack and the arguments have gone. */
	f = fopen("/proc/self/cmdline", "r");
	if (!fgets(line, sizeof line, f) || strcmp(line, argv[0]) || !stack) {
		printf("the kernel's idea of the arguments is %s, of the stack %d\n", line, stack);
		wrong = 1;
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++)
		pthread_join(threads[i], NULL);
	if (grows_beyond())
		wrong = 1;
	puts(wrong ? "wrong" : "right");
	return wrong;
}
