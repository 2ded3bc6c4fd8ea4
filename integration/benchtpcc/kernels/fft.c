// A fast Fourier transform and its inverse, in place, with complex numbers of C.
#include <complex.h>
#include <math.h>
#include <stdio.h>

enum { BITS = 15, N = 1 << BITS, ROUNDS = 50 };
static double complex data[N], roots[N / 2];

static void transform(double complex *v)
{
	for (unsigned i = 1, j = 0; i < N; i++) {
		unsigned bit = N >> 1;
		for (; j & bit; bit >>= 1) j ^= bit;
		j ^= bit;
		if (i < j) {
			double complex t = v[i];
			v[i] = v[j];
			v[j] = t;
		}
	}
	for (int size = 2; size <= N; size *= 2)
		for (int begin = 0; begin < N; begin += size)
			for (int k = 0; k < size / 2; k++) {
				double complex a = v[begin + k], b = v[begin + k + size / 2] * roots[k * (N / size)];
				v[begin + k] = a + b;
				v[begin + k + size / 2] = a - b;
			}
}

int main(void)
{
	for (int i = 0; i < N; i++) data[i] = sin(i * 0.01) + i % 7;
	for (int i = 0; i < N / 2; i++) roots[i] = cexp(-2 * M_PI * I * i / N);
	for (int r = 0; r < ROUNDS; r++) {
		transform(data);
		// The inverse is the transform of the conjugate.
		for (int i = 0; i < N; i++) data[i] = conj(data[i]) / N;
		transform(data);
		for (int i = 0; i < N; i++) data[i] = conj(data[i]);
	}
	printf("%.6f %.6f\n", creal(data[12345]), fabs(cimag(data[12345])));
	return 0;
}
