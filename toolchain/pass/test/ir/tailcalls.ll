; A tail call is no site: its caller's frame is gone.
; RUN: FRAMES -O0
; RUN: TABLES -O0

declare i32 @puts(ptr)
declare i64 @getenv(ptr)

; FRAMES-LABEL: define {{.*}}i32 @end(
; FRAMES-NOT:   statepoint
; FRAMES:       %[[R:.*]] = musttail call i32 @puts(ptr %p, ptr swiftself %context)
; FRAMES-NEXT:  ret i32 %[[R]]
; TABLES:       "name": "end",
; TABLES:       "sites": [],
define i32 @end(ptr %p) {
  %r = tail call i32 @puts(ptr %p)
  ret i32 %r
}

; Its arguments are in the registers of the function's own.
; FRAMES-LABEL: define {{.*}}i32 @others(
; FRAMES:       musttail call i32 @puts(ptr %p, i64 poison, ptr swiftself %context)
; TABLES:       "name": "others",
; TABLES:       "sites": [],
define i32 @others(ptr %p, i64 %a) {
  %r = tail call i32 @puts(ptr %p)
  ret i32 %r
}

; There are not enough.
; FRAMES-LABEL: define {{.*}}i32 @none(ptr swiftself %context)
; FRAMES:       gc.statepoint{{.*}}@puts
define i32 @none() {
  %r = tail call i32 @puts(ptr null)
  ret i32 %r
}

; After a site it is one itself.
; FRAMES-LABEL: define {{.*}}i32 @after(
; FRAMES-COUNT-2: gc.statepoint{{.*}}@puts
; FRAMES-NOT:   musttail
; FRAMES-LABEL: unwind:
define i32 @after(ptr %p) {
  %1 = tail call i32 @puts(ptr %p)
  %r = tail call i32 @puts(ptr %p)
  ret i32 %r
}

; One that must be a tail call is one, on a way without a site.
; FRAMES-LABEL: define {{.*}}i32 @sure(
; FRAMES:       musttail call i32 @sure_end(ptr %p, ptr swiftself %context)
; FRAMES:       gc.statepoint{{.*}}@puts
define i32 @sure(ptr %p) {
  %c = icmp eq ptr %p, null
  br i1 %c, label %left, label %right
left:
  %r = musttail call i32 @sure_end(ptr %p)
  ret i32 %r
right:
  %1 = call i32 @puts(ptr %p)
  ret i32 5
}
define i32 @sure_end(ptr %p) {
  %1 = call i32 @puts(ptr %p)
  ret i32 1
}
