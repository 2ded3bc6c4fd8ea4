// x86-64: System V calling convention; r13 is the context.

#include "isa.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tpcc {
namespace {

// General registers by their number in the encoding. Two more stand for what
// is in memory: the return address, and the target of a jump through memory.
enum : Reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, ReturnAddress, JumpTarget };

const char *const Names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                             "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "(return address)"};

// What an instruction is to the proof. The number of bytes it works on is with
// it in Forms.
enum class Form : uint8_t {
  Other,
  Ignored, // neither its registers nor its memory matter
  Copy,
  ZeroExtend,
  SetImmediate,
  Lea,
  AddImmediate,
  SubtractImmediate,
  Increment,
  Decrement,
  AddRegister,
  SubtractRegister, // of the register itself: zero
  XorRegister,      // the same
  BorrowRegister,   // sbb, of the register itself: whatever the carry says
  AndImmediate,
  TestImmediate,
  ShiftRight,
  CompareImmediate,
  CompareRegister,
  Load,
  Store,
  BitString, // may reach memory far from its address
  String,    // at rdi and rsi
  Push,
  PushMemory,
  Pop,
  PopMemory,
  Leave,
  Return,
  Trap,
  Refused, // not code of a compiler
};

struct FormOf {
  Form form = Form::Other;
  uint8_t width = 8;
  bool lowFromLow = false; // see Insn
  bool killsFlags = false;
};

Convention systemV() {
  Convention C;
  C.stackPointer = RSP;
  C.framePointer = RBP;
  C.context = R13;
  C.returnAddress = ReturnAddress;
  C.entryStack = -8;
  C.preserved = 0;
  for (Reg R : {RBX, RSP, RBP, R12, R13, R14, R15})
    C.preserved |= maskOf(R);
  C.arguments = 0;
  // Without eax: that it counts the vector registers of a variadic call is a
  // hint, and tpcc makes no such calls.
  for (Reg R : {RDI, RSI, RDX, RCX, R8, R9, R10})
    C.arguments |= maskOf(R);
  C.results = maskOf(RAX) | maskOf(RDX);
  C.firstResult = RAX;
  C.frameExtra = 8;
  return C;
}

class X86_64 : public ISA {
public:
  X86_64() : ISA("x86_64-unknown-linux-musl", "", systemV()) {
    Intel.reset(TargetOf->createMCInstPrinter(TripleOf, /*SyntaxVariant=*/1, *AsmInfo, *Instrs, *Registers));
    nameRegisters();
    classifyInstructions();
  }

  std::string name(Reg R) const override { return R < std::size(Names) ? Names[R] : "(register)"; }

  Reg fromDwarf(unsigned Number) const override {
    static const Reg First[] = {RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP};
    if (Number < std::size(First))
      return First[Number];
    if (Number < 16)
      return Number;
    return Number == 16 ? Reg(ReturnAddress) : NoReg;
  }

protected:
  void lift(const MCInst &Inst, Insn &I) const override;

private:
  std::unique_ptr<MCInstPrinter> Intel;
  std::vector<FormOf> Forms;     // by opcode
  std::vector<int8_t> MemoryAt;  // by opcode: the first of the five operands that are an address, or -1
  mutable std::vector<int16_t> SizeOf; // by opcode: bytes of memory, or -1 as long as nobody asked

  void nameRegisters();
  void classifyInstructions();
  unsigned memorySize(const MCInst &Inst) const;
  Address addressAt(const MCInst &Inst, unsigned First) const;
  void liftMemory(const MCInst &Inst, Insn &I) const;
  void liftStack(const MCInst &Inst, Insn &I, Form F) const;
  void liftString(Insn &I) const;
  void liftBinary(const MCInst &Inst, Insn &I, FormOf F) const;
  void liftControl(const MCInst &Inst, Insn &I) const;
};

