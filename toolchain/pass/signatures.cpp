#include "signatures.h"

#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace tpcc {

// A function writes through a pointer that it did not have when its effects on
// memory were found.
static AttributeList extendAttributes(LLVMContext &Context, AttributeList Old, unsigned Kept,
                                      AttributeSet Last) {
  SmallVector<AttributeSet, 8> Parameters;
  for (unsigned I = 0; I < Kept; ++I)
    Parameters.push_back(Old.getParamAttrs(I));
  Parameters.push_back(Last);
  return AttributeList::get(Context, Old.getFnAttrs().removeAttribute(Context, Attribute::Memory), Old.getRetAttrs(),
                            Parameters);
}

static void moveBody(Function &From, Function &To) {
  To.IsNewDbgInfoFormat = From.IsNewDbgInfoFormat;
  To.splice(To.begin(), &From);
  auto *New = To.arg_begin();
  for (Argument &Old : From.args()) {
    Old.replaceAllUsesWith(New);
    New->takeName(&Old);
    ++New;
  }
  SmallVector<std::pair<unsigned, MDNode *>, 4> Metadata;
  From.getAllMetadata(Metadata);
  for (auto [Kind, Node] : Metadata)
    To.addMetadata(Kind, *Node);
}

Function *addParameter(Function &F, const Twine &Name, AttributeSet Attributes) {
  LLVMContext &Context = F.getContext();
  FunctionType *Type = F.getFunctionType();
  SmallVector<llvm::Type *, 8> Parameters(Type->params());
  Parameters.push_back(PointerType::get(Context, 0));
  auto *New = Function::Create(FunctionType::get(Type->getReturnType(), Parameters, /*isVarArg=*/false),
                               F.getLinkage(), F.getAddressSpace());
  F.getParent()->getFunctionList().insert(F.getIterator(), New);
  New->copyAttributesFrom(&F);
  New->setComdat(F.getComdat());
  New->setAttributes(extendAttributes(Context, F.getAttributes(), Type->getNumParams(), Attributes));
  moveBody(F, *New);
  New->getArg(New->arg_size() - 1)->setName(Name);
  F.replaceAllUsesWith(New);
  New->takeName(&F);
  F.eraseFromParent();
  return New;
}

CallInst *replaceArguments(CallInst &Call, unsigned Kept, Value *Argument, AttributeSet Attributes) {
  LLVMContext &Context = Call.getContext();
  FunctionType *Type = Call.getFunctionType();
  SmallVector<llvm::Type *, 8> Parameters;
  SmallVector<Value *, 8> Arguments;
  for (unsigned I = 0; I < Kept; ++I) {
    Arguments.push_back(Call.getArgOperand(I));
    Parameters.push_back(Arguments.back()->getType());
  }
  Arguments.push_back(Argument);
  Parameters.push_back(Argument->getType());

  SmallVector<OperandBundleDef, 1> Bundles;
  Call.getOperandBundlesAsDefs(Bundles);
  auto *New = CallInst::Create(FunctionType::get(Type->getReturnType(), Parameters, /*isVarArg=*/false),
                               Call.getCalledOperand(), Arguments, Bundles, "", Call.getIterator());
  New->setCallingConv(Call.getCallingConv());
  New->setTailCallKind(Call.getTailCallKind());
  New->setAttributes(extendAttributes(Context, Call.getAttributes(), Kept, Attributes));
  New->copyMetadata(Call);
  if (isa<FPMathOperator>(New))
    New->copyFastMathFlags(&Call);
  Call.replaceAllUsesWith(New);
  New->takeName(&Call);
  Call.eraseFromParent();
  return New;
}

} // namespace tpcc
