#include "check.h"

#include "cfg.h"
#include "liveness.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <set>

using namespace llvm;

namespace tpcc {

StringRef kindName(Kind K) {
  switch (K) {
  case Kind::Register:
    return "register";
  case Kind::Slot:
    return "slot";
  case Kind::Context:
    return "context";
  case Kind::Escape:
    return "escape";
  case Kind::Unknown:
    return "unknown";
  case Kind::Site:
    return "site";
  case Kind::CFI:
    return "cfi";
  case Kind::FrameSize:
    return "frame-size";
  }
  return "";
}

namespace {

std::string slotName(int64_t Offset) { return formatv("CFA{0}{1}", Offset < 0 ? "" : "+", Offset).str(); }

class FunctionCheck {
public:
  FunctionCheck(const Image &I, const ISA &Isa, const UnwindInfo &Unwind, ArrayRef<SiteRecord> Records)
      : Img(I), Isa(Isa), C(Isa.convention()), Unwind(Unwind), Records(Records) {}

  std::vector<Violation> run(ArgumentsOf Arguments);

private:
  const Image &Img;
  const ISA &Isa;
  const Convention &C;
  const UnwindInfo &Unwind;
  ArrayRef<SiteRecord> Records;
  const Function *F = nullptr;
  FunctionUnwind Rules;
  std::vector<Violation> Found;

