#include "statepoints.h"

#include "parking.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Statepoint.h"
#include "llvm/Support/MD5.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace tpcc {
namespace {

// What a site calls, and with what.
struct Target {
  FunctionCallee Function;
  SmallVector<Value *, 8> Arguments;
  SmallVector<AttributeSet, 8> Attributes;
  std::optional<unsigned> Slot;

  void add(Value *Argument, AttributeSet Set) {
    Arguments.push_back(Argument);
    Attributes.push_back(Set);
  }
};

// setjmp(buffer) is __tp_setjmp(buffer, slot, context), and sigsetjmp(buffer,
// save) is __tp_sigsetjmp(buffer, save, slot, context).
StringRef runtimeName(const CallInst &Call) {
  return Call.arg_size() == 1 ? "__tp_setjmp" : "__tp_sigsetjmp";
}

Target targetOf(CallInst &Call) {
  LLVMContext &Context = Call.getContext();
  Value *Unset = PoisonValue::get(PointerType::get(Context, 0));
  Target T;
  for (unsigned I = 0; I < Call.arg_size(); ++I)
    // To return an argument is a promise to keep it, on aarch64 in a register.
    T.add(Call.getArgOperand(I), Call.getAttributes().getParamAttrs(I).removeAttribute(Context, Attribute::Returned));
  if (isSetjmp(Call)) {
    T.Slot = T.Arguments.size();
    T.add(Unset, {});
  }
  T.add(Unset, AttributeSet::get(Context, {Attribute::get(Context, Attribute::SwiftSelf)}));

  SmallVector<Type *, 8> Parameters;
  for (Value *Argument : T.Arguments)
    Parameters.push_back(Argument->getType());
  auto *Type = FunctionType::get(Call.getType(), Parameters, /*isVarArg=*/false);
  T.Function = isSetjmp(Call) ? Call.getModule()->getOrInsertFunction(runtimeName(Call), Type)
                              : FunctionCallee(Type, Call.getCalledOperand());
  return T;
}

AttributeList attributesOf(const InvokeInst &Invoke, const CallInst &Call, const Target &T) {
  LLVMContext &Context = Call.getContext();
  AttributeList List = Invoke.getAttributes();
  for (unsigned I = 0; I < T.Attributes.size(); ++I)
    List = List.addParamAttributes(Context, GCStatepointInst::CallArgsBeginPos + I, AttrBuilder(Context, T.Attributes[I]));
  if (Call.hasFnAttr(Attribute::ReturnsTwice))
    List = List.addFnAttribute(Context, Attribute::ReturnsTwice);
  return List;
}

} // namespace

Statepoint StatepointMaker::make(CallInst &Call) {
  Target T = targetOf(Call);
  Statepoint Result;
  Result.ID = nextID();
  if (auto *Named = dyn_cast<GlobalValue>(Call.getCalledOperand()->stripPointerCasts()))
    Result.Callee = Named->getName().str();

  BasicBlock *Block = Call.getParent();
  Result.Continuation = SplitBlock(Block, Call.getNextNode());
  Block->getTerminator()->eraseFromParent();
  IRBuilder<> Builder(Block);
  Builder.SetCurrentDebugLocation(Call.getDebugLoc());
  Result.Invoke = Builder.CreateGCStatepointInvoke(Result.ID, /*NumPatchBytes=*/0, T.Function, Result.Continuation,
                                                   landingPad(), ArrayRef<Value *>(T.Arguments), std::nullopt, {});
  Result.Invoke->setCallingConv(Call.getCallingConv());
  Result.Invoke->setAttributes(attributesOf(*Result.Invoke, Call, T));
  Result.Context = GCStatepointInst::CallArgsBeginPos + T.Arguments.size() - 1;
  if (T.Slot)
    Result.Slot = GCStatepointInst::CallArgsBeginPos + *T.Slot;

  if (!Call.getType()->isVoidTy() && !Call.use_empty()) {
    Builder.SetInsertPoint(Result.Continuation, Result.Continuation->begin());
    CallInst *Value = Builder.CreateGCResult(Result.Invoke, Call.getType());
    Value->setAttributes(AttributeList::get(Call.getContext(), AttributeSet(), Call.getAttributes().getRetAttrs(), {}));
    Value->takeName(&Call);
    Call.replaceAllUsesWith(Value);
  }
  Call.eraseFromParent();
  return Result;
}

// Other code of the program, and of the function after this site, does not
// change the ID.
uint64_t StatepointMaker::nextID() {
  std::string Text = (Unit + Twine('\0') + F.getName() + Twine('\0') + Twine(Count++)).str();
  uint64_t ID = MD5Hash(Text) & (~uint64_t(0) >> 1);
  return ID ? ID : 1;
}

BasicBlock *StatepointMaker::landingPad() {
  if (LandingPad)
    return LandingPad;
  LLVMContext &Context = F.getContext();
  auto *Type = FunctionType::get(Type::getInt32Ty(Context), /*isVarArg=*/true);
  F.setPersonalityFn(cast<Constant>(F.getParent()->getOrInsertFunction("__tp_personality", Type).getCallee()));
  LandingPad = BasicBlock::Create(Context, "unwind", &F);
  IRBuilder<> Builder(LandingPad);
  auto *Pad = Builder.CreateLandingPad(StructType::get(Builder.getPtrTy(), Builder.getInt32Ty()), 0);
  Pad->setCleanup(true);
  Builder.CreateUnreachable();
  return LandingPad;
}

} // namespace tpcc
