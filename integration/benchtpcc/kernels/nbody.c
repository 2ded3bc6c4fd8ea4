// The sun and its large planets, as point masses.
#include <math.h>
#include <stdio.h>

#define PI 3.141592653589793
#define YEAR 365.24
enum { BODIES = 5, STEPS = 2000000 };

struct body {
	double at[3], speed[3], mass;
};

static struct body bodies[BODIES] = {
	{ { 0, 0, 0 }, { 0, 0, 0 }, 4 * PI * PI },
	{ { 4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01 },
	  { 1.66007664274403694e-03 * YEAR, 7.69901118419740425e-03 * YEAR, -6.90460016972063023e-05 * YEAR },
	  9.54791938424326609e-04 * 4 * PI * PI },
	{ { 8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01 },
	  { -2.76742510726411600e-03 * YEAR, 4.99852801234917238e-03 * YEAR, 2.30417297573763929e-05 * YEAR },
	  2.85885980666130812e-04 * 4 * PI * PI },
	{ { 1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01 },
	  { 2.96460137564761618e-03 * YEAR, 2.37847173959480950e-03 * YEAR, -2.96589568540237556e-05 * YEAR },
	  4.36624404335156298e-05 * 4 * PI * PI },
	{ { 1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01 },
	  { 2.68067772490389322e-03 * YEAR, 1.62824170038242295e-03 * YEAR, -9.51592254519715870e-05 * YEAR },
	  5.15138902046611451e-05 * 4 * PI * PI },
};

static void advance(struct body *b, double dt)
{
	for (int i = 0; i < BODIES; i++)
		for (int j = i + 1; j < BODIES; j++) {
			double d[3], square = 0;
			for (int k = 0; k < 3; k++) {
				d[k] = b[i].at[k] - b[j].at[k];
				square += d[k] * d[k];
			}
			double force = dt / (square * sqrt(square));
			for (int k = 0; k < 3; k++) {
				b[i].speed[k] -= d[k] * b[j].mass * force;
				b[j].speed[k] += d[k] * b[i].mass * force;
			}
		}
	for (int i = 0; i < BODIES; i++)
		for (int k = 0; k < 3; k++) b[i].at[k] += dt * b[i].speed[k];
}

static double energy(const struct body *b)
{
	double e = 0;
	for (int i = 0; i < BODIES; i++) {
		double square = 0;
		for (int k = 0; k < 3; k++) square += b[i].speed[k] * b[i].speed[k];
		e += b[i].mass * square / 2;
		for (int j = i + 1; j < BODIES; j++) {
			double distance = 0;
			for (int k = 0; k < 3; k++) distance += (b[i].at[k] - b[j].at[k]) * (b[i].at[k] - b[j].at[k]);
			e -= b[i].mass * b[j].mass / sqrt(distance);
		}
	}
	return e;
}

int main(void)
{
	for (int i = 1; i < BODIES; i++)
		for (int k = 0; k < 3; k++) bodies[0].speed[k] -= bodies[i].speed[k] * bodies[i].mass / bodies[0].mass;
	printf("%.9f\n", energy(bodies));
	for (int i = 0; i < STEPS; i++) advance(bodies, 0.01);
	printf("%.9f\n", energy(bodies));
	return 0;
}
