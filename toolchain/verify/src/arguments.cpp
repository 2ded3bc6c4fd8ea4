#include "arguments.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace llvm;

namespace tpcc {

// Functions call each other in circles: all that Callee leads to are looked at
// once, and then solved together, from no register read upwards.
uint64_t ArgumentUse::of(uint64_t Callee) {
  std::vector<uint64_t> New = summariseAll(Callee);
  bool Changed = true;
  while (Changed) {
    Changed = false;
    for (uint64_t Address : reverse(New)) {
      Summary &S = Summaries.at(Address);
      uint64_t Reads = S.known ? solve(S) : Isa.convention().arguments;
      Changed |= Reads != S.reads;
      S.reads = Reads;
    }
  }
  return readsOf(Callee);
}

uint64_t ArgumentUse::readsOf(uint64_t Callee) const {
  auto Found = Summaries.find(Callee);
  return Found == Summaries.end() ? Isa.convention().arguments : Found->second.reads;
}

// The functions that Address leads to and that have no summary yet. They get
// one; callees come after their callers, but for circles.
std::vector<uint64_t> ArgumentUse::summariseAll(uint64_t Address) {
  std::vector<uint64_t> New, Left{Address};
  while (!Left.empty()) {
    uint64_t Next = Left.back();
    Left.pop_back();
    if (!Img.functionAt(Next) || Summaries.count(Next))
      continue;
    New.push_back(Next);
    for (const BlockUse &B : (Summaries[Next] = summarise(Next)).blocks)
      if (B.callee)
        Left.push_back(*B.callee);
  }
  return New;
}

ArgumentUse::Summary ArgumentUse::summarise(uint64_t Address) const {
  Summary Result;
  FunctionUnwind Rules;
  auto Read = Unwind.find(Address);
  if (!Read)
    consumeError(Read.takeError());
  else if (*Read)
    Rules = std::move(**Read);
  std::set<uint64_t> NoSites;
  Graph G(Img, Isa, *Img.functionAt(Address), Rules, NoSites, [&](uint64_t) { return Isa.convention().arguments; });
  if (!G.unknowns().empty())
    return Result;
  Result.known = true;

  std::map<uint64_t, unsigned> Index;
  for (const auto &[Start, B] : G.blocks())
    Index.emplace(Start, Index.size());
  for (const auto &[Start, B] : G.blocks()) {
    BlockUse Use;
    for (uint32_t N : B.steps) {
      const Insn &I = G.step(N).insn;
      for (const RegRead &R : I.reads)
        Use.reads |= maskOf(R.reg) & ~Use.writes;
      // A part that is written leaves the rest to be read.
      for (const RegWrite &W : I.writes)
        if (W.lanes == AllLanes)
          Use.writes |= maskOf(W.reg);
      if (I.flow == Flow::Call) {
        Use.callee = I.target;
        Use.returns = true;
      }
    }
    if (B.leavesFor)
      Use.callee = *B.leavesFor;
    for (uint64_t S : B.successors)
      Use.successors.push_back(Index.at(S));
    Result.blocks.push_back(std::move(Use));
  }
  return Result;
}

// The argument registers that are live at the entry.
uint64_t ArgumentUse::solve(const Summary &S) const {
  const Convention &C = Isa.convention();
  std::vector<uint64_t> LiveIn(S.blocks.size());
  bool Changed = true;
  while (Changed) {
    Changed = false;
    for (size_t N = S.blocks.size(); N-- > 0;) {
      const BlockUse &B = S.blocks[N];
      uint64_t Live = 0;
      for (unsigned Successor : B.successors)
        Live |= LiveIn[Successor];
      if (B.callee && B.returns)
        Live &= C.preserved;
      if (B.callee)
        Live |= readsOf(*B.callee);
      Live = (Live & ~B.writes) | B.reads;
      Changed |= Live != LiveIn[N];
      LiveIn[N] = Live;
    }
  }
  return LiveIn.empty() ? C.arguments : LiveIn.front() & C.arguments;
}

} // namespace tpcc
