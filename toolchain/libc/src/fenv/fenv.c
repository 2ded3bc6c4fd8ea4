/* The floating-point environment, by two functions of the runtime that know the ISA's registers. */
#include <fenv.h>
#include <features.h>

hidden unsigned __tp_get_fenv(void);
hidden void __tp_set_fenv(unsigned);

int feclearexcept(int mask)
{
	__tp_set_fenv(__tp_get_fenv() & ~(mask & FE_ALL_EXCEPT));
	return 0;
}

int feraiseexcept(int mask)
{
	__tp_set_fenv(__tp_get_fenv() | (mask & FE_ALL_EXCEPT));
	return 0;
}

int fetestexcept(int mask)
{
	return __tp_get_fenv() & mask & FE_ALL_EXCEPT;
}

int fegetround(void)
{
	return __tp_get_fenv() & FE_TOWARDZERO;
}

hidden int __fesetround(int rounding)
{
	__tp_set_fenv((__tp_get_fenv() & FE_ALL_EXCEPT) | rounding);
	return 0;
}

int fegetenv(fenv_t *environment)
{
	*environment = __tp_get_fenv();
	return 0;
}

int fesetenv(const fenv_t *environment)
{
	__tp_set_fenv(environment == FE_DFL_ENV ? FE_TONEAREST : *environment);
	return 0;
}
