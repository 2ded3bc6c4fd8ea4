#include "placement.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Instructions.h"

#include <map>

using namespace llvm;

namespace tpcc {
namespace {

// A block, or an edge that a block would have to be made for. The bits are
// numbers of crossings.
struct Node {
  BasicBlock *Block = nullptr; // nullptr for an edge
  BasicBlock *From = nullptr, *To = nullptr;
  SmallVector<unsigned, 4> Predecessors, Successors;

  BitVector LiveIn;  // alive at the beginning
  BitVector Used;    // used here, but not defined
  BitVector Defined;
  BitVector Stored;  // stored at the end
  BitVector Killed;  // forgotten at the very end, as a site is there

  // What the steps of the algorithm find; see the functions that set them.
  BitVector Anticipated, Early, Late, Loaded, Available;
  BitVector InFrame; // stored on each path to the beginning
};

// Repeats Transfer over the nodes until none changes.
template <typename Step> void iterate(ArrayRef<unsigned> Order, Step Transfer) {
  bool Changed = true;
  while (Changed) {
    Changed = false;
    for (unsigned N : Order)
      Changed |= Transfer(N);
  }
}

bool update(BitVector &Old, BitVector New) {
  if (Old == New)
    return false;
  Old = std::move(New);
  return true;
}

BitVector without(BitVector A, const BitVector &B) { return A.reset(B); }

class Placer {
public:
  Placer(Function &F, const std::vector<Crossing> &Crossings, const SiteIndex &Sites, const DominatorTree &Tree,
         const BlockFrequencyInfo &Frequencies)
      : Crossings(Crossings), Tree(Tree), Frequencies(Frequencies), SiteBlocks(Sites.size()),
        AtDefinition(Crossings.size()), StoresOf(Crossings.size()) {
    for (const auto &[Block, Site] : Sites)
      SiteBlocks[Site] = Block;
    makeNodes(F);
  }

  // Each value is treated in the cheaper of two ways: either all sites are rare
  // for it, or those are that are rare in relation to its uses.
  Placement run() {
    markLives();
    place([](unsigned V) { return true; });
    std::vector<uint64_t> Eager = costs();
    place([](unsigned V) { return false; });
    std::vector<uint64_t> Lazy = costs();
    place([&](unsigned V) { return Eager[V] < Lazy[V]; });
    return result();
  }

private:
  const std::vector<Crossing> &Crossings;
  const DominatorTree &Tree;
  const BlockFrequencyInfo &Frequencies;
  std::vector<const BasicBlock *> SiteBlocks;

  std::vector<Node> Nodes;
  DenseMap<const BasicBlock *, unsigned> NodeOf;
  std::vector<unsigned> Forward, Backward; // orders in which information flows fast

  BitVector AtDefinition; // values that are to be stored where they are defined
  std::vector<SmallVector<BasicBlock *, 2>> StoresOf;

  uint64_t frequency(const BasicBlock *Block) const { return Frequencies.getBlockFreq(Block).getFrequency(); }

  // Of an instruction that is executed so often. Each also takes its place:
  // one that is executed once is better than many that hardly ever are.
  uint64_t cost(uint64_t Frequency) const { return Frequency + Frequencies.getEntryFreq().getFrequency() / 8; }

  Node &nodeOf(const BasicBlock *Block) { return Nodes[NodeOf.find(Block)->second]; }

  BitVector all() const { return BitVector(Crossings.size(), true); }
  BitVector none() const { return BitVector(Crossings.size()); }

  // The set of Of that all of Neighbours have; none if there are no neighbours.
  template <typename Set> BitVector common(ArrayRef<unsigned> Neighbours, Set Of) const {
    BitVector Result = Neighbours.empty() ? none() : all();
    for (unsigned N : Neighbours)
      Result &= Of(Nodes[N]);
    return Result;
  }

  // The graph ----------------------------------------------------------------

