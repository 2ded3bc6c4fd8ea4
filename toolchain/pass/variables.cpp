#include "variables.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#include <map>

using namespace llvm;

namespace tpcc {
namespace {

// Sites with no more live values than this are no reason to move a variable.
constexpr unsigned Registers = 12;

// So many of the most used variables stay in registers.
constexpr unsigned Kept = 8;

// More values than this are not divided into variables: it takes too long.
constexpr size_t MostDivided = 500;

// By blocks, the first store of what a phi after it gets. All phis of a block
// get their values at the same time, so what is stored is loaded before that.
using PhiStores = DenseMap<BasicBlock *, Instruction *>;

// The SSA values of a variable: phis, and what is set elsewhere. All can have
// the same place if no two are alive at the same time. Then a phi needs nothing
// but for what it gets from other variables and from constants.
class Variable {
public:
  explicit Variable(ArrayRef<Value *> Members) : Members(Members.begin(), Members.end()) { findLives(); }

  bool hasOnePlace() const { return OnePlace; }
  ArrayRef<Value *> members() const { return Members.getArrayRef(); }
  bool contains(Value *V) const { return Members.contains(V); }

  // The blocks that would store it, and those that would load it.
  template <typename Visitor> void forEachAccess(Visitor Visit) const {
    for (Value *M : Members) {
      if (auto *Phi = dyn_cast<PHINode>(M)) {
        for (const Use &U : Phi->incoming_values())
          if (!contains(U.get()) && !isa<UndefValue>(U.get()))
            Visit(usingBlock(U));
      } else {
        Visit(definingBlock(*M));
      }
      SmallPtrSet<const BasicBlock *, 8> Loaded;
      for (const Use &U : M->uses())
        if (!isa<PHINode>(U.getUser()) && isLoadedFor(*M, U) && Loaded.insert(usingBlock(U)).second)
          Visit(usingBlock(U));
    }
  }

  // Moving has two steps, each for all variables that are moved.
  void makePlace(Function &F, DominatorTree &Tree, BlockFrequencyInfo &Frequencies, PhiStores &Stores);
  AllocaInst *move(const PhiStores &Stores);

private:
  SmallSetVector<Value *, 16> Members;
  bool OnePlace = true;
  AllocaInst *Place = nullptr;
  DenseMap<const BasicBlock *, Value *> LiveIn, LiveOut;

  static bool isLoadedFor(const Value &M, const Use &U) {
    return isa<PHINode>(M) || usingBlock(U) != definingBlock(const_cast<Value &>(M));
  }

  // Two values at one place are one too many.
  void note(DenseMap<const BasicBlock *, Value *> &Lives, const BasicBlock *Block, Value *M) {
    if (Lives.try_emplace(Block, M).first->second != M)
      OnePlace = false;
  }

  void findLives() {
    for (Value *M : Members)
      trace(M);
    DenseMap<const BasicBlock *, SmallVector<Value *, 2>> Defined;
    for (Value *M : Members)
      Defined[definingBlock(*M)].push_back(M);
    for (auto &[Block, Values] : Defined)
      checkBlock(Block, Values);
  }

  // From the uses of M backwards to its definition.
  void trace(Value *M) {
    const BasicBlock *Definition = definingBlock(*M);
    SmallPtrSet<const BasicBlock *, 16> Seen;
    SmallVector<const BasicBlock *, 16> Work;
    auto Enter = [&](const BasicBlock *Block) {
      if (Block == Definition || !Seen.insert(Block).second)
        return;
      note(LiveIn, Block, M);
      Work.push_back(Block);
    };
    for (const Use &U : M->uses()) {
      if (isa<PHINode>(U.getUser()))
        note(LiveOut, usingBlock(U), M);
      Enter(usingBlock(U));
    }
    while (!Work.empty())
      for (const BasicBlock *Predecessor : predecessors(Work.pop_back_val())) {
        note(LiveOut, Predecessor, M);
        Enter(Predecessor);
      }
  }

  // A value ends before the next of the block begins, and only the last one
  // leaves the block.
  void checkBlock(const BasicBlock *Block, SmallVectorImpl<Value *> &Values) {
    llvm::sort(Values, [](const Value *A, const Value *B) { return isBefore(A, B); });
    if (Value *First = LiveIn.lookup(Block))
      Values.insert(Values.begin(), First);
    for (unsigned I = 0; I + 1 < Values.size(); ++I) {
      auto *Next = dyn_cast<Instruction>(Values[I + 1]); // phis and arguments are all there from the beginning
      if (!Next || isa<PHINode>(Next) || isUsedAfter(*Values[I], *Next))
        OnePlace = false;
    }
    Value *Last = LiveOut.lookup(Block);
    if (Last && Last != Values.back())
      OnePlace = false;
  }

