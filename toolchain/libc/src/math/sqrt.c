/* Each ISA has an instruction for it, whose result is the right one. */
#include <math.h>

double sqrt(double x)
{
	return __builtin_elementwise_sqrt(x);
}
