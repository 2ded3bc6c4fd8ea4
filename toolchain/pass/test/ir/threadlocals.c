// Thread-locals are at fixed distances from the thread pointer.
// RUN: CANONICAL -O1

// CANONICAL-NOT: thread_local
// CANONICAL-DAG: @zero = {{.*}}global i64 0, section "tptls"
// CANONICAL-DAG: @constant = internal global i32 7, section "tptls"
// CANONICAL-DAG: @other = external {{.*}}global i64
// CANONICAL-DAG: @__start_tptls = external hidden
_Thread_local long zero;
static _Thread_local const volatile int constant = 7;
extern _Thread_local long other;

// CANONICAL-LABEL: define {{.*}}@address(
// CANONICAL:     %[[TP:.*]] = call ptr @llvm.thread.pointer()
// CANONICAL:     %[[BLOCK:.*]] = getelementptr inbounds i8, ptr %[[TP]], i64 256
// CANONICAL:     getelementptr inbounds i8, ptr %[[BLOCK]], i64 sub (i64 ptrtoint (ptr @zero to i64), i64 ptrtoint (ptr @__start_tptls to i64))
long *address(void) { return &zero; }
long sum(void) { return other + constant; }
