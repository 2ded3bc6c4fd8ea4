#include "isa.h"

namespace tpcc {

static const ISA All[] = {
    {"x86_64", "x86_64-unknown-linux-musl", "x86-64", "R13", "RBP", "RSP", "={r13}", "x86-fixup-bw-insts"},
    {"aarch64", "aarch64-unknown-linux-musl", "generic", "X20", "FP", "SP", "={x20}", "block-placement"},
};

llvm::ArrayRef<ISA> isas() { return All; }

const ISA *findISA(llvm::StringRef Name) {
  for (const ISA &I : All)
    if (I.Name == Name)
      return &I;
  return nullptr;
}

} // namespace tpcc
