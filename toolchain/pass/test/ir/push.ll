; Where the frame is pushed.
; RUN: FRAMES -O0

declare i32 @puts(ptr)

; A site on a rare path pushes the frame for itself: the usual path has nothing
; of it.
; FRAMES-LABEL: define {{.*}}i64 @rare(i64 %a, ptr swiftself %context)
; FRAMES-NEXT:  entry:
; FRAMES-NEXT:  icmp
; FRAMES-NEXT:  br
; FRAMES:       seldom:
; FRAMES:       %[[BASE:.*]] = getelementptr i8, ptr %context, i64 -16
; FRAMES:       gc.statepoint{{.*}}ptr swiftself %[[BASE]],
; FRAMES:       usual:
; FRAMES-NOT:   load
; FRAMES:       ret
define i64 @rare(i64 %a) {
entry:
  %c = icmp eq i64 %a, 77
  br i1 %c, label %seldom, label %usual, !prof !0
seldom:
  %said = call i32 @puts(ptr null)
  br label %usual
usual:
  %r = mul i64 %a, 3
  ret i64 %r
}

; One that all ways lead to gets the frame that was pushed once.
; FRAMES-LABEL: define {{.*}}i64 @often(
; FRAMES-COUNT-1: getelementptr i8, ptr %context, i64 -16
; FRAMES-NOT:   ptr %context
; FRAMES-LABEL: unwind:
define i64 @often(i64 %a) {
  %1 = call i32 @puts(ptr null)
  %2 = call i32 @puts(ptr null)
  ret i64 %a
}

; Without anything in the frame the context is passed on.
; FRAMES-LABEL: define {{.*}}void @nothing(ptr swiftself %context)
; FRAMES:       gc.statepoint{{.*}}@puts, {{.*}}ptr swiftself %context
; FRAMES:       %[[PASSED:.*]] = call ptr @tpfs.context()
; FRAMES:       gc.statepoint{{.*}}@puts, {{.*}}ptr swiftself %[[PASSED]],
; FRAMES-LABEL: unwind:
define void @nothing() {
  %1 = call i32 @puts(ptr null)
  %2 = call i32 @puts(ptr null)
  ret void
}

; The frame has all of the function's memory. Arrays that are never alive at
; the same time share theirs.
; FRAMES-LABEL: define {{.*}}void @memory(
; FRAMES-NOT:   alloca
; FRAMES:       getelementptr i8, ptr %context, i64 -80
; FRAMES-NOT:   alloca
; FRAMES-NOT:   lifetime
; FRAMES-LABEL: unwind:
define void @memory() {
  %a = alloca [64 x i8]
  %b = alloca [80 x i8]
  call void @llvm.lifetime.start.p0(i64 64, ptr %a)
  %1 = call i32 @puts(ptr %a)
  call void @llvm.lifetime.end.p0(i64 64, ptr %a)
  call void @llvm.lifetime.start.p0(i64 80, ptr %b)
  %2 = call i32 @puts(ptr %b)
  call void @llvm.lifetime.end.p0(i64 80, ptr %b)
  ret void
}

; An aligned frame is found by rounding, and at once.
; FRAMES-LABEL: define {{.*}}void @aligned(
; FRAMES:       %[[BELOW:.*]] = getelementptr i8, ptr %context, i64 -{{[0-9]+}}
; FRAMES:       @llvm.ptrmask{{.*}}(ptr %[[BELOW]], i64 -64)
; FRAMES:       gc.statepoint
define void @aligned() {
  %a = alloca i64, align 64
  %1 = call i32 @puts(ptr %a)
  ret void
}

; What is passed by value is copied from the native frame.
; FRAMES-LABEL: define {{.*}}i64 @value(ptr byval([5 x i64]) %v, ptr swiftself %context)
; FRAMES:       call void @llvm.memcpy{{.*}}ptr{{.*}} %v, i64 40,
; FRAMES:       gc.statepoint{{.*}}@puts
; FRAMES-NOT:   %v
; FRAMES-LABEL: unwind:
define i64 @value(ptr byval([5 x i64]) %v) {
  %1 = call i32 @puts(ptr %v)
  %2 = load i64, ptr %v
  ret i64 %2
}

declare void @llvm.lifetime.start.p0(i64, ptr)
declare void @llvm.lifetime.end.p0(i64, ptr)
!0 = !{!"branch_weights", i32 1, i32 1000}
