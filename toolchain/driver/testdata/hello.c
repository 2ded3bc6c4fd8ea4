#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local int mine = 5;

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vprintf(format, list);
	va_end(list);
}

static void *thread(void *p)
{
	mine += *(int *)p;
	return (void *)(long)mine;
}

int main(int argc, char **argv)
{
	int numbers[] = {3, 1, 2}, two = 2;
	void *result;
	pthread_t t;

	qsort(numbers, 3, sizeof *numbers, ascending);
	say("%d%d%d %.3f %s %p\n", numbers[0], numbers[1], numbers[2], sqrt(argc + 1.0), strerror(ENOENT), (void *)main);
	if (pthread_create(&t, NULL, thread, &two) || pthread_join(t, &result))
		return 1;
	say("%ld %d %s\n", (long)result, mine, argc > 1 ? argv[1] : "-");
	return 0;
}