void X86_64::nameRegisters() {
  // A write of 32 bits clears the upper half; a shorter one leaves the rest.
  StringMap<Part> Known;
  auto Add = [&](StringRef Name, Reg R, Lanes L, uint8_t Width) {
    bool Whole = Width >= 4;
    Known[Name] = {R, L, Whole ? AllLanes : L, uint8_t(Whole ? Width : 8)};
  };
  for (Reg R = RAX; R <= R15; R++) {
    std::string Long = StringRef(Names[R]).upper();
    Add(Long, R, AllLanes, 8);
    if (R >= R8) {
      Add(Long + "D", R, 0x0f, 4);
      Add(Long + "W", R, 0x03, 2);
      Add(Long + "B", R, 0x01, 1);
      continue;
    }
    std::string Short = Long.substr(1);
    Add("E" + Short, R, 0x0f, 4);
    Add(Short, R, 0x03, 2);
    if (R <= RBX) {
      Add(Short.substr(0, 1) + "L", R, 0x01, 1);
      Add(Short.substr(0, 1) + "H", R, 0x02, 1);
    } else {
      Add(Short + "L", R, 0x01, 1);
    }
  }
  for (unsigned R = 1; R < Registers->getNumRegs(); R++) {
    auto Found = Known.find(Registers->getName(R));
    if (Found != Known.end())
      PartsOf[R].push_back(Found->second);
    if (StringRef(Registers->getName(R)) == "EFLAGS")
      FlagsRegister = R;
  }
}

// Opcodes by name: LLVM exports no list of its opcodes. A name that is not
// here is Form::Other, of which the operands say enough.
const struct {
  const char *name;
  Form form;
  uint8_t width;
} KnownForms[] = {
    {"MOV64rr", Form::Copy, 8},
    {"MOV32rr", Form::ZeroExtend, 4},
    {"MOVZX32rr8", Form::ZeroExtend, 1},
    {"MOVZX64rr8", Form::ZeroExtend, 1},
    {"MOVZX32rr16", Form::ZeroExtend, 2},
    {"MOVZX64rr16", Form::ZeroExtend, 2},
    {"MOV32ri", Form::SetImmediate, 4},
    {"MOV64ri", Form::SetImmediate, 8},
    {"MOV64ri32", Form::SetImmediate, 8},
    {"LEA64r", Form::Lea, 8},
    {"LEA64_32r", Form::Lea, 4},
    {"LEA32r", Form::Lea, 4},
    {"ADD64ri8", Form::AddImmediate, 8},
    {"ADD64ri32", Form::AddImmediate, 8},
    {"ADD64i32", Form::AddImmediate, 8},
    {"SUB64ri8", Form::SubtractImmediate, 8},
    {"SUB64ri32", Form::SubtractImmediate, 8},
    {"SUB64i32", Form::SubtractImmediate, 8},
    {"INC64r", Form::Increment, 8},
    {"DEC64r", Form::Decrement, 8},
    {"ADD64rr", Form::AddRegister, 8},
    {"SUB64rr", Form::SubtractRegister, 8},
    {"SUB32rr", Form::SubtractRegister, 4},
    {"SUB16rr", Form::SubtractRegister, 2},
    {"SUB8rr", Form::SubtractRegister, 1},
    {"XOR64rr", Form::XorRegister, 8},
    {"XOR32rr", Form::XorRegister, 4},
    {"XOR16rr", Form::XorRegister, 2},
    {"XOR8rr", Form::XorRegister, 1},
    {"SBB64rr", Form::BorrowRegister, 8},
    {"SBB32rr", Form::BorrowRegister, 4},
    {"SBB16rr", Form::BorrowRegister, 2},
    {"SBB8rr", Form::BorrowRegister, 1},
    {"AND64ri8", Form::AndImmediate, 8},
    {"AND64ri32", Form::AndImmediate, 8},
    {"AND64i32", Form::AndImmediate, 8},
    {"AND32ri8", Form::AndImmediate, 4},
    {"AND32ri", Form::AndImmediate, 4},
    {"AND32i32", Form::AndImmediate, 4},
    {"TEST64ri32", Form::TestImmediate, 8},
    {"TEST64i32", Form::TestImmediate, 8},
    {"TEST32ri", Form::TestImmediate, 4},
    {"TEST32i32", Form::TestImmediate, 4},
    {"TEST16ri", Form::TestImmediate, 2},
    {"TEST16i16", Form::TestImmediate, 2},
    {"SHR64ri", Form::ShiftRight, 8},
    {"SHR32ri", Form::ShiftRight, 4},
    {"CMP64ri8", Form::CompareImmediate, 8},
    {"CMP64ri32", Form::CompareImmediate, 8},
    {"CMP64i32", Form::CompareImmediate, 8},
    {"CMP32ri8", Form::CompareImmediate, 4},
    {"CMP32ri", Form::CompareImmediate, 4},
    {"CMP32i32", Form::CompareImmediate, 4},
    {"CMP16ri8", Form::CompareImmediate, 2},
    {"CMP16ri", Form::CompareImmediate, 2},
    {"CMP16i16", Form::CompareImmediate, 2},
    {"CMP8ri", Form::CompareImmediate, 1},
    {"CMP8i8", Form::CompareImmediate, 1},
    {"CMP64rr", Form::CompareRegister, 8},
    {"CMP32rr", Form::CompareRegister, 4},
    {"MOV64rm", Form::Load, 8},
    {"MOV32rm", Form::Load, 4},
    {"MOVZX32rm8", Form::Load, 1},
    {"MOVZX64rm8", Form::Load, 1},
    {"MOVZX32rm16", Form::Load, 2},
    {"MOVZX64rm16", Form::Load, 2},
    {"MOVSX64rm32", Form::Load, 4},
    {"MOV64mr", Form::Store, 8},
    {"MOV32mr", Form::Store, 4},
    {"PUSH64r", Form::Push, 8},
    {"PUSH64rmr", Form::Push, 8},
    {"PUSH64i8", Form::Push, 8},
    {"PUSH64i32", Form::Push, 8},
    {"PUSHF64", Form::Push, 8},
    {"PUSH64rmm", Form::PushMemory, 8},
    {"POP64r", Form::Pop, 8},
    {"POP64rmr", Form::Pop, 8},
    {"POPF64", Form::Pop, 8},
    {"POP64rmm", Form::PopMemory, 8},
    {"LEAVE64", Form::Leave, 8},
    {"RET64", Form::Return, 8},
    {"TRAP", Form::Trap, 8},
    {"INT3", Form::Trap, 8},
    {"HLT", Form::Trap, 8},
};

