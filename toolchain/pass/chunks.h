// Loops in chunks. A poll in a tight loop may cost as much as the rest of it;
// so where it is known beforehand how often the loop runs, it is divided into
// chunks of some thousand iterations, and polls between these. The loop itself
// does not become longer.
#pragma once

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/PassManager.h"

namespace tpcc {

struct ChunkedLoop {
  llvm::BasicBlock *Header;      // of the loop, which now runs for one chunk
  llvm::BasicBlock *OuterHeader; // of the loop over the chunks
  llvm::Instruction *Poll;       // where it is to poll
};

// Divides the loops of F for which it is possible and worth it.
llvm::SmallVector<ChunkedLoop, 4> divideLoops(llvm::Function &F, llvm::FunctionAnalysisManager &Analyses);

} // namespace tpcc
