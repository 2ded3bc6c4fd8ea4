// A variadic function gets one more parameter: the address of a buffer with
// the variable arguments. It is what va_start stores, as in this ABI va_list is
// a plain pointer, which the front end's va_arg moves over the buffer: each
// argument takes a multiple of 8 bytes, those of 16-byte alignment are aligned.
//
// The buffer is an alloca of the caller, so it moves with the caller's frame.

#include "canonical.h"
#include "errors.h"
#include "signatures.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr uint64_t SlotBytes = 8;

// Functions like fcntl and syscall read arguments that were not passed.
constexpr uint64_t LeastBufferBytes = 8 * SlotBytes;

// Where the variable arguments of a call are in its buffer.
struct BufferLayout {
  SmallVector<uint64_t, 8> Offsets;
  uint64_t Bytes = 0;
};

BufferLayout layOut(const CallInst &Call, const DataLayout &Layout) {
  BufferLayout Buffer;
  for (unsigned I = Call.getFunctionType()->getNumParams(); I < Call.arg_size(); ++I) {
    Type *T = Call.getArgOperand(I)->getType();
    Buffer.Bytes = alignTo(Buffer.Bytes, Layout.getABITypeAlign(T) > SlotBytes ? 2 * SlotBytes : SlotBytes);
    Buffer.Offsets.push_back(Buffer.Bytes);
    Buffer.Bytes += alignTo(Layout.getTypeAllocSize(T).getFixedValue(), SlotBytes);
  }
  return Buffer;
}

// Narrow integers fill their slot, as they would fill a register: some callees
// read them as a long.
Value *widen(IRBuilder<> &Builder, const CallInst &Call, unsigned Index) {
  Value *Argument = Call.getArgOperand(Index);
  auto *Integer = dyn_cast<IntegerType>(Argument->getType());
  if (!Integer || Integer->getBitWidth() >= 8 * SlotBytes)
    return Argument;
  if (Call.paramHasAttr(Index, Attribute::ZExt))
    return Builder.CreateZExt(Argument, Builder.getInt64Ty());
  return Builder.CreateSExt(Argument, Builder.getInt64Ty());
}

Error lowerCall(CallInst &Call, const DataLayout &Layout, AllocaInst &Buffer) {
  IRBuilder<> Builder(&Call);
  unsigned Fixed = Call.getFunctionType()->getNumParams();
  BufferLayout Slots = layOut(Call, Layout);
  for (unsigned I = Fixed; I < Call.arg_size(); ++I) {
    if (Call.isByValArgument(I))
      return errorIn(*Call.getFunction(), "a variable argument is passed by value in memory, which the front end "
                                          "of tpcc does not do");
    Value *Slot = Builder.CreateConstInBoundsGEP1_64(Builder.getInt8Ty(), &Buffer, Slots.Offsets[I - Fixed]);
    Builder.CreateStore(widen(Builder, Call, I), Slot);
  }
  Call.setTailCallKind(CallInst::TCK_None); // the callee reads this function's frame
  replaceArguments(Call, Fixed, &Buffer, {});
  return Error::success();
}

Error lowerCalls(Function &F) {
  const DataLayout &Layout = F.getParent()->getDataLayout();
  SmallVector<CallInst *, 16> Calls;
  uint64_t Bytes = LeastBufferBytes;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallInst>(&I);
    if (!Call || !Call->getFunctionType()->isVarArg() || isa<IntrinsicInst>(Call) || Call->isInlineAsm())
      continue;
    Calls.push_back(Call);
    Bytes = std::max(Bytes, layOut(*Call, Layout).Bytes);
  }
  if (Calls.empty())
    return Error::success();

  // One buffer will do: it is filled just before a call, and nobody may use it
  // after the call.
  IRBuilder<> Builder(&F.getEntryBlock(), F.getEntryBlock().begin());
  AllocaInst *Buffer = Builder.CreateAlloca(ArrayType::get(Builder.getInt8Ty(), alignTo(Bytes, 16)), nullptr,
                                            "arguments");
  Buffer->setAlignment(Align(16));
  for (CallInst *Call : Calls)
    if (Error E = lowerCall(*Call, Layout, *Buffer))
      return E;
  return Error::success();
}

// The va_arg instruction. The front end expands most, but not those of a
// pointer's kind.
void lowerArgument(VAArgInst &Read, const DataLayout &Layout) {
  IRBuilder<> Builder(&Read);
  Type *T = Read.getType();
  Value *List = Read.getPointerOperand();
  Value *Slot = Builder.CreateLoad(Builder.getPtrTy(), List);
  if (Layout.getABITypeAlign(T) > SlotBytes) {
    Slot = Builder.CreateConstGEP1_64(Builder.getInt8Ty(), Slot, 2 * SlotBytes - 1);
    Slot = Builder.CreateIntrinsic(Intrinsic::ptrmask, {Builder.getPtrTy(), Builder.getInt64Ty()},
                                   {Slot, Builder.getInt64(-2 * SlotBytes)});
  }
  uint64_t Bytes = alignTo(Layout.getTypeAllocSize(T).getFixedValue(), SlotBytes);
  Builder.CreateStore(Builder.CreateConstGEP1_64(Builder.getInt8Ty(), Slot, Bytes), List);
  Value *Argument = Builder.CreateLoad(T, Slot);
  Argument->takeName(&Read);
  Read.replaceAllUsesWith(Argument);
  Read.eraseFromParent();
}

// va_start, in a function with the parameter Buffer, va_copy and va_end.
void lowerList(IntrinsicInst &Call, Value *Buffer) {
  IRBuilder<> Builder(&Call);
  if (Call.getIntrinsicID() == Intrinsic::vastart)
    Builder.CreateStore(Buffer, Call.getArgOperand(0));
  else if (Call.getIntrinsicID() == Intrinsic::vacopy)
    Builder.CreateStore(Builder.CreateLoad(Builder.getPtrTy(), Call.getArgOperand(1)), Call.getArgOperand(0));
  else if (Call.getIntrinsicID() != Intrinsic::vaend)
    return;
  Call.eraseFromParent();
}

void lowerLists(Function &F, Value *Buffer) {
  const DataLayout &Layout = F.getParent()->getDataLayout();
  for (Instruction &I : make_early_inc_range(instructions(F)))
    if (auto *Read = dyn_cast<VAArgInst>(&I))
      lowerArgument(*Read, Layout);
    else if (auto *Call = dyn_cast<IntrinsicInst>(&I))
      lowerList(*Call, Buffer);
}

} // namespace

Error lowerVariadics(Module &M) {
  for (Function &F : M)
    if (Error E = lowerCalls(F))
      return E;
  for (Function &F : make_early_inc_range(M)) {
    if (F.isIntrinsic())
      continue;
    // A declaration without parameters is one without a prototype.
    if (!F.isVarArg() || (F.isDeclaration() && F.getFunctionType()->getNumParams() == 0)) {
      lowerLists(F, nullptr);
      continue;
    }
    Function *New = addParameter(F, "arguments", {});
    lowerLists(*New, New->getArg(New->arg_size() - 1));
  }
  return Error::success();
}

} // namespace tpcc
