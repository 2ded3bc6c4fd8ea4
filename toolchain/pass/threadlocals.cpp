// The address of a thread-local variable is
//
//     thread pointer + 256 + (symbol - __start_tptls)
//
// on each ISA. The linker collects section tptls, which is the template that
// libc copies for each thread.

#include "canonical.h"
#include "errors.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ReplaceConstant.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr uint64_t BytesBeforeThreadLocals = 256; // of struct pthread, which the thread pointer points to

Constant *offsetInTemplate(GlobalValue &Variable) {
  Module &M = *Variable.getParent();
  Type *Word = Type::getInt64Ty(M.getContext());
  auto *Start = cast<GlobalVariable>(M.getOrInsertGlobal("__start_tptls", Type::getInt8Ty(M.getContext())));
  Start->setVisibility(GlobalValue::HiddenVisibility);
  Start->setDSOLocal(true);
  return ConstantExpr::getSub(ConstantExpr::getPtrToInt(&Variable, Word), ConstantExpr::getPtrToInt(Start, Word));
}

Value *addressOf(GlobalValue &Variable, IRBuilder<> &Builder) {
  Value *Thread = Builder.CreateIntrinsic(Intrinsic::thread_pointer, {}, {});
  Value *Block = Builder.CreateConstInBoundsGEP1_64(Builder.getInt8Ty(), Thread, BytesBeforeThreadLocals);
  return Builder.CreateInBoundsGEP(Builder.getInt8Ty(), Block, offsetInTemplate(Variable), Variable.getName());
}

void replaceInPhi(PHINode &Phi, GlobalValue &Variable) {
  SmallDenseMap<BasicBlock *, Value *> Addresses; // a predecessor may be there twice
  for (unsigned I = 0; I < Phi.getNumIncomingValues(); ++I) {
    if (Phi.getIncomingValue(I) != &Variable)
      continue;
    Value *&Address = Addresses[Phi.getIncomingBlock(I)];
    if (!Address) {
      IRBuilder<> Builder(Phi.getIncomingBlock(I)->getTerminator());
      Address = addressOf(Variable, Builder);
    }
    Phi.setIncomingValue(I, Address);
  }
}

void replaceIn(Instruction &User, GlobalValue &Variable) {
  if (auto *Phi = dyn_cast<PHINode>(&User))
    return replaceInPhi(*Phi, Variable);
  IRBuilder<> Builder(&User);
  Value *Address = addressOf(Variable, Builder);
  auto *Intrinsic = dyn_cast<IntrinsicInst>(&User);
  if (Intrinsic && Intrinsic->getIntrinsicID() == Intrinsic::threadlocal_address) {
    Intrinsic->replaceAllUsesWith(Address);
    Intrinsic->eraseFromParent();
  } else {
    User.replaceUsesOfWith(&Variable, Address);
  }
}

void moveToTemplate(GlobalVariable &Variable) {
  // A constant or a common variable would be in another kind of section.
  Variable.setConstant(false);
  if (Variable.hasCommonLinkage())
    Variable.setLinkage(GlobalValue::WeakAnyLinkage);
  Variable.setSection("tptls");
}

// llvm.used and llvm.compiler.used name variables, but use no address.
bool isUsedList(const User &U) {
  return any_of(U.users(), [](const User *Outer) {
    auto *List = dyn_cast<GlobalVariable>(Outer);
    return List && (List->getName() == "llvm.used" || List->getName() == "llvm.compiler.used");
  });
}

Error lowerThreadLocal(GlobalValue &Variable) {
  convertUsersOfConstantsToInstructions({&Variable});
  // A set of users in the order of the use list; one may use it twice.
  SmallSetVector<Instruction *, 16> Users;
  for (User *U : Variable.users()) {
    if (auto *I = dyn_cast<Instruction>(U))
      Users.insert(I);
    else if (!isa<GlobalAlias>(U) && !isUsedList(*U))
      return errorAt(Variable, "the address of a thread-local variable is no constant");
  }
  Variable.setThreadLocal(false);
  Variable.setUnnamedAddr(GlobalValue::UnnamedAddr::None);
  for (Instruction *I : Users)
    replaceIn(*I, Variable);
  return Error::success();
}

} // namespace

Error lowerThreadLocals(Module &M) {
  SmallVector<GlobalValue *, 8> Variables;
  for (GlobalValue &Value : M.global_values())
    if (Value.isThreadLocal())
      Variables.push_back(&Value);
  for (GlobalValue *Value : Variables) {
    if (Error E = lowerThreadLocal(*Value))
      return E;
    auto *Variable = dyn_cast<GlobalVariable>(Value);
    if (Variable && !Variable->isDeclaration())
      moveToTemplate(*Variable);
  }
  return Error::success();
}

} // namespace tpcc
