#include "interpret.h"

#include "llvm/ADT/STLExtras.h"

#include <optional>

using namespace llvm;

namespace tpcc {

namespace {

// The greatest distance over which an index with a known limit is taken to
// reach. Beyond, it is an access anywhere.
constexpr uint64_t LongestRange = 1 << 20;

uint64_t lowBytes(uint64_t Number, unsigned Width) {
  return Width >= 8 ? Number : Number & ((uint64_t(1) << Width * 8) - 1);
}

// V cut to its low bytes and extended by zeros; nothing if that is unknown.
std::optional<Value> cut(const Value &V, unsigned Width) {
  switch (V.kind) {
  case Value::Symbol: {
    Value Short = V;
    Short.width = std::min<unsigned>(V.width, Width);
    return Short;
  }
  case Value::Constant:
    return Value::constant(lowBytes(V.number, Width));
  case Value::Frame:
  case Value::InFrame:
    if (Width >= 8)
      return V;
    return std::nullopt; // half of an address is none
  case Value::Table:
    if (!V.sign && V.width <= Width)
      return V;
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

bool isNumber(const Value &V) { return V.kind == Value::Constant; }

// A constant plus an entry of a table of distances.
Value target(const Value &Entry, int64_t Base, unsigned Shift) {
  Value V = Entry;
  V.kind = Value::Target;
  V.number = Base;
  V.shift = Shift;
  return V;
}

// A + (B << Shift); nothing if that is unknown.
std::optional<Value> sum(const Value &A, const Value &B, unsigned Shift) {
  if (isNumber(A) && isNumber(B))
    return Value::constant(uint64_t(A.number) + (uint64_t(B.number) << Shift));
  if (A.kind == Value::Frame && isNumber(B))
    return Value::frame(A.number + int64_t(uint64_t(B.number) << Shift));
  if (B.kind == Value::Frame && isNumber(A) && Shift == 0)
    return Value::frame(B.number + A.number);
  if (A.leaks() || B.leaks())
    return Value::inFrame();
  if (isNumber(A) && B.kind == Value::Table)
    return target(B, A.number, Shift);
  if (isNumber(B) && A.kind == Value::Table && Shift == 0)
    return target(A, B.number, 0);
  if (isNumber(B) && B.number == 0)
    return A;
  return std::nullopt;
}

} // namespace

State Interpreter::entry(uint64_t Address) const {
  const Convention &C = Isa.convention();
  State S;
  for (Reg R = 0; R < GeneralRegs; R++) {
    if (C.preserved & maskOf(R))
      S.regs[R] = Value::entry(R);
    else
      S.define(R, Address, 8, /*Computed=*/false);
  }
  S.regs[C.stackPointer] = Value::frame(C.entryStack);
  if (C.entryStack)
    S.storeSlot(C.entryStack, 8, Value::entry(C.returnAddress));
  else
    S.regs[C.returnAddress] = Value::entry(C.returnAddress);
  return S;
}

Interpreter::Place Interpreter::resolve(const Address &A, unsigned Size, const State &Known) const {
  Place P;
  if (A.foreign)
    return P;
  Value Base = A.base == NoReg ? Value::constant(0) : Known.regs[A.base];
  Value Index = A.index == NoReg ? Value::constant(0) : Known.regs[A.index];
  if (!Base.leaks() && Index.leaks() && A.shift == 0 && A.indexWidth == 8)
    std::swap(Base, Index);
  if (!Base.leaks() && !Index.leaks())
    return P;

  P.frame = true;
  if (Base.kind != Value::Frame || Index.leaks() || Size == 0) {
    P.anywhere = true;
    return P;
  }
  std::optional<Value> Narrow = A.indexWidth == 8 ? Index : A.signedIndex ? std::nullopt : cut(Index, A.indexWidth);
  Limit Last = Narrow ? Known.limitOf(*Narrow) : Limit();
  P.from = Base.number + A.offset;
  if (Narrow && isNumber(*Narrow)) {
    P.from += int64_t(uint64_t(Narrow->number) << A.shift);
    P.to = P.from + Size;
    P.certain = true;
  } else if (Last.last <= LongestRange) {
    P.to = P.from + int64_t(Last.last << A.shift) + Size;
  } else {
    P.anywhere = true;
  }
  return P;
}

void Interpreter::loadFrame(const Op &O, const Place &P, uint64_t At, State &Known) const {
  bool Leaks = P.anywhere ? Known.slotsLeak(INT64_MIN, INT64_MAX) : Known.slotsLeak(P.from, P.to);
  std::optional<Value> Whole;
  if (P.certain && (O.size == 8 || !O.sign))
    Whole = Known.loadSlot(P.from, O.size);
  if (Whole && O.size < 8)
    Whole = cut(*Whole, O.size);
  if (Whole)
    Known.regs[O.dst] = *Whole;
  else if (Leaks && (O.size == 0 || O.size >= 8))
    Known.regs[O.dst] = Value::inFrame();
  else
    Known.define(O.dst, At, O.sign ? 8 : O.size ? O.size : 8, /*Computed=*/!P.certain);
}

void Interpreter::loadElsewhere(const Op &O, uint64_t At, State &Known) const {
  const Address &A = O.address;
  Value Base = A.base == NoReg ? Value::constant(0) : Known.regs[A.base];
  bool Computed = A.index != NoReg || Base.computed;
  if (A.index != NoReg && !A.foreign && !A.signedIndex) {
    Value Index = Known.regs[A.index];
    if (!isNumber(Base) && isNumber(Index) && A.shift == 0)
      std::swap(Base, Index);
    std::optional<Value> Narrow = A.indexWidth == 8 ? Index : cut(Index, A.indexWidth);
    if (isNumber(Base) && Narrow && O.size == 1u << A.shift) {
      Limit Last = Known.limitOf(*Narrow);
      Value V;
      V.kind = Value::Table;
      V.id = Base.number + A.offset;
      V.width = O.size;
      V.sign = O.sign;
      V.lastIndex = Last.last;
      V.bounded = Last.bounded;
      Known.regs[O.dst] = V;
      return;
    }
  }
  Known.define(O.dst, At, O.sign ? 8 : O.size ? O.size : 8, Computed);
}

void Interpreter::load(const Op &O, const Place &P, Step &S, State &Known) const {
  if (P.frame) {
    FrameAccess A{FrameAccess::Read};
    A.anywhere = P.anywhere;
    A.certain = P.certain;
    A.from = P.from;
    A.to = P.to;
    A.reg = O.dst;
    A.sign = O.sign;
    S.accesses.push_back(A);
  }
  if (O.dst == NoReg || !isGeneral(O.dst))
    return;
  if (P.frame)
    loadFrame(O, P, S.insn.address, Known);
  else
    loadElsewhere(O, S.insn.address, Known);
}

void Interpreter::store(const Op &O, const Place &P, Step &S, State &Known) const {
  bool General = O.src != NoReg && isGeneral(O.src);
  bool Leaks = General && O.size == 8 && Known.regs[O.src].leaks();
  if (!P.frame) {
    if (Leaks)
      S.escape = "an address in the native frame is stored outside of it";
    return;
  }
  FrameAccess A{FrameAccess::Write};
  A.anywhere = P.anywhere;
  A.certain = P.certain && !O.maybe;
  A.from = P.from;
  A.to = P.to;
  A.reg = O.src;
  S.accesses.push_back(A);

  if (P.certain)
    Known.forgetSlots(P.from, P.to);
  else
    Known.forgetSlotsExcept([&](int64_t Offset) {
      bool Beyond = !P.anywhere && (Offset + 8 <= P.from || Offset >= P.to);
      return Beyond || IsSaved(Offset);
    });
  if (Leaks && !A.certain) {
    S.escape = "an address in the native frame is stored where it cannot be followed";
  } else if (General && A.certain) {
    std::optional<Value> V = O.size == 8 ? Known.regs[O.src] : cut(Known.regs[O.src], O.size);
    if (V)
      Known.storeSlot(P.from, O.size, *V);
  }
}

void Interpreter::arithmetic(const Op &O, uint64_t At, State &Known) const {
  auto Source = [&](Reg R) { return R == NoReg ? Value::any() : Known.regs[R]; };
  Value A = Source(O.src), B = Source(O.src2);
  std::optional<Value> Result;
  switch (O.kind) {
  case OpKind::Set:
    Result = Value::constant(O.imm);
    break;
  case OpKind::Insert:
    if (isNumber(A))
      Result = Value::constant((uint64_t(A.number) & ~(uint64_t(0xffff) << O.shift)) | uint64_t(O.imm) << O.shift);
    break;
  case OpKind::Copy:
    Result = A;
    break;
  case OpKind::ZeroExtend:
    Result = cut(A, O.width);
    break;
  case OpKind::Add:
    Result = sum(A, Value::constant(O.imm), 0);
    break;
  case OpKind::AddShifted:
    Result = sum(A, B, O.shift);
    break;
  case OpKind::Subtract:
    if (isNumber(B))
      Result = sum(A, Value::constant(-uint64_t(B.number)), 0);
    break;
  case OpKind::Compare:
    if (O.src2 == NoReg)
      Known.compared(A, O.imm, O.width);
    else if (isNumber(B))
      Known.compared(A, B.number, O.width);
    else
      Known.forgetFlags();
    return;
  default:
    break;
  }
  if (!Result && O.width == 8 && (A.leaks() || B.leaks()))
    Result = Value::inFrame();
  if (Result) {
    Known.regs[O.dst] = *Result;
    return;
  }
  unsigned Width = O.kind == OpKind::ZeroExtend ? O.width : 8;
  Known.define(O.dst, At, Width, /*Computed=*/true);
  if (O.kind == OpKind::Limit)
    Known.setLimit(Known.regs[O.dst], 8, {uint64_t(O.imm), false});
}

// A callee may use an address that it is given until it returns, and may give
// it back.
void Interpreter::call(Step &S, State &Known, bool AtSite) const {
  const Convention &C = Isa.convention();
  bool Given = Known.slotsLeak(INT64_MIN, INT64_MAX);
  uint64_t Candidates = 0;
  for (Reg R = 0; R < GeneralRegs; R++)
    if ((C.arguments & maskOf(R)) && Known.regs[R].leaks())
      Candidates |= maskOf(R);
  if (Candidates)
    Given |= (Arguments(S.insn.target) & Candidates) != 0;
  if (Given && AtSite) {
    S.escape = "an address in the native frame is given to a function that may be moved";
  } else if (Given) {
    for (auto Kind : {FrameAccess::Read, FrameAccess::Write}) {
      FrameAccess A{Kind};
      A.anywhere = true;
      S.accesses.push_back(A);
    }
    Known.forgetSlotsExcept(IsSaved);
  }
  for (Reg R = 0; R < GeneralRegs; R++) {
    if (C.preserved & maskOf(R))
      continue;
    Known.define(R, S.insn.address, 8, /*Computed=*/false);
  }
  if (Given && !AtSite)
    Known.regs[C.firstResult] = Value::inFrame();
  Known.forgetFlags();
}

void Interpreter::step(Step &S, State &Known, bool AtSite) const {
  const Insn &I = S.insn;
  const Convention &C = Isa.convention();
  S.accesses.clear();
  S.escape = nullptr;
  S.unknown = nullptr;

  // Places, and registers whose values matter beyond making an address.
  SmallVector<Place, 2> Places;
  uint64_t Addressing = 0, Assigned = 0;
  for (const Op &O : I.ops) {
    Places.push_back(resolve(O.address, O.size, Known));
    bool Memory = O.kind == OpKind::Load || O.kind == OpKind::Store;
    if (Memory && O.address.base == C.stackPointer && Known.regs[C.stackPointer].kind != Value::Frame)
      S.unknown = "the stack pointer is not known here";
    for (Reg R : {O.address.base, O.address.index})
      if (R != NoReg)
        Addressing |= maskOf(R);
    if (O.dst != NoReg)
      Assigned |= maskOf(O.dst);
  }
  bool Leaks = false;
  for (const RegRead &R : I.reads)
    Leaks |= isGeneral(R.reg) && !(Addressing & maskOf(R.reg)) && Known.regs[R.reg].leaks();
  for (unsigned N = 0; N < I.ops.size(); N++)
    if (I.ops[N].kind == OpKind::Load && Places[N].frame)
      Leaks |= Places[N].anywhere ? Known.slotsLeak(INT64_MIN, INT64_MAX)
                                  : Known.slotsLeak(Places[N].from, Places[N].to);

  if (I.setsFlags)
    Known.forgetFlags();
  bool Stored = false;
  for (unsigned N = 0; N < I.ops.size(); N++) {
    const Op &O = I.ops[N];
    if (O.kind == OpKind::Load) {
      load(O, Places[N], S, Known);
    } else if (O.kind == OpKind::Store) {
      store(O, Places[N], S, Known);
      Stored = true;
      if (O.src == NoReg && Leaks)
        S.escape = "an address in the native frame is stored where it cannot be followed";
    } else {
      arithmetic(O, I.address, Known);
    }
  }

  if (I.flow == Flow::Call) {
    call(S, Known, AtSite);
    return;
  }
  bool Written = false;
  for (const RegWrite &W : I.writes) {
    if (!isGeneral(W.reg))
      continue;
    Written = true;
    if (Assigned & maskOf(W.reg))
      continue;
    if (Leaks && W.width == 8)
      Known.regs[W.reg] = Value::inFrame();
    else
      Known.define(W.reg, I.address, W.lanes == AllLanes ? W.width : 8, /*Computed=*/true);
  }
  if (Leaks && !Written && !Stored && !I.setsFlags && I.flow == Flow::Next)
    S.escape = "an address in the native frame goes where it cannot be followed";
}

} // namespace tpcc
