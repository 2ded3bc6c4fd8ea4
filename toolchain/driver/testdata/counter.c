
static int count;
int other(void) { return 1; }
int counted(int x) { return count += x; }
