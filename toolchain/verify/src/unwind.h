// What .eh_frame and .gcc_except_table say of a function: where its frame is,
// where it saves registers, and where control goes if a call unwinds.
#pragma once

#include "image.h"
#include "isa.h"

#include "llvm/DebugInfo/DWARF/DWARFDebugFrame.h"

#include <memory>
#include <optional>
#include <vector>

namespace tpcc {

struct SavedRegister {
  Reg reg;
  std::optional<int64_t> offset; // from the CFA; none if it is saved in another way
};

// The rules for one range of addresses.
struct UnwindRow {
  uint64_t start;
  Reg cfaRegister;   // CFA = register + cfaOffset; NoReg if it is something else
  int64_t cfaOffset;
  std::vector<SavedRegister> saved;

  // Where R is saved; nullptr if it is not.
  const SavedRegister *find(Reg R) const;
};

struct LandingPad {
  uint64_t from, to; // calls from here to there
  uint64_t pad;
  bool covers(uint64_t Call) const { return Call >= from && Call < to; }
};

// A slot in which a function saves a register.
struct SaveSlot {
  Reg reg;
  int64_t offset; // from the CFA
};

struct FunctionUnwind {
  uint64_t start, end;
  std::vector<UnwindRow> rows; // ascending
  std::vector<LandingPad> pads;

  // Of all rows, each once.
  std::vector<SaveSlot> saveSlots() const;

  const UnwindRow *rowAt(uint64_t Address) const;
};

class UnwindInfo {
public:
  static llvm::Expected<UnwindInfo> read(const Image &I, const ISA &Isa);

  // The rules for the code at Address; nothing if there are none.
  llvm::Expected<std::optional<FunctionUnwind>> find(uint64_t Address) const;

private:
  UnwindInfo(const Image &I, const ISA &Isa) : Img(I), Isa(Isa) {}

  llvm::Error readRows(const llvm::dwarf::FDE &Entry, FunctionUnwind &F) const;
  llvm::Error readPads(uint64_t Table, FunctionUnwind &F) const;

  const Image &Img;
  const ISA &Isa;
  std::unique_ptr<llvm::DWARFDebugFrame> Frame;
  std::vector<const llvm::dwarf::FDE *> Entries; // ascending
};

} // namespace tpcc
