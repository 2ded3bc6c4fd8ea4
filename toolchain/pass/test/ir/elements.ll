; An element whose number is not constant is accessed in the portable frame: the
; code generators would do it in a native slot.
; RUN: FRAMES -O0

declare i32 @puts(ptr)

; FRAMES-LABEL: define {{.*}}i64 @read(
; FRAMES-NOT:   extractelement
; FRAMES:       store <8 x i64> %{{.*}}, ptr
; FRAMES:       @llvm.umin.i32(i32 %{{.*}}, i32 7)
; FRAMES:       load i64, ptr
; FRAMES-LABEL: unwind:
define i64 @read(<8 x i64> %v, i32 %n) {
  %said = call i32 @puts(ptr null)
  %r = extractelement <8 x i64> %v, i32 %n
  ret i64 %r
}

; FRAMES-LABEL: define {{.*}}<8 x i1> @write(
; FRAMES-NOT:   insertelement
; FRAMES:       store <8 x i8> %{{.*}}, ptr
; FRAMES:       store i8 %{{.*}}, ptr
; FRAMES:       load <8 x i8>, ptr
; FRAMES-LABEL: unwind:
define <8 x i1> @write(<8 x i1> %v, i1 %x, i32 %n) {
  %said = call i32 @puts(ptr null)
  %r = insertelement <8 x i1> %v, i1 %x, i32 %n
  ret <8 x i1> %r
}

; FRAMES-LABEL: define {{.*}}i64 @known(
; FRAMES:       extractelement <8 x i64> %{{.*}}, i32 3
define i64 @known(<8 x i64> %v) {
  %said = call i32 @puts(ptr null)
  %r = extractelement <8 x i64> %v, i32 3
  ret i64 %r
}
