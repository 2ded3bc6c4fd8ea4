// Which argument registers a function reads: what is in the others at a call
// of it is of no use to anybody, though it may look like an argument.
#pragma once

#include "cfg.h"

#include <map>
#include <optional>
#include <vector>

namespace tpcc {

class ArgumentUse {
public:
  ArgumentUse(const Image &I, const ISA &Isa, const UnwindInfo &Unwind) : Img(I), Isa(Isa), Unwind(Unwind) {}

  // For the function that begins at Callee; all for one that is not known.
  uint64_t of(uint64_t Callee);

private:
  // A block of a function: what it reads before it writes it, what it writes,
  // and the function that it ends with a call of or a jump to.
  struct BlockUse {
    uint64_t reads = 0;
    uint64_t writes = 0;
    std::optional<uint64_t> callee;
    bool returns = false; // from the callee
    std::vector<unsigned> successors;
  };
  struct Summary {
    std::vector<BlockUse> blocks; // ascending; the first is the entry
    uint64_t reads = 0;
    bool known = false;
  };

  const Image &Img;
  const ISA &Isa;
  const UnwindInfo &Unwind;
  std::map<uint64_t, Summary> Summaries; // by the function's address

  Summary summarise(uint64_t Address) const;
  std::vector<uint64_t> summariseAll(uint64_t Address);
  uint64_t readsOf(uint64_t Callee) const;
  uint64_t solve(const Summary &S) const;
};

} // namespace tpcc
