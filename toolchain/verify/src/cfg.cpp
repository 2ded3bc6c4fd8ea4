#include "cfg.h"

#include "jumptable.h"

#include <algorithm>

using namespace llvm;

namespace tpcc {

namespace {

// A block whose state still changes after so many visits has a limit that
// grows in a loop.
constexpr unsigned SettleAfter = 16;

std::function<bool(int64_t)> savedIn(const FunctionUnwind &Unwind) {
  return [Slots = Unwind.saveSlots()](int64_t Offset) {
    return any_of(Slots, [&](const SaveSlot &S) { return S.offset == Offset; });
  };
}

} // namespace

Graph::Graph(const Image &I, const ISA &Isa, const Function &F, const FunctionUnwind &Unwind,
             const std::set<uint64_t> &ReturnAddresses, ArgumentsOf Arguments)
    : Img(I), Isa(Isa), F(F), Unwind(Unwind), Sites(ReturnAddresses),
      Interp(Isa, savedIn(Unwind), std::move(Arguments)), Code(I.code(F)) {
  // Where an unbounded table was taken to reach into one that was found later,
  // everything is done again with the tables that are known now.
  do {
    reset();
    build();
  } while (scannedTooFar());
}

void Graph::reset() {
  Blocks.clear();
  Steps.clear();
  StepAt.assign(Code.size(), -1);
  Inside.assign(Code.size(), false);
  Calls.clear();
  Refused.clear();
  Work.clear();
  Scanned.clear();
}

bool Graph::scannedTooFar() const {
  for (auto [Start, End] : Scanned) {
    auto Next = Tables.upper_bound(Start);
    if (Next != Tables.end() && *Next < End)
      return true;
  }
  return false;
}

void Graph::build() {
  if (Code.size() != F.end - F.start || Code.empty()) {
    refuse(F.start, "the file does not have the function's code");
    return;
  }
  Block &Entry = Blocks[F.start];
  Entry.start = F.start;
  Entry.in = Interp.entry(F.start);
  Work.insert(F.start);
  while (!Work.empty()) {
    uint64_t Start = *Work.begin();
    Work.erase(Work.begin());
    run(Blocks.at(Start));
  }
}

// The instruction at Address, decoded once; nullptr if there is none.
Step *Graph::fetch(uint64_t Address) {
  if (!contains(Address))
    return nullptr;
  uint64_t Offset = Address - F.start;
  if (StepAt[Offset] >= 0)
    return &Steps[StepAt[Offset]];
  if (Inside[Offset])
    return nullptr;
  Step S;
  if (!Isa.decode(Code.drop_front(Offset), Address, S.insn))
    return nullptr;
  for (unsigned N = 0; N < S.insn.length; N++)
    if (Offset + N >= Code.size() || Inside[Offset + N] || StepAt[Offset + N] >= 0)
      return nullptr;
  for (unsigned N = 1; N < S.insn.length; N++)
    Inside[Offset + N] = true;
  StepAt[Offset] = int32_t(Steps.size());
  Steps.push_back(std::move(S));
  return &Steps.back();
}

void Graph::run(Block &B) {
  B.visits++;
  B.successors.clear();
  B.steps.clear();
  B.leavesFor.reset();
  State Known = B.in;
  uint64_t Address = B.start;
  while (true) {
    Step *S = fetch(Address);
    if (!S) {
      refuse(Address, "runs into what is no instruction, or into the middle of one");
      B.end = Address;
      return;
    }
    uint64_t Next = S->insn.end();
    bool AtSite = S->insn.flow == Flow::Call && Sites.count(Next);
    if (AtSite)
      Calls.insert_or_assign(Next, CallState{Address, Known});
    Interp.step(*S, Known, AtSite);
    B.steps.push_back(StepAt[Address - F.start]);
    B.end = Next;
    Address = Next;
    if (S->insn.flow != Flow::Next) {
      leave(B, *S, Known);
      return;
    }
    if (!contains(Address)) {
      refuse(S->insn.address, "runs beyond the function's end");
      return;
    }
    if (Blocks.count(Address)) {
      connect(B, Address, Known);
      return;
    }
  }
}

void Graph::leave(Block &B, Step &S, State &Known) {
  const Insn &I = S.insn;
  const Convention &C = Isa.convention();
  switch (I.flow) {
  case Flow::Next:
  case Flow::Trap:
    return;
  case Flow::Unknown:
    refuse(I.address, "an instruction that compiled code does not have");
    return;
  case Flow::Jump:
    leaveTo(B, I.address, I.target, Known);
    return;
  case Flow::Branch: {
    State Taken = Known;
    Taken.assume(I.condition, true);
    leaveTo(B, I.address, I.target, Taken);
    Known.assume(I.condition, false);
    if (contains(I.end()))
      connect(B, I.end(), Known);
    else
      refuse(I.address, "runs beyond the function's end");
    return;
  }
  case Flow::JumpIndirect:
    leaveIndirectly(B, S, Known);
    return;
  case Flow::Call:
    leaveByCall(B, S, Known);
    return;
  case Flow::Return: {
    std::optional<Value> To = I.jumpReg == NoReg ? Known.loadSlot(C.entryStack, 8) : Known.regs[I.jumpReg];
    if (!frameIsGone(Known) || !To || !To->isEntry(C.returnAddress))
      refuse(I.address, "returns with a stack pointer, frame pointer or return address that are not the caller's");
    return;
  }
  }
}

void Graph::leaveByCall(Block &B, const Step &S, const State &Known) {
  uint64_t Next = S.insn.end();
  for (const LandingPad &P : Unwind.pads)
    if (P.covers(S.insn.address))
      leaveTo(B, S.insn.address, P.pad, Known);
  // A call at the very end does not return.
  if (contains(Next))
    connect(B, Next, Known);
}

void Graph::leaveIndirectly(Block &B, const Step &S, const State &Known) {
  uint64_t At = S.insn.address;
  Value To = S.insn.jumpReg == NoReg ? Value::any() : Known.regs[S.insn.jumpReg];
  bool Leaves = frameIsGone(Known);
  if (To.kind != Value::Table && To.kind != Value::Target) {
    // A pointer, neither computed nor out of a table, is one to a function.
    if (!Leaves || To.computed || To.leaks() || (To.kind == Value::Constant && !Img.functionAt(To.number)))
      refuse(At, "jumps to where nothing is known of");
    B.leavesFor = 0;
    return;
  }
  Tables.insert(To.id);
  const char *Why = "";
  auto IsTarget = [&](uint64_t A) { return contains(A) || (Leaves && Img.functionAt(A)); };
  auto Targets = jumpTargets(Img, To, Tables, IsTarget, Why);
  if (!Targets) {
    refuse(At, Why);
    return;
  }
  // A table of functions is one whose end can be told.
  bool Functions = !contains(Targets->front());
  if (Functions && !To.bounded) {
    refuse(At, "jumps through a table without a bound");
    return;
  }
  if (!To.bounded)
    Scanned[To.id] = To.id + Targets->size() * To.width;
  llvm::sort(*Targets);
  Targets->erase(std::unique(Targets->begin(), Targets->end()), Targets->end());
  for (uint64_t Target : *Targets) {
    if (contains(Target))
      connect(B, Target, Known);
    else
      B.leavesFor = 0;
  }
}

// To a place in this function, or to another function in the place of this one.
void Graph::leaveTo(Block &B, uint64_t At, uint64_t Target, const State &Known) {
  if (contains(Target))
    connect(B, Target, Known);
  else if (!Img.functionAt(Target))
    refuse(At, "jumps out of the function, to where no function begins");
  else if (!frameIsGone(Known))
    refuse(At, "jumps to another function with the native frame still there");
  else
    B.leavesFor = Target;
}

// The frame record is the caller's again, and so is the stack pointer.
bool Graph::frameIsGone(const State &Known) const {
  const Convention &C = Isa.convention();
  return Known.regs[C.stackPointer].isFrame(C.entryStack) && Known.regs[C.framePointer].isEntry(C.framePointer);
}

void Graph::connect(Block &B, uint64_t Target, const State &Known) {
  if (std::find(B.successors.begin(), B.successors.end(), Target) == B.successors.end())
    B.successors.push_back(Target);
  auto After = Blocks.upper_bound(Target);
  auto Found = Blocks.find(Target);
  if (Found != Blocks.end()) {
    Block &To = Found->second;
    if (To.in.merge(Known, Target, To.visits > SettleAfter))
      Work.insert(Target);
    return;
  }
  // In the middle of a block: that one ends here from now on, and has to be
  // followed again to know its new edge.
  if (After != Blocks.begin()) {
    Block &Before = std::prev(After)->second;
    if (Target < Before.end)
      Work.insert(Before.start);
  }
  Block &New = Blocks[Target];
  New.start = Target;
  New.in = Known;
  Work.insert(Target);
}

const CallState *Graph::callBefore(uint64_t ReturnAddress) const {
  auto Found = Calls.find(ReturnAddress);
  return Found == Calls.end() ? nullptr : &Found->second;
}

std::vector<Unknown> Graph::unknowns() const {
  std::map<uint64_t, std::string> All = Refused;
  for (const auto &[Start, B] : Blocks)
    for (uint32_t N : B.steps)
      if (Steps[N].unknown)
        All.emplace(Steps[N].insn.address, Steps[N].unknown);
  std::vector<Unknown> Result;
  for (auto &[At, Why] : All)
    Result.push_back({At, Why});
  return Result;
}

} // namespace tpcc
