// The ISA-neutral stages of tpcc-cg: one C ABI before the optimiser, portable
// frames after it. See docs/toolchain.md.
#pragma once

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tpcc {

// A call during which the thread may be moved.
struct Site {
  uint64_t ID;        // never zero, below 2^63; the same on each ISA
  std::string Callee; // empty if the call is indirect
};

// A call of setjmp.
struct Jump {
  uint64_t Slot; // offset of its slot in the portable frame, in bytes
  uint64_t Site; // ID of the call
};

struct FunctionInfo {
  std::string Name;
  bool Local;         // another unit may have a function of the same name
  uint64_t Frame;     // bytes of its portable frame
  std::string Reason; // why a thread in it cannot be moved; empty if it can
  std::vector<Site> Sites;
  std::vector<Jump> Jumps;
  // Its context is the address of a word with the address of its frame, as
  // memory of a dynamic size lies below the frame.
  bool Indirect = false;
};

struct Unit {
  std::string Name;
  std::vector<FunctionInfo> Functions; // in the order of the module
};

// Gives a module of the common front end one C ABI for all ISAs: no variadic
// functions, no thread-local variables, no names or alignments that depend on
// the target. To be called before the optimiser.
//
// The errors of both stages name the file and the function, and are worded
// like clang's diagnostics.
llvm::Error canonicalise(llvm::Module &M);

struct FrameOptions {
  std::string Unit;                          // its name, unique in a program; goes into the IDs of sites
  std::map<std::string, std::string> Native; // functions to leave without sites, and why
  std::set<std::string> Careful;             // functions that read the context after each site, needed or not
};

// Gives each function a portable frame, sites and polls. To be called after
// the optimiser, which must not run again: it does not know that the thread
// may be moved. The module stays ISA-neutral; where the context register is to
// be read, it calls @tpfs.context().
llvm::Expected<Unit> addFrames(llvm::Module &M, const FrameOptions &Options);

// Fixes names, alignments and sections of functions and data, as far as the
// ISAs' code generators would else choose them. Canonicalise and addFrames end
// with it; it is needed again after any other pass that adds globals or looks
// at their use, as the optimiser does.
void settleGlobals(llvm::Module &M);

} // namespace tpcc
