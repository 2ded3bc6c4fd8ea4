// Products of matrices of floats, and of integers.
#include <stdio.h>

#define N 500
static double a[N][N], b[N][N], c[N][N];
static int ia[N][N], ib[N][N], ic[N][N];

int main(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = (i - j) / (double)N;
			b[i][j] = (i + j) / (double)N;
			ia[i][j] = i ^ j;
			ib[i][j] = i + j;
		}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			for (int j = 0; j < N; j++) {
				c[i][j] += a[i][k] * b[k][j];
				ic[i][j] += ia[i][k] * ib[k][j];
			}
	// The textbook's order, which cannot be vectorised.
	double sum = 0;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			double s = 0;
			for (int k = 0; k < N; k++) s += a[i][k] * c[k][j];
			sum += s;
		}
	printf("%.9g %d %.9g\n", c[N / 2][N / 3], ic[N / 2][N / 3], sum);
	return 0;
}
