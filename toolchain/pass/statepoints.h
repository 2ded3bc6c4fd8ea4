// Sites in LLVM's terms: a gc.statepoint, as an invoke, so that its block ends
// there and nothing in a register is taken from one side to the other.
#pragma once

#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"

#include <string>

namespace tpcc {

// Of a function that stays: its statepoints are calls of setjmp, and no sites.
constexpr llvm::StringLiteral StayingAttribute = "tpfs-stays";

struct Statepoint {
  uint64_t ID;
  std::string Callee; // empty if the call is indirect
  llvm::InvokeInst *Invoke;
  unsigned Context;                      // number of the operand that is passed as context
  std::optional<unsigned> Slot;          // number of the operand for setjmp's slot
  llvm::BasicBlock *Continuation;        // has no other predecessor
};

class StatepointMaker {
public:
  // Unit is part of the IDs.
  StatepointMaker(llvm::Function &F, llvm::StringRef Unit) : F(F), Unit(Unit) {}

  // Replaces Call, which must not be variadic. Context and slot are poison,
  // to be set by the caller.
  Statepoint make(llvm::CallInst &Call);

private:
  llvm::Function &F;
  llvm::StringRef Unit;
  unsigned Count = 0;
  llvm::BasicBlock *LandingPad = nullptr;

  uint64_t nextID();
  llvm::BasicBlock *landingPad();
};

} // namespace tpcc
