#include "parking.h"

#include "errors.h"
#include "library.h"
#include "polls.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace tpcc {

bool isRealCall(const CallBase &Call) { return !Call.isInlineAsm() && !isa<IntrinsicInst>(Call); }

Function *calleeOf(const CallBase &Call) {
  const Value *Callee = Call.getCalledOperand()->stripPointerCasts();
  if (auto *Alias = dyn_cast<GlobalAlias>(Callee); Alias && !Alias->isInterposable())
    Callee = Alias->getAliaseeObject();
  auto *F = dyn_cast_or_null<Function>(Callee);
  // The linker may take another definition than this.
  if (!F || (!F->isDeclaration() && F->isInterposable()))
    return nullptr;
  return const_cast<Function *>(F);
}

bool isSetjmp(const CallBase &Call) {
  Function *Callee = calleeOf(Call);
  return Callee && Callee->isDeclaration() &&
         is_contained({"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp"}, Callee->getName());
}

// Text may be comments alone, which hide a value from the optimiser.
static bool hasInstructions(const InlineAsm &Asm) {
  SmallVector<StringRef, 4> Lines;
  StringRef(Asm.getAsmString()).split(Lines, '\n');
  return any_of(Lines, [](StringRef Line) {
    Line = Line.trim();
    return !Line.empty() && !Line.starts_with("#") && !Line.starts_with("//");
  });
}

static std::string reasonOf(const Function &F) {
  if (F.hasFnAttribute(Attribute::Naked))
    return "it is naked";
  for (const Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call)
      continue;
    if (isa<CallBrInst>(Call))
      return "it has an asm goto";
    if (auto *Asm = dyn_cast<InlineAsm>(Call->getCalledOperand()); Asm && hasInstructions(*Asm))
      return "it has inline assembly";
    if (isRealCall(*Call) && Call->hasFnAttr(Attribute::ReturnsTwice) && !isSetjmp(*Call))
      return "it calls a function that returns twice";
  }
  return "";
}

template <typename Visitor> static void forEachCall(const Function &F, Visitor Visit) {
  for (const Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallBase>(&I); Call && isRealCall(*Call))
      Visit(*Call);
}

// Library routines, and what they call in this module: none of these can rely
// on a context.
void Parking::findRoutines() {
  SmallVector<Function *, 8> Found;
  for (Function *F : Ordered)
    if (!F->hasLocalLinkage() && isLibraryRoutine(F->getName()))
      Found.push_back(F);
  while (!Found.empty()) {
    Function *F = Found.pop_back_val();
    State &S = Functions[F];
    if (S.Routine)
      continue;
    S.Routine = true;
    S.Reason = "it is called by generated code";
    forEachCall(*F, [&](const CallBase &Call) {
      if (Function *Callee = calleeOf(Call); Callee && !Callee->isDeclaration())
        Found.push_back(Callee);
    });
  }
}

Error Parking::checkRoutines() const {
  for (const Function *F : Ordered) {
    if (!Functions.find(F)->second.Routine)
      continue;
    const CallBase *Wrong = nullptr;
    forEachCall(*F, [&](const CallBase &Call) {
      if (!Wrong && parks(Call))
        Wrong = &Call;
    });
    if (!Wrong)
      continue;
    auto *Callee = dyn_cast<GlobalValue>(Wrong->getCalledOperand()->stripPointerCasts());
    return errorIn(*F, "generated code calls it without a context, so it cannot call " +
                           (Callee ? "'" + Callee->getName().str() + "'" : std::string("a function pointer")) +
                           ", which may need one");
  }
  return Error::success();
}

void Parking::findReasons(const FrameOptions &Options) {
  for (Function *F : Ordered) {
    State &S = Functions[F];
    if (S.Routine)
      continue;
    auto Asked = Options.Native.find(F->getName().str());
    S.Reason = Asked != Options.Native.end() ? Asked->second : reasonOf(*F);
  }
}

bool Parking::parks(const CallBase &Call) const {
  if (!isRealCall(Call))
    return false;
  Function *Callee = calleeOf(Call);
  if (!Callee)
    return true;
  auto Known = Functions.find(Callee);
  if (Known != Functions.end())
    return Known->second.Parks;
  return !isLibraryRoutine(Callee->getName());
}

bool Parking::mayParkNow(const Function &F) const {
  if (!polls(F).empty())
    return true;
  bool Found = false;
  forEachCall(F, [&](const CallBase &Call) { Found = Found || parks(Call); });
  return Found;
}

void Parking::findParks() {
  bool Changed = true;
  while (Changed) {
    Changed = false;
    for (Function *F : Ordered) {
      State &S = Functions[F];
      if (S.Parks || S.Routine || !mayParkNow(*F))
        continue;
      S.Parks = true;
      Changed = true;
    }
  }
}

Expected<Parking> Parking::analyse(Module &M, const FrameOptions &Options, FunctionAnalysisManager &Analyses) {
  Parking Result;
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    Result.Ordered.push_back(&F);
    Result.Functions[&F];
  }
  Result.findRoutines();
  Result.findReasons(Options);

  SmallVector<Function *, 32> Polled;
  for (Function *F : Result.Ordered)
    if (Result.reason(*F).empty())
      Polled.push_back(F);
  for (auto &[F, Points] : planPolls(M, Polled, Analyses))
    Result.Functions[F].Polls = Points;

  Result.findParks();
  if (Error E = Result.checkRoutines())
    return E;
  return Result;
}

void Parking::replace(const Function *Old, const Function *New) {
  State Moved = std::move(Functions[Old]);
  Functions.erase(Old);
  Functions[New] = std::move(Moved);
}

} // namespace tpcc
