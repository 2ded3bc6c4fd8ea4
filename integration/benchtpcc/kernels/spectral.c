// The spectral norm of the infinite matrix 1 / ((i+j)(i+j+1)/2 + i + 1), by power iteration.
#include <math.h>
#include <stdio.h>

enum { N = 1500, ROUNDS = 15 };

static double element(int i, int j)
{
	return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double *v, double *to)
{
	for (int i = 0; i < N; i++) {
		to[i] = 0;
		for (int j = 0; j < N; j++) to[i] += element(i, j) * v[j];
	}
}

static void transposed(const double *v, double *to)
{
	for (int i = 0; i < N; i++) {
		to[i] = 0;
		for (int j = 0; j < N; j++) to[i] += element(j, i) * v[j];
	}
}

int main(void)
{
	static double u[N], v[N], between[N];
	for (int i = 0; i < N; i++) u[i] = 1;
	for (int i = 0; i < ROUNDS; i++) {
		times(u, between);
		transposed(between, v);
		times(v, between);
		transposed(between, u);
	}
	double uv = 0, vv = 0;
	for (int i = 0; i < N; i++) {
		uv += u[i] * v[i];
		vv += v[i] * v[i];
	}
	printf("%.9f\n", sqrt(uv / vv));
	return 0;
}
