// Where the values that live across sites are stored into the portable frame,
// and where they are loaded again.
//
// Most loads are placed by lazy code motion (Knoop, Rüthing, Steffen): as late
// as possible, but on no path more often than necessary. To it a site is a
// place that forgets a value, unless the site is rare, measured by the uses of
// the value: then the value is loaded right after it, so that the frequent
// paths find it in a register.
#pragma once

#include "crossings.h"

#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/IR/Dominators.h"

namespace tpcc {

struct Placement {
  // Values are numbers of crossings.
  struct Store {
    unsigned Value;
    llvm::BasicBlock *Block; // at its end
  };
  struct Load {
    unsigned Value;
    llvm::Instruction *Before;
  };
  struct EdgeLoad {
    unsigned Value;
    llvm::BasicBlock *From, *To;
  };
  struct SiteLoad {
    unsigned Value;
    unsigned Site; // right after it
  };
  std::vector<Store> Stores;
  std::vector<Load> Loads;
  std::vector<EdgeLoad> EdgeLoads;
  std::vector<SiteLoad> SiteLoads;
};

// Every store is executed before each site and load that needs it, and every
// use of a value is reached only by paths that define or load it after their
// last site.
Placement place(llvm::Function &F, const std::vector<Crossing> &Crossings, const SiteIndex &Sites,
                const llvm::DominatorTree &Tree, const llvm::BlockFrequencyInfo &Frequencies);

} // namespace tpcc
