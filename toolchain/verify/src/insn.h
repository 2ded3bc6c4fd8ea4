// One machine instruction, as far as the proof needs it and without the ISA:
// which bytes of which registers it reads and writes, what it does to memory,
// where control goes, and a few operations whose results the proof follows
// (stack addresses, constants, indices of jump tables).
#pragma once

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace tpcc {

// A register of the ISA: 0-31 are general ones, 32-63 vector registers, of
// which only the low eight bytes, those that a call can preserve, are followed.
using Reg = uint8_t;
constexpr Reg NoReg = 255;
constexpr unsigned GeneralRegs = 32;
constexpr unsigned AllRegs = 64;

inline bool isGeneral(Reg R) { return R < GeneralRegs; }
inline uint64_t maskOf(Reg R) { return uint64_t(1) << R; }

// Bytes of a register, bit 0 being the lowest byte.
using Lanes = uint8_t;
constexpr Lanes AllLanes = 0xff;

struct RegRead {
  Reg reg;
  Lanes lanes;
};

struct RegWrite {
  Reg reg;
  Lanes lanes;
  uint8_t width; // bytes that are not zero afterwards, if all lanes are written
};

struct Address {
  Reg base = NoReg;
  Reg index = NoReg;
  uint8_t shift = 0;      // of the index
  uint8_t indexWidth = 8; // only so many bytes of the index count, zero-extended
  bool signedIndex = false; // or sign-extended
  bool foreign = false;   // in a segment of its own: never the native stack
  int64_t offset = 0;
};

enum class OpKind : uint8_t {
  Set,        // dst = imm
  Insert,     // 16 bits of dst from bit `shift` on = imm
  Copy,       // dst = src
  ZeroExtend, // dst = low `width` bytes of src
  Add,        // dst = src + imm
  AddShifted, // dst = src + (src2 << shift)
  Subtract,   // dst = src - src2
  Limit,      // dst = some number from 0 to imm, made of src
  Compare,    // the flags are those of src - (src2 or imm), in `width` bytes
  Load,       // dst, if there is one, = memory, of which there are `size` bytes
  Store,      // memory = src, if it is known which register that is
};

// All addresses of an instruction are made from the registers before it;
// else its operations happen in order.
struct Op {
  OpKind kind = OpKind::Set;
  Reg dst = NoReg;
  Reg src = NoReg;
  Reg src2 = NoReg;
  uint8_t width = 8; // bytes
  uint8_t shift = 0;
  bool sign = false;  // a load extends the sign
  bool maybe = false; // a store that need not write all the bytes
  uint16_t size = 0;  // bytes of memory; 0 if not known
  int64_t imm = 0;
  Address address;
};

enum class Flow : uint8_t {
  Next,
  Jump,         // to target
  Branch,       // to target or on
  JumpIndirect, // to the value of jumpReg
  Call,         // target is 0 if it is not known
  Return,       // to the value of jumpReg, or to the word at the stack pointer
  Trap,
  Unknown,
};

// A branch's condition as one on unsigned numbers, where it is one.
enum class Condition : uint8_t { Other, Above, AboveEqual, Below, BelowEqual, Equal, NotEqual };

struct Insn {
  uint64_t address = 0;
  uint8_t length = 0;
  Flow flow = Flow::Next;
  Condition condition = Condition::Other;
  bool setsFlags = false;  // some of them
  bool readsFlags = false; // some of them
  bool killsFlags = false; // none keeps its value
  // Low bytes of the result depend on nothing but the low bytes of what it
  // reads, as those of a sum do. (Flags, if it sets any, depend on all.)
  bool lowFromLow = false;
  Reg jumpReg = NoReg;
  uint64_t target = 0;
  llvm::SmallVector<RegRead, 6> reads;
  llvm::SmallVector<RegWrite, 3> writes;
  llvm::SmallVector<Op, 2> ops;

  uint64_t end() const { return address + length; }

  Op &add(OpKind Kind) {
    ops.emplace_back().kind = Kind;
    return ops.back();
  }
};

} // namespace tpcc
