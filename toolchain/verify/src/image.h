// A linked program: its code and constants, its functions, its stack maps.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Error.h"

#include <map>
#include <string>
#include <vector>

namespace tpcc {

struct Function {
  std::string name;
  uint64_t start;
  uint64_t end;
};

// One record of a stack map.
struct SiteRecord {
  uint64_t id;
  uint64_t function;      // its address
  uint64_t returnAddress;
  uint64_t stackSize;     // of the function, as LLVM counts it
};

class Image {
public:
  // The errors do not name the file.
  static llvm::Expected<Image> open(llvm::StringRef Path);

  const llvm::object::ELFObjectFileBase &object() const { return *Object; }
  llvm::Triple::ArchType arch() const { return Object->getArch(); }

  // The function that begins at Address, or nullptr.
  const Function *functionAt(uint64_t Address) const;
  llvm::ArrayRef<uint8_t> code(const Function &F) const { return contents(F.start, F.end - F.start); }

  // What the file has at an address; shorter if it has less.
  llvm::ArrayRef<uint8_t> contents(uint64_t Address, uint64_t Size) const;
  // As contents, but nothing where the program can write.
  llvm::ArrayRef<uint8_t> constants(uint64_t Address, uint64_t Size) const;
  // The end of what begins before Address: the next symbol, or the section's end.
  uint64_t endOfObject(uint64_t Address) const;

  // Ascending by function, then by return address. Records of functions that
  // the linker left out, whose address became zero, are not there.
  const std::vector<SiteRecord> &sites() const { return Sites; }

private:
  struct Section {
    uint64_t start;
    llvm::ArrayRef<uint8_t> data;
    bool writable;
  };

  llvm::object::OwningBinary<llvm::object::ObjectFile> Owner;
  const llvm::object::ELFObjectFileBase *Object = nullptr;
  std::vector<Section> Sections; // ascending
  std::map<uint64_t, Function> Functions;
  std::vector<uint64_t> Symbols; // ascending
  std::vector<SiteRecord> Sites;

  llvm::Error readSections(llvm::StringRef &Stackmaps);
  llvm::Error readSymbols();
  llvm::Error readStackmaps(llvm::StringRef Data);
  const Section *sectionAt(uint64_t Address) const;
};

} // namespace tpcc
