#include "canonical.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace tpcc {
namespace {

using LabelNumbers = MapVector<BasicBlock *, uint64_t>; // from 1: a label is not null

LabelNumbers numberLabels(Function &F) {
  LabelNumbers Numbers;
  for (BasicBlock &Block : F)
    if (BlockAddress::lookup(&Block))
      Numbers.insert({&Block, Numbers.size() + 1});
  return Numbers;
}

// A value that is no label is undefined behaviour, so the switch needs no range
// check.
BasicBlock *unreachableBlock(Function &F) {
  BasicBlock *Block = BasicBlock::Create(F.getContext(), "nolabel", &F);
  new UnreachableInst(F.getContext(), Block);
  return Block;
}

void lower(IndirectBrInst &Goto, const LabelNumbers &Numbers) {
  BasicBlock *Block = Goto.getParent();
  IRBuilder<> Builder(&Goto);
  Value *Number = Builder.CreatePtrToInt(Goto.getAddress(), Builder.getInt64Ty());
  SwitchInst *Switch = Builder.CreateSwitch(Number, unreachableBlock(*Block->getParent()), Goto.getNumDestinations());
  // One edge for each label, as often as the goto may name it.
  SmallPtrSet<BasicBlock *, 32> Seen;
  for (BasicBlock *Label : successors(&Goto)) {
    auto Found = Numbers.find(Label);
    if (Found != Numbers.end() && Seen.insert(Label).second)
      Switch->addCase(Builder.getInt64(Found->second), Label);
    else
      Label->removePredecessor(Block);
  }
  Goto.eraseFromParent();
}

} // namespace

void lowerComputedGotos(Function &F) {
  LabelNumbers Numbers = numberLabels(F);
  for (BasicBlock &Block : make_early_inc_range(F))
    if (auto *Goto = dyn_cast<IndirectBrInst>(Block.getTerminator()))
      lower(*Goto, Numbers);
  for (auto &[Block, Number] : Numbers) {
    BlockAddress *Address = BlockAddress::get(Block);
    Constant *Value = ConstantInt::get(Type::getInt64Ty(F.getContext()), Number);
    Address->replaceAllUsesWith(ConstantExpr::getIntToPtr(Value, Address->getType()));
    Address->destroyConstant();
  }
}

} // namespace tpcc
