// How many points of a grid are in the Mandelbrot set.
#include <stdio.h>

enum { SIZE = 1000, ROUNDS = 250 };

static int inside(double re, double im)
{
	double x = 0, y = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double xx = x * x, yy = y * y;
		if (xx + yy > 4) return 0;
		y = 2 * x * y + im;
		x = xx - yy + re;
	}
	return 1;
}

int main(void)
{
	int n = 0;
	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++) n += inside(3.0 * i / SIZE - 2, 3.0 * j / SIZE - 1.5);
	printf("%d\n", n);
	return 0;
}
