// What the test runtime gives. Each program has test(), and prints.
#pragma once
void put(long value);        // parks
void put_text(const char *text);
void put_double(double value); // its bits
long moved(long x);          // returns x, and parks
void *allocate(unsigned long bytes);
typedef struct {
  unsigned long words[26];
} jmp_buf[1];
int setjmp(jmp_buf) __attribute__((returns_twice));
int _setjmp(jmp_buf) __attribute__((returns_twice));
int sigsetjmp(jmp_buf, int) __attribute__((returns_twice));
void longjmp(jmp_buf, int) __attribute__((noreturn));
#define noinline __attribute__((noinline))
