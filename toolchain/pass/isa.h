// What tpcc-cg needs to know of each ISA. A new one is a line in isa.cpp.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tpcc {

struct ISA {
  llvm::StringLiteral Name;   // as in file names and options: x86_64
  llvm::StringLiteral Triple;
  llvm::StringLiteral CPU;
  // Registers by their names in LLVM's target descriptions.
  llvm::StringLiteral Context;      // carries the swiftself argument
  llvm::StringLiteral FramePointer;
  llvm::StringLiteral StackPointer;
  llvm::StringLiteral ContextAsm;   // the context register in a constraint of inline assembly
  // The last machine pass that may read another register than the one before,
  // or may still add instructions: some after it count bytes.
  llvm::StringLiteral LastPass;
};

// The ISAs of a pair; the first is the neutral one, whose data layout the
// ISA-independent stages use.
llvm::ArrayRef<ISA> isas();

// The ISA of that name, or nullptr.
const ISA *findISA(llvm::StringRef Name);

} // namespace tpcc
