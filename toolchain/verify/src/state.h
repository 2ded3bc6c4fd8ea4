// What is known of registers and stack slots at one place of a function,
// whatever path led there: which hold addresses in the native frame, which
// still hold what the caller had in its registers, and how large a number can
// be that indexes a jump table.
#pragma once

#include "insn.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tpcc {

struct Value {
  enum Kind : uint8_t {
    Any,      // nothing is known, but that it is no address in the frame
    Symbol,   // an unknown number of which there may be copies: low `width` bytes of symbol `id`
    Constant, // `number`
    Frame,    // CFA + `number`
    InFrame,  // made from an address in the frame
    Entry,    // what register `id` held on entry
    Table,    // an entry of a table of constants; see below
    Target,   // `number` + such an entry << shift
  };
  Kind kind = Any;
  uint8_t width = 8;
  bool computed = false; // by arithmetic or by an indexed load: no function pointer
  uint64_t id = 0;
  int64_t number = 0;

  // An entry of the table at address `id`, whose entries have `width` bytes.
  uint64_t lastIndex = ~uint64_t(0); // the greatest possible one
  bool bounded = false;              // by a comparison, rather than by its width or a mask
  bool sign = false;
  uint8_t shift = 0;

  bool operator==(const Value &O) const;
  bool operator!=(const Value &O) const { return !(*this == O); }

  // The value says where the native frame is.
  bool leaks() const { return kind == Frame || kind == InFrame; }
  bool isFrame(int64_t Offset) const { return kind == Frame && number == Offset; }
  bool isEntry(Reg R) const { return kind == Entry && id == R; }

  static Value any() { return {}; }
  static Value constant(uint64_t Number);
  static Value frame(int64_t Offset);
  static Value inFrame();
  static Value entry(Reg R);
  static Value symbol(uint64_t Id, unsigned Width, bool Computed);
};

// An upper bound of an unsigned number.
struct Limit {
  uint64_t last = ~uint64_t(0);
  bool bounded = false; // see Value
};

class State {
public:
  std::array<Value, GeneralRegs> regs;

  bool operator==(const State &O) const;
  bool operator!=(const State &O) const { return !(*this == O); }

  // Gives R a new symbol, made by the instruction at At.
  void define(Reg R, uint64_t At, unsigned Width, bool Computed);
  void setLimit(const Value &V, unsigned Width, Limit L);
  // Of the low Width bytes of V, extended by zeros.
  Limit limitOf(const Value &V, unsigned Width = 8) const;

  // Slots, by the offset of their lowest byte from the CFA.
  std::optional<Value> loadSlot(int64_t Offset, unsigned Size) const;
  void storeSlot(int64_t Offset, unsigned Size, Value V);
  void forgetSlots(int64_t From, int64_t To);
  template <typename Keep> void forgetSlotsExcept(Keep Kept) {
    std::vector<Slot> Left;
    for (const Slot &S : Slots)
      if (Kept(S.offset))
        Left.push_back(S);
    Slots = std::move(Left);
  }
  // An address in the frame is in a slot of this range.
  bool slotsLeak(int64_t From, int64_t To) const;

  // The flags are those of V - Number, unsigned, in Width bytes.
  void compared(const Value &V, uint64_t Number, unsigned Width);
  void forgetFlags() { Flags = {}; }
  // What follows from the last comparison if a branch on C is taken or not.
  void assume(Condition C, bool Taken);

  // Takes in the state of one more way into the block at Block. True if that
  // changed anything. A state that is asked for the last time gives up limits
  // that do not settle.
  bool merge(const State &O, uint64_t Block, bool Settle);

private:
  struct Slot {
    int64_t offset;
    unsigned size;
    Value value;
    bool operator==(const Slot &O) const { return offset == O.offset && size == O.size && value == O.value; }
  };
  struct SymbolLimit {
    uint64_t id;
    uint8_t width;
    Limit limit;
    bool operator==(const SymbolLimit &O) const {
      return id == O.id && width == O.width && limit.last == O.limit.last && limit.bounded == O.limit.bounded;
    }
  };
  struct Comparison {
    bool known = false;
    Value value;
    uint8_t width = 0;
    uint64_t number = 0;
    bool operator==(const Comparison &O) const {
      return known == O.known && (!known || (value == O.value && width == O.width && number == O.number));
    }
  };

  std::vector<Slot> Slots; // ascending, apart from each other
  std::vector<SymbolLimit> Limits;
  Comparison Flags;

  void forgetSymbol(uint64_t Id);
  void addLimit(uint64_t Id, unsigned Width, Limit L);
  Value mergeValue(const Value &A, const Value &B, uint64_t Phi) const;
  void mergeSlots(const State &O);
  void mergeLimits(const State &O, const State &Before, uint64_t Block, bool Settle);
};

} // namespace tpcc
