/* Mathematics, to the last digit; rounding modes and exceptions; complex numbers; integers of 128 bits. */
#define _GNU_SOURCE
#include <complex.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define P(g, x) printf(#g " %.17g %.9g\n", g(x), (double)g##f((float)(x)))
#define P2(g, x, y) printf(#g " %.17g %.9g\n", g(x, y), (double)g##f((float)(x), (float)(y)))

static volatile double three = 3, zero = 0, big = 1e308, half = 2.5;

static void reals(void)
{
	static const double xs[] = { 0.3, -0.7, 1.5, 0.999 };

	for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
		double x = xs[i];

		P(sin, x); P(cos, x); P(tan, x); P(asin, x / 2); P(acos, x / 2); P(atan, x);
		P(sinh, x); P(cosh, x); P(tanh, x); P(asinh, x); P(acosh, x + 3); P(atanh, x / 2);
		P(exp, x); P(exp2, x); P(expm1, x); P(log, x + 1); P(log2, x + 1); P(log10, x + 1); P(log1p, x);
		P(sqrt, x + 1); P(cbrt, x); P(floor, x); P(ceil, x); P(trunc, x); P(round, x * 3); P(rint, x * 3); P(nearbyint, x * 5);
		P(erf, x); P(erfc, x); P(tgamma, x + 2); P(lgamma, x + 2); P(fabs, x); P(logb, x);
		P2(pow, x + 1, 2.5); P2(atan2, x, -1); P2(hypot, x, 2); P2(fmod, x * 10, 0.7); P2(remainder, x * 10, 0.7);
		P2(fmax, x, 0); P2(fmin, x, 0); P2(fdim, x, 0); P2(copysign, 2, x); P2(nextafter, x, 9);
	}
	P(sin, 1e22); P(cos, 1e5); P(exp, -700); P(exp, 1000);
	printf("%.17g %.17g %.17g\n", fma(0.1, 0.2, 0.3), ldexp(1.5, 10), scalbn(3, -1070));
	int e, q;
	double whole;
	printf("%.17g ", frexp(1000.5, &e));
	printf("%d %.17g ", e, modf(-3.25, &whole));
	printf("%.17g\n", whole);
	printf("%.17g ", remquo(29, 3, &q));
	printf("%d %ld %lld %d\n", q, lround(2.5), llrint(3.5), ilogb(1024));
	printf("%d %d %d %d %d\n", isnan(log(-three)), isnan(zero / zero), isinf(1 / zero), signbit(-zero), fpclassify(4e-320));
	printf("%.17g %.17g %.17g\n", j0(three), jn(2, three), y1(three));
}

static void environment(void)
{
	static const int modes[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
	volatile double x;
	fenv_t saved;

	for (int i = 0; i < 4; i++) {
		fesetround(modes[i]);
		x = 1 / three;
		printf("%.17g %.17g %d %g %ld\n", x, -1 / three, fegetround() == modes[i], rint(half), lrint(-half));
	}
	fesetround(FE_TONEAREST);
	feclearexcept(FE_ALL_EXCEPT);
	x = 1 / three;
	printf("%d%d ", !!fetestexcept(FE_INEXACT), !!fetestexcept(FE_DIVBYZERO));
	x = 1 / zero;
	printf("%d ", !!fetestexcept(FE_DIVBYZERO));
	x = zero / zero;
	printf("%d ", !!fetestexcept(FE_INVALID));
	x = big * big;
	printf("%d ", !!fetestexcept(FE_OVERFLOW));
	feholdexcept(&saved);
	printf("%d ", fetestexcept(FE_ALL_EXCEPT));
	feraiseexcept(FE_INVALID);
	feupdateenv(&saved);
	printf("%d\n", !!fetestexcept(FE_OVERFLOW) + !!fetestexcept(FE_INVALID));
}

static void others(void)
{
	volatile double complex z = 1.5 + 2.5 * I, w = -0.5 + 3 * I;
	double complex r[] = { z * w, z / w, csqrt(z), cexp(z), clog(w), csin(z), cpow(z, w), conj(z), catan(w) };
	volatile unsigned __int128 a = ((unsigned __int128)0x123456789abcdefULL << 64) | 0xfedcba9876543210ULL;
	volatile __int128 b = -(__int128)987654321987654321LL;
	volatile long double l = 1.0L / 3;

	for (size_t i = 0; i < sizeof r / sizeof *r; i++)
		printf("%.13g %.13g\n", creal(r[i]), cimag(r[i]));
	printf("%.15g %.15g\n", cabs(z), carg(w));
	printf("%" PRIx64 " %" PRIx64 " %" PRIx64 "\n", (uint64_t)(a / 1000000007), (uint64_t)(a % 1000000007), (uint64_t)((a * 3) >> 64));
	printf("%" PRId64 " %" PRId64 " %.10g\n", (int64_t)(b / 12345), (int64_t)(b % 12345), (double)b);
	printf("%.12Lg %.12Lg %.12Lg %.12Lg %d\n", l * l, sqrtl(l), sinl(l), powl(l, 2.5L), (int)(l * 100));
	printf("%.12Lg %.12Lg %.12g %ld %d\n", (long double)3.25f, floorl(-2.5L), (double)(l + 1), (long)(l * 1e15L), l < 0.5L);
	printf("%.12Lg %" PRIu64 "\n", (long double)UINT64_MAX / 3, (uint64_t)(long double)123456789012345678ULL);
}

int main(void)
{
	reals();
	environment();
	others();
	return 0;
}
