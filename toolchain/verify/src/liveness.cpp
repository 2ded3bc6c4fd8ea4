#include "liveness.h"

#include <algorithm>
#include <deque>
#include <set>

using namespace llvm;

namespace tpcc {

namespace {

bool has(const LiveSet &Live, Item What) {
  switch (What.kind) {
  case Item::Register:
    return (Live.regs[What.number] & What.lanes) != 0;
  case Item::Slot:
    return Live.slots.test(What.number);
  case Item::Anywhere:
    return Live.anywhere;
  case Item::ContextLost:
    return Live.contextLost;
  }
  return false;
}

void remove(LiveSet &Live, Item What) {
  switch (What.kind) {
  case Item::Register:
    Live.regs[What.number] &= ~What.lanes;
    break;
  case Item::Slot:
    Live.slots.reset(What.number);
    break;
  case Item::Anywhere:
    Live.anywhere = false;
    break;
  case Item::ContextLost:
    Live.contextLost = false;
    break;
  }
}

// True if that changed anything.
bool add(LiveSet &Live, const LiveSet &More) {
  bool Changed = More.slots.test(Live.slots) || (More.anywhere && !Live.anywhere) ||
                 (More.contextLost && !Live.contextLost);
  for (unsigned R = 0; R < AllRegs; R++) {
    Changed |= (More.regs[R] & ~Live.regs[R]) != 0;
    Live.regs[R] |= More.regs[R];
  }
  Live.slots |= More.slots;
  Live.anywhere |= More.anywhere;
  Live.contextLost |= More.contextLost;
  return Changed;
}

// All bytes up to the highest one of L.
Lanes upTo(Lanes L) {
  L |= L >> 1;
  L |= L >> 2;
  return L | L >> 4;
}

void addRegisters(LiveSet &Live, uint64_t Registers) {
  for (Reg R = 0; R < AllRegs; R++)
    if (Registers & maskOf(R))
      Live.regs[R] = AllLanes;
}

} // namespace

Liveness::Liveness(const Graph &G, const ISA &Isa, std::vector<SaveSlot> Saves)
    : G(G), Isa(Isa), Saves(std::move(Saves)) {
  for (const auto &[Start, B] : G.blocks()) {
    Index[Start] = Blocks.size();
    Blocks.push_back(&B);
  }
  makeRanges();
  LiveSet None;
  None.slots.resize(Ranges.size());
  LiveIn.assign(Blocks.size(), None);
  solve();
}

// Cuts the frame where an access begins or ends.
void Liveness::makeRanges() {
  std::set<int64_t> Cuts;
  for (const Block *B : Blocks)
    for (uint32_t N : B->steps)
      for (const FrameAccess &A : G.step(N).accesses)
        if (!A.anywhere) {
          Cuts.insert(A.from);
          Cuts.insert(A.to);
        }
  for (auto Cut = Cuts.begin(); Cut != Cuts.end() && std::next(Cut) != Cuts.end(); ++Cut)
    Ranges.push_back({*Cut, *std::next(Cut)});
}

template <typename Visitor> void Liveness::forEachRange(int64_t From, int64_t To, Visitor Visit) const {
  auto First = std::lower_bound(Ranges.begin(), Ranges.end(), From,
                                [](const Range &R, int64_t At) { return R.from < At; });
  for (; First != Ranges.end() && First->from < To; ++First)
    Visit(unsigned(First - Ranges.begin()));
}

void Liveness::setSlots(int64_t From, int64_t To, LiveSet &Live, bool On) const {
  forEachRange(From, To, [&](unsigned N) {
    if (On)
      Live.slots.set(N);
    else
      Live.slots.reset(N);
  });
}

bool Liveness::anySlot(int64_t From, int64_t To, const LiveSet &Live) const {
  bool Any = false;
  forEachRange(From, To, [&](unsigned N) { Any |= Live.slots.test(N); });
  return Any;
}

// A saves a callee-saved register in its slot, or restores it from there.
bool Liveness::movesSaved(const FrameAccess &A) const {
  return A.reg != NoReg && A.certain && A.to - A.from == 8 &&
         std::any_of(Saves.begin(), Saves.end(),
                     [&](const SaveSlot &S) { return S.reg == A.reg && S.offset == A.from; });
}

// What is live before an instruction, from what is live after it.
//
// To save a register in its slot, or to restore it, is to move what the caller
// had: the slot is live if and only if the register is, and nothing is read.
void Liveness::before(const Step &S, LiveSet &Live) const {
  const Insn &I = S.insn;
  const Convention &C = Isa.convention();
  const bool Call = I.flow == Flow::Call;
  const LiveSet After = Live;
  uint64_t Saved = 0, Restored = 0;
  for (const FrameAccess &A : S.accesses)
    if (movesSaved(A))
      (A.kind == FrameAccess::Write ? Saved : Restored) |= maskOf(A.reg);

  // What it writes.
  for (const RegWrite &W : I.writes) {
    Live.regs[W.reg] &= ~W.lanes;
    if (W.reg == C.context)
      Live.contextLost = !(Restored & maskOf(W.reg));
  }
  if (Call) {
    for (Reg R = 0; R < AllRegs; R++)
      if (!(C.preserved & maskOf(R)))
        Live.regs[R] = 0;
    // A site passes the context on.
    if (G.callBefore(I.end()))
      Live.contextLost = false;
  }
  for (const FrameAccess &A : S.accesses)
    if (A.kind == FrameAccess::Write && A.certain)
      setSlots(A.from, A.to, Live, false);

  // What it reads.
  Lanes Wanted = AllLanes;
  if (I.lowFromLow) {
    Wanted = 0;
    for (const RegWrite &W : I.writes)
      Wanted |= upTo(After.regs[W.reg] & W.lanes);
  }
  for (const RegRead &R : I.reads) {
    if (Saved & maskOf(R.reg))
      continue;
    Live.regs[R.reg] |= R.lanes & Wanted;
    if (R.reg == C.context)
      Live.contextLost = false;
  }
  if (Call) // eax too: it counts the vector registers of a variadic call
    addRegisters(Live, C.arguments | C.results);
  if (I.flow == Flow::Return)
    addRegisters(Live, C.results);
  for (const FrameAccess &A : S.accesses) {
    if (movesSaved(A)) {
      if (A.kind == FrameAccess::Read && After.regs[A.reg])
        setSlots(A.from, A.to, Live, true);
      if (A.kind == FrameAccess::Write && anySlot(A.from, A.to, After))
        Live.regs[A.reg] = AllLanes;
      continue;
    }
    if (A.kind == FrameAccess::Write)
      continue;
    // A pop that only moves the stack pointer has a register nobody reads.
    bool Unused = A.reg != NoReg && isGeneral(A.reg) && !After.regs[A.reg] && !(C.preserved & maskOf(A.reg)) &&
                  A.reg != I.jumpReg;
    if (Unused)
      continue;
    if (A.anywhere)
      Live.anywhere = true;
    else
      setSlots(A.from, A.to, Live, true);
  }
}

LiveSet Liveness::liveOut(const Block &B) const {
  LiveSet Live;
  Live.slots.resize(Ranges.size());
  for (uint64_t S : B.successors)
    add(Live, LiveIn[Index.at(S)]);
  // A jump to another function passes it arguments.
  Flow Last = B.steps.empty() ? Flow::Next : G.step(B.steps.back()).insn.flow;
  if (Last == Flow::Jump || Last == Flow::Branch || Last == Flow::JumpIndirect)
    if (B.successors.size() < (Last == Flow::Branch ? 2 : 1))
      addRegisters(Live, Isa.convention().arguments | Isa.convention().results);
  return Live;
}

void Liveness::solve() {
  std::vector<std::vector<unsigned>> Predecessors(Blocks.size());
  for (unsigned N = 0; N < Blocks.size(); N++)
    for (uint64_t S : Blocks[N]->successors)
      Predecessors[Index.at(S)].push_back(N);
  // Backwards through the code: most edges go forward.
  std::set<unsigned, std::greater<unsigned>> Work;
  for (unsigned N = 0; N < Blocks.size(); N++)
    Work.insert(N);
  while (!Work.empty()) {
    unsigned N = *Work.begin();
    Work.erase(Work.begin());
    LiveSet Live = liveOut(*Blocks[N]);
    for (auto S = Blocks[N]->steps.rbegin(); S != Blocks[N]->steps.rend(); ++S)
      before(G.step(*S), Live);
    if (add(LiveIn[N], Live))
      Work.insert(Predecessors[N].begin(), Predecessors[N].end());
  }
}

// The first instruction of B that uses What, which is live at its start. If
// there is none, Passes says whether it is live at the end.
const Step *Liveness::firstUseIn(const Block &B, Item What, bool &Passes) const {
  std::vector<LiveSet> After{liveOut(B)}; // of the last instruction first
  for (auto S = B.steps.rbegin(); S != B.steps.rend(); ++S) {
    LiveSet Live = After.back();
    before(G.step(*S), Live);
    After.push_back(std::move(Live));
  }
  for (unsigned N = 0; N < B.steps.size(); N++) {
    const LiveSet &Live = After[B.steps.size() - 1 - N];
    LiveSet Without = Live;
    remove(Without, What);
    before(G.step(B.steps[N]), Without);
    if (has(Without, What))
      return &G.step(B.steps[N]);
    if (!has(Live, What)) {
      Passes = false;
      return nullptr;
    }
  }
  Passes = true;
  return nullptr;
}

Liveness::Use Liveness::firstUse(uint64_t Start, Item What) const {
  std::map<uint64_t, uint64_t> CameFrom{{Start, Start}};
  std::deque<uint64_t> Queue{Start};
  while (!Queue.empty()) {
    const Block &B = *Blocks[Index.at(Queue.front())];
    Queue.pop_front();
    bool Passes = false;
    if (const Step *S = firstUseIn(B, What, Passes)) {
      Use Found{S->insn.address, {B.start}};
      while (Found.path.back() != Start)
        Found.path.push_back(CameFrom.at(Found.path.back()));
      std::reverse(Found.path.begin(), Found.path.end());
      return Found;
    }
    for (uint64_t S : B.successors)
      if (Passes && has(LiveIn[Index.at(S)], What) && CameFrom.emplace(S, B.start).second)
        Queue.push_back(S);
  }
  return {Start, {Start}};
}

} // namespace tpcc
