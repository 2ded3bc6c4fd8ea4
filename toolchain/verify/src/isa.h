// What differs between the ISAs: registers, calling convention, and the
// meaning of instructions. Each has a file of its own; nothing else asks which
// one it is.
#pragma once

#include "insn.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <memory>
#include <string>
#include <vector>

namespace tpcc {

// Registers are sets of bits where there are several.
struct Convention {
  Reg stackPointer;
  Reg framePointer;
  Reg context;
  Reg returnAddress;   // where it is on entry; a register of its own for one that is in memory
  int64_t entryStack;  // stack pointer on entry, from the CFA
  uint64_t preserved;  // by any call, the three above too
  uint64_t arguments;  // general registers that a callee may read
  uint64_t results;    // general registers that may hold a result
  Reg firstResult;     // the one that holds a pointer
  uint64_t frameExtra; // CFA - SP at a call, less the size of the frame that LLVM records
};

class ISA {
public:
  virtual ~ISA();

  // The ISA of a file, or an error that says which are known.
  static llvm::Expected<std::unique_ptr<ISA>> create(llvm::Triple::ArchType Arch);

  const Convention &convention() const { return Conv; }

  // Callee-saved registers that must hold no value at a site.
  uint64_t mustBeDead() const {
    return Conv.preserved & ~(maskOf(Conv.stackPointer) | maskOf(Conv.framePointer) | maskOf(Conv.context));
  }

  virtual std::string name(Reg R) const = 0;

  // The register that DWARF calls so, or NoReg.
  virtual Reg fromDwarf(unsigned Number) const = 0;

  // Reads one instruction at Address. False if there is none.
  bool decode(llvm::ArrayRef<uint8_t> Bytes, uint64_t Address, Insn &I) const;

  // The instruction in words, as a disassembler writes it.
  std::string text(llvm::ArrayRef<uint8_t> Bytes, uint64_t Address) const;

protected:
  ISA(llvm::StringRef Triple, llvm::StringRef Features, Convention Conv);

  // Sets all of I but address, length, and what the description of LLVM says
  // of registers: reads and writes are those of the operands already.
  virtual void lift(const llvm::MCInst &Inst, Insn &I) const = 0;

  // The parts of our registers that one of LLVM's consists of.
  struct Part {
    Reg reg;
    Lanes lanes;
    Lanes written; // lanes that a write changes
    uint8_t width; // of the value that a write leaves
  };
  using Parts = llvm::SmallVector<Part, 1>;

  const Parts &partsOf(llvm::MCRegister R) const { return PartsOf[R.id()]; }
  Reg general(const llvm::MCOperand &Operand) const;
  const llvm::MCInstrDesc &describe(const llvm::MCInst &Inst) const { return Instrs->get(Inst.getOpcode()); }
  std::string print(llvm::MCInstPrinter &Printer, const llvm::MCInst &Inst, uint64_t Address) const;

  Convention Conv;
  llvm::Triple TripleOf;
  const llvm::Target *TargetOf = nullptr;
  std::unique_ptr<llvm::MCRegisterInfo> Registers;
  std::unique_ptr<llvm::MCAsmInfo> AsmInfo;
  std::unique_ptr<llvm::MCSubtargetInfo> Subtarget;
  std::unique_ptr<llvm::MCInstrInfo> Instrs;
  std::unique_ptr<llvm::MCContext> Context;
  std::unique_ptr<llvm::MCDisassembler> Disassembler;
  std::unique_ptr<llvm::MCInstrAnalysis> Analysis;
  std::unique_ptr<llvm::MCInstPrinter> Printer;
  std::vector<Parts> PartsOf;     // by number of LLVM's register
  llvm::MCRegister FlagsRegister; // set by the ISA

private:
  void readOperands(const llvm::MCInst &Inst, Insn &I) const;
  bool disassemble(llvm::ArrayRef<uint8_t> Bytes, uint64_t Address, llvm::MCInst &Inst, uint64_t &Length) const;
};

std::unique_ptr<ISA> makeX86_64();
std::unique_ptr<ISA> makeAArch64();

} // namespace tpcc
