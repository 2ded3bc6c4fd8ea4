// What is known of how long a loop takes.
#pragma once

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"

namespace tpcc {

// An innermost loop of few instructions, without calls: a poll in each of its
// iterations would count.
bool isTight(const llvm::Loop &L);

// True for a loop that needs no poll, as it ends before anybody waits for it:
//
//   - one of few iterations;
//   - one that divides or shifts a number until nothing is left;
//   - one that goes through memory step by step, without calls: it takes as long
//     as it takes to read that memory once.
bool endsSoon(const llvm::Loop &L, llvm::ScalarEvolution &Evolution);

} // namespace tpcc
