#include "elements.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr Align MemoryAlignment = Align::Constant<16>(); // a frame's own

// A vector in memory, to access one of its elements there.
class Memory {
public:
  Memory(Instruction &Access, Value *Vector, Value *Number)
      : Type(cast<FixedVectorType>(Vector->getType())), Builder(&Access) {
    BasicBlock &Entry = Access.getFunction()->getEntryBlock();
    Whole = new AllocaInst(Type, 0, nullptr, MemoryAlignment, "elements", Entry.begin());
    Builder.CreateAlignedStore(Vector, Whole, MemoryAlignment);
    // A number that is too large gives any element, but it is no error.
    Value *Last = ConstantInt::get(Number->getType(), Type->getNumElements() - 1);
    Value *Inside = Builder.CreateBinaryIntrinsic(Intrinsic::umin, Builder.CreateFreeze(Number), Last);
    Element = Builder.CreateInBoundsGEP(Type->getElementType(), Whole,
                                        Builder.CreateZExtOrTrunc(Inside, Builder.getInt64Ty()));
  }

  Value *read() { return Builder.CreateLoad(Type->getElementType(), Element); }

  Value *write(Value *New) {
    Builder.CreateStore(New, Element);
    return Builder.CreateAlignedLoad(Type, Whole, MemoryAlignment);
  }

private:
  FixedVectorType *Type;
  IRBuilder<> Builder;
  AllocaInst *Whole;
  Value *Element;
};

// Smaller elements than bytes have no addresses.
bool hasAddresses(Type *Vector, const DataLayout &Layout) {
  Type *Element = cast<VectorType>(Vector)->getElementType();
  return Layout.getTypeSizeInBits(Element) == Layout.getTypeAllocSizeInBits(Element);
}

Value *accessInMemory(Instruction &I, const DataLayout &Layout) {
  if (auto *Read = dyn_cast<ExtractElementInst>(&I))
    if (!isa<Constant>(Read->getIndexOperand()) && hasAddresses(Read->getVectorOperandType(), Layout))
      return Memory(I, Read->getVectorOperand(), Read->getIndexOperand()).read();
  if (auto *Write = dyn_cast<InsertElementInst>(&I))
    if (!isa<Constant>(Write->getOperand(2)) && hasAddresses(Write->getType(), Layout))
      return Memory(I, Write->getOperand(0), Write->getOperand(2)).write(Write->getOperand(1));
  return nullptr;
}

} // namespace

void lowerElements(Function &F) {
  for (Instruction &I : make_early_inc_range(instructions(F)))
    if (Value *Replacement = accessInMemory(I, F.getParent()->getDataLayout())) {
      Replacement->takeName(&I);
      I.replaceAllUsesWith(Replacement);
      I.eraseFromParent();
    }
}

} // namespace tpcc
