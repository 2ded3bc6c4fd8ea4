// The control-flow graph of a function, found by following what its code does
// from its entry: blocks, edges, jump tables, landing pads, and what is known
// at the start of each block.
#pragma once

#include "image.h"
#include "interpret.h"
#include "unwind.h"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tpcc {

struct Block {
  uint64_t start = 0;
  uint64_t end = 0;
  State in;
  std::vector<uint64_t> successors;
  std::vector<uint32_t> steps; // in Graph::steps
  // The function that it may leave for; 0 if it is not known which.
  std::optional<uint64_t> leavesFor;
  unsigned visits = 0;
};

// A call, as it is just before its callee runs.
struct CallState {
  uint64_t at;
  State state;
};

// A place where the analysis cannot go on.
struct Unknown {
  uint64_t at;
  std::string why;
};

class Graph {
public:
  // ReturnAddresses are those of the function's sites.
  Graph(const Image &I, const ISA &Isa, const Function &F, const FunctionUnwind &Unwind,
        const std::set<uint64_t> &ReturnAddresses, ArgumentsOf Arguments);

  const std::map<uint64_t, Block> &blocks() const { return Blocks; }
  const Step &step(uint32_t N) const { return Steps[N]; }

  // The call at a site; nullptr if the entry leads to none that returns there.
  const CallState *callBefore(uint64_t ReturnAddress) const;
  // In the order of the code.
  std::vector<Unknown> unknowns() const;

private:
  const Image &Img;
  const ISA &Isa;
  const Function &F;
  const FunctionUnwind &Unwind;
  const std::set<uint64_t> &Sites;
  const Interpreter Interp;
  llvm::ArrayRef<uint8_t> Code;

  std::map<uint64_t, Block> Blocks;
  std::deque<Step> Steps;
  std::vector<int32_t> StepAt;   // by offset in the function; -1 where none begins
  std::vector<bool> Inside;      // by offset: in an instruction, not at its start
  std::map<uint64_t, CallState> Calls; // by return address
  std::map<uint64_t, std::string> Refused;
  std::set<uint64_t> Work; // starts of blocks
  std::set<uint64_t> Tables;
  std::map<uint64_t, uint64_t> Scanned; // unbounded tables: their start, and where the last entry ends

  void build();
  void reset();
  bool scannedTooFar() const;
  void run(Block &B);
  void leave(Block &B, Step &S, State &Known);
  void leaveByCall(Block &B, const Step &S, const State &Known);
  void leaveIndirectly(Block &B, const Step &S, const State &Known);
  void leaveTo(Block &B, uint64_t At, uint64_t Target, const State &Known);
  void connect(Block &B, uint64_t Target, const State &Known);
  Step *fetch(uint64_t Address);
  bool contains(uint64_t Address) const { return Address >= F.start && Address < F.end; }
  bool frameIsGone(const State &Known) const;
  void refuse(uint64_t At, std::string Why) { Refused.emplace(At, std::move(Why)); }
};

} // namespace tpcc
