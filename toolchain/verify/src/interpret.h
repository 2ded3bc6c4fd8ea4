// What one instruction does to what is known (state.h), and which bytes of the
// native frame it reads and writes.
#pragma once

#include "isa.h"
#include "state.h"

#include <functional>

namespace tpcc {

// An access to the native frame, by offset from the CFA.
struct FrameAccess {
  enum Kind : uint8_t { Read, Write };
  Kind kind;
  bool anywhere = false; // from and to are not known
  bool certain = false;  // each byte from `from` to `to` is accessed
  bool sign = false;     // a load extends the sign
  Reg reg = NoReg;       // that is loaded or stored, whole and unchanged
  int64_t from = 0;
  int64_t to = 0;
};

// An instruction at its place in a function.
struct Step {
  Insn insn;
  llvm::SmallVector<FrameAccess, 1> accesses;
  const char *unknown = nullptr; // why it cannot be analysed
  const char *escape = nullptr;  // how it lets an address in the native frame get away
};

// The argument registers that a function reads, by its address; all of them
// where it is not known, as for the address 0.
using ArgumentsOf = std::function<uint64_t(uint64_t Callee)>;

class Interpreter {
public:
  // IsSaved tells the offsets of the frame record and of slots where registers
  // are saved: no store through a computed address is taken to hit them.
  Interpreter(const ISA &Isa, std::function<bool(int64_t)> IsSaved, ArgumentsOf Arguments)
      : Isa(Isa), IsSaved(std::move(IsSaved)), Arguments(std::move(Arguments)) {}

  // The state at the entry of a function.
  State entry(uint64_t Address) const;

  // Executes S's instruction, with AtSite if it is a call at a site, and notes
  // in S what it does to the frame.
  void step(Step &S, State &Known, bool AtSite) const;

private:
  struct Place {
    bool frame = false; // in the native frame
    bool anywhere = false;
    bool certain = false;
    int64_t from = 0;
    int64_t to = 0;
  };

  const ISA &Isa;
  std::function<bool(int64_t)> IsSaved;
  ArgumentsOf Arguments;

  Place resolve(const Address &A, unsigned Size, const State &Known) const;
  void load(const Op &O, const Place &P, Step &S, State &Known) const;
  void loadFrame(const Op &O, const Place &P, uint64_t At, State &Known) const;
  void loadElsewhere(const Op &O, uint64_t At, State &Known) const;
  void store(const Op &O, const Place &P, Step &S, State &Known) const;
  void arithmetic(const Op &O, uint64_t At, State &Known) const;
  void call(Step &S, State &Known, bool AtSite) const;
};

} // namespace tpcc
