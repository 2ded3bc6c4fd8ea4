#include "image.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/DataExtractor.h"

#include <algorithm>

using namespace llvm;
using namespace llvm::object;

namespace tpcc {

Expected<Image> Image::open(StringRef Path) {
  auto File = ObjectFile::createObjectFile(Path);
  if (!File)
    return File.takeError();
  Image I;
  I.Owner = std::move(*File);
  I.Object = dyn_cast<ELFObjectFileBase>(I.Owner.getBinary());
  if (!I.Object || I.Object->getBytesInAddress() != 8 || !I.Object->isLittleEndian())
    return createStringError("it is not a little-endian 64-bit ELF file");
  if (I.Object->getEType() != ELF::ET_EXEC)
    return createStringError("it is not a static program; only those at fixed addresses can be verified");
  StringRef Stackmaps;
  if (Error E = I.readSections(Stackmaps))
    return std::move(E);
  if (Error E = I.readSymbols())
    return std::move(E);
  if (Error E = I.readStackmaps(Stackmaps))
    return std::move(E);
  return I;
}

Error Image::readSections(StringRef &Stackmaps) {
  bool Found = false;
  for (const ELFSectionRef S : Object->sections()) {
    auto Name = S.getName();
    if (!Name)
      return Name.takeError();
    bool IsStackmaps = *Name == ".llvm_stackmaps";
    bool Loaded = (S.getFlags() & ELF::SHF_ALLOC) && S.getType() != ELF::SHT_NOBITS;
    if (!IsStackmaps && !Loaded)
      continue;
    auto Data = S.getContents();
    if (!Data)
      return Data.takeError();
    if (IsStackmaps) {
      Stackmaps = *Data;
      Found = true;
    }
    if (Loaded)
      Sections.push_back({S.getAddress(), arrayRefFromStringRef(*Data), (S.getFlags() & ELF::SHF_WRITE) != 0});
  }
  if (!Found)
    return createStringError("it has no section .llvm_stackmaps; was it built by tpcc?");
  llvm::sort(Sections, [](const Section &A, const Section &B) { return A.start < B.start; });
  return Error::success();
}

Error Image::readSymbols() {
  for (const ELFSymbolRef S : Object->symbols()) {
    auto Address = S.getAddress();
    auto Name = S.getName();
    if (!Address)
      return Address.takeError();
    if (!Name)
      return Name.takeError();
    if (S.getELFType() == ELF::STT_FILE || S.getELFType() == ELF::STT_SECTION || S.getELFType() == ELF::STT_TLS)
      continue;
    Symbols.push_back(*Address);
    if (S.getELFType() != ELF::STT_FUNC)
      continue;
    // Of several names, the first of the longest.
    Function &F = Functions[*Address];
    uint64_t End = *Address + S.getSize();
    if (F.name.empty() || End > F.end)
      F = {Name->str(), *Address, End};
  }
  llvm::sort(Symbols);
  if (Functions.empty())
    return createStringError("it has no symbols of functions; is it stripped?");
  return Error::success();
}

// Stack maps of version 3 (llvm.org/docs/StackMaps.html), one for each module,
// one after the other.
Error Image::readStackmaps(StringRef Data) {
  DataExtractor Extractor(Data, /*IsLittleEndian=*/true, /*AddressSize=*/8);
  DataExtractor::Cursor C(0);
  while (C && !Extractor.eof(C)) {
    uint64_t Start = C.tell();
    unsigned Version = Extractor.getU8(C);
    if (C && Version == 0) {
      Extractor.skip(C, 7); // padding: each is aligned to 8 bytes
      continue;
    }
    if (C && Version != 3)
      return createStringError(".llvm_stackmaps: at %#" PRIx64 ": a stack map of version %u, not 3", Start, Version);
    Extractor.skip(C, 3);
    uint32_t FunctionCount = Extractor.getU32(C), Constants = Extractor.getU32(C), Records = Extractor.getU32(C);
    uint64_t Table = C.tell();
    if (C && Data.size() - Table < 24 * uint64_t(FunctionCount) + 8 * uint64_t(Constants))
      return createStringError(".llvm_stackmaps: at %#" PRIx64 ": a stack map is truncated", Start);
    Extractor.skip(C, 24 * uint64_t(FunctionCount) + 8 * uint64_t(Constants));
    uint64_t Left = Records;
    for (uint32_t N = 0; C && N < FunctionCount; N++) {
      uint64_t At = Table + 24 * uint64_t(N);
      uint64_t Address = Extractor.getU64(&At), Size = Extractor.getU64(&At), Count = Extractor.getU64(&At);
      if (Count > Left)
        return createStringError(".llvm_stackmaps: at %#" PRIx64 ": functions claim more records than there are", Start);
      Left -= Count;
      for (uint64_t K = 0; C && K < Count; K++) {
        uint64_t Id = Extractor.getU64(C);
        uint32_t Offset = Extractor.getU32(C);
        Extractor.skip(C, 2);
        Extractor.skip(C, 12 * uint64_t(Extractor.getU16(C))); // locations
        Extractor.skip(C, alignTo(C.tell(), 8) - C.tell());
        Extractor.skip(C, 2);
        Extractor.skip(C, 4 * uint64_t(Extractor.getU16(C))); // live-outs
        Extractor.skip(C, alignTo(C.tell(), 8) - C.tell());
        if (C && Address != 0)
          Sites.push_back({Id, Address, Address + Offset, Size});
      }
    }
    if (C && Left)
      return createStringError(".llvm_stackmaps: at %#" PRIx64 ": records that belong to no function", Start);
  }
  if (!C)
    return joinErrors(createStringError(".llvm_stackmaps: the last stack map is truncated"), C.takeError());
  std::sort(Sites.begin(), Sites.end(), [](const SiteRecord &A, const SiteRecord &B) {
    return std::tie(A.function, A.returnAddress, A.id) < std::tie(B.function, B.returnAddress, B.id);
  });
  return Error::success();
}

const Function *Image::functionAt(uint64_t Address) const {
  auto Found = Functions.find(Address);
  return Found == Functions.end() ? nullptr : &Found->second;
}

const Image::Section *Image::sectionAt(uint64_t Address) const {
  auto After = std::upper_bound(Sections.begin(), Sections.end(), Address,
                                [](uint64_t A, const Section &S) { return A < S.start; });
  if (After == Sections.begin())
    return nullptr;
  const Section &S = *std::prev(After);
  return Address - S.start < S.data.size() ? &S : nullptr;
}

ArrayRef<uint8_t> Image::contents(uint64_t Address, uint64_t Size) const {
  const Section *S = sectionAt(Address);
  if (!S)
    return {};
  ArrayRef<uint8_t> Rest = S->data.drop_front(Address - S->start);
  return Rest.take_front(std::min<uint64_t>(Size, Rest.size()));
}

ArrayRef<uint8_t> Image::constants(uint64_t Address, uint64_t Size) const {
  const Section *S = sectionAt(Address);
  return S && !S->writable ? contents(Address, Size) : ArrayRef<uint8_t>();
}

uint64_t Image::endOfObject(uint64_t Address) const {
  const Section *S = sectionAt(Address);
  uint64_t End = S ? S->start + S->data.size() : Address;
  auto Next = std::upper_bound(Symbols.begin(), Symbols.end(), Address);
  return Next == Symbols.end() ? End : std::min(End, *Next);
}

} // namespace tpcc
