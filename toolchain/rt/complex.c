/*
 * Multiplication and division of complex numbers, after annex G of the C
 * standard. The compiler calls these functions by the one C ABI, which is not
 * that of the ISAs' own libraries.
 */
#include <math.h>

#define FUNCTIONS(T, suffix, f) \
	T _Complex __mul##suffix(T a, T b, T c, T d) \
	{ \
		T ac = a * c, bd = b * d, ad = a * d, bc = b * c; \
		T re = ac - bd, im = ad + bc; \
		int again = 0; \
\
		if (!isnan(re) || !isnan(im)) \
			return __builtin_complex(re, im); \
		if (isinf(a) || isinf(b)) { /* (Inf op x) * y: box the infinity, make NaN zero */ \
			a = copysign##f(isinf(a) ? 1 : 0, a); \
			b = copysign##f(isinf(b) ? 1 : 0, b); \
			c = isnan(c) ? copysign##f(0, c) : c; \
			d = isnan(d) ? copysign##f(0, d) : d; \
			again = 1; \
		} \
		if (isinf(c) || isinf(d)) { \
			c = copysign##f(isinf(c) ? 1 : 0, c); \
			d = copysign##f(isinf(d) ? 1 : 0, d); \
			a = isnan(a) ? copysign##f(0, a) : a; \
			b = isnan(b) ? copysign##f(0, b) : b; \
			again = 1; \
		} \
		if (!again && (isinf(ac) || isinf(bd) || isinf(ad) || isinf(bc))) { /* overflow */ \
			a = isnan(a) ? copysign##f(0, a) : a; \
			b = isnan(b) ? copysign##f(0, b) : b; \
			c = isnan(c) ? copysign##f(0, c) : c; \
			d = isnan(d) ? copysign##f(0, d) : d; \
			again = 1; \
		} \
		if (again) { \
			re = (T)INFINITY * (a * c - b * d); \
			im = (T)INFINITY * (a * d + b * c); \
		} \
		return __builtin_complex(re, im); \
	} \
\
	T _Complex __div##suffix(T a, T b, T c, T d) \
	{ \
		T exponent = logb##f(fmax##f(fabs##f(c), fabs##f(d))), scale, re, im; \
		int n = 0; \
\
		if (isfinite(exponent)) { \
			n = (int)exponent; \
			c = scalbn##f(c, -n); \
			d = scalbn##f(d, -n); \
		} \
		scale = c * c + d * d; \
		re = scalbn##f((a * c + b * d) / scale, -n); \
		im = scalbn##f((b * c - a * d) / scale, -n); \
		if (!isnan(re) || !isnan(im)) \
			return __builtin_complex(re, im); \
		if (scale == 0 && (!isnan(a) || !isnan(b))) { \
			re = copysign##f(INFINITY, c) * a; \
			im = copysign##f(INFINITY, c) * b; \
		} else if ((isinf(a) || isinf(b)) && isfinite(c) && isfinite(d)) { \
			a = copysign##f(isinf(a) ? 1 : 0, a); \
			b = copysign##f(isinf(b) ? 1 : 0, b); \
			re = (T)INFINITY * (a * c + b * d); \
			im = (T)INFINITY * (b * c - a * d); \
		} else if (isinf(exponent) && exponent > 0 && isfinite(a) && isfinite(b)) { \
			c = copysign##f(isinf(c) ? 1 : 0, c); \
			d = copysign##f(isinf(d) ? 1 : 0, d); \
			re = 0 * (a * c + b * d); \
			im = 0 * (b * c - a * d); \
		} \
		return __builtin_complex(re, im); \
	}

FUNCTIONS(float, sc3, f)
FUNCTIONS(double, dc3, )
FUNCTIONS(long double, tc3, l)
