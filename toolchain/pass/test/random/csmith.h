// What the programs of csmith need: arithmetic that is defined for all operands,
// and a main function that is called by the test runtime. Half of the arithmetic
// parks, so that there are sites within all expressions, and the optimiser sees
// through the other half.
#pragma once
#include "../run/test.h"
#include <stdint.h>

#define DEFINE(type, parks, name, parameters, value)                                                                   \
  static type safe_##name parameters { return parks((type)(value)); }
#define MOVED(x) moved(x)
#define STAYS(x) (x)

// The operations are on unsigned numbers, which wrap around.
#define INTEGER(type, kind)                                                                                            \
  DEFINE(type, STAYS, unary_minus_func_##type##_##kind, (type a), -(uint64_t)a)                                       \
  DEFINE(type, MOVED, add_func_##type##_##kind##_##kind, (type a, type b), (uint64_t)a + (uint64_t)b)                 \
  DEFINE(type, STAYS, sub_func_##type##_##kind##_##kind, (type a, type b), (uint64_t)a - (uint64_t)b)                 \
  DEFINE(type, MOVED, mul_func_##type##_##kind##_##kind, (type a, type b), (uint64_t)a *(uint64_t)b)                  \
  DEFINE(type, STAYS, div_func_##type##_##kind##_##kind, (type a, type b), divides(a, b) ? a / b : a)                 \
  DEFINE(type, MOVED, mod_func_##type##_##kind##_##kind, (type a, type b), divides(a, b) ? a % b : a)                 \
  DEFINE(type, STAYS, lshift_func_##type##_##kind##_s, (type a, int b), shifts(type, b) ? (uint64_t)a << b : a)       \
  DEFINE(type, MOVED, lshift_func_##type##_##kind##_u, (type a, unsigned b), shifts(type, b) ? (uint64_t)a << b : a)  \
  DEFINE(type, STAYS, rshift_func_##type##_##kind##_s, (type a, int b), shifts(type, b) ? a >> b : a)                 \
  DEFINE(type, MOVED, rshift_func_##type##_##kind##_u, (type a, unsigned b), shifts(type, b) ? a >> b : a)
#define divides(a, b) ((b) != 0 && (b) + 1 != 0)
#define shifts(type, b) ((b) >= 0 && (b) < 8 * sizeof(type))

INTEGER(int8_t, s)
INTEGER(int16_t, s)
INTEGER(int32_t, s)
INTEGER(int64_t, s)
INTEGER(uint8_t, u)
INTEGER(uint16_t, u)
INTEGER(uint32_t, u)
INTEGER(uint64_t, u)

// Not a number has another sign on each ISA.
static float bounded(float result, float otherwise) {
  return result - result == 0 ? result : otherwise - otherwise == 0 ? otherwise : 0;
}
static float moved_float(float x) {
  moved(0);
  return x;
}
DEFINE(float, moved_float, add_func_float_f_f, (float a, float b), bounded(a + b, a))
DEFINE(float, STAYS, sub_func_float_f_f, (float a, float b), bounded(a - b, a))
DEFINE(float, STAYS, mul_func_float_f_f, (float a, float b), bounded(a *b, a))
DEFINE(float, moved_float, div_func_float_f_f, (float a, float b), bounded(a / b, a))
DEFINE(int32_t, MOVED, convert_func_float_to_int32_t, (float a), a > -2e9f && a < 2e9f ? (int32_t)a : 0)

static void transparent_crc(uint64_t value, const char *name, int shown) { put(value); }
static void transparent_crc_bytes(const void *bytes, int count, const char *name, int shown) {
  for (int i = 0; i < count; i++)
    put(((const char *)bytes)[i]);
}
static void crc32_gentab(void) {}
static const uint32_t crc32_context;
static void platform_main_begin(void) {}
static void platform_main_end(uint32_t crc, int shown) {}

int main(void);
long test(long argument) { return main(); }
