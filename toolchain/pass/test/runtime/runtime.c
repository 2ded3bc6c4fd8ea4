// A runtime for tests of generated code: no libc, one thread. Every poll parks,
// and so do put and moved; and a park makes all of the native state useless that
// is to be dead there.
// Compiled for the ISA, without portable frames.

typedef unsigned long word;

long syscall(long number, long a, long b, long c);
long enter(long (*function)(long), long argument, void *context);
extern char enter_return[];
long test(long);

#if defined __x86_64__
enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_arch_prctl = 158, SYS_exit = 60 };
#else
enum { SYS_read = 63, SYS_write = 64, SYS_openat = 56, SYS_exit = 93 };
#endif

unsigned __tp_pause = 1;
word result; // of the function that parks in place of its return
static word parks, refused;

static char portable_stack[1 << 20] __attribute__((aligned(16)));
static char heap[1 << 20] __attribute__((aligned(16)));
static word heap_used;

// Output ---------------------------------------------------------------------

static char buffer[1 << 16];
static word buffered;

static void flush(void) {
  syscall(SYS_write, 1, (long)buffer, buffered);
  buffered = 0;
}

void put_text(const char *text) {
  while (*text) {
    if (buffered == sizeof buffer)
      flush();
    buffer[buffered++] = *text++;
  }
}

void put_number(long value) {
  char digits[24], *end = digits + sizeof digits;
  word rest = value < 0 ? -(word)value : value;
  *--end = 0;
  *--end = '\n';
  do
    *--end = '0' + rest % 10;
  while (rest /= 10);
  if (value < 0)
    *--end = '-';
  put_text(end);
}

void put_double(double value) {
  union {
    double d;
    long l;
  } bits = {value};
  put_number(bits.l);
}

void *allocate(word bytes) {
  heap_used = (heap_used + 15) & -16ul;
  void *memory = heap + heap_used;
  heap_used += bytes;
  if (heap_used > sizeof heap)
    __builtin_trap();
  return memory;
}

// What generated code calls --------------------------------------------------

void *memcpy(void *to, const void *from, word bytes) {
  for (word i = 0; i < bytes; i++)
    ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

void *memmove(void *to, const void *from, word bytes) {
  if ((word)to <= (word)from)
    return memcpy(to, from, bytes);
  while (bytes--)
    ((char *)to)[bytes] = ((const char *)from)[bytes];
  return to;
}

void *memset(void *to, int value, word bytes) {
  for (word i = 0; i < bytes; i++)
    ((char *)to)[i] = value;
  return to;
}

int memcmp(const void *a, const void *b, word bytes) {
  for (word i = 0; i < bytes; i++)
    if (((unsigned char *)a)[i] != ((unsigned char *)b)[i])
      return ((unsigned char *)a)[i] - ((unsigned char *)b)[i];
  return 0;
}

int __tp_personality(void) { __builtin_trap(); }

// Debian's builtins are compiled with a stack protector.
void *__stack_chk_guard;
void __stack_chk_fail(void) { __builtin_trap(); }

// Sites: the stack maps of this file -----------------------------------------

static char file[4 << 20];
static char is_site[4 << 20]; // by addresses in the program
extern char __executable_start[];

static void read_file(void) {
#if defined __x86_64__
  long fd = syscall(SYS_open, (long)"/proc/self/exe", 0, 0);
#else
  long fd = syscall(SYS_openat, -100, (long)"/proc/self/exe", 0);
#endif
  word have = 0;
  long n;
  while ((n = syscall(SYS_read, fd, (long)file + have, sizeof file - have)) > 0)
    have += n;
}

static word read_word(const char *p) { return *(const word *)p; }
static unsigned read_half(const char *p) { return *(const unsigned *)p; }
static unsigned read_short(const char *p) { return *(const unsigned short *)p; }

// One module of a stack map, version 3; returns its end.
static const char *read_stackmap(const char *p) {
  unsigned functions = read_half(p + 4), constants = read_half(p + 8);
  const char *function = p + 16, *record = function + 24 * functions + 8 * constants;
  for (; functions--; function += 24)
    for (word records = read_word(function + 16); records--;) {
      is_site[read_word(function) + read_half(record + 8) - (word)__executable_start] = 1;
      record += 16 + 12 * read_short(record + 14);
      record = (const char *)(((word)record + 7) & -8ul);
      record += 4 + 4 * read_short(record + 2);
      record = (const char *)(((word)record + 7) & -8ul);
    }
  return record;
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static void find_sites(void) {
  read_file();
  const char *headers = file + read_word(file + 40);
  const char *names = file + read_word(headers + 64 * read_short(file + 62) + 24);
  for (unsigned i = 0; i < read_short(file + 60); i++) {
    const char *header = headers + 64 * i;
    if (!same(names + read_half(header), ".llvm_stackmaps"))
      continue;
    const char *p = file + read_word(header + 24), *end = p + read_word(header + 32);
    while (p < end)
      p = read_stackmap(p);
  }
}

// Parks ----------------------------------------------------------------------

static int is_context(word value) {
  return value >= (word)portable_stack && value <= (word)portable_stack + sizeof portable_stack;
}

// frame is the frame record of __tp_park. Returns whether registers are to be
// filled too.
int park(word *frame) {
  parks++;
  for (word *f = frame; f[1] != (word)enter_return; f = (word *)f[0])
    if (f[1] - (word)__executable_start >= sizeof is_site || !is_site[f[1] - (word)__executable_start]) {
      refused++;
      return 0;
    }
  // The frame that enter called has what enter itself wants back.
  for (word *f = frame, *caller = (word *)f[0]; f[1] != (word)enter_return; f = caller, caller = (word *)f[0])
    for (word *p = f + 2; p < caller; p++)
      if (!is_context(*p))
        *(volatile word *)p = 0x5a5a5a5a5a5a5a5a;
  return 1;
}

// Start ----------------------------------------------------------------------

// A thread pointer points to itself, and 256 bytes behind it are the
// thread-locals.
static word descriptor[32 + 512] __attribute__((aligned(64)));
extern const char __start_tptls[] __attribute__((weak)), __stop_tptls[] __attribute__((weak));

static void set_thread_pointer(void) {
  descriptor[0] = (word)descriptor;
  memcpy(descriptor + 32, __start_tptls, __stop_tptls - __start_tptls);
#if defined __x86_64__
  syscall(SYS_arch_prctl, 0x1002, (long)descriptor, 0);
#else
  __asm__("msr tpidr_el0, %0" ::"r"(descriptor));
#endif
}

static word number(const char *text) {
  word value = 0;
  while (*text)
    value = 10 * value + *text++ - '0';
  return value;
}

// program [ARGUMENT [PAUSE]]; parks go to standard error.
void start(long *stack) {
  set_thread_pointer();
  find_sites();
  if (stack[0] > 2)
    __tp_pause = number((const char *)stack[3]);
  put_number(enter(test, stack[0] > 1 ? number((const char *)stack[2]) : 0, portable_stack + sizeof portable_stack));
  flush();
  put_text("parks ");
  put_number(parks);
  put_text("refused ");
  put_number(refused);
  syscall(SYS_write, 2, (long)buffer, buffered);
  syscall(SYS_exit, 0, 0, 0);
}
