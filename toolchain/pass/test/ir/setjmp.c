// setjmp gets a slot of the frame, which the tables name.
// RUN: FRAMES -O1
// RUN: TABLES -O1

typedef struct {
  long words[26];
} jmp_buf[1];
int setjmp(jmp_buf) __attribute__((returns_twice));
int sigsetjmp(jmp_buf, int) __attribute__((returns_twice));
int puts(const char *);

// FRAMES-LABEL: define {{.*}}@both(
// FRAMES:       gc.statepoint{{.*}}@__tp_setjmp, i32 3,{{.*}}ptr {{.*}}%b, ptr %{{[^,]*}}, ptr swiftself
// FRAMES:       gc.statepoint{{.*}}@__tp_sigsetjmp, i32 4,{{.*}}i32 {{.*}}1, ptr %{{[^,]*}}, ptr swiftself
// FRAMES-LABEL: unwind:
// TABLES:       "name": "both",
// TABLES:       "frame": {{1[4-9][0-9]}},
// TABLES:       "id": "[[FIRST:[0-9a-f]+]]",
// TABLES-NEXT:  "callee": "setjmp"
// TABLES:       "id": "[[SECOND:[0-9a-f]+]]",
// TABLES-NEXT:  "callee": "sigsetjmp"
// TABLES:       "jumps": [
// TABLES:       "slot": [[#SLOT:]],
// TABLES-NEXT:  "site": "[[FIRST]]"
// TABLES:       "slot": [[#SLOT+64]],
// TABLES-NEXT:  "site": "[[SECOND]]"
int both(void *b) {
  if (setjmp(b))
    return 1;
  return sigsetjmp(b, 1) + 2;
}

// In a function that stays, the slot is in the native frame.
// FRAMES-LABEL: define {{.*}}@stays(
// FRAMES:       %[[SLOT:.*]] = alloca [64 x i8], align 16
// FRAMES:       gc.statepoint{{.*}}@__tp_setjmp, i32 3,{{.*}}ptr %[[SLOT]], ptr swiftself %context
// TABLES:       "name": "stays",
// TABLES:       "reason": "it has inline assembly",
// TABLES-NEXT:  "sites": [],
// TABLES-NEXT:  "jumps": []
int stays(void *b) {
  int a[20];
  for (int i = 0; i < 20; i++)
    __asm__ volatile("nop" : "=m"(a[i]));
  return setjmp(b) + a[4];
}