Form formByShape(StringRef Name) {
  auto Starts = [&](std::initializer_list<const char *> Prefixes) {
    return any_of(Prefixes, [&](const char *P) { return Name.starts_with(P); });
  };
  if (Starts({"NOOP", "ENDBR", "PREFETCH", "PAUSE"}))
    return Form::Ignored;
  if (Starts({"UD1"}))
    return Form::Trap;
  if (is_contained({"STOSB", "STOSW", "STOSL", "STOSQ", "MOVSB", "MOVSW", "MOVSL", "MOVSQ", "CMPSB", "CMPSW", "CMPSL",
                    "CMPSQ", "SCASB", "SCASW", "SCASL", "SCASQ", "LODSB", "LODSW", "LODSL", "LODSQ"},
                   Name))
    return Form::String;
  if (Starts({"BT", "BTC", "BTR", "BTS"}) && Name.ends_with("mr"))
    return Form::BitString;
  if (Starts({"POPCNT"}))
    return Form::Other;
  if (Starts({"PUSH", "POP", "ENTER", "LEAVE", "LOOP", "INS", "OUT", "XBEGIN", "FAR", "SYS", "IRET", "RET", "INT",
              "MASKMOV", "XSAVE", "FXSAVE", "XRSTOR", "FXRSTOR", "TILE", "MOVDIR64", "JMP16", "JMP32", "JMPABS",
              "CALL16", "CALL32", "CALLpcrel"}) &&
      !Starts({"INSERTPS"}))
    return Form::Refused;
  return Form::Other;
}

// Whether arithmetic carries nothing from high bytes to low ones.
bool isLowFromLow(StringRef Name) {
  for (const char *Operation : {"ADD", "SUB", "AND", "OR", "XOR", "NOT", "NEG", "INC", "DEC", "IMUL", "SHL", "CMOV"}) {
    StringRef Rest = Name;
    unsigned Bits;
    if (Rest.consume_front(Operation) && !Rest.consumeInteger(10, Bits))
      return Rest.starts_with("r") || Rest.starts_with("i");
  }
  return false;
}

bool isKillingFlags(StringRef Name) {
  for (const char *Operation : {"ADD", "SUB", "AND", "OR", "XOR", "NEG", "ADC", "SBB", "CMP", "TEST"}) {
    StringRef Rest = Name;
    unsigned Bits;
    if (Rest.consume_front(Operation) && !Rest.consumeInteger(10, Bits))
      return true;
  }
  return Name.starts_with("UCOMIS") || Name.starts_with("COMIS");
}

