#include "entrypolls.h"
#include "errors.h"
#include "framer.h"
#include "parking.h"
#include "pass.h"
#include "polls.h"
#include "signatures.h"
#include "tailcalls.h"

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace tpcc {
namespace {

void prepare(Module &M) {
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    if (F.hasAvailableExternallyLinkage()) { // the definition that counts is elsewhere
      F.deleteBody();
      F.setComdat(nullptr);
      continue;
    }
    removeUnreachableBlocks(F);
  }
}

Expected<Parking> analyse(Module &M, const FrameOptions &Options) {
  PassBuilder Builder;
  FunctionAnalysisManager Analyses;
  Builder.registerFunctionAnalyses(Analyses);
  return Parking::analyse(M, Options, Analyses);
}

// Gives those of Functions that have a use for it a context as last parameter.
void addContexts(MutableArrayRef<Function *> Functions, Parking &Parks) {
  for (Function *&F : Functions) {
    if (!Parks.parks(*F) || F->hasFnAttribute(Attribute::Naked))
      continue;
    LLVMContext &Context = F->getContext();
    const Function *Old = F;
    F = addParameter(*F, "context", AttributeSet::get(Context, {Attribute::get(Context, Attribute::SwiftSelf)}));
    Parks.replace(Old, F);
  }
}

// The calls of F that need a context.
SmallVector<CallInst *, 16> parkingCalls(Function &F, const Parking &Parks) {
  SmallVector<CallInst *, 16> Calls;
  for (Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallInst>(&I); Call && isRealCall(*Call))
      // A tail call that is sure has the parameters that its caller has.
      if (Parks.parks(*Call) || Call->isMustTailCall())
        Calls.push_back(Call);
  return Calls;
}

// A tail call that must be one, at a place where it cannot be.
bool hasLateTailCall(Function &F, const Parking &Parks) {
  SmallVector<CallInst *, 16> Calls = parkingCalls(F, Parks);
  Past Parked;
  for (CallInst *Call : Calls)
    Parked.add(*Call);
  for (Instruction *Point : Parks.polls(F))
    Parked.add(*Point);
  return any_of(Calls, [&](CallInst *Call) { return Call->isMustTailCall() && Parked.contains(*Call); });
}

Expected<FunctionInfo> addFrame(Function &F, const Parking &Parks, const FrameOptions &Options) {
  FunctionInfo Info;
  Info.Name = F.getName().str();
  Info.Local = F.hasLocalLinkage();
  Info.Frame = 0;
  Info.Reason = Parks.reason(F);
  if (!Parks.parks(F) || F.hasFnAttribute(Attribute::Naked))
    return Info;
  if (Info.Reason.empty() && hasLateTailCall(F, Parks))
    Info.Reason = "it has a sure tail call after another call";
  if (!Info.Reason.empty()) {
    passContext(F, parkingCalls(F, Parks), Options.Unit);
    return Info;
  }
  for (Instruction *Point : Parks.polls(F))
    insertPoll(*Point);
  return frameFunction(F, parkingCalls(F, Parks), Options.Unit, Options.Careful.count(Info.Name));
}

} // namespace

Expected<Unit> addFrames(Module &M, const FrameOptions &Options) {
  prepare(M);
  Expected<Parking> Parks = analyse(M, Options);
  if (!Parks)
    return Parks.takeError();
  SmallVector<Function *, 32> Functions;
  for (Function &F : M)
    if (!F.isDeclaration())
      Functions.push_back(&F);
  addContexts(Functions, *Parks);
  for (Function *F : std::vector<Function *>(Functions.begin(), Functions.end()))
    if (Function *Park = moveEntryPoll(*F, *Parks))
      Functions.push_back(Park);

  Unit Result;
  Result.Name = Options.Unit;
  for (Function *F : Functions) {
    Expected<FunctionInfo> Info = addFrame(*F, *Parks, Options);
    if (!Info)
      return Info.takeError();
    Result.Functions.push_back(std::move(*Info));
  }
  settleGlobals(M);
  return Result;
}

} // namespace tpcc
