#include "loops.h"

#include "library.h"
#include "parking.h"

#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace tpcc {
namespace {

// In a longer loop a poll does not count.
constexpr unsigned TightInstructions = 40;

// One that goes through memory may do this much with each element.
constexpr unsigned ElementInstructions = 128;

// Iterations, with those of inner loops.
constexpr uint64_t FewIterations = 1 << 14;
constexpr uint64_t FewIterationsWithCalls = 64;

// Routines of the library are short, or go through memory themselves.
bool hasCall(const Loop &L) {
  return any_of(L.blocks(), [](const BasicBlock *Block) {
    return any_of(*Block, [](const Instruction &I) {
      auto *Call = dyn_cast<CallBase>(&I);
      if (!Call || isa<IntrinsicInst>(Call))
        return false;
      Function *Callee = calleeOf(*Call);
      return !Callee || !Callee->isDeclaration() || !isLibraryRoutine(Callee->getName());
    });
  });
}

// True for an innermost loop of so many instructions, without calls.
bool isInnermost(const Loop &L, unsigned MostInstructions) {
  if (!L.isInnermost() || hasCall(L))
    return false;
  unsigned Instructions = 0;
  for (const BasicBlock *Block : L.blocks())
    Instructions += Block->sizeWithoutDebug();
  return Instructions <= MostInstructions;
}

// The most iterations of L and, in these, of its inner loops.
std::optional<uint64_t> mostIterations(const Loop &L, ScalarEvolution &Evolution) {
  uint64_t Own = Evolution.getSmallConstantMaxTripCount(&L);
  if (Own == 0)
    return std::nullopt;
  uint64_t Each = 1;
  for (const Loop *Inner : L) {
    std::optional<uint64_t> Iterations = mostIterations(*Inner, Evolution);
    if (!Iterations)
      return std::nullopt;
    Each += *Iterations;
  }
  return SaturatingMultiply(Own, Each);
}

// A way out of L that is taken if Shrinking, at least in one of two successive
// iterations, is zero.
bool leavesAtZero(const Loop &L, const BasicBlock &Exiting, const Value &Shrinking, const Value &Next) {
  auto *Branch = dyn_cast<BranchInst>(Exiting.getTerminator());
  CmpInst::Predicate Predicate;
  Value *Compared;
  const APInt *Limit;
  if (!Branch || !Branch->isConditional() ||
      !match(Branch->getCondition(), m_ICmp(Predicate, m_Value(Compared), m_APInt(Limit))) ||
      (Compared != &Shrinking && Compared != &Next))
    return false;
  bool AtZero = ICmpInst::compare(APInt::getZero(Limit->getBitWidth()), *Limit, Predicate);
  return !L.contains(Branch->getSuccessor(AtZero ? 0 : 1));
}

// A number that loses at least one bit in each iteration, until none is left.
bool divides(const Loop &L) {
  BasicBlock *Latch = L.getLoopLatch();
  if (!Latch || L.getExitingBlock() != Latch)
    return false;
  for (PHINode &Phi : L.getHeader()->phis()) {
    Value *Next = Phi.getIncomingValueForBlock(Latch);
    const APInt *By;
    bool Divided = match(Next, m_UDiv(m_Specific(&Phi), m_APInt(By))) && By->ugt(1);
    bool Shifted = match(Next, m_LShr(m_Specific(&Phi), m_APInt(By))) && By->ugt(0);
    if ((Divided || Shifted) && leavesAtZero(L, *Latch, Phi, *Next))
      return true;
  }
  return false;
}

// An access in each iteration to an address that goes up or down by a constant.
bool goesThroughMemory(const Loop &L, ScalarEvolution &Evolution) {
  BasicBlock *Latch = L.getLoopLatch();
  if (!Latch)
    return false;
  DominatorTree Tree(*Latch->getParent());
  for (BasicBlock *Block : L.blocks()) {
    if (!Tree.dominates(Block, Latch))
      continue;
    for (Instruction &I : *Block) {
      Value *Pointer = getLoadStorePointerOperand(&I);
      if (!Pointer || I.isVolatile())
        continue;
      auto *Address = dyn_cast<SCEVAddRecExpr>(Evolution.getSCEV(Pointer));
      if (Address && Address->getLoop() == &L && Address->isAffine() &&
          isa<SCEVConstant>(Address->getStepRecurrence(Evolution)))
        return true;
    }
  }
  return false;
}

} // namespace

bool isTight(const Loop &L) { return isInnermost(L, TightInstructions); }

bool endsSoon(const Loop &L, ScalarEvolution &Evolution) {
  std::optional<uint64_t> Iterations = mostIterations(L, Evolution);
  if (Iterations && *Iterations <= (hasCall(L) ? FewIterationsWithCalls : FewIterations))
    return true;
  return isInnermost(L, ElementInstructions) && (divides(L) || goesThroughMemory(L, Evolution));
}

} // namespace tpcc