  void makeNodes(Function &F) {
    SmallVector<BasicBlock *, 32> Blocks;
    for (BasicBlock *Block : ReversePostOrderTraversal<Function *>(&F))
      if (!Block->isLandingPad()) {
        NodeOf[Block] = addNode(Block, nullptr, nullptr);
        Blocks.push_back(Block);
      }
    for (BasicBlock *Block : Blocks) {
      Forward.push_back(NodeOf[Block]);
      connect(*Block);
    }
    Backward.assign(Forward.rbegin(), Forward.rend());
  }

  unsigned addNode(BasicBlock *Block, BasicBlock *From, BasicBlock *To) {
    Node N;
    N.Block = Block;
    N.From = From;
    N.To = To;
    for (BitVector *Set : {&N.LiveIn, &N.Used, &N.Defined, &N.Stored, &N.Killed, &N.Anticipated, &N.Early,
                           &N.Late, &N.Loaded, &N.Available, &N.InFrame})
      Set->resize(Crossings.size());
    Nodes.push_back(std::move(N));
    return Nodes.size() - 1;
  }

  void connect(BasicBlock &Block) {
    SmallSetVector<BasicBlock *, 4> Successors; // a switch may have one twice
    for (BasicBlock *Successor : successors(&Block))
      if (!Successor->isLandingPad())
        Successors.insert(Successor);
    unsigned Own = NodeOf[&Block];
    for (BasicBlock *Successor : Successors) {
      bool Critical = Successors.size() > 1 && !Successor->getUniquePredecessor();
      if (!Critical) {
        link(Own, NodeOf[Successor]);
        continue;
      }
      unsigned Edge = addNode(nullptr, &Block, Successor);
      Forward.push_back(Edge);
      link(Own, Edge);
      link(Edge, NodeOf[Successor]);
    }
  }

  void link(unsigned From, unsigned To) {
    Nodes[From].Successors.push_back(To);
    Nodes[To].Predecessors.push_back(From);
  }

  template <typename Predicate> void place(Predicate IsEager) {
    AtDefinition.reset();
    markSites(IsEager);
    do {
      placeStores();
      placeLoads();
    } while (!loadsFindStores());
  }

  // What each value's stores and loads cost.
  std::vector<uint64_t> costs() {
    std::vector<uint64_t> Costs(Crossings.size());
    for (const Node &N : Nodes) {
      uint64_t Often = cost(N.Block ? frequency(N.Block) : std::min(frequency(N.From), frequency(N.To)));
      for (unsigned V : N.Stored.set_bits())
        Costs[V] += Often;
      for (unsigned V : N.Loaded.set_bits())
        Costs[V] += Often;
    }
    for (unsigned V = 0; V < Crossings.size(); ++V)
      for (unsigned Site : Crossings[V].Sites)
        if (isLoadedAfter(V, Site))
          Costs[V] += cost(frequency(SiteBlocks[Site]));
    return Costs;
  }

  // What the function does with the values -----------------------------------

  void markLives() {
    for (unsigned V = 0; V < Crossings.size(); ++V) {
      nodeOf(definingBlock(*Crossings[V].Value)).Defined.set(V);
      for (const BasicBlock *Block : Crossings[V].LiveIn)
        nodeOf(Block).LiveIn.set(V);
    }
    for (Node &N : Nodes)
      if (!N.Block)
        N.LiveIn = nodeOf(N.To).LiveIn;
  }

  template <typename Predicate> void markSites(Predicate IsEager) {
    for (Node &N : Nodes)
      N.Killed.reset();
    for (unsigned V = 0; V < Crossings.size(); ++V) {
      if (IsEager(V))
        continue;
      uint64_t Uses = 0;
      for (const Use &U : Crossings[V].Value->uses())
        Uses += frequency(usingBlock(U));
      for (unsigned Site : Crossings[V].Sites)
        if (frequency(SiteBlocks[Site]) > Uses / 4)
          nodeOf(SiteBlocks[Site]).Killed.set(V);
    }
  }

