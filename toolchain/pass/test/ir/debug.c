// The debugger finds lines and variables: sites have the lines of their calls,
// and arrays are found by the frame's address.
// RUN: FRAMES -O1 -g

int puts(const char *);
void fill(char *);

// FRAMES-LABEL: define {{.*}}@shows(
// FRAMES:       #dbg_declare(ptr %{{[^,]+}}, ![[#]], !DIExpression({{(DW_OP_plus_uconst, [0-9]+)?}}),
// FRAMES:       gc.statepoint{{.*}}@fill
// FRAMES-NEXT:  to label {{.*}}, !dbg ![[CALL:[0-9]+]]
// FRAMES:       ![[CALL]] = !DILocation(line: [[#@LINE+4]],
int shows(int n) {
  char text[40];
  text[0] = n;
  fill(text);
  return puts(text) + n;
}
