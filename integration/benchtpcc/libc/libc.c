// libc NAME: one routine of the C library, called over and over.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SMALL = 24, LARGE = 64 << 10 };

// Strings of many lengths and alignments, each with a zero at its end, and
// copies that differ, if at all, in their last byte.
static char strings[64][64], others[64][64];
static char large[2][LARGE + 64];

// What is called, is called through volatile pointers: no compiler may know it.
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static void *(*volatile find)(const void *, int, size_t) = memchr;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile length)(const char *) = strlen;
static int (*volatile order)(const char *, const char *) = strcmp;
static char *(*volatile search)(const char *, int) = strchr;
static char *(*volatile within)(const char *, const char *) = strstr;

static void prepare(void)
{
	for (int i = 0; i < 64; i++) {
		memset(strings[i] + i % 8, 'a' + i % 26, i % SMALL + 4);
		memcpy(others[i], strings[i], sizeof strings[i]);
		if (i % 3 == 0) others[i][i % 8 + i % SMALL + 3] = 'z';
	}
	for (int i = 0; i < LARGE; i++) large[0][i] = large[1][i] = 'a' + i % 23;
}

// The small ones.
static unsigned long copies(int n)
{
	static char to[64];
	for (int i = 0; i < n; i++) copy(to + i % 4, strings[i % 64], i % 37);
	return to[3];
}

static unsigned long moves(int n)
{
	for (int i = 0; i < n; i++) move(large[0] + i % 5, large[0] + i % 7, i % 37);
	return large[0][5];
}

static unsigned long sets(int n)
{
	static char to[64];
	for (int i = 0; i < n; i++) set(to + i % 4, i, i % 37);
	return (unsigned char)to[3];
}

static unsigned long lengths(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += length(strings[i % 64] + i % 8);
	return sum;
}

static unsigned long finds(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += find(strings[i % 64] + i % 8, 'z', 32) != 0;
	return sum;
}

static unsigned long comparisons(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += compare(strings[i % 64], others[i % 64], 36) != 0;
	return sum;
}

static unsigned long orders(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += order(strings[i % 64] + i % 64 % 8, others[i % 64] + i % 64 % 8) != 0;
	return sum;
}

static unsigned long searches(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += search(strings[i % 64] + i % 8, 'z') != 0;
	return sum;
}

// The large ones.
static unsigned long copies_large(int n)
{
	for (int i = 0; i < n; i++) copy(large[1] + i % 16, large[0] + i % 3, LARGE);
	return large[1][100];
}

static unsigned long moves_large(int n)
{
	for (int i = 0; i < n; i++) move(large[0] + 1 + i % 16, large[0] + i % 3, LARGE);
	return large[0][100];
}

static unsigned long sets_large(int n)
{
	for (int i = 0; i < n; i++) set(large[1] + i % 16, i, LARGE);
	return (unsigned char)large[1][100];
}

static unsigned long lengths_large(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += length(large[0] + i % 8);
	return sum;
}

static unsigned long finds_large(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += find(large[0] + i % 8, 'z', LARGE - 8) != 0;
	return sum;
}

static unsigned long comparisons_large(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += compare(large[0], large[1], LARGE) != 0;
	return sum;
}

static unsigned long orders_large(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += order(large[0], large[1]) != 0;
	return sum;
}

static unsigned long searches_large(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += search(large[0] + i % 8, 'z') != 0;
	return sum;
}

static unsigned long needles(int n)
{
	unsigned long sum = 0;
	large[0][LARGE - 100] = '!';
	for (int i = 0; i < n; i++) sum += within(large[0] + i % 8, "wa!cde") - large[0];
	return sum;
}

// Areas of the library.
static unsigned long allocations(int n)
{
	enum { KEPT = 1000 };
	static void *kept[KEPT];
	unsigned long sum = 0;
	unsigned random = 1;
	for (int i = 0; i < n; i++) {
		random = random * 1664525 + 1013904223;
		void **p = &kept[random >> 8 & 511];
		free(*p);
		*p = malloc(8 + (random >> 20 & 511));
		sum += *p != 0;
	}
	for (int i = 0; i < KEPT; i++) free(kept[i]);
	return sum;
}

static unsigned long reallocations(int n)
{
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) {
		char *p = 0;
		for (size_t size = 16; size < 1 << 14; size *= 2) {
			p = realloc(p, size);
			p[size - 1] = i;
		}
		sum += p[100] == 0;
		free(p);
	}
	return sum > 0;
}

