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
                 (More.contextLost && !Live.contextLost) || (More.flags && !Live.flags);
  for (unsigned R = 0; R < AllRegs; R++) {
    Changed |= (More.regs[R] & ~Live.regs[R]) != 0;
    Live.regs[R] |= More.regs[R];
  }
  Live.slots |= More.slots;
  Live.anywhere |= More.anywhere;
  Live.contextLost |= More.contextLost;
  Live.flags |= More.flags;
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

Liveness::Liveness(const Graph &G, const ISA &Isa, std::vector<SaveSlot> Saves, ArgumentsOf Arguments)
    : G(G), Isa(Isa), Saves(std::move(Saves)), Arguments(std::move(Arguments)) {
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

// Whether A moves a register, or its low bytes, to or from a slot.
static bool isMove(const FrameAccess &A) { return A.reg != NoReg && A.certain && A.to - A.from <= 8; }

// Cuts the frame where an access begins or ends; slots of registers are cut
// into bytes, as registers are.
void Liveness::makeRanges() {
  std::set<int64_t> Cuts;
  for (const Block *B : Blocks)
    for (uint32_t N : B->steps)
      for (const FrameAccess &A : G.step(N).accesses) {
        if (A.anywhere)
          continue;
        Cuts.insert(A.from);
        Cuts.insert(A.to);
        for (int64_t Byte = A.from; isMove(A) && Byte < A.to; Byte++)
          Cuts.insert(Byte);
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
  return isMove(A) && A.to - A.from == 8 && std::any_of(Saves.begin(), Saves.end(), [&](const SaveSlot &S) {
           return S.reg == A.reg && S.offset == A.from;
         });
}

// Of a register that is stored, the bytes that are live in the slot after it.
Lanes Liveness::storedLanes(const FrameAccess &A, const LiveSet &After) const {
  Lanes Wanted = After.anywhere ? AllLanes : 0;
  for (int64_t Byte = A.from; Byte < A.to; Byte++)
    if (anySlot(Byte, Byte + 1, After))
      Wanted |= 1 << (Byte - A.from);
  return Wanted;
}

// A load into a register reads the bytes of which the register's are live.
void Liveness::beforeLoad(const FrameAccess &A, const Insn &I, const LiveSet &After, LiveSet &Live) const {
  bool Jumps = A.reg == I.jumpReg;
  Lanes Wanted = isMove(A) && !Jumps ? After.regs[A.reg] : AllLanes;
  // A callee-saved register that is not used any more is restored for the
  // caller; only .eh_frame can tell that this is what its slot is for.
  if (!Wanted && (Isa.convention().preserved & maskOf(A.reg)) && !movesSaved(A))
    Wanted = AllLanes;
  if (A.anywhere) {
    Live.anywhere |= Wanted != 0;
    return;
  }
  if (!isMove(A)) {
    setSlots(A.from, A.to, Live, true);
    return;
  }
  int64_t Size = A.to - A.from;
  if (A.sign && Size < 8 && Wanted >> Size)
    Wanted |= 1 << (Size - 1);
  for (int64_t Byte = 0; Byte < Size; Byte++)
    if (Wanted >> Byte & 1)
      setSlots(A.from + Byte, A.from + Byte + 1, Live, true);
}

// What is live before an instruction, from what is live after it.
//
// To move a register to a slot or back is no use of what it holds: of the one,
// the bytes are live that are live in the other. So a callee-saved register
// can be saved and restored, and the unused upper bytes of a value copied.
void Liveness::before(const Step &S, LiveSet &Live) const {
  const Insn &I = S.insn;
  const Convention &C = Isa.convention();
  const bool Call = I.flow == Flow::Call;
  const LiveSet After = Live;

  // What it writes.
  uint64_t Restored = 0, Moved = 0, Addressing = 0;
  for (const FrameAccess &A : S.accesses) {
    if (A.kind == FrameAccess::Read && movesSaved(A))
      Restored |= maskOf(A.reg);
    if (A.kind == FrameAccess::Write && isMove(A))
      Moved |= maskOf(A.reg);
    if (A.kind == FrameAccess::Write && A.certain)
      setSlots(A.from, A.to, Live, false);
  }
  for (const RegWrite &W : I.writes) {
    Live.regs[W.reg] &= ~W.lanes;
    if (W.reg == C.context)
      Live.contextLost = !(Restored & maskOf(W.reg));
  }
  if (I.killsFlags || Call)
    Live.flags = false;
  if (Call) {
    for (Reg R = 0; R < AllRegs; R++)
      if (!(C.preserved & maskOf(R)))
        Live.regs[R] = 0;
    // A site passes the context on.
    if (G.callBefore(I.end()))
      Live.contextLost = false;
  }

  // What it reads.
  for (const Op &O : I.ops)
    for (Reg R : {O.address.base, O.address.index})
      if (R != NoReg)
        Addressing |= maskOf(R);
  Lanes Wanted = AllLanes;
  if (I.lowFromLow && !(I.setsFlags && After.flags)) {
    Wanted = 0;
    for (const RegWrite &W : I.writes)
      Wanted |= upTo(After.regs[W.reg] & W.lanes);
  }
  for (const RegRead &R : I.reads) {
    bool Address = Addressing & maskOf(R.reg);
    if (R.reg == C.context) // also by what only moves it to the frame
      Live.contextLost = false;
    if ((Moved & maskOf(R.reg)) && !Address)
      continue;
    Live.regs[R.reg] |= R.lanes & (Address ? AllLanes : Wanted);
  }
  Live.flags |= I.readsFlags;
  if (Call)
    addRegisters(Live, Arguments(I.target));
  if (I.flow == Flow::Return)
    addRegisters(Live, C.results);
  for (const FrameAccess &A : S.accesses) {
    if (A.kind == FrameAccess::Read)
      beforeLoad(A, I, After, Live);
    else if (isMove(A))
      Live.regs[A.reg] |= storedLanes(A, After);
  }
}

LiveSet Liveness::liveOut(const Block &B) const {
  LiveSet Live;
  Live.slots.resize(Ranges.size());
  for (uint64_t S : B.successors)
    add(Live, LiveIn[Index.at(S)]);
  if (B.leavesFor)
    addRegisters(Live, Arguments(*B.leavesFor));
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
// there is none, What becomes what of it is left at the end.
const Step *Liveness::firstUseIn(const Block &B, Item &What) const {
  std::vector<LiveSet> After{liveOut(B)}; // of the last instruction first
  for (auto S = B.steps.rbegin(); S != B.steps.rend(); ++S) {
    LiveSet Live = After.back();
    before(G.step(*S), Live);
    After.push_back(std::move(Live));
  }
  for (unsigned N = 0; N < B.steps.size(); N++) {
    const Step &S = G.step(B.steps[N]);
    const LiveSet &Live = After[B.steps.size() - 1 - N];
    LiveSet Without = Live;
    remove(Without, What);
    before(S, Without);
    if (has(Without, What))
      return &S;
    // What is live behind a write is another value.
    for (const RegWrite &W : S.insn.writes)
      if (What.kind == Item::Register && W.reg == What.number)
        What.lanes &= ~W.lanes;
    if (!has(Live, What)) {
      What.lanes = 0;
      return nullptr;
    }
  }
  return nullptr;
}

Liveness::Use Liveness::firstUse(uint64_t Start, Item What) const {
  std::map<uint64_t, uint64_t> CameFrom{{Start, Start}};
  std::deque<std::pair<uint64_t, Item>> Queue{{Start, What}};
  while (!Queue.empty()) {
    auto [At, Left] = Queue.front();
    Queue.pop_front();
    const Block &B = *Blocks[Index.at(At)];
    if (const Step *S = firstUseIn(B, Left)) {
      Use Found{S->insn.address, {B.start}};
      while (Found.path.back() != Start)
        Found.path.push_back(CameFrom.at(Found.path.back()));
      std::reverse(Found.path.begin(), Found.path.end());
      return Found;
    }
    for (uint64_t S : B.successors)
      if (Left.lanes && has(LiveIn[Index.at(S)], Left) && CameFrom.emplace(S, B.start).second)
        Queue.push_back({S, Left});
  }
  return {Start, {Start}};
}

} // namespace tpcc
