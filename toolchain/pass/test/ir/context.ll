; Who gets a context: each function that may be called by a thread that is moved
; while it is there.
; RUN: FRAMES -O0

declare i32 @puts(ptr)
declare ptr @memcpy(ptr, ptr, i64)
declare i64 @strlen(ptr)
declare double @sin(double)
declare i32 @qsort(ptr, i64, i64, ptr)

; FRAMES-LABEL: define {{.*}}i64 @leaf(i64 %a) {{.*}}{
; FRAMES-NOT:   context
; FRAMES:       ret
define i64 @leaf(i64 %a) {
  %r = mul i64 %a, 3
  ret i64 %r
}

; What generated code calls is called without.
; FRAMES-LABEL: define {{.*}}i64 @routines(ptr %p, double %x) {{.*}}{
; FRAMES-NOT:   statepoint
; FRAMES:       call ptr @memcpy(ptr %p, ptr %p, i64 5)
; FRAMES:       call i64 @strlen(ptr %p)
; FRAMES:       call double @sin(double %x)
; FRAMES:       call i64 @leaf(i64 %n)
; FRAMES:       ret
define i64 @routines(ptr %p, double %x) {
  %copy = call ptr @memcpy(ptr %p, ptr %p, i64 5)
  %n = call i64 @strlen(ptr %p)
  %s = call double @sin(double %x)
  %r = call i64 @leaf(i64 %n)
  ret i64 %r
}

; What a pointer points to may need one.
; FRAMES-LABEL: define {{.*}}i64 @indirect(ptr %f, ptr swiftself %context)
; FRAMES:       gc.statepoint{{.*}}ptr elementtype(i64 (i64, ptr)) %{{[^,]*}}, i32 2, i32 0, i64 5, ptr swiftself
define i64 @indirect(ptr %f) {
  %r = call i64 %f(i64 5)
  %s = add i64 %r, 1
  ret i64 %s
}

; So may what the linker takes in place of a weak function.
; FRAMES-LABEL: define {{.*}}i64 @weak(i64 %a) {{.*}}{
define weak i64 @weak(i64 %a) {
  ret i64 %a
}
; FRAMES-LABEL: define {{.*}}i64 @calls_weak(ptr swiftself %context)
; FRAMES:       gc.statepoint{{.*}}@weak, {{.*}}i64 5, ptr swiftself
define i64 @calls_weak() {
  %r = call i64 @weak(i64 5)
  %s = add i64 %r, 1
  ret i64 %s
}

; An alias is called as what it stands for.
@second = alias i64 (i64), ptr @leaf
; FRAMES-LABEL: define {{.*}}i64 @calls_alias() {{.*}}{
; FRAMES:       call i64 @second(i64 5)
define i64 @calls_alias() {
  %r = call i64 @second(i64 5)
  %s = add i64 %r, 1
  ret i64 %s
}

; A pure function that may be moved writes its frame.
; FRAMES:       define {{.*}}i64 @pure(ptr %f, ptr swiftself %context) #[[PURE:[0-9]+]]
; FRAMES:       attributes #[[PURE]] =
; FRAMES-NOT:   memory(
; FRAMES-NOT:   willreturn
; FRAMES-SAME:  {{$}}
define i64 @pure(ptr %f) memory(read) willreturn {
  %r = call i64 %f(i64 5)
  %s = add i64 %r, 1
  ret i64 %s
}
