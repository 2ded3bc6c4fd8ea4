// A result in memory is an ordinary first argument on each ISA.
// RUN: CANONICAL -O1

struct big {
  long a[5];
};

// CANONICAL-NOT: sret
// CANONICAL-LABEL: define {{.*}}void @make(ptr {{.*}}%agg.result
struct big make(void) { return (struct big){{1, 2, 3}}; }
// CANONICAL-LABEL: define {{.*}}@use(
// CANONICAL:     call void @make(ptr
long use(void) { return make().a[1]; }
// CANONICAL-NOT: target-features
// CANONICAL-NOT: riscv
