// Which values live across which sites.
#pragma once

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Function.h"

namespace tpcc {

// Each site is the invoke that ends its block.
using SiteIndex = llvm::DenseMap<const llvm::BasicBlock *, unsigned>;

// A value that lives across sites.
struct Crossing {
  llvm::Value *Value;
  llvm::SmallVector<unsigned, 4> Sites; // ascending
  llvm::SmallPtrSet<const llvm::BasicBlock *, 8> LiveIn;
};

// The block that V is defined in.
llvm::BasicBlock *definingBlock(llvm::Value &V);

// The block at whose end, or in which, U needs its value.
llvm::BasicBlock *usingBlock(const llvm::Use &U);

// All arguments and instructions of F that live across a site, in the order of
// the function. Allocas do not count: what is in F's frame is found from there.
std::vector<Crossing> findCrossings(llvm::Function &F, const SiteIndex &Sites);

} // namespace tpcc
