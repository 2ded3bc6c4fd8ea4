// What the test runtime gives. Each program has test(), and prints.
#pragma once
void put(long value);        // parks
void put_text(const char *text);
void put_double(double value); // its bits
long moved(long x);          // returns x, and parks
void *allocate(unsigned long bytes);
#define noinline __attribute__((noinline))
