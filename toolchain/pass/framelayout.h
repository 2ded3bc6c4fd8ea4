#pragma once

#include "llvm/Support/Alignment.h"

#include <algorithm>
#include <cstdint>

namespace tpcc {

// The layout of a portable frame: offsets from its lowest address, in bytes.
class FrameLayout {
public:
  uint64_t allocate(uint64_t Bytes, llvm::Align Alignment) {
    Largest = std::max(Largest, Alignment);
    uint64_t Offset = llvm::alignTo(End, Alignment);
    End = Offset + Bytes;
    return Offset;
  }

  // The lowest offset from which on nothing is allocated.
  uint64_t end() const { return End; }

  // Makes room for something at an offset chosen otherwise.
  void extend(uint64_t Offset, uint64_t Bytes, llvm::Align Alignment) {
    Largest = std::max(Largest, Alignment);
    End = std::max(End, Offset + Bytes);
  }

  uint64_t size() const { return llvm::alignTo(End, StackAlignment); }

  // True if the frame is to be aligned more than the stack is.
  bool isOveraligned() const { return Largest > StackAlignment; }
  llvm::Align alignment() const { return std::max(Largest, StackAlignment); }

private:
  static constexpr llvm::Align StackAlignment = llvm::Align::Constant<16>();
  llvm::Align Largest;
  uint64_t End = 0;
};

} // namespace tpcc