void X86_64::classifyInstructions() {
  StringMap<FormOf> Known;
  for (const auto &K : KnownForms)
    for (const char *Variant : {"", "_REV", "_alt", "_NOREX"})
      Known[std::string(K.name) + Variant] = {K.form, K.width, false, false};

  unsigned Count = Instrs->getNumOpcodes();
  Forms.resize(Count);
  MemoryAt.assign(Count, -1);
  SizeOf.assign(Count, -1);
  for (unsigned Opcode = 0; Opcode < Count; Opcode++) {
    StringRef Name = Instrs->getName(Opcode);
    auto Found = Known.find(Name);
    if (Found != Known.end())
      Forms[Opcode] = Found->second;
    else
      Forms[Opcode].form = formByShape(Name);
    Forms[Opcode].lowFromLow = isLowFromLow(Name) && !Instrs->get(Opcode).mayStore();
    Forms[Opcode].killsFlags = isKillingFlags(Name);
    // An address is base, scale, index, displacement, segment.
    auto Operands = Instrs->get(Opcode).operands();
    for (unsigned N = 0; N + 5 <= Operands.size(); N++) {
      int Class = Operands[N + 4].RegClass;
      bool Segment = Class >= 0 && StringRef(Registers->getRegClassName(&Registers->getRegClass(Class))) == "SEGMENT_REG";
      if (Segment && Operands[N].RegClass >= 0 && Operands[N + 2].RegClass >= 0)
        MemoryAt[Opcode] = N;
    }
  }
}

// The machine description has no sizes of memory, but one of the assembler's
// syntaxes writes them.
unsigned X86_64::memorySize(const MCInst &Inst) const {
  int16_t &Size = SizeOf[Inst.getOpcode()];
  if (Size < 0) {
    std::string Text = print(*Intel, Inst, 0);
    StringRef Before = StringRef(Text).split(" ptr").first;
    StringRef Word = Before.size() == Text.size() ? "" : Before.substr(Before.find_last_of(" \t,") + 1);
    Size = StringSwitch<unsigned>(Word)
               .Case("byte", 1)
               .Case("word", 2)
               .Case("dword", 4)
               .Case("qword", 8)
               .Cases("tbyte", "xword", 10)
               .Case("xmmword", 16)
               .Case("ymmword", 32)
               .Case("zmmword", 64)
               .Default(0);
  }
  return Size;
}

Address X86_64::addressAt(const MCInst &Inst, unsigned First) const {
  Address A;
  A.base = general(Inst.getOperand(First));
  A.index = general(Inst.getOperand(First + 2));
  switch (Inst.getOperand(First + 1).getImm()) {
  case 2:
    A.shift = 1;
    break;
  case 4:
    A.shift = 2;
    break;
  case 8:
    A.shift = 3;
    break;
  }
  A.offset = Inst.getOperand(First + 3).isImm() ? Inst.getOperand(First + 3).getImm() : 0;
  A.foreign = Inst.getOperand(First + 4).getReg() != 0;
  return A;
}

// Any instruction with an address that is not lifted more exactly.
void X86_64::liftMemory(const MCInst &Inst, Insn &I) const {
  int At = MemoryAt[Inst.getOpcode()];
  if (At < 0)
    return;
  const MCInstrDesc &Desc = describe(Inst);
  FormOf F = Forms[Inst.getOpcode()];
  Address A = addressAt(Inst, At);
  // rip as base: relative to the next instruction.
  const MCOperand &Base = Inst.getOperand(At);
  if (Base.isReg() && Base.getReg() && StringRef(Registers->getName(Base.getReg())) == "RIP")
    A.offset += int64_t(I.end());

  bool Known = Desc.mayLoad() || Desc.mayStore();
  unsigned Size = F.form == Form::BitString ? 0 : memorySize(Inst);
  if (Desc.mayLoad() || !Known) {
    Op &Load = I.add(OpKind::Load);
    Load.address = A;
    Load.size = Size;
    if (F.form == Form::Load) {
      Load.dst = general(Inst.getOperand(0));
      Load.sign = Instrs->getName(Inst.getOpcode()).starts_with("MOVSX");
    }
  }
  if (Desc.mayStore() || !Known) {
    Op &Store = I.add(OpKind::Store);
    Store.address = A;
    Store.size = Size;
    // What also reads may leave memory as it was (cmpxchg).
    Store.maybe = Desc.mayLoad() || !Known || Instrs->getName(Inst.getOpcode()).contains("MASK") ||
                  Instrs->getName(Inst.getOpcode()).starts_with("CFCMOV") ||
                  Instrs->getName(Inst.getOpcode()).ends_with("mrk");
    if (F.form == Form::Store)
      Store.src = general(Inst.getOperand(At + 5));
  }
}

