// The proof for the sites of one function.
#pragma once

#include "arguments.h"
#include "image.h"
#include "isa.h"
#include "unwind.h"

#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace tpcc {

enum class Kind : uint8_t {
  Register,  // a callee-saved register is read before it is written
  Slot,      // so is a slot of the native frame
  Context,   // the context is not what a translation makes it
  Escape,    // an address in the native frame outlives the moment
  Unknown,   // it cannot be analysed
  Site,      // the record is not that of a call in its function
  CFI,       // .eh_frame does not say where the frame record is
  FrameSize, // the stack map's size of the frame is not that at the call
};
llvm::StringRef kindName(Kind K);

struct Violation {
  std::string function;
  uint64_t site; // return address
  Kind kind;
  std::string where; // the register or slot, if it is about one
  uint64_t at;       // address of the offending instruction
  std::string text;  // the instruction
  std::string why;
  std::vector<uint64_t> path; // from the site, as starts of blocks
};

// Verifies the sites of one function, given as its records in the stack map.
std::vector<Violation> checkFunction(const Image &I, const ISA &Isa, const UnwindInfo &Unwind,
                                     ArgumentUse &Arguments, llvm::ArrayRef<SiteRecord> Records);

} // namespace tpcc
