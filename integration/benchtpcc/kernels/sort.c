// Quicksort of integers and heapsort of floats, written out; qsort of records.
#include <stdio.h>
#include <stdlib.h>

enum { N = 300000 };
static unsigned ints[N];
static double floats[N];
static struct record {
	unsigned key, value;
} records[N];

static unsigned next(void)
{
	static unsigned state = 1;
	return state = state * 1664525 + 1013904223;
}

static void quick(unsigned *v, int low, int high)
{
	while (low < high) {
		unsigned pivot = v[low + (high - low) / 2];
		int i = low, j = high;
		while (i <= j) {
			while (v[i] < pivot) i++;
			while (v[j] > pivot) j--;
			if (i > j) break;
			unsigned t = v[i];
			v[i++] = v[j];
			v[j--] = t;
		}
		quick(v, low, j);
		low = i;
	}
}

static void sift(double *v, int root, int n)
{
	for (int child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && v[child] < v[child + 1]) child++;
		if (v[root] >= v[child]) return;
		double t = v[root];
		v[root] = v[child];
		v[child] = t;
	}
}

static void heap(double *v, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--) sift(v, i, n);
	for (int i = n - 1; i > 0; i--) {
		double t = v[0];
		v[0] = v[i];
		v[i] = t;
		sift(v, 0, i);
	}
}

static int compare(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

int main(void)
{
	for (int i = 0; i < N; i++) {
		ints[i] = next();
		floats[i] = next() / 7.0;
		records[i] = (struct record){ next() >> 8, i };
	}
	quick(ints, 0, N - 1);
	heap(floats, N);
	qsort(records, N, sizeof *records, compare);
	for (int i = 1; i < N; i++)
		if (ints[i - 1] > ints[i] || floats[i - 1] > floats[i] || records[i - 1].key > records[i].key) {
			puts("not sorted");
			return 1;
		}
	printf("%u %.3f %u\n", ints[N / 2], floats[N / 2], records[N / 2].key);
	return 0;
}