void X86_64::liftStack(const MCInst &Inst, Insn &I, Form F) const {
  auto Move = [&](Reg From, int64_t By) {
    Op &Add = I.add(OpKind::Add);
    Add.dst = RSP;
    Add.src = From;
    Add.imm = By;
  };
  auto Access = [&](OpKind Kind, Reg Base, int64_t Offset) -> Op & {
    Op &O = I.add(Kind);
    O.address.base = Base;
    O.address.offset = Offset;
    O.size = 8;
    return O;
  };
  Reg Operand = Inst.getNumOperands() ? general(Inst.getOperand(0)) : NoReg;
  switch (F) {
  case Form::PushMemory: {
    Op &Load = Access(OpKind::Load, NoReg, 0);
    Load.address = addressAt(Inst, 0);
    Access(OpKind::Store, RSP, -8);
    Move(RSP, -8);
    break;
  }
  case Form::Push:
    Access(OpKind::Store, RSP, -8).src = Operand;
    Move(RSP, -8);
    break;
  case Form::Pop:
    Access(OpKind::Load, RSP, 0).dst = Operand;
    if (Operand != RSP)
      Move(RSP, 8);
    break;
  case Form::Leave:
    Move(RBP, 8);
    Access(OpKind::Load, RBP, 0).dst = RBP;
    break;
  default: // pop to memory: its address is one of the stack pointer after
    I.flow = Flow::Unknown;
  }
}

void X86_64::liftString(Insn &I) const {
  for (auto [Base, Kind] : {std::pair(RDI, OpKind::Load), std::pair(RSI, OpKind::Load), std::pair(RDI, OpKind::Store)}) {
    Op &O = I.add(Kind);
    O.address.base = Base;
    O.maybe = true;
  }
  // A repeat prefix is no operand.
  I.reads.push_back({RCX, AllLanes});
  I.writes.push_back({RCX, AllLanes, 8});
}

// Bytes where a mask has none of its bits are not read.
void maskReads(Insn &I, uint64_t Mask) {
  Lanes Used = 0;
  for (unsigned Byte = 0; Byte < 8; Byte++)
    if (Mask >> 8 * Byte & 0xff)
      Used |= 1 << Byte;
  for (RegRead &R : I.reads)
    R.lanes &= Used;
}

void X86_64::liftBinary(const MCInst &Inst, Insn &I, FormOf F) const {
  if (F.form == Form::Other || Inst.getNumOperands() == 0)
    return;
  // The short forms have the accumulator as their implicit operand.
  bool Short = Inst.getNumOperands() == 1;
  const MCOperand &Last = Inst.getOperand(Inst.getNumOperands() - 1);
  Reg Dst = Short && !Inst.getOperand(0).isReg() ? Reg(RAX) : general(Inst.getOperand(0));
  Op O{};
  O.dst = Dst;
  O.src = Dst;
  O.width = F.width;
  O.imm = Last.isImm() ? Last.getImm() : 0;
  bool Same = Last.isReg() && Inst.getNumOperands() == 3 && Inst.getOperand(1).getReg() == Last.getReg();

  switch (F.form) {
  case Form::Copy:
  case Form::ZeroExtend: {
    O.kind = F.form == Form::Copy ? OpKind::Copy : OpKind::ZeroExtend;
    O.src = general(Last);
    bool SecondByte = O.src != NoReg && partsOf(Last.getReg())[0].lanes == 0x02; // ah and the like
    if (O.src == NoReg || SecondByte)
      return;
    I.lowFromLow = true;
    break;
  }
  case Form::SetImmediate:
    O.kind = OpKind::Set;
    if (!Last.isImm())
      return;
    if (F.width == 4)
      O.imm = uint32_t(O.imm);
    break;
  case Form::AddImmediate:
    O.kind = OpKind::Add;
    break;
  case Form::SubtractImmediate:
    O.kind = OpKind::Add;
    O.imm = -O.imm;
    break;
  case Form::Increment:
  case Form::Decrement:
    O.kind = OpKind::Add;
    O.imm = F.form == Form::Increment ? 1 : -1;
    break;
  case Form::AddRegister:
    O.kind = OpKind::AddShifted;
    O.src2 = general(Last);
    break;
  case Form::XorRegister:
  case Form::SubtractRegister:
  case Form::BorrowRegister:
    if (Same) {
      // The result does not depend on what the register held.
      I.reads.clear();
      if (F.form == Form::BorrowRegister || F.width < 4)
        return;
      O.kind = OpKind::Set;
      O.imm = 0;
    } else {
      if (F.form != Form::SubtractRegister || F.width != 8)
        return;
      O.kind = OpKind::Subtract;
      O.src2 = general(Last);
    }
    break;
  case Form::TestImmediate:
    maskReads(I, O.imm);
    return;
  case Form::AndImmediate:
    maskReads(I, O.imm);
    if (F.width == 8 && O.imm < 0)
      return;
    O.kind = OpKind::Limit;
    O.imm &= F.width == 4 ? 0xffffffff : -1;
    break;
  case Form::ShiftRight:
    O.kind = OpKind::Limit;
    O.imm &= F.width * 8 - 1;
    if (O.imm == 0)
      return;
    O.imm = int64_t((F.width == 4 ? uint64_t(0xffffffff) : ~uint64_t(0)) >> O.imm);
    break;
  case Form::CompareImmediate:
  case Form::CompareRegister:
    O.kind = OpKind::Compare;
    O.dst = NoReg;
    if (O.src != NoReg && !Short && partsOf(Inst.getOperand(0).getReg())[0].lanes == 0x02)
      return;
    if (F.form == Form::CompareRegister)
      O.src2 = general(Last);
    break;
  default:
    return;
  }
  I.ops.push_back(O);
}

