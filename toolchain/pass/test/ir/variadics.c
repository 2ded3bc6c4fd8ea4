// The arguments that have no parameter are in a buffer, of 8 bytes for each, or
// of 16 at such an address.
// RUN: CANONICAL -O1

typedef __builtin_va_list va_list;

// CANONICAL-NOT: ...)
// CANONICAL-LABEL: define {{.*}}@takes(i32 {{.*}}%n, ptr %arguments)
// CANONICAL:     store ptr %arguments, ptr %list
// CANONICAL-NOT: va_start
// CANONICAL-NOT: va_end
// CANONICAL:     ret
long takes(int n, ...) {
  va_list list;
  __builtin_va_start(list, n);
  long r = __builtin_va_arg(list, long);
  __builtin_va_end(list);
  return r;
}

// CANONICAL-LABEL: define {{.*}}@gives(
// CANONICAL:     %[[BUFFER:.*]] = alloca [64 x i8], align 16
// CANONICAL:     %[[FIRST:.*]] = getelementptr {{.*}}ptr %[[BUFFER]], i64 0
// CANONICAL:     store i64 3, ptr %[[FIRST]]
// CANONICAL:     %[[SECOND:.*]] = getelementptr {{.*}}ptr %[[BUFFER]], i64 8
// CANONICAL:     store double 2.5{{.*}}, ptr %[[SECOND]]
// CANONICAL:     %[[THIRD:.*]] = getelementptr {{.*}}ptr %[[BUFFER]], i64 16
// CANONICAL:     store i128 {{.*}}, ptr %[[THIRD]]
// CANONICAL:     %[[FOURTH:.*]] = getelementptr {{.*}}ptr %[[BUFFER]], i64 32
// CANONICAL:     call {{.*}}@takes(i32 {{.*}}4, ptr %[[BUFFER]])
long gives(__int128 wide, const char *text) { return takes(4, 3l, 2.5, wide, text); }

// CANONICAL-LABEL: define {{.*}}@copies(
// CANONICAL-NOT: va_copy
// CANONICAL:     %[[NOW:.*]] = load ptr, ptr %list
// CANONICAL:     store ptr %[[NOW]], ptr %copy
// CANONICAL:     ret
long copies(va_list list) {
  va_list copy;
  __builtin_va_copy(copy, list);
  return __builtin_va_arg(copy, long);
}

// Without a prototype the call is as the definition.
long old();
// CANONICAL-LABEL: define {{.*}}@calls_old(
// CANONICAL:     call {{.*}}@old(i32 {{.*}}1, i64 {{.*}}2)
long calls_old(void) { return old(1, 2l); }
