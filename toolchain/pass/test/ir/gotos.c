// Labels are numbers, and a computed goto is a switch.
// RUN: CANONICAL -O1

// CANONICAL-NOT: blockaddress
// CANONICAL-NOT: indirectbr

// By its index, if the table is known: the table is not needed.
// CANONICAL-LABEL: define {{.*}}@by_index(
// CANONICAL:     switch i64 %{{.*}}, label %nolabel [
// CANONICAL-NEXT: i64 0, label %[[A:.*]]
// CANONICAL-NEXT: i64 1, label %[[B:.*]]
// CANONICAL-NEXT: i64 2, label %[[A]]
// CANONICAL-NEXT: ]
int by_index(long i) {
  static const void *const labels[] = {&&a, &&b, &&a};
  goto *labels[i];
a:
  return 10;
b:
  return 20;
}

// Else by the label's number, which is not null.
// CANONICAL-LABEL: define {{.*}}@by_number(
// CANONICAL:     ptrtoint
// CANONICAL:     switch i64 %{{.*}}, label %nolabel [
// CANONICAL-NEXT: i64 1, label
// CANONICAL-NEXT: i64 2, label
// CANONICAL-NEXT: ]
int by_number(int x, void *other) {
  void *label = x ? &&a : other ? &&b : &&a;
  goto *label;
a:
  return 10;
b:
  return 20;
}
// CANONICAL: nolabel:
// CANONICAL-NEXT: unreachable
