/* Computes, half of the time below a function that cannot be moved. */
#include <stdio.h>

static unsigned work(unsigned sum)
{
	for (unsigned i = 0; i < 20000000; i++)
		sum = sum * 1664525 + 1013904223;
	return sum;
}

__attribute__((noinline)) static unsigned fixed(unsigned sum)
{
	__asm__ volatile("nop");
	return work(sum) + 1;
}

int main(void)
{
	for (unsigned sum = 0;;) {
		sum = work(fixed(sum));
		printf("%u\n", sum);
		fflush(stdout);
	}
}
