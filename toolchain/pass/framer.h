#pragma once

#include "pass.h"

#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"

namespace tpcc {

// Makes Sites of F, which are calls, sites in fact, and moves what lives across
// them to a portable frame. The last argument of F is its context. If Careful,
// the context is read after each site, so that nothing else comes into its
// register before.
llvm::Expected<FunctionInfo> frameFunction(llvm::Function &F, llvm::ArrayRef<llvm::CallInst *> Sites,
                                           llvm::StringRef Unit, bool Careful);

// Passes the context of F, which is to have no portable frame, to Calls.
void passContext(llvm::Function &F, llvm::ArrayRef<llvm::CallInst *> Calls, llvm::StringRef Unit);

} // namespace tpcc
