#pragma once

#include "llvm/IR/Function.h"
#include "llvm/Support/Error.h"

namespace tpcc {

// "lvm.c: in function 'f': …", as clang words it.
llvm::Error errorIn(const llvm::Function &F, const llvm::Twine &What);

// "lvm.c: 'x': …", for what is not in a function.
llvm::Error errorAt(const llvm::GlobalValue &Value, const llvm::Twine &What);

} // namespace tpcc
