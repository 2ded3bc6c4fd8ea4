#include "canonical.h"

#include "errors.h"
#include "pass.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace tpcc {
namespace {

Error refuse(Module &M) {
  for (GlobalIFunc &Function : M.ifuncs())
    return errorAt(Function, "tpcc does not support indirect functions: which one is taken may depend on the ISA");
  for (Function &F : M) {
    if (F.getName().starts_with("llvm.riscv."))
      return errorAt(F, "a builtin of the front end's architecture, which no ISA of a pair has");
  }
  return Error::success();
}

// The front end has a target, and says so in many places.
void dropTarget(Module &M) {
  for (Function &F : M)
    for (StringRef Name : {"target-cpu", "target-features", "tune-cpu", "target-abi"})
      F.removeFnAttr(Name);

  NamedMDNode *Flags = M.getModuleFlagsMetadata();
  if (!Flags)
    return;
  SmallVector<Module::ModuleFlagEntry, 8> Kept;
  M.getModuleFlagsMetadata(Kept);
  Flags->eraseFromParent();
  for (const Module::ModuleFlagEntry &Flag : Kept)
    if (!is_contained({"target-abi", "riscv-isa", "SmallDataLimit", "Code Model"}, Flag.Key->getString()))
      M.addModuleFlag(Flag.Behavior, Flag.Key->getString(), Flag.Val);
}

// Nothing is ever thrown through C, not even by -fexceptions.
void dropUnwinding(Function &F) {
  for (BasicBlock &Block : F)
    if (auto *Invoke = dyn_cast<InvokeInst>(Block.getTerminator()))
      changeToCall(Invoke);
  removeUnreachableBlocks(F);
  F.setPersonalityFn(nullptr);
}

// A hidden pointer to a result is an ordinary first argument. As one of a kind
// it would be in another register on aarch64, and have to be returned on
// x86-64, for which it would be kept across sites.
void dropResultPointers(Function &F) {
  for (unsigned I = 0; I < F.arg_size(); ++I)
    F.removeParamAttr(I, Attribute::StructRet);
  for (Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallBase>(&I))
      for (unsigned A = 0; A < Call->arg_size(); ++A)
        Call->removeParamAttr(A, Attribute::StructRet);
}

} // namespace

Error canonicalise(Module &M) {
  if (Error E = refuse(M))
    return E;
  dropTarget(M);
  for (Function &F : M) {
    if (!F.isDeclaration()) {
      dropUnwinding(F);
      lowerComputedGotos(F);
    }
    dropResultPointers(F);
  }
  if (Error E = lowerVariadics(M))
    return E;
  if (Error E = lowerThreadLocals(M))
    return E;
  settleGlobals(M);
  return Error::success();
}

} // namespace tpcc
