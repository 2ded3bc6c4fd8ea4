#include "polls.h"

#include "chunks.h"
#include "library.h"
#include "loops.h"
#include "parking.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace tpcc {
namespace {

// A function in a graph of calls. The one without F stands for all code outside
// of the module, which may call each function that is visible there or whose
// address is taken.
struct CallNode {
  Function *F = nullptr;
  unsigned Cycle = 0; // nodes of one cycle have the same; 0 is in no cycle
  SmallVector<CallNode *, 8> Callees;
};

class CallGraph {
public:
  explicit CallGraph(Module &M) {
    Nodes.reserve(M.size() + 2); // they must not move
    Root = addNode(nullptr);
    Outside = addNode(nullptr);
    for (Function &F : M)
      if (!F.isDeclaration())
        NodeOf[&F] = addNode(&F);
    for (GlobalAlias &Alias : M.aliases())
      Aliased.insert(Alias.getAliaseeObject());
    for (CallNode &N : Nodes) {
      Root->Callees.push_back(&N);
      if (N.F)
        connect(N);
    }
    findCycles();
  }

  CallNode *root() const { return Root; }

  // The calls of F that each cycle of calls through F goes through, if F is the
  // one of the cycle that has to poll.
  //
  // Other modules are to come to the same decision without knowing this one: it
  // is the function whose name comes first, so it calls one whose name comes
  // later, or is called indirectly. Who has several names polls for each.
  SmallVector<CallBase *, 8> pollingCalls(Function &F) const {
    SmallVector<CallBase *, 8> Calls;
    const CallNode *Own = nodeOf(F);
    for (Instruction &I : instructions(F)) {
      auto *Call = dyn_cast<CallBase>(&I);
      if (!Call || !isRealCall(*Call) || !Own->Cycle)
        continue;
      const CallNode *Callee = calleeNode(*Call);
      if (Callee && Callee->Cycle == Own->Cycle && !comesBefore(calleeOf(*Call), F))
        Calls.push_back(Call);
    }
    return Calls;
  }

private:
  std::vector<CallNode> Nodes;
  DenseMap<const Function *, CallNode *> NodeOf;
  CallNode *Root; // "calls" all others
  CallNode *Outside;

  SmallPtrSet<const GlobalObject *, 8> Aliased;

  bool comesBefore(const Function *Callee, const Function &F) const {
    return Callee && Callee->getName() < F.getName() && !Aliased.contains(&F);
  }

  CallNode *addNode(Function *F) {
    Nodes.emplace_back();
    Nodes.back().F = F;
    return &Nodes.back();
  }

  void connect(CallNode &N) {
    if (!N.F->hasLocalLinkage() || N.F->hasAddressTaken())
      Outside->Callees.push_back(&N);
    for (Instruction &I : instructions(*N.F))
      if (auto *Call = dyn_cast<CallBase>(&I); Call && isRealCall(*Call))
        if (CallNode *Callee = calleeNode(*Call))
          N.Callees.push_back(Callee);
  }

  CallNode *nodeOf(const Function &F) const { return NodeOf.lookup(&F); }

  // The node of what Call calls; nullptr if that calls nothing of this module.
  CallNode *calleeNode(const CallBase &Call) const {
    Function *Callee = calleeOf(Call);
    if (!Callee)
      return Outside;
    if (!Callee->isDeclaration())
      return nodeOf(*Callee);
    bool Harmless = isLibraryRoutine(Callee->getName()) || neverCallsBack(Callee->getName());
    return Harmless ? nullptr : Outside;
  }

  void findCycles();
};

} // namespace
} // namespace tpcc

template <> struct llvm::GraphTraits<tpcc::CallGraph *> {
  using NodeRef = tpcc::CallNode *;
  using ChildIteratorType = tpcc::CallNode **;
  static NodeRef getEntryNode(tpcc::CallGraph *Graph) { return Graph->root(); }
  static ChildIteratorType child_begin(NodeRef N) { return N->Callees.begin(); }
  static ChildIteratorType child_end(NodeRef N) { return N->Callees.end(); }
};

