/* setjmp and longjmp, over frames, loops and library functions, with what survives. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf place, inner;
static sigjmp_buf with_mask, without;

static void deep(int n)
{
	char pad[500];

	memset(pad, n, sizeof pad);
	if (n == 0)
		longjmp(place, 7);
	deep(n - 1);
	printf("%d\n", pad[n]);
}

static int compare(const void *a, const void *b)
{
	static int calls;

	if (++calls == 20)
		longjmp(place, 3);
	return *(int *)a - *(int *)b;
}

static int protect(int n)
{
	volatile int stage = 0;

	if (setjmp(inner) == 0) {
		stage = n;
		longjmp(inner, 1);
	}
	return stage;
}

static int run(int (*f)(int), int x)
{
	jmp_buf saved;
	int r;

	memcpy(saved, place, sizeof saved);
	r = setjmp(place);
	if (r == 0)
		r = f(x);
	else
		r = -r;
	memcpy(place, saved, sizeof saved);
	return r;
}

static int throws(int x)
{
	if (x > 3)
		longjmp(place, x);
	return run(throws, x + 1) * 10 + x;
}

int main(void)
{
	volatile int v = 1, i;
	int numbers[100], r;
	double volatile d = 1.5;
	sigset_t set;

	r = setjmp(place);
	if (r == 0) {
		v = 2;
		d *= 2;
		deep(50);
	}
	printf("%d %d %g\n", r, v, d);
	for (i = 0; i < 100; i++)
		numbers[i] = i * 37 % 101;
	r = setjmp(place);
	if (r == 0)
		qsort(numbers, 100, sizeof *numbers, compare);
	printf("%d\n", r);
	r = setjmp(place);
	if (r < 1000)
		longjmp(place, r + 1);
	printf("%d\n", r);
	switch (setjmp(place)) {
	case 0:
		longjmp(place, 0);
	case 1:
		puts("one");
	}
	printf("%d %d\n", protect(5), protect(6));
	printf("%d\n", run(throws, 1));

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (!sigsetjmp(with_mask, 1)) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		siglongjmp(with_mask, 1);
	}
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("%d\n", sigismember(&set, SIGUSR1));
	if (!sigsetjmp(without, 0)) {
		sigprocmask(SIG_BLOCK, &(sigset_t){ { 1UL << (SIGUSR2 - 1) } }, NULL);
		siglongjmp(without, 1);
	}
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("%d\n", sigismember(&set, SIGUSR2));
	if (_setjmp(place) == 0)
		_longjmp(place, 2);
	return 0;
}
