#include "state.h"

#include <algorithm>

namespace tpcc {

namespace {

uint64_t greatest(unsigned Width) { return Width >= 8 ? ~uint64_t(0) : (uint64_t(1) << Width * 8) - 1; }

// Symbols are named after what makes them: an instruction, or the start of a
// block where several values come together. The lowest byte is the register.
constexpr uint64_t PhiBit = uint64_t(1) << 63;
uint64_t definitionId(uint64_t At, Reg R) { return At << 8 | R; }
uint64_t phiId(uint64_t Block, Reg R) { return PhiBit | Block << 8 | R; }
bool isPhiOf(uint64_t Id, uint64_t Block) { return (Id & ~uint64_t(0xff)) == phiId(Block, 0); }

Limit weaker(Limit A, Limit B) { return {std::max(A.last, B.last), A.bounded && B.bounded}; }

} // namespace

bool Value::operator==(const Value &O) const {
  return kind == O.kind && width == O.width && computed == O.computed && id == O.id && number == O.number &&
         lastIndex == O.lastIndex && bounded == O.bounded && sign == O.sign && shift == O.shift;
}

Value Value::constant(uint64_t Number) {
  Value V;
  V.kind = Constant;
  V.number = int64_t(Number);
  return V;
}

Value Value::frame(int64_t Offset) {
  Value V;
  V.kind = Frame;
  V.number = Offset;
  return V;
}

Value Value::inFrame() {
  Value V;
  V.kind = InFrame;
  return V;
}

Value Value::entry(Reg R) {
  Value V;
  V.kind = Entry;
  V.id = R;
  return V;
}

Value Value::symbol(uint64_t Id, unsigned Width, bool Computed) {
  Value V;
  V.kind = Symbol;
  V.id = Id;
  V.width = Width;
  V.computed = Computed;
  return V;
}

bool State::operator==(const State &O) const {
  return regs == O.regs && Slots == O.Slots && Limits == O.Limits && Flags == O.Flags;
}

// The instruction that makes a symbol runs again: what is left of the value
// that it made before is another value now.
void State::forgetSymbol(uint64_t Id) {
  auto Forget = [&](Value &V) {
    if (V.kind == Value::Symbol && V.id == Id) {
      bool Computed = V.computed;
      V = Value::any();
      V.computed = Computed;
    }
  };
  for (Value &V : regs)
    Forget(V);
  for (Slot &S : Slots)
    Forget(S.value);
  if (Flags.known && Flags.value.kind == Value::Symbol && Flags.value.id == Id)
    Flags = {};
  Limits.erase(std::remove_if(Limits.begin(), Limits.end(), [&](const SymbolLimit &L) { return L.id == Id; }),
               Limits.end());
}

void State::define(Reg R, uint64_t At, unsigned Width, bool Computed) {
  uint64_t Id = definitionId(At, R);
  forgetSymbol(Id);
  regs[R] = Value::symbol(Id, Width, Computed);
}

void State::addLimit(uint64_t Id, unsigned Width, Limit L) {
  if (L.last >= greatest(Width))
    return;
  for (SymbolLimit &Known : Limits)
    if (Known.id == Id && Known.width == Width) {
      if (L.last < Known.limit.last)
        Known.limit = L;
      return;
    }
  Limits.push_back({Id, uint8_t(Width), L});
}

void State::setLimit(const Value &V, unsigned Width, Limit L) {
  if (V.kind == Value::Symbol)
    addLimit(V.id, std::min<unsigned>(Width, V.width), L);
}

Limit State::limitOf(const Value &V, unsigned Width) const {
  if (V.kind == Value::Constant)
    return {uint64_t(V.number) & greatest(Width), true};
  if (V.kind != Value::Symbol)
    return {greatest(Width), false};
  Width = std::min<unsigned>(V.width, Width);
  Limit Best{greatest(Width), false};
  auto Consider = [&](const SymbolLimit &L) {
    if (L.limit.last <= Best.last)
      Best = L.limit;
  };
  // A number is no less than its low bytes, and equal to them if it fits.
  for (const SymbolLimit &L : Limits)
    if (L.id == V.id && L.width >= Width)
      Consider(L);
  for (const SymbolLimit &L : Limits)
    if (L.id == V.id && L.width < Width && Best.last <= greatest(L.width))
      Consider(L);
  return Best;
}

std::optional<Value> State::loadSlot(int64_t Offset, unsigned Size) const {
  for (const Slot &S : Slots)
    if (S.offset == Offset && S.size == Size)
      return S.value;
  return std::nullopt;
}

void State::forgetSlots(int64_t From, int64_t To) {
  Slots.erase(std::remove_if(Slots.begin(), Slots.end(),
                             [&](const Slot &S) { return S.offset < To && S.offset + int64_t(S.size) > From; }),
              Slots.end());
}

void State::storeSlot(int64_t Offset, unsigned Size, Value V) {
  forgetSlots(Offset, Offset + Size);
  auto Before = std::find_if(Slots.begin(), Slots.end(), [&](const Slot &S) { return S.offset > Offset; });
  Slots.insert(Before, Slot{Offset, Size, V});
}

bool State::slotsLeak(int64_t From, int64_t To) const {
  return std::any_of(Slots.begin(), Slots.end(), [&](const Slot &S) {
    return S.offset < To && S.offset + int64_t(S.size) > From && S.value.leaks();
  });
}

void State::compared(const Value &V, uint64_t Number, unsigned Width) {
  Flags.known = true;
  Flags.value = V;
  Flags.width = Width;
  Flags.number = Number & greatest(Width);
}

void State::assume(Condition C, bool Taken) {
  if (!Flags.known)
    return;
  static const Condition Opposite[] = {Condition::Other,      Condition::BelowEqual, Condition::Below,
                                       Condition::AboveEqual, Condition::Above,      Condition::NotEqual,
                                       Condition::Equal};
  if (!Taken)
    C = Opposite[unsigned(C)];
  uint64_t Last = Flags.number;
  if (C == Condition::Below && Last > 0)
    Last--;
  else if (C != Condition::BelowEqual && C != Condition::Equal)
    return;
  setLimit(Flags.value, Flags.width, {Last, true});
}

Value State::mergeValue(const Value &A, const Value &B, uint64_t Phi) const {
  if (A == B)
    return A;
  if (A.leaks() || B.leaks())
    return Value::inFrame();
  bool SameTable = A.kind == B.kind && (A.kind == Value::Table || A.kind == Value::Target) && A.id == B.id &&
                   A.width == B.width && A.sign == B.sign && A.shift == B.shift && A.number == B.number;
  if (SameTable) {
    Value V = A;
    V.lastIndex = std::max(A.lastIndex, B.lastIndex);
    V.bounded = A.bounded && B.bounded;
    return V;
  }
  auto Computed = [](const Value &V) { return V.computed || V.kind == Value::Table || V.kind == Value::Target; };
  return Value::symbol(Phi, 8, Computed(A) || Computed(B));
}

// Keeps the slots of which both states know the same. An address in the frame
// is remembered even if only one has it.
void State::mergeSlots(const State &O) {
  std::vector<Slot> Merged;
  for (const Slot &S : Slots) {
    std::optional<Value> Theirs = O.loadSlot(S.offset, S.size);
    if (Theirs && *Theirs == S.value)
      Merged.push_back(S);
    else if (S.value.leaks() || (Theirs && Theirs->leaks()))
      Merged.push_back({S.offset, S.size, Value::inFrame()});
  }
  Slots = std::move(Merged);
  for (const Slot &S : O.Slots)
    if (S.value.leaks() && !slotsLeak(S.offset, S.offset + S.size))
      storeSlot(S.offset, S.size, Value::inFrame());
}

// Keeps the limits that both states have. Symbols that the block itself makes
// are new ones: what O says of them is of the last time around a loop.
void State::mergeLimits(const State &O, const State &Before, uint64_t Block, bool Settle) {
  std::vector<SymbolLimit> Merged;
  for (const SymbolLimit &L : Before.Limits) {
    if (isPhiOf(L.id, Block))
      continue;
    Limit Theirs;
    for (const SymbolLimit &M : O.Limits)
      if (M.id == L.id && M.width == L.width)
        Theirs = M.limit;
    Limit Both = weaker(L.limit, Theirs);
    bool Grows = Both.last > L.limit.last;
    if (Both.last < greatest(L.width) && !(Settle && Grows))
      Merged.push_back({L.id, L.width, Both});
  }
  Limits = std::move(Merged);
  for (Reg R = 0; R < GeneralRegs; R++) {
    if (regs[R].kind != Value::Symbol || regs[R].id != phiId(Block, R))
      continue;
    // Either may be known in its low bytes only.
    for (unsigned Width : {8, 4, 2, 1}) {
      Limit Mine = Before.limitOf(Before.regs[R], Width);
      Limit Both = weaker(Mine, O.limitOf(O.regs[R], Width));
      bool Grows = Both.last > Mine.last;
      if (!(Settle && Grows))
        addLimit(regs[R].id, Width, Both);
    }
  }
}

bool State::merge(const State &O, uint64_t Block, bool Settle) {
  State Before = *this;
  for (Reg R = 0; R < GeneralRegs; R++)
    regs[R] = mergeValue(Before.regs[R], O.regs[R], phiId(Block, R));
  mergeSlots(O);
  mergeLimits(O, Before, Block, Settle);
  if (!(Flags == O.Flags) || (Flags.known && Flags.value.kind == Value::Symbol && isPhiOf(Flags.value.id, Block)))
    Flags = {};
  return *this != Before;
}

} // namespace tpcc
