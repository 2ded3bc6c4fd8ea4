// What the linker sees is the same on each ISA: literals have names, and all has
// an alignment.
// RUN: CANONICAL -O1
// RUN: FRAMES -O2

// CANONICAL-NOT: private
// CANONICAL-DAG: @tp.lit.[[TEXT:[0-9a-f]+]] = internal constant [11 x i8] c"some words\00", align
// CANONICAL-DAG: @pointer = {{.*}}global ptr @tp.lit.[[TEXT]], align 8
// CANONICAL-DAG: @array = {{.*}}global [100 x i8] zeroinitializer, align 1
// CANONICAL-NOT: unnamed_addr
const char *pointer = "some words";
char array[100];
const char *words(void) { return "some words"; }

// The table that the optimiser makes of a switch, too.
// FRAMES-NOT: private
// FRAMES:     @tp.lit.{{[0-9a-f]+}} = internal constant [5 x i64]
// FRAMES-NOT: private
// FRAMES-NOT: unnamed_addr
long table(int n) {
  switch (n) {
  case 0: return 31;
  case 1: return -5;
  case 2: return 7777777777;
  case 3: return 12;
  case 4: return 9;
  default: return 0;
  }
}

// Functions are aligned as the larger ISA wants it.
// FRAMES: define {{.*}}@table({{.*}} align 16