void X86_64::liftControl(const MCInst &Inst, Insn &I) const {
  const MCInstrDesc &Desc = describe(Inst);
  uint64_t Target = 0;
  bool Known = Analysis->evaluateBranch(Inst, I.address, I.length, Target);
  if (Desc.isCall()) {
    I.flow = Flow::Call;
    I.target = Known ? Target : 0;
  } else if (Desc.isIndirectBranch()) {
    I.flow = Flow::JumpIndirect;
    if (MemoryAt[Inst.getOpcode()] >= 0) {
      I.jumpReg = JumpTarget;
      I.ops.back().dst = JumpTarget;
    } else {
      I.jumpReg = general(Inst.getOperand(0));
    }
  } else if (Desc.isBranch()) {
    I.flow = !Known ? Flow::Unknown : Desc.isBarrier() ? Flow::Jump : Flow::Branch;
    I.target = Target;
    if (Inst.getNumOperands() == 2) {
      static const Condition Conditions[] = {Condition::Other,      Condition::Other,     Condition::Below,
                                             Condition::AboveEqual, Condition::Equal,     Condition::NotEqual,
                                             Condition::BelowEqual, Condition::Above};
      uint64_t Code = Inst.getOperand(1).getImm();
      I.condition = Code < std::size(Conditions) ? Conditions[Code] : Condition::Other;
    }
  } else if (Desc.isTerminator()) {
    I.flow = Flow::Unknown;
  }
}

void X86_64::lift(const MCInst &Inst, Insn &I) const {
  FormOf F = Forms[Inst.getOpcode()];
  I.lowFromLow = F.lowFromLow;
  I.killsFlags = F.killsFlags;
  switch (F.form) {
  case Form::Ignored:
    I.reads.clear();
    return;
  case Form::Trap:
    I.reads.clear();
    I.flow = Flow::Trap;
    return;
  case Form::Refused:
    I.flow = Flow::Unknown;
    return;
  case Form::Return:
    I.flow = Flow::Return;
    return;
  case Form::Push:
  case Form::PushMemory:
  case Form::Pop:
  case Form::PopMemory:
  case Form::Leave:
    liftStack(Inst, I, F.form);
    return;
  case Form::String:
    liftString(I);
    return;
  case Form::Lea: {
    I.lowFromLow = true;
    Address A = addressAt(Inst, 1);
    if (F.width == 8 && A.index == NoReg && A.base != NoReg) {
      Op &Add = I.add(OpKind::Add);
      Add.dst = general(Inst.getOperand(0));
      Add.src = A.base;
      Add.imm = A.offset;
    } else if (F.width == 8 && A.index == NoReg) {
      bool Relative = Inst.getOperand(1).getReg() != 0; // rip, as it is no general register
      Op &Set = I.add(OpKind::Set);
      Set.dst = general(Inst.getOperand(0));
      Set.imm = A.offset + (Relative ? int64_t(I.end()) : 0);
    }
    return;
  }
  default:
    liftBinary(Inst, I, F);
    liftMemory(Inst, I);
    liftControl(Inst, I);
  }
}

} // namespace

std::unique_ptr<ISA> makeX86_64() { return std::make_unique<X86_64>(); }

} // namespace tpcc
