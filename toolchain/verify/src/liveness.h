// Which registers and slots of the native frame a function still reads, by
// backward data flow over its graph.
#pragma once

#include "cfg.h"

#include "llvm/ADT/BitVector.h"

namespace tpcc {

struct LiveSet {
  std::array<Lanes, AllRegs> regs{};
  llvm::BitVector slots;    // by Liveness::range
  bool anywhere = false;    // some slot, through a computed address
  bool contextLost = false; // the context is written before it is read
  bool flags = false;
};

// One thing that can be live.
struct Item {
  enum Kind : uint8_t { Register, Slot, Anywhere, ContextLost };
  Kind kind;
  unsigned number = 0;   // of the register, or of the range of slots
  Lanes lanes = AllLanes; // of the register
};

class Liveness {
public:
  Liveness(const Graph &G, const ISA &Isa, std::vector<SaveSlot> Saves, ArgumentsOf Arguments);

  // What is live where the block at Start begins.
  const LiveSet &liveAt(uint64_t Start) const { return LiveIn[Index.at(Start)]; }

  // The bytes that number N in LiveSet::slots stands for.
  struct Range {
    int64_t from, to;
  };
  const Range &range(unsigned N) const { return Ranges[N]; }

  // An instruction because of which something is live, and the way there, as
  // starts of blocks.
  struct Use {
    uint64_t at;
    std::vector<uint64_t> path;
  };
  // The nearest use of What from the block at Start on, where it is live.
  Use firstUse(uint64_t Start, Item What) const;

private:
  const Graph &G;
  const ISA &Isa;
  std::vector<SaveSlot> Saves;
  ArgumentsOf Arguments;
  std::vector<Range> Ranges;              // ascending, apart from each other: no access splits one
  std::vector<const Block *> Blocks;      // ascending
  std::map<uint64_t, unsigned> Index;     // of blocks, by their start
  std::vector<LiveSet> LiveIn;

  void makeRanges();
  void solve();
  LiveSet liveOut(const Block &B) const;
  void before(const Step &S, LiveSet &Live) const;
  void setSlots(int64_t From, int64_t To, LiveSet &Live, bool On) const;
  bool anySlot(int64_t From, int64_t To, const LiveSet &Live) const;
  template <typename Visitor> void forEachRange(int64_t From, int64_t To, Visitor Visit) const;
  bool movesSaved(const FrameAccess &A) const;
  void beforeLoad(const FrameAccess &A, const Insn &I, const LiveSet &After, LiveSet &Live) const;
  Lanes storedLanes(const FrameAccess &A, const LiveSet &After) const;
  const Step *firstUseIn(const Block &B, Item &What) const;
};

} // namespace tpcc
