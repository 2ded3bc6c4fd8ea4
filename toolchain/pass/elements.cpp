#include "elements.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr Align MemoryAlignment = Align::Constant<16>(); // a frame's own

// A vector in memory, to access one of its elements there.
class Memory {
public:
  Memory(Instruction &Access, Value *Vector, Value *Number)
      : Builder(&Access), Type(cast<FixedVectorType>(Vector->getType())), Stored(withAddresses(*Type)) {
    BasicBlock &Entry = Access.getFunction()->getEntryBlock();
    Whole = new AllocaInst(Stored, 0, nullptr, MemoryAlignment, "elements", Entry.begin());
    Builder.CreateAlignedStore(Builder.CreateZExtOrBitCast(Vector, Stored), Whole, MemoryAlignment);
    // A number that is too large gives any element, but it is no error.
    Value *Last = ConstantInt::get(Number->getType(), Type->getNumElements() - 1);
    Value *Inside = Builder.CreateBinaryIntrinsic(Intrinsic::umin, Builder.CreateFreeze(Number), Last);
    Element = Builder.CreateInBoundsGEP(Stored->getElementType(), Whole,
                                        Builder.CreateZExtOrTrunc(Inside, Builder.getInt64Ty()));
  }

  Value *read() {
    return Builder.CreateTruncOrBitCast(Builder.CreateLoad(Stored->getElementType(), Element), Type->getElementType());
  }

  Value *write(Value *New) {
    Builder.CreateStore(Builder.CreateZExtOrBitCast(New, Stored->getElementType()), Element);
    return Builder.CreateTruncOrBitCast(Builder.CreateAlignedLoad(Stored, Whole, MemoryAlignment), Type);
  }

private:
  IRBuilder<> Builder;
  FixedVectorType *Type;
  FixedVectorType *Stored;
  AllocaInst *Whole;
  Value *Element;

  // Bits have none, so each becomes a byte.
  static FixedVectorType *withAddresses(FixedVectorType &T) {
    llvm::Type *Byte = llvm::Type::getInt8Ty(T.getContext());
    return T.getElementType()->isIntegerTy(1) ? FixedVectorType::get(Byte, T.getNumElements()) : &T;
  }
};

Value *accessInMemory(Instruction &I) {
  if (auto *Read = dyn_cast<ExtractElementInst>(&I); Read && !isa<Constant>(Read->getIndexOperand()))
    return Memory(I, Read->getVectorOperand(), Read->getIndexOperand()).read();
  if (auto *Write = dyn_cast<InsertElementInst>(&I); Write && !isa<Constant>(Write->getOperand(2)))
    return Memory(I, Write->getOperand(0), Write->getOperand(2)).write(Write->getOperand(1));
  return nullptr;
}

} // namespace

void lowerElements(Function &F) {
  for (Instruction &I : make_early_inc_range(instructions(F)))
    if (Value *Replacement = accessInMemory(I)) {
      Replacement->takeName(&I);
      I.replaceAllUsesWith(Replacement);
      I.eraseFromParent();
    }
}

} // namespace tpcc
