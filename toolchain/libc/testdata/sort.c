/* Functions that call back: sorting, searching, trees, atexit; and the other small ones of stdlib. */
#define _GNU_SOURCE
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;
static int compare(const void *a, const void *b)
{
	calls++;
	return (*(int *)a > *(int *)b) - (*(int *)a < *(int *)b);
}
static int compare_by(const void *a, const void *b, void *sign) { return *(int *)sign * compare(a, b); }
static int compare_text(const void *a, const void *b) { return strcmp(a, b); }
struct wide { char pad[37]; int key; };
static int compare_wide(const void *a, const void *b) { return compare(&((struct wide *)a)->key, &((struct wide *)b)->key); }

static long visited;
static void visit(const void *node, VISIT which, int depth)
{
	if (which == postorder || which == leaf)
		visited = visited * 7 + **(int **)node + depth;
}

static void last(void) { puts("last"); }
static void first(void) { puts("first"); }

int main(void)
{
	static int numbers[5000];
	static struct wide wide[300];
	int sign = -1, key, *found;
	unsigned state = 1;
	void *tree = NULL;
	char *words[] = { "pear", "apple", "fig" };
	unsigned short seed[3] = { 1, 2, 3 };

	for (int i = 0; i < 5000; i++)
		numbers[i] = (state = state * 1103515245u + 12345u) >> 8;
	qsort(numbers, 5000, sizeof *numbers, compare);
	for (int i = 1; i < 5000; i++)
		if (numbers[i - 1] > numbers[i])
			puts("not sorted");
	printf("%d %d %d\n", numbers[0], numbers[4999], calls);
	key = numbers[1234];
	found = bsearch(&key, numbers, 5000, sizeof *numbers, compare);
	printf("%d\n", *found == key);
	qsort_r(numbers, 5000, sizeof *numbers, compare_by, &sign);
	printf("%d %d\n", numbers[0], calls);
	for (int i = 0; i < 300; i++)
		wide[i].key = i * 7919 % 307;
	qsort(wide, 300, sizeof *wide, compare_wide);
	printf("%d %d\n", wide[0].key, wide[299].key);

	for (int i = 0; i < 500; i++)
		tsearch(&numbers[i * 7 % 500], &tree, compare);
	twalk(tree, visit);
	printf("%ld %d\n", visited, tfind(&numbers[3], &tree, compare) != NULL);
	while (tree)
		tdelete(*(void **)tree, &tree, compare);

	hcreate(50);
	for (int i = 0; i < 3; i++)
		hsearch((ENTRY){ words[i], (void *)(intptr_t)i }, ENTER);
	printf("%d\n", (int)(intptr_t)hsearch((ENTRY){ "fig", NULL }, FIND)->data);
	hdestroy();
	size_t count = 3;
	char table[10][8] = { "c", "a", "b" };
	printf("%s\n", (char *)lfind("a", table, &count, 8, compare_text));

	srand(7);
	printf("%d ", rand());
	printf("%d ", rand());
	srandom(7);
	printf("%ld ", random());
	printf("%ld ", random());
	printf("%ld ", nrand48(seed));
	printf("%ld ", lrand48());
	printf("%.17g\n", drand48());
	setenv("NAME", "value", 1);
	setenv("NAME", "other", 0);
	putenv("PUT=x");
	printf("%s %s ", getenv("NAME"), getenv("PUT"));
	unsetenv("NAME");
	printf("%d\n", getenv("NAME") == NULL);
	atexit(last);
	atexit(first);
	return 0;
}