  void markUses(unsigned V) {
    for (const Use &U : Crossings[V].Value->uses())
      markUse(V, usingBlock(U));
    for (BasicBlock *Block : StoresOf[V])
      markUse(V, Block);
  }

  void markUse(unsigned V, const BasicBlock *Block) {
    if (Block != definingBlock(*Crossings[V].Value))
      nodeOf(Block).Used.set(V);
  }

  // Stores -------------------------------------------------------------------

  void placeStores() {
    for (Node &N : Nodes) {
      N.Stored.reset();
      N.Used.reset();
    }
    for (unsigned V = 0; V < Crossings.size(); ++V) {
      if (AtDefinition.test(V))
        StoresOf[V] = {definingBlock(*Crossings[V].Value)};
      else
        StoresOf[V] = cheapestStores(Crossings[V]);
      for (BasicBlock *Block : StoresOf[V])
        nodeOf(Block).Stored.set(V);
      markUses(V);
    }
  }

  // The cheapest blocks that dominate all sites which need the value. In each
  // subtree of the dominator tree that is either its root, or the cheapest of
  // the subtrees below it.
  SmallVector<BasicBlock *, 2> cheapestStores(const Crossing &C) {
    const DomTreeNode *Definition = Tree.getNode(definingBlock(*C.Value));
    SmallSetVector<const DomTreeNode *, 16> Above; // all between the definition and a site
    SmallPtrSet<const DomTreeNode *, 16> Here;     // roots that are the cheapest of their subtrees
    for (unsigned Site : C.Sites) {
      const DomTreeNode *N = Tree.getNode(SiteBlocks[Site]);
      Here.insert(N);
      while (Above.insert(N) && N != Definition)
        N = N->getIDom();
    }
    std::multimap<unsigned, const DomTreeNode *> Ordered; // from the root down
    for (const DomTreeNode *N : Above)
      Ordered.emplace(N->getLevel(), N);

    DenseMap<const DomTreeNode *, uint64_t> Below; // cost of the subtrees below
    for (auto [Level, N] : reverse(Ordered)) {
      uint64_t Cost = cost(frequency(N->getBlock()));
      if (!Here.contains(N) && Below[N] < Cost)
        Cost = Below[N];
      else
        Here.insert(N);
      if (N != Definition)
        Below[N->getIDom()] += Cost;
    }

    SmallVector<BasicBlock *, 2> Stores;
    SmallPtrSet<const DomTreeNode *, 16> Covered;
    for (auto [Level, N] : Ordered) {
      if (N != Definition && Covered.contains(N->getIDom())) {
        Covered.insert(N);
      } else if (Here.contains(N)) {
        Covered.insert(N);
        Stores.push_back(N->getBlock());
      }
    }
    return Stores;
  }

  // Loads: lazy code motion --------------------------------------------------

  void placeLoads() {
    findAnticipated();
    findEarly();
    findLate();
    findAvailable();
  }

  // Anticipated: at the beginning of the node it is sure that the value will be
  // used, and before that not forgotten.
  void findAnticipated() {
    for (Node &N : Nodes)
      N.Anticipated.set();
    iterate(Backward, [&](unsigned I) {
      Node &N = Nodes[I];
      BitVector After = common(N.Successors, [](const Node &S) -> const BitVector & { return S.Anticipated; });
      After.reset(N.Killed);
      After |= N.Used;
      After &= N.LiveIn;
      return update(N.Anticipated, std::move(After));
    });
  }

  // Early: the first places at which the value is anticipated, but would not be
  // in a register even if all had been loaded that was anticipated.
  void findEarly() {
    for (Node &N : Nodes)
      N.Available.set();
    auto After = [](const Node &N) {
      BitVector Known = N.Available;
      Known |= N.Anticipated;
      Known |= N.Defined;
      return Known.reset(N.Killed);
    };
    iterate(Forward, [&](unsigned I) { return update(Nodes[I].Available, common(Nodes[I].Predecessors, After)); });
    for (Node &N : Nodes)
      N.Early = without(N.Anticipated, N.Available);
  }

