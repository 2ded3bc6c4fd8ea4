// From
//
//     header:  ...
//     latch:   ...; if (x == last) goto exit; else goto header
//
// where x goes up by a constant step in each iteration, it makes
//
//     outer:   (a phi for each of header)
//     header:  ...
//     latch:   ...; if (x == end of this chunk) goto check; else goto header
//     check:   if (all iterations done) goto exit; else goto next
//     next:    poll; x's value at the end of the next chunk; goto outer

#include "chunks.h"

#include "loops.h"

#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr unsigned ChunkBits = 12;
constexpr uint64_t ChunkIterations = uint64_t(1) << ChunkBits;

// What the transformation needs to know of a loop.
struct Countable {
  BasicBlock *Preheader, *Latch, *Exit;
  BranchInst *Branch;
  const SCEV *BackedgeCount; // as an i64
  Value *Counter;            // x
  const SCEVAddRecExpr *Recurrence;
  int64_t Step;
};

// x, one of the operands of what the latch compares.
bool findCounter(Countable &C, const Loop &L, ScalarEvolution &Evolution) {
  auto *Compare = dyn_cast<ICmpInst>(C.Branch->getCondition());
  if (!Compare)
    return false;
  for (Value *Operand : Compare->operands()) {
    auto *Recurrence = dyn_cast<SCEVAddRecExpr>(Evolution.getSCEV(Operand));
    if (!Recurrence || Recurrence->getLoop() != &L || !Recurrence->isAffine())
      continue;
    auto *Step = dyn_cast<SCEVConstant>(Recurrence->getStepRecurrence(Evolution));
    if (!Step || Step->getAPInt().getSignificantBits() > 32)
      continue;
    // Within a chunk x must not come to the same value twice.
    if (Step->getAPInt().countr_zero() + ChunkBits >= Step->getAPInt().getBitWidth())
      continue;
    C.Counter = Operand;
    C.Recurrence = Recurrence;
    C.Step = Step->getAPInt().getSExtValue();
    return true;
  }
  return false;
}

std::optional<Countable> analyse(const Loop &L, ScalarEvolution &Evolution, SCEVExpander &Expander,
                                 const TargetTransformInfo &Costs) {
  Countable C;
  C.Preheader = L.getLoopPreheader();
  C.Latch = L.getLoopLatch();
  if (!isTight(L) || endsSoon(L, Evolution) || !C.Preheader || !C.Latch || L.getExitingBlock() != C.Latch)
    return std::nullopt;
  C.Branch = dyn_cast<BranchInst>(C.Latch->getTerminator());
  if (!C.Branch || !C.Branch->isConditional() || C.Branch->getSuccessor(0) == C.Branch->getSuccessor(1))
    return std::nullopt;
  C.Exit = C.Branch->getSuccessor(C.Branch->getSuccessor(0) == L.getHeader());

  const SCEV *Count = Evolution.getExitCount(&L, C.Latch);
  if (isa<SCEVCouldNotCompute>(Count) || Evolution.getTypeSizeInBits(Count->getType()) > 64)
    return std::nullopt;
  C.BackedgeCount = Evolution.getNoopOrZeroExtend(Count, Type::getInt64Ty(Evolution.getContext()));
  if (!findCounter(C, L, Evolution))
    return std::nullopt;

  Instruction *Before = C.Preheader->getTerminator();
  const SCEV *Needed[] = {C.BackedgeCount, C.Recurrence->getStart()};
  for (const SCEV *Expression : Needed)
    if (!Expander.isSafeToExpandAt(Expression, Before) ||
        Expander.isHighCostExpansion(Expression, const_cast<Loop *>(&L), SCEVCheapExpansionBudget, &Costs, Before))
      return std::nullopt;
  return C;
}

// x after Iterations more.
Value *advance(IRBuilder<> &Builder, const Countable &C, Value *From, Value *Iterations) {
  Value *Distance = Builder.CreateMul(Iterations, Builder.getInt64(C.Step));
  if (From->getType()->isPointerTy())
    return Builder.CreateGEP(Builder.getInt8Ty(), From, Distance);
  return Builder.CreateAdd(From, Builder.CreateZExtOrTrunc(Distance, From->getType()));
}

// How many iterations of those that remain are in the next chunk, less one.
Value *chunkOf(IRBuilder<> &Builder, Value *Remaining) {
  return Builder.CreateBinaryIntrinsic(Intrinsic::umin, Remaining, Builder.getInt64(ChunkIterations - 1));
}

