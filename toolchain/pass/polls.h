// Polls: if (__tp_pause) __tp_park();
//
// A thread comes to one in bounded time, unless it is in the kernel: there is
// one in each cycle of calls, and one in each loop that is not known to be
// short.
#pragma once

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"

namespace tpcc {

// For each of Functions, before which of its instructions it is to poll. Tight
// loops are divided into chunks for that, see chunks.h.
// A cycle through functions of M that are not among Functions may have no poll:
// a thread in it cannot be moved anyway.
llvm::MapVector<llvm::Function *, llvm::SmallVector<llvm::Instruction *, 4>>
planPolls(llvm::Module &M, llvm::ArrayRef<llvm::Function *> Functions, llvm::FunctionAnalysisManager &Analyses);

// Inserts a poll before Point, with the call of __tp_park on a cold path.
void insertPoll(llvm::Instruction &Point);

// Its parts: the branch to a cold path, whose end is returned; and the call.
llvm::Instruction *insertPollBranch(llvm::Instruction &Point);
void makeParkCall(llvm::IRBuilder<> &Builder);

} // namespace tpcc
