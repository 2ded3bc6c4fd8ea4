// aarch64: the procedure call standard (AAPCS64); x20 is the context.

#include "isa.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tpcc {
namespace {

// x0-x30 have their numbers; 31 is the stack pointer, and the zero register
// is none. v0-v31 follow.
enum : Reg { X8 = 8, X18 = 18, X19 = 19, X20 = 20, FP = 29, LR = 30, SP = 31, V0 = 32 };

enum class Form : uint8_t {
  Other,
  Ignored,
  Load, // with the fields of FormOf
  Store,
  LoadPair,
  StorePair,
  AddImmediate,
  SubtractImmediate,
  AddRegister,
  SubtractRegister,
  SubtractExtended,
  OrRegister,
  AndImmediate,
  Extract,
  MoveWide,
  MoveInverted,
  MoveKeep,
  Page,
  PcRelative,
  CompareImmediate,
  CompareRegister,
  InsertGeneral, // into one element of a vector register
  InsertElement,
  LoadElement,
  Return,
  Trap,
  Refused,
};

enum class Mode : uint8_t { Scaled, Unscaled, Pre, Post, Register };

struct FormOf {
  Form form = Form::Other;
  uint8_t width = 8; // bytes of the operation, or of one memory operand
  Mode mode = Mode::Scaled;
  bool sign = false;
  bool vector = false;
};

Convention aapcs64() {
  Convention C;
  C.stackPointer = SP;
  C.framePointer = FP;
  C.context = X20;
  C.returnAddress = LR;
  C.entryStack = 0;
  C.preserved = maskOf(FP) | maskOf(SP);
  for (Reg R = X19; R < FP; R++)
    C.preserved |= maskOf(R);
  for (Reg R = 8; R < 16; R++)
    C.preserved |= maskOf(V0 + R);
  C.arguments = (maskOf(X8) << 1) - 1;
  C.results = 0xff;
  C.firstResult = 0;
  C.frameExtra = 0;
  return C;
}

class AArch64 : public ISA {
public:
  // Without the scalable vectors: code for any aarch64 has none of them.
  AArch64() : ISA("aarch64-unknown-linux-musl", "+v8.5a,+sha2,+aes,+fullfp16", aapcs64()) {
    nameRegisters();
    Forms.resize(Instrs->getNumOpcodes());
    for (unsigned Opcode = 0; Opcode < Forms.size(); Opcode++)
      Forms[Opcode] = classify(Instrs->getName(Opcode));
  }

  std::string name(Reg R) const override {
    if (R == SP)
      return "sp";
    return R < V0 ? "x" + std::to_string(R) : "d" + std::to_string(R - V0);
  }

  Reg fromDwarf(unsigned Number) const override {
    if (Number <= SP)
      return Number;
    return Number >= 64 && Number < 96 ? Reg(V0 + Number - 64) : NoReg;
  }

protected:
  void lift(const MCInst &Inst, Insn &I) const override;

private:
  std::vector<FormOf> Forms; // by opcode

