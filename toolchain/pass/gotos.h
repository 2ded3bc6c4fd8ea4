#pragma once

#include "llvm/IR/Function.h"

namespace tpcc {

// Makes computed gotos of F switches, and addresses of labels small numbers:
// the addresses of blocks differ between the ISAs, and a program may store them.
void lowerComputedGotos(llvm::Function &F);

} // namespace tpcc
