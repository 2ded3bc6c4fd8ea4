// Without portable frames: no context, no sites, no polls.
// RUN: FRAMES -O1 --no-frames
// RUN: TABLES -O1 --no-frames

void other(void);
// FRAMES-NOT:   statepoint
// FRAMES-NOT:   __tp_
// FRAMES:       define {{.*}}@loop(ptr{{[^,]*}})
// FRAMES:       call void @other()
// TABLES:       "functions": []
void loop(volatile int *p) {
  while (!*p)
    other();
}
// FRAMES-NOT:   statepoint
// FRAMES-NOT:   __tp_
