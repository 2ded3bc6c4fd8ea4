#include "isa.h"

#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tpcc {

ISA::~ISA() = default;

Expected<std::unique_ptr<ISA>> ISA::create(Triple::ArchType Arch) {
  switch (Arch) {
  case Triple::x86_64:
    return makeX86_64();
  case Triple::aarch64:
    return makeAArch64();
  default:
    return createStringError("its code is for %s; x86_64 and aarch64 can be verified",
                             Triple::getArchTypeName(Arch).str().c_str());
  }
}

ISA::ISA(StringRef TripleName, StringRef Features, Convention Conv) : Conv(Conv), TripleOf(TripleName) {
  InitializeAllTargetInfos();
  InitializeAllTargetMCs();
  InitializeAllDisassemblers();
  std::string Why;
  TargetOf = TargetRegistry::lookupTarget(TripleOf.str(), Why);
  if (!TargetOf)
    report_fatal_error(StringRef("this LLVM lacks a target: " + Why), /*gen_crash_diag=*/false);
  Registers.reset(TargetOf->createMCRegInfo(TripleOf.str()));
  AsmInfo.reset(TargetOf->createMCAsmInfo(*Registers, TripleOf.str(), MCTargetOptions()));
  Subtarget.reset(TargetOf->createMCSubtargetInfo(TripleOf.str(), "", Features));
  Instrs.reset(TargetOf->createMCInstrInfo());
  Context = std::make_unique<MCContext>(TripleOf, AsmInfo.get(), Registers.get(), Subtarget.get());
  Disassembler.reset(TargetOf->createMCDisassembler(*Subtarget, *Context));
  Analysis.reset(TargetOf->createMCInstrAnalysis(Instrs.get()));
  Printer.reset(TargetOf->createMCInstPrinter(TripleOf, AsmInfo->getAssemblerDialect(), *AsmInfo, *Instrs, *Registers));
  Printer->setPrintBranchImmAsAddress(true);
  PartsOf.resize(Registers->getNumRegs());
}

bool ISA::disassemble(ArrayRef<uint8_t> Bytes, uint64_t Address, MCInst &Inst, uint64_t &Length) const {
  return Disassembler->getInstruction(Inst, Length, Bytes, Address, nulls()) == MCDisassembler::Success;
}

bool ISA::decode(ArrayRef<uint8_t> Bytes, uint64_t Address, Insn &I) const {
  MCInst Inst;
  uint64_t Length = 0;
  if (!disassemble(Bytes, Address, Inst, Length))
    return false;
  I.address = Address;
  I.length = Length;
  readOperands(Inst, I);
  lift(Inst, I);
  return true;
}

std::string ISA::text(ArrayRef<uint8_t> Bytes, uint64_t Address) const {
  MCInst Inst;
  uint64_t Length = 0;
  if (!disassemble(Bytes, Address, Inst, Length))
    return "(no instruction)";
  return print(*Printer, Inst, Address);
}

std::string ISA::print(MCInstPrinter &Printer, const MCInst &Inst, uint64_t Address) const {
  std::string Text;
  raw_string_ostream Out(Text);
  Printer.printInst(&Inst, Address, "", *Subtarget, Out);
  for (char &C : Text)
    if (C == '\t')
      C = ' ';
  return StringRef(Text).trim().str();
}

Reg ISA::general(const MCOperand &Operand) const {
  if (!Operand.isReg() || !Operand.getReg())
    return NoReg;
  const Parts &P = partsOf(Operand.getReg());
  return P.size() == 1 && isGeneral(P[0].reg) ? P[0].reg : NoReg;
}

void ISA::readOperands(const MCInst &Inst, Insn &I) const {
  const MCInstrDesc &Desc = describe(Inst);
  auto Read = [&](MCRegister R) {
    if (R == FlagsRegister)
      I.readsFlags = true;
    for (const Part &P : partsOf(R))
      I.reads.push_back({P.reg, P.lanes});
  };
  auto Write = [&](MCRegister R) {
    if (R == FlagsRegister)
      I.setsFlags = true;
    for (const Part &P : partsOf(R))
      I.writes.push_back({P.reg, P.written, P.width});
  };
  for (unsigned N = 0; N < Inst.getNumOperands(); N++) {
    const MCOperand &Operand = Inst.getOperand(N);
    if (!Operand.isReg() || !Operand.getReg())
      continue;
    if (N < Desc.getNumDefs())
      Write(Operand.getReg());
    else
      Read(Operand.getReg());
  }
  for (MCPhysReg R : Desc.implicit_uses())
    Read(R);
  for (MCPhysReg R : Desc.implicit_defs())
    Write(R);
}

} // namespace tpcc
