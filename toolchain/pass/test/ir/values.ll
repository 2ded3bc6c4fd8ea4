; A value that lives across a site is stored before it, and loaded after it where
; it is used. Others are not.
; RUN: FRAMES -O0
; RUN: TABLES -O0

declare i32 @puts(ptr)

; FRAMES-LABEL: define {{.*}}i64 @once(i64 %a, i64 %b, ptr swiftself %context)
; FRAMES:       %[[SUM:.*]] = add i64 %a, %b
; FRAMES:       store i64 %[[SUM]], ptr
; FRAMES-NOT:   store
; FRAMES:       gc.statepoint{{.*}}@puts
; FRAMES-NOT:   store
; FRAMES:       %[[PASSED:.*]] = call ptr @tpfs.context()
; FRAMES:       %[[AGAIN:.*]] = load i64, ptr
; FRAMES-NOT:   load
; FRAMES:       %twice = mul i64 %[[AGAIN]], 2
; FRAMES-LABEL: unwind:
; TABLES:       "name": "once",
; TABLES-NEXT:  "local": false,
; TABLES-NEXT:  "frame": 16,
; TABLES-NEXT:  "reason": "",
; TABLES-NEXT:  "sites": [
; TABLES-NEXT:  {
; TABLES-NEXT:  "id": "{{[0-7][0-9a-f]+}}",
; TABLES-NEXT:  "callee": "puts"
define i64 @once(i64 %a, i64 %b) {
  %sum = add i64 %a, %b
  %dead = mul i64 %a, %b
  %said = call i32 @puts(ptr null)
  %twice = mul i64 %sum, 2
  ret i64 %twice
}

; One place serves all sites, and it is written once.
; FRAMES-LABEL: define {{.*}}i64 @thrice(
; FRAMES-COUNT-1: store i64 %a, ptr
; FRAMES-NOT:   store
; FRAMES-LABEL: unwind:
; TABLES:       "name": "thrice",
; TABLES:       "frame": 16,
define i64 @thrice(i64 %a) {
  %1 = call i32 @puts(ptr null)
  %2 = call i32 @puts(ptr null)
  %3 = call i32 @puts(ptr null)
  %r = add i64 %a, 1
  ret i64 %r
}

; What a site returns comes from the site itself.
; FRAMES-LABEL: define {{.*}}i32 @result(
; FRAMES:       %[[TOKEN:.*]] = invoke token{{.*}}@puts
; FRAMES:       %[[RESULT:.*]] = call i32 @llvm.experimental.gc.result.i32(token %[[TOKEN]])
; FRAMES:       ret i32 %{{.*}}
define i32 @result() {
  %said = call i32 @puts(ptr null)
  %r = add i32 %said, 1
  ret i32 %r
}

; All types have the same place and size on each ISA.
; FRAMES-LABEL: define {{.*}}i128 @types(
; FRAMES-DAG:   store fp128 %q, ptr %{{.*}}, align 16
; FRAMES-DAG:   store i128 %w, ptr %{{.*}}, align 16
; FRAMES-DAG:   store <4 x float> %v, ptr
; FRAMES-DAG:   store i4 %{{.*}}, ptr
; FRAMES-DAG:   store i1 %c, ptr
; FRAMES:       gc.statepoint{{.*}}@puts
; FRAMES-DAG:   load fp128
; FRAMES-DAG:   load i128
; FRAMES-DAG:   load <4 x float>
; FRAMES-DAG:   load i4
; FRAMES-DAG:   load i1
; FRAMES-LABEL: unwind:
; TABLES:       "name": "types",
; TABLES:       "frame": 64,
define i128 @types(fp128 %q, i128 %w, <4 x float> %v, i1 %c, <4 x i32> %x) {
  %bits = icmp slt <4 x i32> %x, zeroinitializer
  %said = call i32 @puts(ptr null)
  %q1 = fptoui fp128 %q to i128
  %v1 = bitcast <4 x float> %v to i128
  %b1 = bitcast <4 x i1> %bits to i4
  %b2 = zext i4 %b1 to i128
  %c1 = zext i1 %c to i128
  %1 = add i128 %q1, %w
  %2 = add i128 %v1, %b2
  %3 = add i128 %1, %2
  %4 = add i128 %3, %c1
  ret i128 %4
}

; The address of a field is computed again, not stored.
; FRAMES-LABEL: define {{.*}}i64 @field(
; FRAMES:       store ptr %p, ptr
; FRAMES-NOT:   store
; FRAMES:       gc.statepoint{{.*}}@puts
; FRAMES:       load ptr, ptr
; FRAMES:       getelementptr {{.*}}i64 24
; FRAMES-LABEL: unwind:
; TABLES:       "name": "field",
; TABLES:       "frame": 16,
define i64 @field(ptr %p) {
  %f = getelementptr i8, ptr %p, i64 24
  %before = load i64, ptr %f
  %said = call i32 @puts(ptr null)
  store i64 1, ptr %f
  ret i64 2
}

; A use on a rare path only: the load is there.
; FRAMES-LABEL: define {{.*}}i64 @late(
; FRAMES:       gc.statepoint{{.*}}@puts
; FRAMES-NOT:   load i64
; FRAMES:       rare:
; FRAMES:       load i64
; FRAMES-LABEL: unwind:
define i64 @late(i64 %a) {
  %said = call i32 @puts(ptr null)
  %c = icmp eq i32 %said, 5
  br i1 %c, label %usual, label %rare, !prof !0
usual:
  ret i64 1
rare:
  ret i64 %a
}

!0 = !{!"branch_weights", i32 1000, i32 1}
