/* String and memory functions, at all alignments; conversions of numbers. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <wctype.h>

static unsigned long sum(const unsigned char *p, size_t n)
{
	unsigned long s = 0;

	while (n--)
		s = s * 31 + *p++;
	return s;
}

static void blocks(void)
{
	static unsigned char a[4096], b[4096];
	unsigned long total = 0;

	for (size_t i = 0; i < sizeof a; i++)
		a[i] = i * 7 + i / 256;
	for (size_t n = 0; n < 400; n += n < 70 ? 1 : 37)
		for (size_t from = 0; from < 17; from += 3)
			for (size_t to = 0; to < 17; to += 5) {
				memset(b, 0xee, sizeof b);
				memcpy(b + to, a + from, n);
				total += sum(b, 500);
				memmove(b + from, b + to, n);
				total += sum(b, 500);
				memset(b + to, (int)n, n);
				total += sum(b, 500);
				total += memcmp(a + from, a + to, n) > 0;
			}
	printf("%lx\n", total);
	memcpy(b, a, sizeof a);
	memmove(b + 1, b, sizeof b - 1);
	printf("%lx\n", sum(b, sizeof b));
	printf("%d %d %d\n", (int)((char *)memchr(a, 21, 100) - (char *)a), (int)((char *)memrchr(a, 21, 4000) - (char *)a),
	       memmem(a, 4000, a + 77, 9) == a + 77);
}

static void strings(void)
{
	char buffer[100] = "one", copy[100], list[] = "a,b;;c d", *save, *p;

	for (size_t i = 0; i < 16; i++) {
		memset(buffer, 'x', sizeof buffer);
		buffer[i + 50] = 0;
		printf("%zu ", strlen(buffer + i));
	}
	putchar('\n');
	strcpy(buffer, "one");
	strcat(buffer, " two");
	strncat(buffer, " three", 3);
	puts(buffer);
	printf("%s ", strncpy(copy, buffer, 50));
	printf("%zu ", strlcpy(copy, buffer, 4));
	printf("%zu ", strlcat(copy, "defghi", 8));
	puts(copy);
	printf("%d %d %d %d\n", strcmp("a", "b") < 0, strncmp("abc", "abd", 2), strcasecmp("HeLLo", "hEllO"), strncasecmp("abX", "ABy", 2));
	printf("%s %s %s\n", strchr("hello", 'l'), strrchr("hello", 'l'), strstr("the needle in", "need"));
	printf("%zu %zu %s\n", strspn("aabbc", "ab"), strcspn("aabbc", "c"), strpbrk("hello", "ol"));
	for (p = strtok_r(list, ",; ", &save); p; p = strtok_r(NULL, ",; ", &save))
		printf("[%s]", p);
	p = buffer;
	strcpy(buffer, "x::y");
	while ((save = strsep(&p, ":")))
		printf("<%s>", save);
	putchar('\n');
	p = strdup("duplicate");
	save = strndup(p, 3);
	printf("%s %s\n", p, save);
	free(p);
	free(save);
	printf("%s %s %d\n", strerror(ENOENT), strsignal(11), strverscmp("file10", "file9") > 0);
	printf("%d %d %d\n", ffs(0x50), ffsl(1L << 40), ffsll(0));
}

static void numbers(void)
{
	char *end;

	printf("%ld %ld %lu %lld\n", strtol("-0x7f", NULL, 0), strtol("z", NULL, 36), strtoul("777", NULL, 8), strtoll("9223372036854775808", &end, 10));
	printf("%d %c\n", errno == ERANGE, *end ? *end : '0');
	printf("%d %ld %g\n", atoi("42x"), atol("-7"), atof("2.5e1"));
	for (int c = 0; c < 128; c++)
		printf("%x", isalpha(c) != 0 | (isdigit(c) != 0) << 1 | (ispunct(c) != 0) << 2 | (isspace(c) != 0) << 3);
	putchar('\n');
	div_t d = div(-7, 2);
	ldiv_t l = ldiv(1L << 40, 1000);
	printf("%d %d %ld %ld %d\n", d.quot, d.rem, l.quot, l.rem, abs(INT_MIN + 1));
}

static void wide(void)
{
	wchar_t w[50] = L"wide string";

	printf("%zu %ls %d %ls\n", wcslen(w), wcschr(w, L's'), wcscmp(w, L"wide") > 0, wcsstr(w, L"str"));
	printf("%ld %g %d\n", wcstol(L"-12", NULL, 10), wcstod(L"1.5", NULL), iswalpha(L'é') != 0);
	swprintf(w, 50, L"%d %ls %s", 5, L"x", "y");
	printf("%ls %d\n", w, wmemcmp(w, L"5", 1));
}

int main(void)
{
	blocks();
	strings();
	numbers();
	wide();
	return 0;
}