  void nameRegisters();
  static FormOf classify(StringRef Name);
  void liftMemory(const MCInst &Inst, Insn &I, FormOf F) const;
  void liftUnknownMemory(const MCInst &Inst, Insn &I) const;
  bool liftArithmetic(const MCInst &Inst, Insn &I, FormOf F) const;
  void liftElement(const MCInst &Inst, Insn &I, FormOf F) const;
  void liftControl(const MCInst &Inst, Insn &I) const;
  Reg transferred(const MCOperand &Operand, FormOf F) const;
};

void AArch64::nameRegisters() {
  // A write of any part clears the rest, but for instructions that insert.
  auto Single = [&](StringRef Name) -> Parts {
    unsigned Number;
    if (Name == "FP")
      return {{FP, AllLanes, AllLanes, 8}};
    if (Name == "LR")
      return {{LR, AllLanes, AllLanes, 8}};
    if (Name == "SP" || Name == "WSP")
      return {{SP, AllLanes, AllLanes, uint8_t(Name == "SP" ? 8 : 4)}};
    if (Name.drop_front().getAsInteger(10, Number) || Number > 31)
      return {};
    switch (Name.front()) {
    case 'X':
      return {{Reg(Number), AllLanes, AllLanes, 8}};
    case 'W':
      return {{Reg(Number), 0x0f, AllLanes, 4}};
    case 'B':
      return {{Reg(V0 + Number), 0x01, AllLanes, 8}};
    case 'H':
      return {{Reg(V0 + Number), 0x03, AllLanes, 8}};
    case 'S':
      return {{Reg(V0 + Number), 0x0f, AllLanes, 8}};
    case 'D':
      return {{Reg(V0 + Number), AllLanes, AllLanes, 8}};
    }
    return {};
  };
  for (unsigned R = 1; R < Registers->getNumRegs(); R++) {
    StringRef Name = Registers->getName(R);
    if (Name == "NZCV")
      FlagsRegister = R;
    PartsOf[R] = Single(Name);
    if (!PartsOf[R].empty())
      continue;
    // A longer vector register, or several registers in a row.
    for (MCPhysReg Sub : Registers->subregs(R)) {
      StringRef SubName = Registers->getName(Sub);
      if (SubName.starts_with("X") || SubName.starts_with("D"))
        PartsOf[R].append(Single(SubName));
    }
    if (!PartsOf[R].empty())
      continue;
    for (MCPhysReg Sub : Registers->subregs(R)) // pairs of halves
      if (StringRef(Registers->getName(Sub)).starts_with("W"))
        PartsOf[R].append(Single(Registers->getName(Sub)));
  }
}

// Bytes of memory that the letters of a load or store stand for, 0 if they
// stand for nothing.
unsigned memoryWidth(StringRef Letters) {
  return StringSwitch<unsigned>(Letters)
      .Cases("BB", "B", "SBW", "SBX", 1)
      .Cases("HH", "H", "SHW", "SHX", 2)
      .Cases("W", "SW", "S", 4)
      .Cases("X", "D", 8)
      .Case("Q", 16)
      .Default(0);
}

// LDRBBui, LDURXi, STPXpre and the like.
FormOf classifyMemory(StringRef Name) {
  FormOf F;
  bool Load = Name.starts_with("LD");
  if (!Load && !Name.starts_with("ST"))
    return {};
  Name = Name.drop_front(2);
  bool Pair = Name.consume_front("P") || Name.consume_front("NP");
  bool Unscaled = !Pair && Name.consume_front("UR");
  if (!Pair && !Unscaled && !Name.consume_front("R"))
    return {};

  if (Name.consume_back("pre"))
    F.mode = Mode::Pre;
  else if (Name.consume_back("post"))
    F.mode = Mode::Post;
  else if (Name.consume_back("roX") || Name.consume_back("roW"))
    F.mode = Mode::Register;
  else if (Pair ? Name.consume_back("i") : Unscaled ? Name.consume_back("i") : Name.consume_back("ui"))
    F.mode = Unscaled ? Mode::Unscaled : Mode::Scaled;
  else
    return {};
  F.width = memoryWidth(Name);
  if (!F.width)
    return {};
  F.sign = Name.size() > 1 && Name.front() == 'S';
  F.vector = is_contained({"B", "H", "S", "D", "Q"}, Name);
  F.form = Load ? (Pair ? Form::LoadPair : Form::Load) : (Pair ? Form::StorePair : Form::Store);
  return F;
}

FormOf AArch64::classify(StringRef Name) {
  FormOf Memory = classifyMemory(Name);
  if (Memory.form != Form::Other)
    return Memory;

  auto Of = [](Form F, uint8_t Width = 8) {
    FormOf Result;
    Result.form = F;
    Result.width = Width;
    return Result;
  };
  for (auto [Prefix, F] : {std::pair("INSvi", Form::InsertGeneral), std::pair("LD1i", Form::LoadElement)}) {
    StringRef Rest = Name;
    unsigned Bits;
    if (!Rest.consume_front(Prefix) || Rest.consumeInteger(10, Bits))
      continue;
    if (Rest == "" || Rest == "gpr")
      return Of(F, Bits / 8);
    if (Rest == "lane")
      return Of(Form::InsertElement, Bits / 8);
  }
  return StringSwitch<FormOf>(Name)
      .Case("ADDXri", Of(Form::AddImmediate))
      .Case("SUBXri", Of(Form::SubtractImmediate))
      .Case("ADDXrs", Of(Form::AddRegister))
      .Case("SUBXrs", Of(Form::SubtractRegister))
      .Case("SUBXrx64", Of(Form::SubtractExtended))
      .Case("ORRXrs", Of(Form::OrRegister))
      .Case("ORRWrs", Of(Form::OrRegister, 4))
      .Case("ANDXri", Of(Form::AndImmediate))
      .Case("ANDWri", Of(Form::AndImmediate, 4))
      .Case("UBFMXri", Of(Form::Extract))
      .Case("UBFMWri", Of(Form::Extract, 4))
      .Case("MOVZXi", Of(Form::MoveWide))
      .Case("MOVZWi", Of(Form::MoveWide, 4))
      .Case("MOVNXi", Of(Form::MoveInverted))
      .Case("MOVNWi", Of(Form::MoveInverted, 4))
      .Case("MOVKXi", Of(Form::MoveKeep))
      .Case("ADRP", Of(Form::Page))
      .Case("ADR", Of(Form::PcRelative))
      .Case("SUBSXri", Of(Form::CompareImmediate))
      .Case("SUBSWri", Of(Form::CompareImmediate, 4))
      .Case("SUBSXrs", Of(Form::CompareRegister))
      .Case("SUBSWrs", Of(Form::CompareRegister, 4))
      .Case("FMOVXDHighr", Of(Form::InsertGeneral, 8))
      .Cases("HINT", "DMB", "DSB", "ISB", "CLREX", Of(Form::Ignored))
      .Cases("PRFMui", "PRFMroX", "PRFMroW", "PRFUMi", "PRFMl", Of(Form::Ignored))
      .Case("RET", Of(Form::Return))
      .Cases("BRK", "HLT", "UDF", Of(Form::Trap))
      .Cases("SVC", "HVC", "SMC", "ERET", Of(Form::Refused))
      .Default(Of(Form::Other));
}

// The register that a load or store moves, if it is one whose value is
// followed: a whole general register or the preserved part of a vector one.
Reg AArch64::transferred(const MCOperand &Operand, FormOf F) const {
  const Parts &P = partsOf(Operand.getReg());
  if (P.size() != 1 || (F.vector && F.width != 8))
    return NoReg;
  return P[0].reg;
}

void AArch64::liftMemory(const MCInst &Inst, Insn &I, FormOf F) const {
  bool Pair = F.form == Form::LoadPair || F.form == Form::StorePair;
  bool Load = F.form == Form::Load || F.form == Form::LoadPair;
  bool WriteBack = F.mode == Mode::Pre || F.mode == Mode::Post;
  unsigned First = WriteBack ? 1 : 0; // the new base comes first
  unsigned Count = Pair ? 2 : 1;

  Address A;
  A.base = general(Inst.getOperand(First + Count));
  int64_t Step = 0;
  if (F.mode == Mode::Register) {
    const MCOperand &Index = Inst.getOperand(First + Count + 1);
    A.index = general(Index);
    if (A.index != NoReg && partsOf(Index.getReg())[0].lanes != AllLanes) {
      A.indexWidth = 4;
      A.signedIndex = Inst.getOperand(First + Count + 2).getImm() != 0;
    }
    A.shift = Inst.getOperand(First + Count + 3).getImm() ? Log2_32(F.width) : 0;
  } else {
    Step = Inst.getOperand(First + Count + 1).getImm();
    if (F.mode == Mode::Scaled || Pair)
      Step *= F.width;
    A.offset = F.mode == Mode::Post ? 0 : Step;
  }

  for (unsigned N = 0; N < Count; N++) {
    Op &O = I.add(Load ? OpKind::Load : OpKind::Store);
    O.address = A;
    O.address.offset += int64_t(N) * F.width;
    O.size = F.width;
    O.sign = F.sign;
    // What is stored may be the zero register.
    (Load ? O.dst : O.src) = transferred(Inst.getOperand(First + N), F);
  }
  if (WriteBack) {
    Op &Add = I.add(OpKind::Add);
    Add.dst = Add.src = A.base;
    Add.imm = Step;
  }
}

// An access whose size the name does not tell: whatever its base points to.
void AArch64::liftUnknownMemory(const MCInst &Inst, Insn &I) const {
  const MCInstrDesc &Desc = describe(Inst);
  if (!Desc.mayLoad() && !Desc.mayStore())
    return;
  for (unsigned N = Desc.getNumDefs(); N < Inst.getNumOperands() && N < Desc.getNumOperands(); N++) {
    Reg Base = general(Inst.getOperand(N));
    if (Base == NoReg)
      continue;
    // Addresses are in registers of the class that has the stack pointer.
    int Class = Desc.operands()[N].RegClass;
    if (Class < 0 || StringRef(Registers->getRegClassName(&Registers->getRegClass(Class))) != "GPR64sp")
      continue;
    for (auto [Kind, May] : {std::pair(OpKind::Load, Desc.mayLoad()), std::pair(OpKind::Store, Desc.mayStore())}) {
      if (!May)
        continue;
      Op &O = I.add(Kind);
      O.address.base = Base;
      O.maybe = true;
    }
  }
}

// The mask that a logical instruction's 13 bits stand for (Arm ARM,
// DecodeBitMasks).
uint64_t decodeMask(uint64_t Encoded, unsigned Bits) {
  unsigned N = Encoded >> 12 & 1, Rotate = Encoded >> 6 & 0x3f, Length = Encoded & 0x3f;
  unsigned Size = N ? 64 : 32;
  if (!N)
    while (Size > 2 && (Length & Size))
      Size >>= 1;
  Rotate &= Size - 1;
  Length &= Size - 1;
  uint64_t Element = Length == 63 ? ~uint64_t(0) : (uint64_t(1) << (Length + 1)) - 1;
  uint64_t All = Size == 64 ? ~uint64_t(0) : (uint64_t(1) << Size) - 1;
  if (Rotate)
    Element = (Element >> Rotate | Element << (Size - Rotate)) & All;
  for (unsigned Have = Size; Have < 64; Have *= 2)
    Element |= Element << Have;
  return Bits == 32 ? uint32_t(Element) : Element;
}

// False if it says no more than that the result is unknown.
bool AArch64::liftArithmetic(const MCInst &Inst, Insn &I, FormOf F) const {
  auto Imm = [&](unsigned N) { return Inst.getOperand(N).getImm(); };
  Op O{};
  O.dst = general(Inst.getOperand(0));
  if (Inst.getNumOperands() > 1)
    O.src = general(Inst.getOperand(1));
  if (Inst.getNumOperands() > 2)
    O.src2 = general(Inst.getOperand(2));
  O.width = F.width;
  constexpr int64_t Shifted12 = 12; // a shifter operand: lsl #12

  switch (F.form) {
  case Form::AddImmediate:
  case Form::SubtractImmediate:
    O.kind = OpKind::Add;
    O.imm = Imm(2) << (Imm(3) == Shifted12 ? 12 : 0);
    if (F.form == Form::SubtractImmediate)
      O.imm = -O.imm;
    break;
  case Form::AddRegister:
    if (Imm(3) >= 64) // not shifted left
      return false;
    O.kind = OpKind::AddShifted;
    O.shift = Imm(3);
    break;
  case Form::SubtractExtended:
  case Form::SubtractRegister:
    // No shift: lsl #0 or uxtx #0.
    if (Imm(3) != (F.form == Form::SubtractExtended ? 24 : 0))
      return false;
    O.kind = OpKind::Subtract;
    break;
  case Form::OrRegister:
    if (O.src != NoReg || O.src2 == NoReg || Imm(3) != 0) // mov is orr with the zero register
      return false;
    O.kind = F.width == 8 ? OpKind::Copy : OpKind::ZeroExtend;
    O.src = O.src2;
    break;
  case Form::AndImmediate: {
    uint64_t Mask = decodeMask(Imm(2), F.width * 8);
    if (int64_t(Mask) < 0)
      return false;
    O.kind = OpKind::Limit;
    O.imm = Mask;
    break;
  }
  case Form::Extract: {
    int64_t Low = Imm(2), High = Imm(3);
    if (High < Low)
      return false;
    bool Extends = Low == 0 && (High == 7 || High == 15 || High == 31);
    O.kind = Extends ? OpKind::ZeroExtend : OpKind::Limit;
    O.width = Extends ? (High + 1) / 8 : F.width;
    if (High - Low == 63)
      return false;
    O.imm = (int64_t(1) << (High - Low + 1)) - 1;
    break;
  }
  case Form::MoveWide:
  case Form::MoveInverted: {
    uint64_t Value = uint64_t(Imm(1)) << Imm(2);
    O.kind = OpKind::Set;
    O.imm = F.form == Form::MoveWide ? Value : ~Value;
    if (F.width == 4)
      O.imm = uint32_t(O.imm);
    break;
  }
  case Form::MoveKeep:
    O.kind = OpKind::Insert;
    O.src = O.dst;
    O.imm = Imm(2);
    O.shift = Imm(3);
    break;
  case Form::Page:
    O.kind = OpKind::Set;
    O.imm = int64_t((I.address & ~uint64_t(0xfff)) + (Imm(1) << 12));
    break;
  case Form::PcRelative:
    O.kind = OpKind::Set;
    O.imm = int64_t(I.address) + Imm(1);
    break;
  case Form::CompareImmediate:
  case Form::CompareRegister:
    if (F.form == Form::CompareRegister) {
      if (Imm(3) != 0)
        return false;
    } else {
      O.src2 = NoReg;
      O.imm = Imm(2) << (Imm(3) == Shifted12 ? 12 : 0);
    }
    O.kind = OpKind::Compare;
    O.dst = NoReg;
    break;
  default:
    return false;
  }
  bool NeedsDst = O.kind != OpKind::Compare;
  bool NeedsSrc = O.kind != OpKind::Set;
  if ((NeedsDst && O.dst == NoReg) || (NeedsSrc && O.src == NoReg) ||
      ((O.kind == OpKind::AddShifted || O.kind == OpKind::Subtract || F.form == Form::CompareRegister) &&
       O.src2 == NoReg))
    return false;
  I.ops.push_back(O);
  return true;
}

// An element is written and the others keep their values, which is no read.
void AArch64::liftElement(const MCInst &Inst, Insn &I, FormOf F) const {
  auto LanesOf = [&](int64_t Index) -> Lanes {
    unsigned From = Index * F.width;
    return From >= 8 ? 0 : Lanes(((1u << F.width) - 1) << From);
  };
  Reg Vector = partsOf(Inst.getOperand(0).getReg())[0].reg;
  I.writes.clear();
  I.writes.push_back({Vector, LanesOf(Inst.getOperand(2).getImm()), 8});
  I.reads.clear();
  const MCOperand &Source = Inst.getOperand(3);
  if (F.form == Form::InsertElement) {
    I.reads.push_back({partsOf(Source.getReg())[0].reg, LanesOf(Inst.getOperand(4).getImm())});
    return;
  }
  for (const Part &P : partsOf(Source.getReg()))
    I.reads.push_back({P.reg, P.lanes});
  if (F.form == Form::LoadElement) {
    Op &Load = I.add(OpKind::Load);
    Load.address.base = general(Source);
    Load.size = F.width;
  }
}

void AArch64::liftControl(const MCInst &Inst, Insn &I) const {
  const MCInstrDesc &Desc = describe(Inst);
  uint64_t Target = 0;
  bool Known = Analysis->evaluateBranch(Inst, I.address, I.length, Target);
  if (Desc.isCall()) {
    I.flow = Flow::Call;
    I.target = Known ? Target : 0;
  } else if (Desc.isIndirectBranch()) {
    I.flow = Flow::JumpIndirect;
    I.jumpReg = general(Inst.getOperand(0));
  } else if (Desc.isBranch()) {
    I.flow = !Known ? Flow::Unknown : Desc.isBarrier() ? Flow::Jump : Flow::Branch;
    I.target = Target;
    if (Instrs->getName(Inst.getOpcode()) == "Bcc")
      switch (Inst.getOperand(0).getImm()) {
      case 0:
        I.condition = Condition::Equal;
        break;
      case 1:
        I.condition = Condition::NotEqual;
        break;
      case 2:
        I.condition = Condition::AboveEqual;
        break;
      case 3:
        I.condition = Condition::Below;
        break;
      case 8:
        I.condition = Condition::Above;
        break;
      case 9:
        I.condition = Condition::BelowEqual;
        break;
      }
  } else if (Desc.isReturn() || Desc.isTerminator()) {
    I.flow = Flow::Unknown; // eret, authenticated returns
  }
}

void AArch64::lift(const MCInst &Inst, Insn &I) const {
  FormOf F = Forms[Inst.getOpcode()];
  switch (F.form) {
  case Form::Ignored:
    I.reads.clear();
    return;
  case Form::Trap:
    I.flow = Flow::Trap;
    return;
  case Form::Refused:
    I.flow = Flow::Unknown;
    return;
  case Form::Return:
    I.flow = Flow::Return;
    I.jumpReg = general(Inst.getOperand(0));
    return;
  case Form::Load:
  case Form::Store:
  case Form::LoadPair:
  case Form::StorePair:
    liftMemory(Inst, I, F);
    return;
  case Form::InsertGeneral:
  case Form::InsertElement:
  case Form::LoadElement:
    // fmov v.d[1] has no tied operand in front of its source.
    if (Inst.getNumOperands() >= 4)
      liftElement(Inst, I, F);
    else
      I.writes.clear();
    return;
  default:
    if (!liftArithmetic(Inst, I, F)) {
      liftUnknownMemory(Inst, I);
      liftControl(Inst, I);
    }
  }
}

} // namespace

std::unique_ptr<ISA> makeAArch64() { return std::make_unique<AArch64>(); }

} // namespace tpcc
