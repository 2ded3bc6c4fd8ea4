; Memory of dynamic size lies below the frame, and below it a word with the
; frame's address, which is what the callees get.
; RUN: FRAMES -O0
; RUN: TABLES -O0

declare i32 @puts(ptr)

; FRAMES-LABEL: define {{.*}}i64 @array(i64 %n, ptr swiftself %context)
; FRAMES-NOT:   alloca
; FRAMES:       %[[BASE:.*]] = {{.*}}asm "", "=r,0"
; FRAMES:       call ptr @llvm.ptrmask{{.*}} i64 -16)
; FRAMES:       %[[TOP:.*]] = getelementptr i8, ptr %{{.*}}, i64 -16
; FRAMES:       store ptr %[[BASE]], ptr %[[TOP]]
; FRAMES:       gc.statepoint{{.*}}ptr swiftself %[[TOP]],
; FRAMES:       %[[PASSED:.*]] = call ptr @tpfs.context()
; FRAMES:       load ptr, ptr %[[PASSED]]
; TABLES:       "name": "array",
; TABLES:       "indirect": true,
define i64 @array(i64 %n) {
  %a = alloca i8, i64 %n
  %1 = call i32 @puts(ptr %a)
  ret i64 %n
}

; The stack's top is a value as any other.
; FRAMES-LABEL: define {{.*}}void @scope(
; FRAMES-NOT:   llvm.stacksave
; FRAMES-NOT:   llvm.stackrestore
; FRAMES:       ret void
; TABLES:       "name": "scope",
; TABLES:       "indirect": true,
define void @scope(i64 %n) {
  %top = call ptr @llvm.stacksave.p0()
  %a = alloca i32, i64 %n, align 64
  %1 = call i32 @puts(ptr %a)
  call void @llvm.stackrestore.p0(ptr %top)
  %2 = call i32 @puts(ptr null)
  ret void
}

; FRAMES-LABEL: define {{.*}}void @static(
; TABLES:       "name": "static",
; TABLES-NOT:   "indirect"
define void @static() {
  %a = alloca i8, i64 100
  %1 = call i32 @puts(ptr %a)
  ret void
}

declare ptr @llvm.stacksave.p0()
declare void @llvm.stackrestore.p0(ptr)
