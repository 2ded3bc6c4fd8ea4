// A function with more variables than registers keeps most of them in memory
// anyway. Where it also has many sites, to hold a variable in SSA means to store
// it before, and to load it after, each of them. Such a variable has a place in
// the portable frame for good: it is stored where it is set, loaded where it is
// used, and sites do not concern it.
#pragma once

#include "crossings.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"

namespace tpcc {

// Moves such variables of F to allocas, which are returned. Crossings are those
// of F, and have to be found anew afterwards. Edges may be split.
llvm::SmallVector<llvm::AllocaInst *, 16> moveVariables(llvm::Function &F, llvm::ArrayRef<Crossing> Crossings,
                                                        llvm::DominatorTree &Tree,
                                                        llvm::BlockFrequencyInfo &Frequencies);

} // namespace tpcc
