// The parts of canonicalise, in the order in which they are done.
#pragma once

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace tpcc {

// Makes computed gotos of F switches, and addresses of labels small numbers:
// the addresses of blocks differ between the ISAs, and a program may store them.
void lowerComputedGotos(llvm::Function &F);

// Makes the variable arguments of a call a buffer in memory, whose address is
// one more argument.
llvm::Error lowerVariadics(llvm::Module &M);

// Makes thread-local variables ordinary ones in section tptls, and computes
// the address of a thread's own copy from the thread pointer.
llvm::Error lowerThreadLocals(llvm::Module &M);

} // namespace tpcc