  // Late: the places to which a load can be delayed from the early ones.
  void findLate() {
    for (Node &N : Nodes)
      N.Late.set();
    auto After = [](const Node &N) {
      BitVector Delayed = N.Late;
      Delayed |= N.Early;
      return Delayed.reset(N.Used);
    };
    iterate(Forward, [&](unsigned I) { return update(Nodes[I].Late, common(Nodes[I].Predecessors, After)); });
    for (Node &N : Nodes)
      N.Late |= N.Early;
    // A load is where it cannot be delayed to all that comes next.
    for (Node &N : Nodes) {
      BitVector Next = common(N.Successors, [](const Node &S) -> const BitVector & { return S.Late; });
      N.Loaded = N.Late;
      N.Loaded &= Next.flip() |= N.Used;
    }
  }

  // Available: in a register at the beginning of the node, on each path.
  void findAvailable() {
    for (Node &N : Nodes)
      N.Available.set();
    iterate(Forward, [&](unsigned I) {
      return update(Nodes[I].Available, common(Nodes[I].Predecessors, [&](const Node &N) {
                      return without(availableAtEnd(N), N.Killed);
                    }));
    });
  }

  static BitVector availableAtEnd(const Node &N) {
    BitVector Known = N.Available;
    Known |= N.Loaded;
    Known |= N.Defined;
    return Known;
  }

  // Loads after sites that have not made the value forgotten.
  bool isLoadedAfter(unsigned V, unsigned Site) {
    const Node &N = nodeOf(SiteBlocks[Site]);
    return !N.Killed.test(V) && (N.Available.test(V) || N.Loaded.test(V) || N.Defined.test(V));
  }

  // Checks that whatever is loaded has been stored on each path. If a value has
  // not, it is to be stored at its definition, which suffices for all its loads.
  bool loadsFindStores() {
    for (Node &N : Nodes)
      N.InFrame.set();
    iterate(Forward, [&](unsigned I) {
      return update(Nodes[I].InFrame, common(Nodes[I].Predecessors, [](const Node &N) {
                      BitVector Frame = N.InFrame;
                      return Frame |= N.Stored;
                    }));
    });
    BitVector Missing = none();
    for (const Node &N : Nodes)
      Missing |= without(N.Loaded, N.InFrame);
    bool Complete = Missing.none();
    AtDefinition |= Missing;
    return Complete;
  }

  // The result ---------------------------------------------------------------

  // Before the first use in the block, or at its end.
  Instruction *loadPoint(unsigned V, BasicBlock &Block) {
    Instruction *First = Block.getTerminator();
    for (User *U : Crossings[V].Value->users())
      if (auto *I = cast<Instruction>(U); I->getParent() == &Block && !isa<PHINode>(I) && I->comesBefore(First))
        First = I;
    return First;
  }

  Placement result() {
    Placement Result;
    for (unsigned V = 0; V < Crossings.size(); ++V) {
      for (BasicBlock *Block : StoresOf[V])
        Result.Stores.push_back({V, Block});
      for (unsigned Site : Crossings[V].Sites)
        if (isLoadedAfter(V, Site))
          Result.SiteLoads.push_back({V, Site});
    }
    for (const Node &N : Nodes)
      for (unsigned V : N.Loaded.set_bits())
        if (N.Block)
          Result.Loads.push_back({V, loadPoint(V, *N.Block)});
        else
          Result.EdgeLoads.push_back({V, N.From, N.To});
    return Result;
  }
};

} // namespace

Placement place(Function &F, const std::vector<Crossing> &Crossings, const SiteIndex &Sites,
                const DominatorTree &Tree, const BlockFrequencyInfo &Frequencies) {
  return Placer(F, Crossings, Sites, Tree, Frequencies).run();
}

} // namespace tpcc
