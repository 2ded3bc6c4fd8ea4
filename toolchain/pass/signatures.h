// Functions and calls with one more parameter. LLVM's functions cannot change
// their type, so these make new ones in their place.
#pragma once

#include "llvm/IR/Attributes.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/InstrTypes.h"

namespace tpcc {

// Replaces F by a function, of the same name and body, that is not variadic
// and has a pointer as its last parameter; returns it.
llvm::Function *addParameter(llvm::Function &F, const llvm::Twine &Name, llvm::AttributeSet Attributes);

// Replaces Call by one that passes Argument after the Kept first arguments.
// The rest of its arguments are dropped.
llvm::CallInst *replaceArguments(llvm::CallInst &Call, unsigned Kept, llvm::Value *Argument,
                                 llvm::AttributeSet Attributes);

} // namespace tpcc
