#include "unwind.h"

#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/DebugInfo/DWARF/DWARFDataExtractor.h"
#include "llvm/Support/LEB128.h"

#include <algorithm>

using namespace llvm;

namespace tpcc {

const SavedRegister *UnwindRow::find(Reg R) const {
  for (const SavedRegister &S : saved)
    if (S.reg == R)
      return &S;
  return nullptr;
}

std::vector<SaveSlot> FunctionUnwind::saveSlots() const {
  std::vector<SaveSlot> Slots;
  for (const UnwindRow &Row : rows)
    for (const SavedRegister &S : Row.saved)
      if (S.offset && none_of(Slots, [&](const SaveSlot &T) { return T.reg == S.reg && T.offset == *S.offset; }))
        Slots.push_back({S.reg, *S.offset});
  return Slots;
}

const UnwindRow *FunctionUnwind::rowAt(uint64_t Address) const {
  auto After = std::upper_bound(rows.begin(), rows.end(), Address,
                                [](uint64_t A, const UnwindRow &R) { return A < R.start; });
  return After == rows.begin() ? nullptr : &*std::prev(After);
}

Expected<UnwindInfo> UnwindInfo::read(const Image &I, const ISA &Isa) {
  UnwindInfo Info(I, Isa);
  for (const object::ELFSectionRef S : I.object().sections()) {
    auto Name = S.getName();
    if (!Name)
      return Name.takeError();
    if (*Name != ".eh_frame")
      continue;
    auto Data = S.getContents();
    if (!Data)
      return Data.takeError();
    Info.Frame = std::make_unique<DWARFDebugFrame>(I.arch(), /*IsEH=*/true, S.getAddress());
    if (Error E = Info.Frame->parse(DWARFDataExtractor(*Data, /*IsLittleEndian=*/true, /*AddressSize=*/8)))
      return joinErrors(createStringError(".eh_frame cannot be read"), std::move(E));
    for (const dwarf::FrameEntry &Entry : *Info.Frame)
      if (const auto *F = dyn_cast<dwarf::FDE>(&Entry))
        Info.Entries.push_back(F);
  }
  if (!Info.Frame)
    return createStringError("it has no section .eh_frame");
  llvm::sort(Info.Entries, [](const dwarf::FDE *A, const dwarf::FDE *B) {
    return A->getInitialLocation() < B->getInitialLocation();
  });
  return Info;
}

Expected<std::optional<FunctionUnwind>> UnwindInfo::find(uint64_t Address) const {
  auto After = std::upper_bound(Entries.begin(), Entries.end(), Address,
                                [](uint64_t A, const dwarf::FDE *F) { return A < F->getInitialLocation(); });
  if (After == Entries.begin())
    return std::nullopt;
  const dwarf::FDE &Entry = **std::prev(After);
  if (Address - Entry.getInitialLocation() >= Entry.getAddressRange())
    return std::nullopt;
  FunctionUnwind F;
  F.start = Entry.getInitialLocation();
  F.end = F.start + Entry.getAddressRange();
  if (Error E = readRows(Entry, F))
    return std::move(E);
  if (auto Table = Entry.getLSDAAddress(); Table && *Table)
    if (Error E = readPads(*Table, F))
      return std::move(E);
  return F;
}

Error UnwindInfo::readRows(const dwarf::FDE &Entry, FunctionUnwind &F) const {
  auto Table = dwarf::UnwindTable::create(&Entry);
  if (!Table)
    return Table.takeError();
  for (const dwarf::UnwindRow &Row : *Table) {
    UnwindRow R;
    R.start = Row.hasAddress() ? Row.getAddress() : F.start;
    const dwarf::UnwindLocation &CFA = Row.getCFAValue();
    bool Plain = CFA.getLocation() == dwarf::UnwindLocation::RegPlusOffset;
    R.cfaRegister = Plain ? Isa.fromDwarf(CFA.getRegister()) : NoReg;
    R.cfaOffset = Plain ? CFA.getOffset() : 0;
    // LLVM's map of registers cannot be walked.
    for (unsigned Number = 0; Number < 128; Number++) {
      Reg Known = Isa.fromDwarf(Number);
      auto Where = Row.getRegisterLocations().getRegisterLocation(Number);
      if (Known == NoReg || !Where)
        continue;
      switch (Where->getLocation()) {
      case dwarf::UnwindLocation::Unspecified:
      case dwarf::UnwindLocation::Same:
        break;
      case dwarf::UnwindLocation::CFAPlusOffset:
        // "Is", not "at", CFA + offset is for a register that holds an address.
        if (*Where == dwarf::UnwindLocation::createAtCFAPlusOffset(Where->getOffset())) {
          R.saved.push_back({Known, Where->getOffset()});
          break;
        }
        [[fallthrough]];
      default:
        R.saved.push_back({Known, std::nullopt});
      }
    }
    F.rows.push_back(std::move(R));
  }
  return Error::success();
}

// The table of call sites in an LSDA (Itanium C++ ABI, exception handling
// tables). Types and actions do not matter: a pad is a place to go on.
Error UnwindInfo::readPads(uint64_t Table, FunctionUnwind &F) const {
  ArrayRef<uint8_t> Bytes = Img.contents(Table, UINT32_MAX);
  DataExtractor Data(Bytes, /*IsLittleEndian=*/true, /*AddressSize=*/8);
  DataExtractor::Cursor C(0);
  auto Wrong = [&](const char *What) {
    consumeError(C.takeError());
    return createStringError("exception table at %#" PRIx64 ": %s", Table, What);
  };
  if (Data.getU8(C) != dwarf::DW_EH_PE_omit)
    return Wrong("landing pads do not count from the function's start");
  if (Data.getU8(C) != dwarf::DW_EH_PE_omit)
    Data.getULEB128(C); // where the types are
  unsigned Encoding = Data.getU8(C);
  uint64_t Length = Data.getULEB128(C);
  uint64_t End = C.tell() + Length;
  auto Number = [&]() -> uint64_t {
    return Encoding == dwarf::DW_EH_PE_uleb128 ? Data.getULEB128(C) : Data.getU32(C);
  };
  if (Encoding != dwarf::DW_EH_PE_uleb128 && Encoding != dwarf::DW_EH_PE_udata4)
    return Wrong("an encoding that is not known");
  while (C && C.tell() < End) {
    uint64_t Start = Number(), Size = Number(), Pad = Number();
    Data.getULEB128(C); // action
    if (C && Pad)
      F.pads.push_back({F.start + Start, F.start + Start + Size, F.start + Pad});
  }
  if (!C)
    return Wrong("truncated");
  return C.takeError();
}

} // namespace tpcc
