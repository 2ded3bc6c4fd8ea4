#include "canonical.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"

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

// A value that is no label is undefined behaviour, so a switch needs no range
// check.
BasicBlock *unreachableBlock(Function &F) {
  BasicBlock *Block = BasicBlock::Create(F.getContext(), "nolabel", &F);
  new UnreachableInst(F.getContext(), Block);
  return Block;
}

// A label that a goto takes from a table.
struct TableEntry {
  GlobalVariable *Table = nullptr;
  Value *Index = nullptr;
};

bool isOnlyRead(const GlobalVariable &Table) {
  return Table.isConstant() ||
         (Table.hasLocalLinkage() && all_of(Table.users(), [](const User *U) {
            return isa<GetElementPtrInst>(U) && all_of(U->users(), [](const User *Use) { return isa<LoadInst>(Use); });
          }));
}

// Recognises the load of an element of a table of labels, as the front end
// makes it.
std::optional<TableEntry> tableEntry(Value *Label) {
  auto *Load = dyn_cast<LoadInst>(Label);
  auto *Element = Load ? dyn_cast<GetElementPtrInst>(Load->getPointerOperand()) : nullptr;
  auto *Table = Element ? dyn_cast<GlobalVariable>(Element->getPointerOperand()) : nullptr;
  if (!Table || !Table->hasDefinitiveInitializer() || !isOnlyRead(*Table) || Load->isVolatile() ||
      Element->getNumIndices() != 2 || Element->getSourceElementType() != Table->getValueType() ||
      !match(Element->getOperand(1), PatternMatch::m_ZeroInt()) || !isa<ConstantArray>(Table->getInitializer()))
    return std::nullopt;
  return TableEntry{Table, Element->getOperand(2)};
}

// If all that Goto may get comes from one table, its place there.
std::optional<TableEntry> commonTable(IndirectBrInst &Goto) {
  auto *Labels = dyn_cast<PHINode>(Goto.getAddress());
  if (!Labels)
    return tableEntry(Goto.getAddress());
  TableEntry Common;
  for (Value *Label : Labels->incoming_values()) {
    std::optional<TableEntry> Entry = tableEntry(Label);
    if (!Entry || (Common.Table && Entry->Table != Common.Table) || !Entry->Index->getType()->isIntegerTy(64))
      return std::nullopt;
    Common = *Entry;
  }
  auto *Indices = PHINode::Create(Common.Index->getType(), Labels->getNumIncomingValues(), "", Labels->getIterator());
  for (unsigned I = 0; I < Labels->getNumIncomingValues(); ++I)
    Indices->addIncoming(tableEntry(Labels->getIncomingValue(I))->Index, Labels->getIncomingBlock(I));
  Common.Index = Indices;
  return Common;
}

class Lowering {
public:
  Lowering(IndirectBrInst &Goto, const LabelNumbers &Numbers) : Goto(Goto), Numbers(Numbers), Builder(&Goto) {}

  void run() {
    BasicBlock *Block = Goto.getParent();
    SwitchInst *Switch = nullptr;
    if (std::optional<TableEntry> Entry = commonTable(Goto))
      Switch = switchOnIndex(*Entry);
    if (!Switch)
      Switch = switchOnNumber();
    // A phi of a label had an entry for each time that the goto named it.
    for (BasicBlock *Label : SmallSetVector<BasicBlock *, 32>(succ_begin(&Goto), succ_end(&Goto)))
      adjustPhis(*Label, *Block, count(successors(Switch), Label));
    Goto.eraseFromParent();
  }

private:
  IndirectBrInst &Goto;
  const LabelNumbers &Numbers;
  IRBuilder<> Builder;

  // On the index in the table: the table need not be read.
  SwitchInst *switchOnIndex(const TableEntry &Entry) {
    SmallVector<BasicBlock *, 64> Labels;
    for (Value *Label : cast<ConstantArray>(Entry.Table->getInitializer())->operand_values()) {
      auto *Address = dyn_cast<BlockAddress>(Label->stripPointerCasts());
      if (!Address || Address->getFunction() != Goto.getFunction())
        return nullptr;
      Labels.push_back(Address->getBasicBlock());
    }
    auto *Type = cast<IntegerType>(Entry.Index->getType());
    SwitchInst *Switch = Builder.CreateSwitch(Entry.Index, unreachableBlock(*Goto.getFunction()), Labels.size());
    for (unsigned I = 0; I < Labels.size(); ++I)
      Switch->addCase(ConstantInt::get(Type, I), Labels[I]);
    return Switch;
  }

  SwitchInst *switchOnNumber() {
    Value *Number = Builder.CreatePtrToInt(Goto.getAddress(), Builder.getInt64Ty());
    SwitchInst *Switch = Builder.CreateSwitch(Number, unreachableBlock(*Goto.getFunction()), Numbers.size());
    SmallPtrSet<BasicBlock *, 32> Possible(succ_begin(&Goto), succ_end(&Goto));
    for (auto &[Label, Number] : Numbers)
      if (Possible.contains(Label))
        Switch->addCase(Builder.getInt64(Number), Label);
    return Switch;
  }

  static void adjustPhis(BasicBlock &Label, BasicBlock &From, unsigned Edges) {
    for (PHINode &Phi : make_early_inc_range(Label.phis())) {
      Value *V = Phi.getIncomingValueForBlock(&From);
      while (Phi.getBasicBlockIndex(&From) >= 0)
        Phi.removeIncomingValue(&From, /*DeletePHIIfEmpty=*/false);
      for (unsigned I = 0; I < Edges; ++I)
        Phi.addIncoming(V, &From);
    }
  }
};

} // namespace

void lowerComputedGotos(Function &F) {
  LabelNumbers Numbers = numberLabels(F);
  for (BasicBlock &Block : make_early_inc_range(F))
    if (auto *Goto = dyn_cast<IndirectBrInst>(Block.getTerminator()))
      Lowering(*Goto, Numbers).run();
  for (auto &[Block, Number] : Numbers) {
    BlockAddress *Address = BlockAddress::get(Block);
    Constant *Value = ConstantInt::get(Type::getInt64Ty(F.getContext()), Number);
    Address->replaceAllUsesWith(ConstantExpr::getIntToPtr(Value, Address->getType()));
    Address->destroyConstant();
  }
}

} // namespace tpcc
