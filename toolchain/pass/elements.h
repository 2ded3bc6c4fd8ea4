#pragma once

#include "llvm/IR/Function.h"

namespace tpcc {

// Makes accesses in memory of those to elements of vectors whose number is not
// constant. The code generators would do the same, but in a native stack slot,
// parts of which may seem to live across a site.
void lowerElements(llvm::Function &F);

} // namespace tpcc
