/* Recurses without end, in the main thread or another one: both must end by SIGSEGV. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static volatile int sink;

static int small_frames(int n)
{
	int here = n;

	sink = *(int *volatile[]){ &here }[0];
	return small_frames(n + 1) + here;
}

static int large_frames(int n)
{
	char pad[900000];

	memset(pad + 899000, n, 1000);
	sink += *(char *volatile[]){ pad }[0];
	return large_frames(n + 1) + pad[899999];
}

static void *run(void *f)
{
	exit(((int (*)(int))f)(0) == 12345);
}

int main(int argc, char **argv)
{
	int (*f)(int) = strchr(argv[1], 'l') ? large_frames : small_frames;
	pthread_t t;

	if (!strchr(argv[1], 't'))
		run(f);
	pthread_create(&t, NULL, run, f);
	pthread_join(t, NULL);
	return 0;
}
