#include "library.h"

#include "isa.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/RuntimeLibcalls.h"

using namespace llvm;

namespace tpcc {

static const StringLiteral Environment[] = {
    "feclearexcept", "fegetenv",   "fegetexceptflag", "fegetround",   "feholdexcept", "feraiseexcept",
    "fesetenv",      "fesetround", "fesetexceptflag", "fetestexcept", "feupdateenv",  "__fesetround",
    "__flt_rounds",
};

// Each of them also with the suffixes f and l.
static const StringLiteral Mathematics[] = {
    "acos",      "acosh",     "asin",    "asinh",    "atan",     "atan2",     "atanh",    "cbrt",       "ceil",
    "copysign",  "cos",       "cosh",    "erf",      "erfc",     "exp",       "exp10",    "exp2",       "expm1",
    "fabs",      "fdim",      "floor",   "fma",      "fmax",     "fmin",      "fmod",     "frexp",      "hypot",
    "ilogb",     "ldexp",     "lgamma",  "llrint",   "llround",  "log",       "log10",    "log1p",      "log2",
    "logb",      "lrint",     "lround",  "modf",     "nan",      "nearbyint", "nextafter", "nexttoward", "pow",
    "remainder", "remquo",    "rint",    "round",    "roundeven", "scalb",    "scalbln",  "scalbn",     "sin",
    "sincos",    "sinh",      "sqrt",    "tan",      "tanh",     "tgamma",    "trunc",
    // What musl's implementations call.
    "__cos",     "__expo2",   "__fpclassify", "__lgamma_r", "__math_divzero", "__math_invalid", "__math_oflow",
    "__math_uflow", "__math_xflow", "__p1evll", "__polevll", "__rem_pio2", "__rem_pio2_large", "__signbit",
    "__sin",     "__tan",     "__cosd",  "__sind",   "__tand",   "__math_check_oflow", "__math_check_uflow",
};

// The front end's complex arithmetic.
static const StringLiteral Complex[] = {"__divdc3", "__divsc3", "__divtc3", "__muldc3", "__mulsc3", "__multc3"};

static const StringLiteral Strings[] = {
    "bcmp",        "bcopy",       "bzero",       "memccpy",     "memchr",      "memcmp",     "memcpy",
    "memmem",      "memmove",     "mempcpy",     "memrchr",     "memset",      "stpcpy",     "stpncpy",
    "strcasecmp",  "strcasestr",  "strcat",      "strchr",      "strchrnul",   "strcmp",     "strcpy",
    "strcspn",     "strlcat",     "strlcpy",     "strlen",      "strncasecmp", "strncat",    "strncmp",
    "strncpy",     "strnlen",     "strpbrk",     "strrchr",     "strspn",      "strstr",     "strtok_r",
    "strverscmp",  "swab",        "wcschr",      "wcscmp",      "wcscpy",      "wcslen",     "wcsncmp",
    "wcsnlen",     "wcsrchr",     "wmemchr",     "wmemcmp",     "wmemcpy",     "wmemmove",   "wmemset",
    "__memrchr",   "__stpcpy",    "__stpncpy",   "__strchrnul", "__strcasecmp_l", "__strncasecmp_l", "__strtok_r",
    // ctype.h, errno.h and the small ones of stdlib.h
    "isalnum",     "isalpha",     "isascii",     "isblank",     "iscntrl",     "isdigit",    "isgraph",
    "islower",     "isprint",     "ispunct",     "isspace",     "isupper",     "isxdigit",   "toascii",
    "tolower",     "toupper",     "abs",         "labs",        "llabs",       "ffs",        "ffsl",
    "ffsll",       "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc",
    "__errno_location", "___errno_location",
};

static StringSet<> collectRoutines() {
  StringSet<> Names;
  for (StringRef Name : Strings)
    Names.insert(Name);
  for (StringRef Name : Environment)
    Names.insert(Name);
  for (StringRef Name : Complex)
    Names.insert(Name);
  for (StringRef Name : Mathematics)
    for (StringRef Suffix : {"", "f", "l"})
      Names.insert((Name + Suffix).str());
  for (const ISA &Isa : isas())
    for (const char *Name : RTLIB::RuntimeLibcallsInfo(Triple(Isa.Triple)).getLibcallNames())
      if (Name)
        Names.insert(Name);
  Names.erase("calloc"); // it is in LLVM's list, but nothing of an ISA of ours calls it
  return Names;
}

bool isLibraryRoutine(StringRef Name) {
  static const StringSet<> Names = collectRoutines();
  return Names.contains(Name);
}

bool neverCallsBack(StringRef Name) {
  static const TargetLibraryInfoImpl Known{Triple(isas().front().Triple)};
  if (is_contained({"longjmp", "_longjmp", "siglongjmp", "setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp"}, Name))
    return true;
  LibFunc Found;
  return Known.getLibFunc(Name, Found) && Found != LibFunc_qsort && Found != LibFunc_atexit;
}

} // namespace tpcc