namespace tpcc {
namespace {

void CallGraph::findCycles() {
  unsigned Count = 0;
  for (auto Component = scc_begin(this); !Component.isAtEnd(); ++Component) {
    if (!Component.hasCycle())
      continue;
    ++Count;
    for (CallNode *N : *Component)
      N->Cycle = Count;
  }
}

// The last place that each of Calls is reached through and that is in no loop.
Instruction *pointBefore(ArrayRef<CallBase *> Calls, DominatorTree &Tree, LoopInfo &Loops) {
  BasicBlock *Block = Calls.front()->getParent();
  for (CallBase *Call : Calls)
    Block = Tree.findNearestCommonDominator(Block, Call->getParent());
  while (Loops.getLoopFor(Block))
    Block = Tree.getNode(Block)->getIDom()->getBlock();
  return Block->isEntryBlock() ? &*Block->getFirstNonPHIOrDbgOrAlloca() : &*Block->getFirstInsertionPt();
}

// Adds a poll at the beginning of each iteration of each loop of F that may take long, but where a
// poll of an inner loop is in each iteration of the outer one.
void planLoops(DominatorTree &Tree, LoopInfo &Loops, ScalarEvolution &Evolution, ArrayRef<ChunkedLoop> Chunked,
               SmallVectorImpl<Instruction *> &Points) {
  SmallPtrSet<BasicBlock *, 8> Done;
  for (const ChunkedLoop &C : Chunked) {
    Done.insert(C.Header);
    Done.insert(C.OuterHeader);
    Points.push_back(C.Poll);
  }
  SmallVector<Loop *, 8> Ordered = Loops.getLoopsInPreorder();
  for (Loop *L : reverse(Ordered)) { // inner loops first
    if (Done.contains(L->getHeader()) || endsSoon(*L, Evolution))
      continue;
    SmallVector<BasicBlock *, 4> Latches;
    L->getLoopLatches(Latches);
    bool Polled = any_of(Points, [&](Instruction *Point) {
      return L->contains(Point) &&
             all_of(Latches, [&](BasicBlock *Latch) { return Tree.dominates(Point->getParent(), Latch); });
    });
    if (!Polled)
      Points.push_back(&*L->getHeader()->getFirstInsertionPt());
  }
}

SmallVector<Instruction *, 4> planFunction(Function &F, const CallGraph &Graph, FunctionAnalysisManager &Analyses) {
  SmallVector<ChunkedLoop, 4> Chunked = divideLoops(F, Analyses);
  auto &Tree = Analyses.getResult<DominatorTreeAnalysis>(F);
  auto &Loops = Analyses.getResult<LoopAnalysis>(F);
  SmallVector<Instruction *, 4> Points;
  planLoops(Tree, Loops, Analyses.getResult<ScalarEvolutionAnalysis>(F), Chunked, Points);

  SmallVector<CallBase *, 8> Calls = Graph.pollingCalls(F);
  erase_if(Calls, [&](CallBase *Call) {
    return any_of(Points, [&](Instruction *Point) { return Point == Call || Tree.dominates(Point, Call); });
  });
  if (!Calls.empty())
    Points.push_back(pointBefore(Calls, Tree, Loops));
  return Points;
}

} // namespace

MapVector<Function *, SmallVector<Instruction *, 4>> planPolls(Module &M, ArrayRef<Function *> Functions,
                                                               FunctionAnalysisManager &Analyses) {
  CallGraph Graph(M);
  MapVector<Function *, SmallVector<Instruction *, 4>> Plans;
  for (Function *F : Functions)
    Plans[F] = planFunction(*F, Graph, Analyses);
  return Plans;
}

Instruction *insertPollBranch(Instruction &Point) {
  Module &M = *Point.getModule();
  LLVMContext &Context = M.getContext();
  IRBuilder<> Builder(&Point);
  auto *Pause = cast<GlobalVariable>(M.getOrInsertGlobal("__tp_pause", Builder.getInt32Ty()));
  Pause->setDSOLocal(true);
  Value *Word = Builder.CreateLoad(Builder.getInt32Ty(), Pause, /*isVolatile=*/true, "pause");
  Value *Paused = Builder.CreateICmpNE(Word, Builder.getInt32(0), "paused");
  MDNode *Rarely = MDBuilder(Context).createBranchWeights(1, 1u << 20);
  return SplitBlockAndInsertIfThen(Paused, &Point, /*Unreachable=*/false, Rarely);
}

void makeParkCall(IRBuilder<> &Builder) {
  Module &M = *Builder.GetInsertBlock()->getModule();
  Builder.CreateCall(M.getOrInsertFunction("__tp_park", Builder.getVoidTy()));
}

void insertPoll(Instruction &Point) {
  IRBuilder<> Builder(insertPollBranch(Point));
  Builder.SetCurrentDebugLocation(Point.getDebugLoc());
  makeParkCall(Builder);
}

} // namespace tpcc
