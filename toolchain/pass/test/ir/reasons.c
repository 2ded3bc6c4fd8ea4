// Functions in which a thread cannot be moved. They pass their context on.
// RUN: TABLES -O1 --native=asked:because
// RUN: FRAMES -O1 --native=asked:because

void other(void);
int setjmp(void *) __attribute__((returns_twice));
int puts(const char *);

// FRAMES-LABEL: define {{.*}}@with_text({{.*}}ptr swiftself %context)
// FRAMES-NOT:   statepoint
// FRAMES:       call void @other(ptr swiftself %context)
// TABLES:       "name": "with_text",
// TABLES:       "reason": "it has inline assembly",
// TABLES-NEXT:  "sites": [],
void with_text(void) {
  __asm__ volatile("nop");
  other();
}

// TABLES:       "name": "without_text",
// TABLES:       "reason": "",
void without_text(int x) {
  __asm__ volatile("" : "+r"(x) : : "memory");
  other();
}

// TABLES:       "name": "naked",
// TABLES:       "reason": "it is naked",
__attribute__((naked)) void naked(void) { __asm__ volatile(""); }

// TABLES:       "name": "jumps",
// TABLES:       "reason": "it has an asm goto",
int jumps(void) {
  __asm__ goto("" : : : : away);
  other();
away:
  return 1;
}

// TABLES:       "name": "twice",
// TABLES:       "reason": "it calls a function that returns twice",
int fork_here(void) __attribute__((returns_twice));
int twice(void) { return fork_here() + 1; }

// FRAMES-LABEL: define {{.*}}@asked(
// FRAMES-NOT:   statepoint
// FRAMES:       call {{.*}}i32 @puts({{.*}}, ptr swiftself %context)
// TABLES:       "name": "asked",
// TABLES:       "reason": "because",
int asked(const char *s) { return puts(s) + 1; }

// Its caller stays movable.
// TABLES:       "name": "calls_asked",
// TABLES:       "reason": "",
int calls_asked(void) { return asked("x") + 1; }

// What generated code calls has no context.
// FRAMES-LABEL: define {{.*}}@strlen(ptr{{[^,]*}})
// TABLES:       "name": "strlen",
// TABLES:       "reason": "it is called by generated code",
unsigned long strlen(const char *s) {
  const char *p = s;
  while (*p)
    p++;
  return p - s;
}

// A loop in it does not poll: it could not park.
// FRAMES-LABEL: define {{.*}}@spins(
// FRAMES-NOT:   __tp_pause
// FRAMES:       ret
// TABLES:       "name": "spins",
// TABLES:       "reason": "it has inline assembly",
void spins(volatile int *p) {
  while (!*p)
    __asm__ volatile("nop");
}

// After a poll the context is no longer the one it was called with.
// TABLES:       "name": "late",
// TABLES:       "reason": "it has a sure tail call after another call",
int late(const char *s) {
  other();
  __attribute__((musttail)) return puts(s);
}