// The phis of Header, which get their first values from Outer: for each a phi
// in Outer.
void addOuterPhis(BasicBlock &Header, BasicBlock &Outer, BasicBlock &Next, const Countable &C) {
  for (PHINode &Phi : Header.phis()) {
    auto *OuterPhi = PHINode::Create(Phi.getType(), 2, Phi.getName(), &Outer);
    int Preheader = Phi.getBasicBlockIndex(C.Preheader);
    OuterPhi->addIncoming(Phi.getIncomingValue(Preheader), C.Preheader);
    OuterPhi->addIncoming(Phi.getIncomingValueForBlock(C.Latch), &Next);
    Phi.setIncomingValue(Preheader, OuterPhi);
    Phi.setIncomingBlock(Preheader, &Outer);
  }
}

ChunkedLoop divide(const Loop &L, const Countable &C, SCEVExpander &Expander) {
  BasicBlock *Header = L.getHeader();
  Function &F = *Header->getParent();
  LLVMContext &Context = F.getContext();
  Type *Word = Type::getInt64Ty(Context);
  Instruction *Before = C.Preheader->getTerminator();
  Value *Count = Expander.expandCodeFor(C.BackedgeCount, Word, Before);
  Value *Start = Expander.expandCodeFor(C.Recurrence->getStart(), C.Counter->getType(), Before);
  IRBuilder<> Builder(Before);
  Value *FirstChunk = chunkOf(Builder, Count);
  Value *FirstEnd = advance(Builder, C, Start, FirstChunk);

  BasicBlock *Outer = BasicBlock::Create(Context, "chunk", &F, Header);
  BasicBlock *Check = BasicBlock::Create(Context, "check", &F, C.Exit);
  BasicBlock *Next = BasicBlock::Create(Context, "next", &F, C.Exit);
  Before->replaceSuccessorWith(Header, Outer);
  addOuterPhis(*Header, *Outer, *Next, C);

  Builder.SetInsertPoint(Outer);
  Builder.SetCurrentDebugLocation(DebugLoc());
  PHINode *Remaining = Builder.CreatePHI(Word, 2, "remaining"); // backedges
  PHINode *Chunk = Builder.CreatePHI(Word, 2, "iterations");
  PHINode *End = Builder.CreatePHI(C.Counter->getType(), 2, "end");
  Builder.CreateBr(Header);

  Builder.SetInsertPoint(C.Branch);
  Value *AtEnd = Builder.CreateICmpEQ(C.Counter, End);
  BranchInst *Branch = Builder.CreateCondBr(AtEnd, Check, Header);
  Branch->copyMetadata(*C.Branch, {LLVMContext::MD_dbg, LLVMContext::MD_loop});
  C.Branch->eraseFromParent();

  Builder.SetInsertPoint(Check);
  Builder.SetCurrentDebugLocation(Branch->getDebugLoc());
  Builder.CreateCondBr(Builder.CreateICmpEQ(Remaining, Chunk), C.Exit, Next);
  C.Exit->replacePhiUsesWith(C.Latch, Check);

  Builder.SetInsertPoint(Next);
  Value *Left = Builder.CreateSub(Remaining, Builder.CreateAdd(Chunk, Builder.getInt64(1)));
  Value *NextChunk = chunkOf(Builder, Left);
  Value *NextEnd = advance(Builder, C, End, Builder.CreateAdd(NextChunk, Builder.getInt64(1)));
  Builder.CreateBr(Outer);

  Remaining->addIncoming(Count, C.Preheader);
  Remaining->addIncoming(Left, Next);
  Chunk->addIncoming(FirstChunk, C.Preheader);
  Chunk->addIncoming(NextChunk, Next);
  End->addIncoming(FirstEnd, C.Preheader);
  End->addIncoming(NextEnd, Next);
  return {Header, Outer, &Next->front()};
}

} // namespace

SmallVector<ChunkedLoop, 4> divideLoops(Function &F, FunctionAnalysisManager &Analyses) {
  auto &Loops = Analyses.getResult<LoopAnalysis>(F);
  auto &Evolution = Analyses.getResult<ScalarEvolutionAnalysis>(F);
  auto &Costs = Analyses.getResult<TargetIRAnalysis>(F);
  SCEVExpander Expander(Evolution, F.getParent()->getDataLayout(), "chunks");
  // First all are looked at, as the analyses hold for the function as it was.
  SmallVector<std::pair<Loop *, Countable>, 4> Found;
  for (Loop *L : Loops.getLoopsInPreorder())
    if (auto C = analyse(*L, Evolution, Expander, Costs))
      Found.push_back({L, *C});
  SmallVector<ChunkedLoop, 4> Divided;
  for (auto &[L, C] : Found)
    Divided.push_back(divide(*L, C, Expander));
  if (!Divided.empty())
    Analyses.invalidate(F, PreservedAnalyses::none());
  return Divided;
}

} // namespace tpcc
