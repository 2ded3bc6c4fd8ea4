#include "errors.h"

#include "llvm/IR/Module.h"

using namespace llvm;

namespace tpcc {

Error errorIn(const Function &F, const Twine &What) {
  return createStringError(F.getParent()->getSourceFileName() + ": in function '" + F.getName() + "': " + What);
}

Error errorAt(const GlobalValue &Value, const Twine &What) {
  return createStringError(Value.getParent()->getSourceFileName() + ": '" + Value.getName() + "': " + What);
}

} // namespace tpcc
