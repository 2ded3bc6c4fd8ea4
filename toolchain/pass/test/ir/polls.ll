; Where a thread looks whether it is to park.
; RUN: FRAMES -O0

declare i32 @puts(ptr)

; FRAMES-LABEL: define {{.*}}i64 @leaf(
; FRAMES-NOT:   __tp_pause
; FRAMES:       ret
define i64 @leaf(i64 %a) {
  %r = mul i64 %a, 3
  ret i64 %r
}

; What calls no one back in a cycle need not.
; FRAMES-LABEL: define {{.*}}void @straight(
; FRAMES-NOT:   __tp_pause
; FRAMES:       ret
define void @straight() {
  %1 = call i32 @puts(ptr null)
  ret void
}

; A loop that may be long: a list may lead back to itself.
; FRAMES-LABEL: define {{.*}}void @list(
; FRAMES:       {{^}}loop:
; FRAMES:       load volatile i32, ptr @__tp_pause
; FRAMES:       gc.statepoint{{.*}}@__tp_park
; FRAMES:       {{^}}out:
define void @list(ptr %p) {
entry:
  br label %loop
loop:
  %q = phi ptr [ %p, %entry ], [ %next, %loop ]
  %next = load ptr, ptr %q
  %more = icmp ne ptr %next, null
  br i1 %more, label %loop, label %out
out:
  ret void
}

; One that goes through memory comes to its end.
; FRAMES-LABEL: define {{.*}}void @search(
; FRAMES-NOT:   __tp_pause
; FRAMES:       ret
define void @search(ptr %p) {
entry:
  br label %loop
loop:
  %q = phi ptr [ %p, %entry ], [ %next, %loop ]
  %c = load i8, ptr %q
  %next = getelementptr i8, ptr %q, i64 1
  %more = icmp ne i8 %c, 0
  br i1 %more, label %loop, label %out
out:
  ret void
}

; So does one that divides a number.
; FRAMES-LABEL: define {{.*}}i64 @digits(
; FRAMES-NOT:   __tp_pause
; FRAMES:       ret
define i64 @digits(i64 %n) {
entry:
  br label %loop
loop:
  %m = phi i64 [ %n, %entry ], [ %rest, %loop ]
  %count = phi i64 [ 0, %entry ], [ %more, %loop ]
  %rest = udiv i64 %m, 10
  %more = add i64 %count, 1
  %left = icmp ne i64 %rest, 0
  br i1 %left, label %loop, label %out
out:
  ret i64 %more
}

; One that has no end.
; FRAMES-LABEL: define {{.*}}void @endless(
; FRAMES:       load volatile i32, ptr @__tp_pause
; FRAMES:       gc.statepoint{{.*}}@__tp_park
define void @endless(ptr %p) {
entry:
  br label %loop
loop:
  store volatile i8 1, ptr %p
  br label %loop
}

; A short one does not poll.
; FRAMES-LABEL: define {{.*}}void @short(
; FRAMES-NOT:   __tp_pause
; FRAMES:       ret
define void @short(ptr %p) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %q = getelementptr i8, ptr %p, i64 %i
  store volatile i8 1, ptr %q
  %next = add i64 %i, 1
  %more = icmp ne i64 %next, 100
  br i1 %more, label %loop, label %out
out:
  ret void
}

; One with a known number of iterations polls only once in a while: the inner
; loop is as it was.
; FRAMES-LABEL: define {{.*}}void @counted(
; FRAMES:       {{^}}loop: {{.*}}%loop,
; FRAMES-NOT:   __tp_pause
; FRAMES:       br i1 {{.*}}label %loop
; FRAMES:       load volatile i32, ptr @__tp_pause
; FRAMES:       gc.statepoint{{.*}}@__tp_park
define void @counted(ptr %p, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %q = getelementptr i8, ptr %p, i64 %i
  store volatile i8 1, ptr %q
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %out
out:
  ret void
}

; A recursion.
; FRAMES-LABEL: define {{.*}}i64 @recursive(
; FRAMES:       load volatile i32, ptr @__tp_pause
; FRAMES:       gc.statepoint{{.*}}@__tp_park
; FRAMES-LABEL: unwind:
define i64 @recursive(i64 %n) {
  %end = icmp eq i64 %n, 0
  br i1 %end, label %out, label %more
more:
  %less = sub i64 %n, 1
  %r = call i64 @recursive(i64 %less)
  %s = add i64 %r, %n
  ret i64 %s
out:
  ret i64 0
}

; Of two functions that call each other, one polls: the first by name.
; FRAMES-LABEL: define {{.*}}i64 @turn_b(
; FRAMES-NOT:   __tp_pause
; FRAMES-LABEL: define {{.*}}i64 @turn_a(
; FRAMES:       load volatile i32, ptr @__tp_pause
define i64 @turn_b(i64 %n) {
  %r = call i64 @turn_a(i64 %n)
  %s = add i64 %r, %n
  ret i64 %s
}
define i64 @turn_a(i64 %n) {
  %r = call i64 @turn_b(i64 %n)
  %s = add i64 %r, %n
  ret i64 %s
}
