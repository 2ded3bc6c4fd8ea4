// LLVM guarantees a tail call only between functions of the same type. So this
// one is made as if the callee had the type of the caller: what counts is which
// register an argument is in, and that depends only on how many of its kind,
// integer or floating-point, are before it.

#include "tailcalls.h"

#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace tpcc {

void Past::add(const Instruction &Call) {
  Calls.insert(&Call);
  SmallVector<const BasicBlock *, 16> Work(successors(Call.getParent()));
  while (!Work.empty()) {
    const BasicBlock *Block = Work.pop_back_val();
    if (Blocks.insert(Block).second)
      append_range(Work, successors(Block));
  }
}

bool Past::contains(const Instruction &I) const {
  return Blocks.contains(I.getParent()) || any_of(*I.getParent(), [&](const Instruction &Other) {
           return Calls.contains(&Other) && Other.comesBefore(&I);
         });
}

namespace {

// So many arguments of a kind are in registers on all ISAs.
constexpr unsigned IntegerRegisters = 6;
constexpr unsigned FloatRegisters = 8;

bool isInteger(const Type *T) { return T->isPointerTy() || (T->isIntegerTy() && T->getIntegerBitWidth() <= 64); }
bool isFloat(const Type *T) { return T->isFloatTy() || T->isDoubleTy(); }

// The parameters of a function that are of one kind, by their numbers.
struct Registers {
  SmallVector<unsigned, IntegerRegisters> Integers;
  SmallVector<unsigned, FloatRegisters> Floats;
};

// The registers of F's parameters without the context, unless some are in
// memory.
std::optional<Registers> registersOf(const Function &F) {
  Registers R;
  for (const Argument &A : drop_end(F.args()))
    if (isInteger(A.getType()) && !A.hasPassPointeeByValueCopyAttr() && !A.hasNestAttr())
      R.Integers.push_back(A.getArgNo());
    else if (isFloat(A.getType()))
      R.Floats.push_back(A.getArgNo());
    else
      return std::nullopt;
  if (R.Integers.size() > IntegerRegisters || R.Floats.size() > FloatRegisters)
    return std::nullopt;
  return R;
}

// The return that follows Call, if nothing else does. It may be in a block that
// other ways lead to as well.
ReturnInst *returnAfter(const CallInst &Call) {
  Instruction *Next = const_cast<Instruction *>(Call.getNextNonDebugInstruction());
  if (auto *Jump = dyn_cast<BranchInst>(Next); Jump && Jump->isUnconditional())
    Next = Jump->getSuccessor(0)->getFirstNonPHIOrDbg();
  return dyn_cast<ReturnInst>(Next);
}

// What the function returns after Call; nullptr if it returns nothing.
const Value *returnedAfter(const CallInst &Call, const ReturnInst &Return) {
  const Value *Returned = Return.getReturnValue();
  auto *Phi = dyn_cast_or_null<PHINode>(Returned);
  bool Merged = Phi && Phi->getParent() == Return.getParent() && Phi->getParent() != Call.getParent();
  return Merged ? Phi->getIncomingValueForBlock(Call.getParent()) : Returned;
}

} // namespace

bool isLastCall(const CallInst &Call) {
  if (!Call.isTailCall() || Call.hasFnAttr(Attribute::ReturnsTwice))
    return false;
  ReturnInst *Return = returnAfter(Call);
  if (!Return)
    return false;
  const Value *Returned = returnedAfter(Call, *Return);
  const Function &F = *Call.getFunction();
  return !Returned || (Returned == &Call && all_of(ArrayRef{Attribute::SExt, Attribute::ZExt}, [&](auto Kind) {
                         return Call.hasRetAttr(Kind) == F.hasRetAttribute(Kind);
                       }));
}

