; The compiled part of the tiny pair: leaf <- middle <- main. Each call is a
; statepoint without operands, whose record gives its return address. The
; allocas make the frames differ in size; main clobbers callee-saved registers
; so that aarch64 puts its frame record away from the CFA.
declare token @llvm.experimental.gc.statepoint.p0(i64 immarg, i32 immarg, ptr, i32 immarg, i32 immarg, ...)
declare void @park()
declare void @use(ptr)

define void @leaf() #0 gc "statepoint-example" {
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 4097, i32 0, ptr elementtype(void ()) @park, i32 0, i32 0, i32 0, i32 0)
  ret void
}

define void @middle() #0 gc "statepoint-example" {
  %a = alloca [9 x i64]
  call void @use(ptr %a)
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 4098, i32 0, ptr elementtype(void ()) @leaf, i32 0, i32 0, i32 0, i32 0)
  ret void
}

define void @main() #0 gc "statepoint-example" {
  call void asm sideeffect "", "~{x19},~{x20},~{x21},~{rbx},~{r12}"()
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 4099, i32 0, ptr elementtype(void ()) @middle, i32 0, i32 0, i32 0, i32 0)
  %u = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 4100, i32 0, ptr elementtype(void ()) @leaf, i32 0, i32 0, i32 0, i32 0)
  ret void
}

attributes #0 = { nounwind uwtable "frame-pointer"="all" }
