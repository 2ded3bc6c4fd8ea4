// Which functions of a module a thread may be parked in, and which calls it
// may be moved during.
#pragma once

#include "pass.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/PassManager.h"

#include <string>

namespace tpcc {

class Parking {
public:
  // Looks at M, in which nothing has been changed yet, and decides where polls
  // go.
  static llvm::Expected<Parking> analyse(llvm::Module &M, const FrameOptions &Options,
                                         llvm::FunctionAnalysisManager &Analyses);

  // Why a thread in F cannot be moved; empty if it can.
  const std::string &reason(const llvm::Function &F) const { return Functions.find(&F)->second.Reason; }

  // True if a thread may be parked in F or in what it calls. Such a function
  // has a context, others do not need one.
  bool parks(const llvm::Function &F) const { return Functions.find(&F)->second.Parks; }

  // Before which instructions of F polls are to be inserted.
  llvm::ArrayRef<llvm::Instruction *> polls(const llvm::Function &F) const {
    return Functions.find(&F)->second.Polls;
  }

  // True if a thread may be parked during the call.
  bool parks(const llvm::CallBase &Call) const;

  // Tells of changes: F polls no more; F is new, and a thread may be parked in
  // it; New has taken the place of Old, which may be gone.
  void removePolls(const llvm::Function &F) { Functions.find(&F)->second.Polls.clear(); }
  void addParking(const llvm::Function &F) { Functions[&F].Parks = true; }
  void replace(const llvm::Function *Old, const llvm::Function *New);

private:
  struct State {
    std::string Reason;
    bool Routine = false; // has no context, see library.h
    bool Parks = false;
    llvm::SmallVector<llvm::Instruction *, 4> Polls;
  };

  // Those with a body.
  llvm::SmallVector<llvm::Function *, 32> Ordered;
  llvm::DenseMap<const llvm::Function *, State> Functions;

  void findRoutines();
  llvm::Error checkRoutines() const;
  void findReasons(const FrameOptions &Options);
  void findParks();
  bool mayParkNow(const llvm::Function &F) const;
};

// The function that Call calls, if it is sure, else nullptr.
llvm::Function *calleeOf(const llvm::CallBase &Call);

// True if Call is one that is neither an intrinsic nor inline assembly.
bool isRealCall(const llvm::CallBase &Call);

// True for calls of setjmp and its kin.
bool isSetjmp(const llvm::CallBase &Call);

} // namespace tpcc