static unsigned long formats(int n, const char *format, int floats)
{
	char text[64];
	unsigned long sum = 0;
	for (int i = 0; i < n; i++)
		sum += floats ? snprintf(text, sizeof text, format, i * 1.37) : snprintf(text, sizeof text, format, i, "text");
	return sum;
}
static unsigned long formats_float(int n) { return formats(n, "%g", 1); }
static unsigned long formats_fixed(int n) { return formats(n, "%.3f", 1); }
static unsigned long formats_int(int n) { return formats(n, "%d is %s", 0); }

static unsigned long strtods(int n)
{
	static const char *const numbers[] = { "1", "3.25", "-17.125e10", "1.7976931348623157e308", "0.1", "123456789" };
	double sum = 0;
	for (int i = 0; i < n; i++) sum += strtod(numbers[i % 6], 0) > 1;
	return sum;
}

static unsigned long strtols(int n)
{
	static const char *const numbers[] = { "1", "-25", "0x7fff", "2147483647", "077", "123456789" };
	unsigned long sum = 0;
	for (int i = 0; i < n; i++) sum += strtol(numbers[i % 6], 0, 0);
	return sum;
}

static int by_value(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static unsigned long sorts(int n)
{
	static int values[1000];
	unsigned random = 1;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < 1000; j++) values[j] = (random = random * 1664525 + 1013904223) >> 1;
		qsort(values, 1000, sizeof *values, by_value);
	}
	return values[500];
}

static unsigned long clocks(int n)
{
	struct timespec t;
	unsigned long failed = 0;
	for (int i = 0; i < n; i++) failed += clock_gettime(CLOCK_MONOTONIC, &t) != 0;
	return failed;
}

static unsigned long characters(int n)
{
	FILE *f = tmpfile();
	for (int i = 0; i < n; i++) putc('a' + i % 26, f);
	rewind(f);
	unsigned long sum = 0;
	for (int c; (c = getc(f)) != EOF;) sum += c;
	fclose(f);
	return sum;
}

static unsigned long lines(int n)
{
	FILE *f = tmpfile();
	char line[100];
	for (int i = 0; i < n; i++) fputs("a line of a text\n", f);
	rewind(f);
	unsigned long sum = 0;
	while (fgets(line, sizeof line, f)) sum += line[3];
	fclose(f);
	return sum;
}

static const struct {
	const char *name;
	unsigned long (*run)(int);
	int times;
} routines[] = {
	{ "memcpy", copies, 5000000 },
	{ "memcpy-large", copies_large, 20000 },
	{ "memmove", moves, 5000000 },
	{ "memmove-large", moves_large, 2000 },
	{ "memset", sets, 10000000 },
	{ "memset-large", sets_large, 40000 },
	{ "strlen", lengths, 10000000 },
	{ "strlen-large", lengths_large, 10000 },
	{ "memchr", finds, 8000000 },
	{ "memchr-large", finds_large, 8000 },
	{ "memcmp", comparisons, 8000000 },
	{ "memcmp-large", comparisons_large, 4000 },
	{ "strcmp", orders, 8000000 },
	{ "strcmp-large", orders_large, 4000 },
	{ "strchr", searches, 8000000 },
	{ "strchr-large", searches_large, 8000 },
	{ "strstr", needles, 2000 },
	{ "malloc", allocations, 1000000 },
	{ "realloc", reallocations, 100000 },
	{ "printf-g", formats_float, 300000 },
	{ "printf-f", formats_fixed, 300000 },
	{ "printf-d", formats_int, 500000 },
	{ "strtod", strtods, 100000 },
	{ "strtol", strtols, 5000000 },
	{ "qsort", sorts, 300 },
	{ "clock_gettime", clocks, 3000000 },
	{ "getc", characters, 8000000 },
	{ "fgets", lines, 2000000 },
};

int main(int argc, char **argv)
{
	prepare();
	for (size_t i = 0; i < sizeof routines / sizeof *routines; i++)
		if (argc > 1 && !strcmp(argv[1], routines[i].name)) {
			printf("%s %lu\n", argv[1], routines[i].run(routines[i].times));
			return 0;
		}
	fputs("usage: libc ROUTINE\n", stderr);
	return 2;
}