  Violation &report(const SiteRecord &R, Kind K, uint64_t At, std::string Why);
  bool readRules();
  bool inPlace(const SiteRecord &R, const Graph &G);
  void checkEscapes(const Graph &G);
  void checkFrame(const SiteRecord &R, const CallState &Call);
  void checkContext(const SiteRecord &R, const CallState &Call, const UnwindRow &Row);
  void checkLiveness(const SiteRecord &R, const Liveness &L, uint64_t From);
  void checkSlots(const SiteRecord &R, const Liveness &L, uint64_t From);
  void reportUse(const SiteRecord &R, const Liveness &L, uint64_t From, Item What, Kind K, std::string Where,
                 std::string Why);
  bool isReal(const SiteRecord &R, const Liveness::Range &Slot) const;
};

Violation &FunctionCheck::report(const SiteRecord &R, Kind K, uint64_t At, std::string Why) {
  Violation V;
  V.function = F ? F->name : formatv("{0:x}", R.function).str();
  V.site = R.returnAddress;
  V.kind = K;
  V.at = At;
  V.text = Isa.text(Img.contents(At, 16), At);
  V.why = std::move(Why);
  Found.push_back(std::move(V));
  return Found.back();
}

bool FunctionCheck::readRules() {
  auto Read = Unwind.find(F->start);
  if (!Read) {
    report(Records.front(), Kind::CFI, F->start, toString(Read.takeError()));
    return false;
  }
  if (!*Read || (*Read)->start != F->start || (*Read)->end < F->end) {
    report(Records.front(), Kind::CFI, F->start, ".eh_frame has no rules for the whole function");
    return false;
  }
  Rules = std::move(**Read);
  return true;
}

// The record's return address follows a call in its function.
bool FunctionCheck::inPlace(const SiteRecord &R, const Graph &G) {
  if (R.returnAddress <= F->start || R.returnAddress >= F->end) {
    report(R, Kind::Site, R.returnAddress, "the return address lies outside of the function");
    return false;
  }
  if (!G.callBefore(R.returnAddress)) {
    report(R, Kind::Site, R.returnAddress, "no call that the function's entry leads to returns here");
    return false;
  }
  return true;
}

// .eh_frame and the stack map say of the frame what is so at the call.
void FunctionCheck::checkFrame(const SiteRecord &R, const CallState &Call) {
  int64_t Size = int64_t(R.stackSize + C.frameExtra);
  const Value &SP = Call.state.regs[C.stackPointer];
  if (!SP.isFrame(-Size)) {
    std::string Real = SP.kind == Value::Frame ? formatv("is {0}", -SP.number).str() : "cannot be told";
    report(R, Kind::FrameSize, Call.at,
           formatv("CFA - {0} {1} at the call, and {2} by the stack map", Isa.name(C.stackPointer), Real, Size));
  }

  // A row is for the call: the instruction after it may have another.
  const UnwindRow *Row = Rules.rowAt(R.returnAddress - 1);
  if (!Row || Row->cfaRegister != C.framePointer) {
    report(R, Kind::CFI, Call.at, "the CFA is not the frame pointer plus a constant");
    return;
  }
  if (!Call.state.regs[C.framePointer].isFrame(-Row->cfaOffset)) {
    report(R, Kind::CFI, Call.at, formatv("the frame pointer is not CFA - {0}, as .eh_frame says", Row->cfaOffset));
    return;
  }
  for (auto [Saved, Place, Name] : {std::tuple(C.framePointer, -Row->cfaOffset, "frame pointer"),
                                    std::tuple(C.returnAddress, 8 - Row->cfaOffset, "return address")}) {
    const SavedRegister *Rule = Row->find(Saved);
    std::optional<Value> There = Call.state.loadSlot(Place, 8);
    bool Said = Rule && Rule->offset && *Rule->offset == Place;
    if (Said && There && There->isEntry(Saved))
      continue;
    const char *By = Said ? "" : "by .eh_frame ";
    report(R, Kind::CFI, Call.at, formatv("{0}the caller's {1} is not at {2}", By, Name, slotName(Place)));
    return;
  }
  checkContext(R, Call, *Row);
}

// The caller's context is where .eh_frame says; or still in its register.
void FunctionCheck::checkContext(const SiteRecord &R, const CallState &Call, const UnwindRow &Row) {
  const SavedRegister *Rule = Row.find(C.context);
  std::optional<Value> Kept;
  std::string Where = "its register";
  if (!Rule) {
    Kept = Call.state.regs[C.context];
  } else if (Rule->offset) {
    Where = slotName(*Rule->offset);
    Kept = Call.state.loadSlot(*Rule->offset, 8);
  }
  if (!Kept || !Kept->isEntry(C.context))
    report(R, Kind::Context, Call.at, "the caller's context is not in " + Where + ", where it is by .eh_frame").where =
        Isa.name(C.context);
}

// An address that gets away does so for good: it is reported for the site
// whose call it is, or else for the first one.
void FunctionCheck::checkEscapes(const Graph &G) {
  for (const auto &[Start, B] : G.blocks())
    for (uint32_t N : B.steps) {
      const Step &S = G.step(N);
      if (!S.escape)
        continue;
      const SiteRecord *Own = find_if(Records, [&](const SiteRecord &R) { return R.returnAddress == S.insn.end(); });
      report(Own == Records.end() ? Records.front() : *Own, Kind::Escape, S.insn.address, S.escape);
    }
}

// A translation carries over the frame record and the saved context.
bool FunctionCheck::isReal(const SiteRecord &R, const Liveness::Range &Slot) const {
  const UnwindRow *Row = Rules.rowAt(R.returnAddress - 1);
  return Row && any_of(Row->saved, [&](const SavedRegister &S) {
           bool Carried = S.reg == C.framePointer || S.reg == C.returnAddress || S.reg == C.context;
           return Carried && S.offset && Slot.from >= *S.offset && Slot.to <= *S.offset + 8;
         });
}

void FunctionCheck::reportUse(const SiteRecord &R, const Liveness &L, uint64_t From, Item What, Kind K,
                              std::string Where, std::string Why) {
  Liveness::Use Use = L.firstUse(From, What);
  // One line is enough for neighbouring slots that one instruction reads, and
  // for what both the code and a landing pad lead to.
  for (const Violation &V : reverse(Found)) {
    if (V.site != R.returnAddress)
      break;
    if (V.kind == K && V.at == Use.at && (K == Kind::Slot || V.where == Where))
      return;
  }
  Violation &V = report(R, K, Use.at, std::move(Why));
  V.where = std::move(Where);
  V.path = std::move(Use.path);
}

void FunctionCheck::checkSlots(const SiteRecord &R, const Liveness &L, uint64_t From) {
  const LiveSet &Live = L.liveAt(From);
  for (unsigned N : Live.slots.set_bits()) {
    const Liveness::Range &Slot = L.range(N);
    if (isReal(R, Slot))
      continue;
    bool Incoming = Slot.from >= 0;
    reportUse(R, L, From, {Item::Slot, N}, Kind::Slot, slotName(Slot.from),
              Incoming ? "an argument in the caller's native frame is read after the site"
                       : "a slot of the native frame is read after the site before it is written");
  }
  if (Live.anywhere)
    reportUse(R, L, From, {Item::Anywhere}, Kind::Slot, "anywhere",
              "the native frame is read after the site through an address that is not constant");
}

// From the return address on, or from a landing pad of the call.
void FunctionCheck::checkLiveness(const SiteRecord &R, const Liveness &L, uint64_t From) {
  const LiveSet &Live = L.liveAt(From);
  for (Reg Register = 0; Register < AllRegs; Register++)
    if ((Isa.mustBeDead() & maskOf(Register)) && Live.regs[Register])
      reportUse(R, L, From, {Item::Register, Register, Live.regs[Register]}, Kind::Register, Isa.name(Register),
                "a callee-saved register is read after the site before it is written");
  checkSlots(R, L, From);
  if (Live.contextLost)
    reportUse(R, L, From, {Item::ContextLost}, Kind::Context, Isa.name(C.context),
              "the context is written after the site before it is read");
}

std::vector<Violation> FunctionCheck::run(ArgumentsOf Arguments) {
  const SiteRecord &First = Records.front();
  F = Img.functionAt(First.function);
  if (!F) {
    report(First, Kind::Site, First.function, "the stack map names a function where no function begins");
    return std::move(Found);
  }
  if (!readRules())
    return std::move(Found);

  std::set<uint64_t> ReturnAddresses;
  for (const SiteRecord &R : Records)
    if (!ReturnAddresses.insert(R.returnAddress).second)
      report(R, Kind::Site, R.returnAddress, "two records have this return address");
  std::vector<SaveSlot> Saves = Rules.saveSlots();
  Graph G(Img, Isa, *F, Rules, ReturnAddresses, Arguments);

  std::vector<Unknown> Unknowns = G.unknowns();
  for (const Unknown &U : Unknowns)
    report(First, Kind::Unknown, U.at, U.why + formatv("; none of the function's {0} sites is proved", Records.size()).str());
  if (!Unknowns.empty())
    return std::move(Found);
  checkEscapes(G);
  Liveness L(G, Isa, Saves, Arguments);
  for (const SiteRecord &R : Records) {
    if (!inPlace(R, G))
      continue;
    checkFrame(R, *G.callBefore(R.returnAddress));
    checkLiveness(R, L, R.returnAddress);
    for (const LandingPad &P : Rules.pads)
      if (P.covers(G.callBefore(R.returnAddress)->at))
        checkLiveness(R, L, P.pad);
  }
  return std::move(Found);
}

} // namespace

std::vector<Violation> checkFunction(const Image &I, const ISA &Isa, const UnwindInfo &Unwind,
                                     ArgumentUse &Arguments, ArrayRef<SiteRecord> Records) {
  // That a callee reads all argument registers is the cheaper assumption, and
  // most often good enough.
  auto All = [&](uint64_t) { return Isa.convention().arguments; };
  std::vector<Violation> Found = FunctionCheck(I, Isa, Unwind, Records).run(All);
  if (Found.empty())
    return Found;
  auto Exactly = [&](uint64_t Callee) { return Arguments.of(Callee); };
  return FunctionCheck(I, Isa, Unwind, Records).run(Exactly);
}

} // namespace tpcc
