/* Regular expressions, patterns of file names, locales, character sets. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <glob.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>
#include <wordexp.h>

static void match(const char *pattern, const char *text, int flags)
{
	regex_t r;
	regmatch_t m[5];
	char message[100];
	int error = regcomp(&r, pattern, flags);

	if (error) {
		regerror(error, &r, message, sizeof message);
		printf("%s: %s\n", pattern, message);
		return;
	}
	if (regexec(&r, text, 5, m, 0))
		printf("%s: no match\n", pattern);
	else {
		printf("%s:", pattern);
		for (int i = 0; i < 5 && m[i].rm_so >= 0; i++)
			printf(" %.*s", (int)(m[i].rm_eo - m[i].rm_so), text + m[i].rm_so);
		putchar('\n');
	}
	regfree(&r);
}

static void convert(const char *to, const char *from, const char *text)
{
	iconv_t cd = iconv_open(to, from);
	char in[50], out[100], *p = in, *q = out;
	size_t left = strlen(text), room = sizeof out;

	strcpy(in, text);
	printf("%s %s: %zd", to, from, (ssize_t)iconv(cd, &p, &left, &q, &room));
	for (p = out; p < q; p++)
		printf(" %02x", (unsigned char)*p);
	putchar('\n');
	iconv_close(cd);
}

int main(void)
{
	char dir[] = "/tmp/textXXXXXX", name[100], mb[8];
	wchar_t w[20];
	glob_t g;
	size_t n;

	match("^([a-z]+)=([0-9]*)(;.*)?$", "name=123;x", REG_EXTENDED);
	match("\\(a*\\)b\\1", "aabaa", 0);
	match("[[:upper:]]{2,3}|z", "abCDEf", REG_EXTENDED);
	match("HELLO", "say hello", REG_EXTENDED | REG_ICASE);
	match("a(b|c", "x", REG_EXTENDED);
	match("^$", "x", REG_EXTENDED);
	printf("%d %d %d\n", fnmatch("*.[ch]", "file.c", 0), fnmatch("*/x", "a/b/x", FNM_PATHNAME), fnmatch("[!a]*", "abc", 0));

	mkdtemp(dir);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "%s/f%d.txt", dir, i);
		fclose(fopen(name, "w"));
	}
	snprintf(name, sizeof name, "%s/f[13-9].*", dir);
	printf("%d", glob(name, 0, NULL, &g));
	for (n = 0; n < g.gl_pathc; n++)
		printf(" %s", strrchr(g.gl_pathv[n], '/'));
	putchar('\n');
	globfree(&g);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "%s/f%d.txt", dir, i);
		unlink(name);
	}
	rmdir(dir);

	printf("%s %s\n", setlocale(LC_ALL, NULL), nl_langinfo(CODESET));
	printf("%s\n", setlocale(LC_ALL, "C.UTF-8"));
	n = mbstowcs(w, "h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80", 20);
	printf("%zu", n);
	for (size_t i = 0; i < n; i++)
		printf(" %x", (unsigned)w[i]);
	n = wcrtomb(mb, 0x20ac, NULL);
	printf(" %zu %02x%02x%02x\n", n, (unsigned char)mb[0], (unsigned char)mb[1], (unsigned char)mb[2]);
	printf("%zd %d %x %x\n", (ssize_t)mbstowcs(w, "\xff", 20), wcwidth(0x4e00), (unsigned)towupper(0xe9), (unsigned)towlower(0x416));
	locale_t l = newlocale(LC_ALL_MASK, "C", 0);
	printf("%d %s\n", l != 0, localeconv()->decimal_point);
	freelocale(l);
	convert("UTF-16BE", "UTF-8", "a\xc3\xa9\xe2\x82\xac");
	convert("UTF-8", "ISO-8859-1", "\xe9\xfc");
	convert("EUC-JP", "UTF-8", "\xe6\x97\xa5");
	return 0;
}
