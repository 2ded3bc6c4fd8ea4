// The sieve of Eratosthenes, and a table of how numbers are sums of coins: bytes and integers in arrays.
#include <stdio.h>
#include <string.h>

enum { N = 8000000, SUMS = 100000 };
static unsigned char composite[N];
static unsigned long ways[SUMS + 1];

int main(void)
{
	for (int i = 2; i * i < N; i++)
		if (!composite[i])
			for (int j = i * i; j < N; j += i) composite[j] = 1;
	int primes = 0;
	for (int i = 2; i < N; i++) primes += !composite[i];

	static const int coins[] = { 1, 2, 5, 10, 20, 50, 100, 200 };
	for (int round = 0; round < 150; round++) {
		memset(ways, 0, sizeof ways);
		ways[0] = 1;
		for (unsigned c = 0; c < sizeof coins / sizeof *coins; c++)
			for (int s = coins[c]; s <= SUMS; s++) ways[s] += ways[s - coins[c]];
	}
	printf("%d %lu\n", primes, ways[SUMS]);
	return 0;
}
