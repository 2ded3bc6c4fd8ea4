/*
 * Looks at all mappings of a process with threads, files and large blocks:
 * nothing but what the kernel maps for itself may lie beyond the limit.
 */
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

static pthread_barrier_t barrier;

static void *wait(void *unused)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
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
		if (high > 1UL << BITS && !strstr(line, "[v")) {
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
	puts(wrong ? "wrong" : "right");
	return wrong;
}