  // Arguments come before all instructions.
  static bool isBefore(const Value *A, const Value *B) {
    auto *First = dyn_cast<Instruction>(A);
    auto *Second = dyn_cast<Instruction>(B);
    return First && Second ? First->comesBefore(Second) : !First && Second;
  }

  static bool isUsedAfter(const Value &M, const Instruction &Point) {
    return any_of(M.users(), [&](const User *U) {
      auto *I = cast<Instruction>(U);
      return !isa<PHINode>(I) && I->getParent() == Point.getParent() && Point.comesBefore(I);
    });
  }

  void storeIncoming(PHINode &Phi, DominatorTree &Tree, BlockFrequencyInfo &Frequencies, PhiStores &Stores);
  void load(Value &M, const PhiStores &Stores);
};

// What a phi gets from a block that ends in more than one way is stored on the
// way to the phi.
void Variable::storeIncoming(PHINode &Phi, DominatorTree &Tree, BlockFrequencyInfo &Frequencies, PhiStores &Stores) {
  for (unsigned I = 0; I < Phi.getNumIncomingValues(); ++I) {
    Value *Content = Phi.getIncomingValue(I);
    if (contains(Content) || isa<UndefValue>(Content))
      continue;
    BasicBlock *From = Phi.getIncomingBlock(I);
    Instruction *End = From->getTerminator();
    if (End->getNumSuccessors() > 1) {
      BasicBlock *To = Phi.getParent();
      uint64_t Frequency = std::min(Frequencies.getBlockFreq(From), Frequencies.getBlockFreq(To)).getFrequency();
      CriticalEdgeSplittingOptions Options(&Tree);
      BasicBlock *Edge = SplitKnownCriticalEdge(End, GetSuccessorNumber(From, To), Options.setMergeIdenticalEdges());
      Frequencies.setBlockFreq(Edge, BlockFrequency(Frequency));
      End = Edge->getTerminator();
    }
    Stores.try_emplace(End->getParent(), new StoreInst(Content, Place, End->getIterator()));
  }
}

// Loads M once in each block that uses it, unless it is set there.
void Variable::load(Value &M, const PhiStores &Stores) {
  MapVector<BasicBlock *, SmallVector<Use *, 4>> Uses;
  for (Use &U : M.uses())
    if (!(isa<PHINode>(U.getUser()) && contains(U.getUser())) && isLoadedFor(M, U))
      Uses[usingBlock(U)].push_back(&U);
  for (auto &[Block, Here] : Uses) {
    Instruction *First = Block->getTerminator();
    if (Instruction *Store = Stores.lookup(Block))
      First = Store;
    for (Use *U : Here)
      if (auto *I = cast<Instruction>(U->getUser()); !isa<PHINode>(I) && I->comesBefore(First))
        First = I;
    auto *Loaded = new LoadInst(M.getType(), Place, M.getName(), First->getIterator());
    for (Use *U : Here)
      U->set(Loaded);
  }
}

void Variable::makePlace(Function &F, DominatorTree &Tree, BlockFrequencyInfo &Frequencies, PhiStores &Stores) {
  const DataLayout &Layout = F.getParent()->getDataLayout();
  Type *T = Members.front()->getType();
  Place = new AllocaInst(T, 0, nullptr, Layout.getABITypeAlign(T), Members.front()->getName() + ".place",
                         F.getEntryBlock().begin());
  for (Value *M : Members)
    if (auto *Phi = dyn_cast<PHINode>(M))
      storeIncoming(*Phi, Tree, Frequencies, Stores);
}

AllocaInst *Variable::move(const PhiStores &Stores) {
  for (Value *M : Members)
    load(*M, Stores);
  for (Value *M : Members)
    if (auto *A = dyn_cast<Argument>(M))
      new StoreInst(A, Place, A->getParent()->getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    else if (!isa<PHINode>(M))
      new StoreInst(M, Place, cast<Instruction>(M)->getNextNode()->getIterator());
  for (Value *M : Members)
    if (auto *Phi = dyn_cast<PHINode>(M)) {
      Phi->replaceAllUsesWith(PoisonValue::get(Phi->getType()));
      Phi->eraseFromParent();
    }
  return Place;
}

// Makes variables of values that phis connect, as large ones as possible.
void divide(ArrayRef<Value *> Values, std::vector<Variable> &Variables) {
  Variable All(Values);
  if (All.hasOnePlace()) {
    Variables.push_back(std::move(All));
    return;
  }
  if (Values.size() > MostDivided)
    return;
  std::vector<Variable> Parts;
  DenseMap<Value *, unsigned> PartOf;
  for (Value *V : Values) {
    PartOf[V] = Parts.size();
    Parts.emplace_back(V);
  }
  for (Value *V : Values) {
    auto *Phi = dyn_cast<PHINode>(V);
    if (!Phi)
      continue;
    for (Value *Incoming : Phi->incoming_values()) {
      if (isa<Constant>(Incoming) || PartOf[Incoming] == PartOf[Phi])
        continue;
      unsigned Kept = PartOf[Phi], Dropped = PartOf[Incoming];
      SmallVector<Value *, 16> Both(Parts[Kept].members());
      append_range(Both, Parts[Dropped].members());
      Variable Merged(Both);
      if (!Merged.hasOnePlace())
        continue;
      for (Value *M : Parts[Dropped].members())
        PartOf[M] = Kept;
      Parts[Kept] = std::move(Merged);
    }
  }
  for (unsigned I = 0; I < Parts.size(); ++I)
    if (PartOf[Parts[I].members().front()] == I)
      Variables.push_back(std::move(Parts[I]));
}

std::vector<Variable> findVariables(Function &F) {
  EquivalenceClasses<Value *> Classes;
  for (Instruction &I : instructions(F))
    if (auto *Phi = dyn_cast<PHINode>(&I))
      for (Value *Incoming : Phi->incoming_values())
        if (!isa<Constant>(Incoming))
          Classes.unionSets(Phi, Incoming);
  MapVector<Value *, SmallVector<Value *, 16>> Ordered; // as classes are ordered by address
  auto Add = [&](Value &V) {
    if (auto Leader = Classes.findLeader(&V); Leader != Classes.member_end())
      Ordered[*Leader].push_back(&V);
  };
  for (Argument &A : F.args())
    Add(A);
  for (Instruction &I : instructions(F))
    Add(I);
  std::vector<Variable> Variables;
  for (auto &[Leader, Members] : Ordered)
    if (none_of(Members, [](Value *M) { return isa<AllocaInst>(M); }))
      divide(Members, Variables);
  return Variables;
}

} // namespace

SmallVector<AllocaInst *, 16> moveVariables(Function &F, ArrayRef<Crossing> Crossings, DominatorTree &Tree,
                                            BlockFrequencyInfo &Frequencies) {
  DenseMap<const Value *, const Crossing *> CrossingOf;
  DenseMap<unsigned, unsigned> Alive; // values, by sites
  for (const Crossing &C : Crossings) {
    CrossingOf[C.Value] = &C;
    for (unsigned Site : C.Sites)
      ++Alive[Site];
  }
  if (none_of(Alive, [](auto &Site) { return Site.second > Registers; }))
    return {};

  std::vector<Variable> Variables = findVariables(F);
  std::multimap<uint64_t, Variable *, std::greater<uint64_t>> ByUse;
  for (Variable &V : Variables) {
    unsigned Saved = 0, Accesses = 0; // instructions
    for (Value *M : V.members())
      if (const Crossing *C = CrossingOf.lookup(M))
        for (unsigned Site : C->Sites)
          Saved += Alive[Site] > Registers ? 2 : 0;
    uint64_t Executed = 0;
    V.forEachAccess([&](const BasicBlock *Block) {
      ++Accesses;
      Executed += Frequencies.getBlockFreq(Block).getFrequency();
    });
    if (Saved > Accesses)
      ByUse.emplace(Executed, &V);
  }
  SmallVector<Variable *, 16> Moved;
  for (auto [Executed, V] : drop_begin(ByUse, std::min<size_t>(Kept, ByUse.size())))
    Moved.push_back(V);
  PhiStores Stores;
  for (Variable *V : Moved)
    V->makePlace(F, Tree, Frequencies, Stores);
  SmallVector<AllocaInst *, 16> Places;
  for (Variable *V : Moved)
    Places.push_back(V->move(Stores));
  return Places;
}

} // namespace tpcc
