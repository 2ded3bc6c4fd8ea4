/* printf and scanf with all kinds of conversions, buffered files, positions, memory streams. */
#define _GNU_SOURCE
#include <fenv.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static int print(const char *format, ...)
{
	va_list a, b;
	int n, m;
	char buffer[200];

	va_start(a, format);
	va_copy(b, a);
	n = vsnprintf(buffer, sizeof buffer, format, a);
	m = vprintf(format, b);
	va_end(a);
	va_end(b);
	return n == m ? n : -1;
}

static void floats(void)
{
	static const double values[] = { 0.0, -0.0, 0.1, 1.0 / 3, 2.5, 1e100, 1e-300, DBL_MAX, DBL_MIN, 4.9e-324, 123456789.125 };

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		printf("%g %e %f %a\n", values[i], values[i], values[i], values[i]);
		printf("%.0f %.3g %+12.5e %-12.2f| %#g %G\n", values[i], values[i], values[i], values[i], values[i], values[i]);
	}
	printf("%f %F %g %010.2f\n", INFINITY, -INFINITY, (double)NAN, 3.14159);
	printf("%.20Lg %.6Lf %La\n", 1.5L, -2.25L, 1.0L);
	printf("%.17g %.17g\n", strtod("0.1", NULL), strtod("1.7976931348623157e308", NULL));
	printf("%.17g %.17g %.17g\n", strtod("0x1.8p3", NULL), strtod("1e400", NULL), strtod("-1e-400", NULL));
	printf("%.9g %.12Lg\n", (double)strtof("3.4028235e38", NULL), strtold("123.456e10", NULL));
}

/* What lies between two decimals, or in the middle of them. */
static void roundings(void)
{
	static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
	static const double values[] = { 0.5, 1.5, 2.5, 9.5, 99.5, 0.125, 0.375, 999999.5, 1e22, 4.9e-324, 1.0 / 3, 999999999.5, 1.0000000005e9 };

	for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
		for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
			fesetround(modes[m]);
			printf("%.0f %.0f %.2f %.2f %.9g %.9g\n", values[i], -values[i], values[i], -values[i], values[i], -values[i]);
			fesetround(FE_TONEAREST);
		}
}

static void scans(void)
{
	int a, b, n;
	unsigned x;
	long long big;
	double d;
	float f;
	long double l;
	char word[20], set[20], c;

	n = sscanf("12 -34 0x1f 9223372036854775807", "%d %d %x %lld", &a, &b, &x, &big);
	printf("%d: %d %d %u %lld\n", n, a, b, x, big);
	n = sscanf("3.5e2 1.25 2.5 hello [abc]z", "%lf %f %Lf %19s [%19[a-c]]%c", &d, &f, &l, word, set, &c);
	printf("%d: %g %g %Lg %s %s %c\n", n, d, f, l, word, set, c);
	n = sscanf("abc", "%d", &a);
	printf("%d\n", n);
	n = -1;
	sscanf("12345", "%3d%n", &a, &n);
	printf("%d %d\n", a, n);
}

static void files(void)
{
	FILE *f = tmpfile();
	char line[100];
	long total = 0;
	int value;
	fpos_t place;

	for (int i = 0; i < 3000; i++)
		fprintf(f, "line %d of %s\n", i, i % 2 ? "odd" : "even");
	printf("%ld\n", ftell(f));
	rewind(f);
	while (fgets(line, sizeof line, f))
		total += strlen(line);
	printf("%ld %d\n", total, feof(f) != 0);
	fseek(f, 100, SEEK_SET);
	fgetpos(f, &place);
	value = fgetc(f);
	printf("%c ", value);
	ungetc('X', f);
	printf("%c\n", fgetc(f));
	fsetpos(f, &place);
	value = fscanf(f, "%*s %*s %s", line);
	printf("%d %s\n", value, line);
	fseek(f, -10, SEEK_END);
	printf("%zu\n", fread(line, 1, 50, f));
	fclose(f);
}

static void memory(void)
{
	char *buffer = NULL, fixed[32], *line = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&buffer, &size);

	for (int i = 0; i < 100; i++)
		fprintf(f, "%d,", i);
	fclose(f);
	printf("%zu %s\n", size, buffer);
	f = fmemopen(buffer, size, "r");
	size = 0;
	printf("%zd\n", getdelim(&line, &size, ',', f));
	printf("%zd %s\n", getdelim(&line, &size, 'x', f) > 200 ? (ssize_t)1 : 0, "rest");
	fclose(f);
	free(buffer);
	free(line);
	f = fmemopen(fixed, sizeof fixed, "w");
	fprintf(f, "0123456789");
	fclose(f);
	puts(fixed);
	printf("%d\n", asprintf(&line, "%0*d|%-*s|%.*s", 8, 42, 6, "ab", 2, "xyz"));
	puts(line);
	free(line);
}

int main(void)
{
	char small[8];

	printf("%d\n", print("%d %s %c %5.1f %lld %zu %p %%\n", -5, "text", 'c', 2.25, LLONG_MIN, (size_t)7, (void *)0));
	printf("%d %s\n", snprintf(small, sizeof small, "%s", "0123456789"), small);
	printf("%2$s %1$d %3$.*4$f\n", 5, "second", 2.71828, 3);
	printf("%hhd %hd %ld %jd %td %x %#o %+d % d %05d %-5d| %'d\n", 300, 70000, -1L, (intmax_t)1, (ptrdiff_t)2, 255, 8, 1, 1, 42, 42, 1000);
	printf("%ls %lc %.3s\n", L"wide", (wint_t)L'w', "abcdef");
	floats();
	roundings();
	scans();
	files();
	memory();
	perror("perror");
	return fflush(stdout);
}
