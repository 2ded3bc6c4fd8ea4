// What the test runtime gives. Each program has test(), and prints.
#pragma once
void put(long value);
void put_text(const char *text);
void put_double(double value); // its bits
void *allocate(unsigned long bytes);
#define noinline __attribute__((noinline))
