#include "polls.h"

#include "library.h"
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
  unsigned Component = 0; // nodes of one cycle have the same; 0 is in no cycle
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
    for (CallNode &N : Nodes) {
      Root->Callees.push_back(&N);
      if (N.F)
        connect(N);
    }
  }

  CallNode *root() const { return Root; }
  CallNode *outside() const { return Outside; }
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

  // Numbers the cycles anew.
  void findCycles();

private:
  std::vector<CallNode> Nodes;
  DenseMap<const Function *, CallNode *> NodeOf;
  CallNode *Root; // "calls" all others
  CallNode *Outside;

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
    bool Cycle = Component.hasCycle();
    Count += Cycle;
    for (CallNode *N : *Component)
      N->Component = Cycle ? Count : 0;
  }
}

// Which functions are to poll so that each cycle of calls has one, and the
// calls in them that such a cycle goes through.
class RecursionPolls {
public:
  RecursionPolls(Module &M, ArrayRef<Function *> Candidates) : Graph(M), Candidates(Candidates) {
    Graph.findCycles();
    for (Function *F : Candidates)
      noteCalls(*F);
    // Most cycles go through the outside, so those that it calls break them.
    for (CallNode *N : Graph.outside()->Callees)
      if (N->Component && N->Component == Graph.outside()->Component && isCandidate(N))
        Polled.insert(N);
    do
      removePolled();
    while (pollOneMore());
  }

  // The calls of F that may lead back to it; none if F need not poll for that.
  ArrayRef<CallBase *> calls(const Function &F) const {
    if (!Polled.count(Graph.nodeOf(F)))
      return {};
    return RecursiveCalls.find(&F)->second;
  }

private:
  CallGraph Graph;
  ArrayRef<Function *> Candidates;
  DenseMap<const Function *, SmallVector<CallBase *, 4>> RecursiveCalls;
  SmallPtrSet<const CallNode *, 16> Polled;

  bool isCandidate(const CallNode *N) const { return N->F && is_contained(Candidates, N->F); }

  void noteCalls(Function &F) {
    SmallVector<CallBase *, 4> &Calls = RecursiveCalls[&F];
    unsigned Component = Graph.nodeOf(F)->Component;
    for (Instruction &I : instructions(F)) {
      auto *Call = dyn_cast<CallBase>(&I);
      if (!Call || !isRealCall(*Call))
        continue;
      CallNode *Callee = Graph.calleeNode(*Call);
      if (Component && Callee && Callee->Component == Component)
        Calls.push_back(Call);
    }
  }

  void removePolled() {
    for (const CallNode *N : Polled)
      const_cast<CallNode *>(N)->Callees.clear();
    Graph.findCycles();
  }

  // Polls one member of each cycle that has no polled one yet.
  bool pollOneMore() {
    SmallDenseSet<unsigned> Done;
    for (Function *F : Candidates) {
      CallNode *N = Graph.nodeOf(*F);
      if (N->Component && Done.insert(N->Component).second)
        Polled.insert(N);
    }
    return !Done.empty();
  }
};

// The last place that each of Calls is reached through and that is in no loop.
Instruction *pointBefore(ArrayRef<CallBase *> Calls, DominatorTree &Tree, LoopInfo &Loops) {
  BasicBlock *Block = Calls.front()->getParent();
  for (CallBase *Call : Calls)
    Block = Tree.findNearestCommonDominator(Block, Call->getParent());
  while (Loops.getLoopFor(Block))
    Block = Tree.getNode(Block)->getIDom()->getBlock();
  return Block->isEntryBlock() ? &*Block->getFirstNonPHIOrDbgOrAlloca() : &*Block->getFirstInsertionPt();
}

// A loop of so few iterations may do without a poll.
constexpr unsigned ShortTripCount = 4096;

bool isShort(const Loop &L, ScalarEvolution &Evolution) {
  unsigned Trips = Evolution.getSmallConstantMaxTripCount(&L);
  if (!L.isInnermost() || Trips == 0 || Trips > ShortTripCount)
    return false;
  return none_of(L.blocks(), [](BasicBlock *Block) {
    return any_of(*Block, [](Instruction &I) { return isa<CallBase>(I) && isRealCall(cast<CallBase>(I)); });
  });
}

// Adds a poll at the end of each iteration of each loop of F, but where a poll
// of an inner loop is in each iteration of the outer one.
void planLoops(DominatorTree &Tree, LoopInfo &Loops, ScalarEvolution &Evolution,
               SmallVectorImpl<Instruction *> &Points) {
  SmallVector<Loop *, 8> Ordered = Loops.getLoopsInPreorder();
  for (Loop *L : reverse(Ordered)) { // inner loops first
    if (isShort(*L, Evolution))
      continue;
    SmallVector<BasicBlock *, 4> Latches;
    L->getLoopLatches(Latches);
    for (BasicBlock *Latch : Latches) {
      bool Polled = any_of(Points, [&](Instruction *Point) {
        return L->contains(Point) && Tree.dominates(Point->getParent(), Latch);
      });
      // At the beginning of the block: what its end compares is not yet alive.
      if (!Polled)
        Points.push_back(&*Latch->getFirstInsertionPt());
    }
  }
}

} // namespace

MapVector<Function *, SmallVector<Instruction *, 4>> planPolls(Module &M, ArrayRef<Function *> Functions,
                                                               FunctionAnalysisManager &Analyses) {
  RecursionPolls Recursion(M, Functions);
  MapVector<Function *, SmallVector<Instruction *, 4>> Plans;
  for (Function *F : Functions) {
    auto &Tree = Analyses.getResult<DominatorTreeAnalysis>(*F);
    auto &Loops = Analyses.getResult<LoopAnalysis>(*F);
    SmallVector<Instruction *, 4> &Points = Plans[F];
    planLoops(Tree, Loops, Analyses.getResult<ScalarEvolutionAnalysis>(*F), Points);
    SmallVector<CallBase *, 8> Calls(Recursion.calls(*F));
    erase_if(Calls, [&](CallBase *Call) { return !Tree.isReachableFromEntry(Call->getParent()); });
    if (!Calls.empty())
      Points.push_back(pointBefore(Calls, Tree, Loops));
  }
  return Plans;
}

CallInst *insertPoll(Instruction &Point) {
  Module &M = *Point.getModule();
  LLVMContext &Context = M.getContext();
  IRBuilder<> Builder(&Point);
  auto *Pause = cast<GlobalVariable>(M.getOrInsertGlobal("__tp_pause", Builder.getInt32Ty()));
  Pause->setDSOLocal(true);
  Value *Word = Builder.CreateLoad(Builder.getInt32Ty(), Pause, /*isVolatile=*/true, "pause");
  Value *Paused = Builder.CreateICmpNE(Word, Builder.getInt32(0), "paused");
  MDNode *Rarely = MDBuilder(Context).createBranchWeights(1, 1u << 20);
  Instruction *Cold = SplitBlockAndInsertIfThen(Paused, &Point, /*Unreachable=*/false, Rarely);
  FunctionCallee Park = M.getOrInsertFunction("__tp_park", Type::getVoidTy(Context));
  auto *Call = CallInst::Create(Park, "", Cold->getIterator());
  Call->setDebugLoc(Point.getDebugLoc());
  return Call;
}

} // namespace tpcc
