#include "entrypolls.h"

#include "parking.h"
#include "polls.h"
#include "tailcalls.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace tpcc {
namespace {

bool isInLoop(const Instruction &I) {
  DominatorTree Tree(const_cast<Function &>(*I.getFunction()));
  return LoopInfo(Tree).getLoopFor(I.getParent());
}

bool hasOnlyLastCalls(Function &F, const Parking &Parks) {
  return all_of(instructions(F), [&](Instruction &I) {
    auto *Call = dyn_cast<CallInst>(&I);
    return !Call || !Parks.parks(*Call) || Call->isMustTailCall() || isLastCall(*Call);
  });
}

// What is passed by value is in the frame of the caller, which is gone.
bool hasByValueArgument(const Function &F) {
  return any_of(F.args(), [](const Argument &A) { return A.hasPassPointeeByValueCopyAttr(); });
}

// A copy of F that parks at Point, and whose calls may be sites.
Function *makePark(Function &F, Instruction &Point) {
  ValueToValueMapTy Copies;
  Function *Park = CloneFunction(&F, Copies);
  Park->setName(F.getName() + ".park");
  Park->setLinkage(GlobalValue::InternalLinkage);
  Park->setVisibility(GlobalValue::DefaultVisibility);
  Park->setComdat(nullptr);
  Park->addFnAttr(Attribute::Cold);
  for (Instruction &I : instructions(*Park))
    if (auto *Call = dyn_cast<CallInst>(&I); Call && Call->isMustTailCall())
      Call->setTailCallKind(CallInst::TCK_None);
  IRBuilder<> Builder(cast<Instruction>(Copies[&Point]));
  makeParkCall(Builder);
  return Park;
}

// Returns what Park returns for the arguments of F. As in all calls before
// they are made sites, there is no context among them.
void returnFrom(Function &Park, Function &F, IRBuilder<> &Builder) {
  SmallVector<Type *, 8> Types(drop_end(Park.getFunctionType()->params()));
  SmallVector<Value *, 8> Arguments;
  SmallVector<AttributeSet, 8> Attributes;
  for (Argument &A : drop_end(F.args())) {
    Arguments.push_back(&A);
    Attributes.push_back(F.getAttributes().getParamAttrs(A.getArgNo()));
  }
  auto *Type = FunctionType::get(Park.getReturnType(), Types, /*isVarArg=*/false);
  CallInst *Call = Builder.CreateCall(Type, &Park, Arguments);
  Call->setTailCallKind(CallInst::TCK_MustTail);
  Call->setCallingConv(F.getCallingConv());
  Call->setAttributes(AttributeList::get(F.getContext(), {}, F.getAttributes().getRetAttrs(), Attributes));
  Call->getType()->isVoidTy() ? Builder.CreateRetVoid() : Builder.CreateRet(Call);
}

} // namespace

Function *moveEntryPoll(Function &F, Parking &Parks) {
  if (!Parks.reason(F).empty() || Parks.polls(F).size() != 1 || isInLoop(*Parks.polls(F).front()) ||
      hasByValueArgument(F) || !hasOnlyLastCalls(F, Parks))
    return nullptr;
  Instruction &Point = *F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca();
  Function *Park = makePark(F, Point);
  Instruction *Cold = insertPollBranch(Point);
  IRBuilder<> Builder(Cold);
  if (DISubprogram *Program = F.getSubprogram())
    Builder.SetCurrentDebugLocation(DILocation::get(F.getContext(), Program->getScopeLine(), 0, Program));
  returnFrom(*Park, F, Builder);
  Cold->eraseFromParent();
  Parks.removePolls(F);
  Parks.addParking(*Park);
  return Park;
}

} // namespace tpcc