namespace {

// Puts a return of its own after Call.
void makeReturn(CallInst &Call) {
  BasicBlock *Block = Call.getParent();
  if (auto *Jump = dyn_cast<BranchInst>(Block->getTerminator())) {
    Jump->getSuccessor(0)->removePredecessor(Block);
    Jump->eraseFromParent();
    IRBuilder<> Builder(Block);
    Builder.SetCurrentDebugLocation(Call.getDebugLoc());
    Call.getType()->isVoidTy() ? Builder.CreateRetVoid() : Builder.CreateRet(&Call);
  }
}

bool isUsual(CallingConv::ID Convention) {
  return Convention == CallingConv::C || Convention == CallingConv::Fast;
}

// Argument as a value of type To, of which its callee looks at its own part.
Value *convert(IRBuilder<> &Builder, Value *Argument, bool Signed, Type *To) {
  if (Argument->getType() == To)
    return Argument;
  if (Argument->getType()->isPointerTy())
    return Builder.CreatePtrToInt(Argument, To);
  Type *Integer = To->isPointerTy() ? Builder.getInt64Ty() : To;
  Argument = Signed ? Builder.CreateSExt(Argument, Integer) : Builder.CreateZExt(Argument, Integer);
  return To->isPointerTy() ? Builder.CreateIntToPtr(Argument, To) : Argument;
}

// Assigns the arguments of Call to parameters of its function; false if some do
// not fit.
bool assign(const CallInst &Call, const Registers &R, SmallVectorImpl<int> &ArgumentOf) {
  const Function &F = *Call.getFunction();
  const DataLayout &Layout = F.getParent()->getDataLayout();
  unsigned Integers = 0, Floats = 0;
  for (unsigned I = 0; I < Call.arg_size(); ++I) {
    Type *T = Call.getArgOperand(I)->getType();
    bool Integer = isInteger(T) && !Call.isPassPointeeByValueArgument(I);
    if (!Integer && !isFloat(T))
      return false;
    unsigned &Next = Integer ? Integers : Floats;
    ArrayRef<unsigned> Kind = Integer ? ArrayRef<unsigned>(R.Integers) : ArrayRef<unsigned>(R.Floats);
    if (Next == Kind.size())
      return false;
    Type *Parameter = F.getArg(Kind[Next])->getType();
    if (Integer ? Layout.getTypeSizeInBits(T) > Layout.getTypeSizeInBits(Parameter) : T != Parameter)
      return false;
    ArgumentOf[Kind[Next++]] = I;
  }
  return true;
}

} // namespace

bool makeTailCall(CallInst &Call) {
  Function &F = *Call.getFunction();
  std::optional<Registers> R = registersOf(F);
  auto *Callee = dyn_cast<GlobalValue>(Call.getCalledOperand());
  // A symbol that may be missing is not jumped to on aarch64.
  if (!R || !isLastCall(Call) || !isUsual(Call.getCallingConv()) || !isUsual(F.getCallingConv()) ||
      Call.hasOperandBundles() || (Callee && Callee->hasExternalWeakLinkage()))
    return false;
  SmallVector<int, 8> ArgumentOf(F.arg_size(), -1);
  if (!assign(Call, *R, ArgumentOf))
    return false;

  IRBuilder<> Builder(&Call);
  SmallVector<Value *, 8> Arguments;
  for (const Argument &A : drop_end(F.args())) {
    int I = ArgumentOf[A.getArgNo()];
    Arguments.push_back(I < 0 ? PoisonValue::get(A.getType())
                              : convert(Builder, Call.getArgOperand(I), Call.paramHasAttr(I, Attribute::SExt),
                                        A.getType()));
  }
  Arguments.push_back(F.getArg(F.arg_size() - 1));
  CallInst *Tail = Builder.CreateCall(F.getFunctionType(), Call.getCalledOperand(), Arguments);
  Tail->setTailCallKind(CallInst::TCK_MustTail);
  Tail->setCallingConv(F.getCallingConv());
  Tail->addParamAttr(Arguments.size() - 1, Attribute::SwiftSelf);
  for (Attribute::AttrKind Kind : {Attribute::SExt, Attribute::ZExt}) {
    if (F.hasRetAttribute(Kind))
      Tail->addRetAttr(Kind);
    for (unsigned P = 0; P < ArgumentOf.size(); ++P)
      if (ArgumentOf[P] >= 0 && Call.paramHasAttr(ArgumentOf[P], Kind) && Arguments[P]->getType()->isIntegerTy())
        Tail->addParamAttr(P, Kind);
  }
  if (!Tail->getType()->isVoidTy()) {
    Tail->takeName(&Call);
    Call.replaceAllUsesWith(Tail);
  }
  Call.eraseFromParent();
  makeReturn(*Tail);
  return true;
}

} // namespace tpcc
