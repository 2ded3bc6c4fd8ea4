#include "crossings.h"

#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace tpcc {

BasicBlock *definingBlock(Value &V) {
  if (auto *A = dyn_cast<Argument>(&V))
    return &A->getParent()->getEntryBlock();
  return cast<Instruction>(V).getParent();
}

BasicBlock *usingBlock(const Use &U) {
  if (auto *Phi = dyn_cast<PHINode>(U.getUser()))
    return Phi->getIncomingBlock(U);
  return cast<Instruction>(U.getUser())->getParent();
}

// Goes from the uses of a value backwards to its definition, and notes the
// sites on the way.
static Crossing traceBack(Value &V, const SiteIndex &Sites) {
  Crossing Result{&V, {}, {}};
  const BasicBlock *Definition = definingBlock(V);
  SmallVector<const BasicBlock *, 16> Work;
  for (const Use &U : V.uses())
    if (const BasicBlock *Block = usingBlock(U); Block != Definition && Result.LiveIn.insert(Block).second)
      Work.push_back(Block);
  while (!Work.empty())
    for (const BasicBlock *Predecessor : predecessors(Work.pop_back_val())) {
      auto Site = Sites.find(Predecessor);
      if (Site != Sites.end() && !is_contained(Result.Sites, Site->second))
        Result.Sites.push_back(Site->second);
      if (Predecessor != Definition && Result.LiveIn.insert(Predecessor).second)
        Work.push_back(Predecessor);
    }
  llvm::sort(Result.Sites);
  return Result;
}

static bool canCross(const Value &V) {
  return !isa<AllocaInst>(V) && !V.getType()->isVoidTy() && !V.getType()->isTokenTy() &&
         !V.getType()->isMetadataTy() && !V.use_empty();
}

std::vector<Crossing> findCrossings(Function &F, const SiteIndex &Sites) {
  std::vector<Crossing> Found;
  auto Add = [&](Value &V) {
    if (!canCross(V))
      return;
    Crossing C = traceBack(V, Sites);
    if (!C.Sites.empty())
      Found.push_back(std::move(C));
  };
  for (Argument &A : F.args())
    Add(A);
  for (Instruction &I : instructions(F))
    Add(I);
  return Found;
}

} // namespace tpcc
