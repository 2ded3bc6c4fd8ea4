#pragma once

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Instructions.h"

namespace tpcc {

// Tells where some calls are in the past. A tail call there is not possible: on
// aarch64 LLVM wants the context to be the very one that the function was called
// with, and after a site that is not known.
class Past {
public:
  void add(const llvm::Instruction &Call);
  bool contains(const llvm::Instruction &I) const;

private:
  llvm::SmallPtrSet<const llvm::BasicBlock *, 16> Blocks; // reached after calls
  llvm::SmallPtrSet<const llvm::Instruction *, 8> Calls;
};

// True if its function does nothing after Call, and may leave its frame before.
bool isLastCall(const llvm::CallInst &Call);

// Replaces Call by one that is sure to be a tail call, if it is the last of
// its function and its arguments fit into the registers of the function's own;
// else returns false. The function's last parameter is its context, and is
// passed on.
//
// There is no frame left when such a call is made, so it need not be a site.
bool makeTailCall(llvm::CallInst &Call);

} // namespace tpcc
