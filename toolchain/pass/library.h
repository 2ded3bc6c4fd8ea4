// Which functions of the C library have no context.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace tpcc {

// True if code is generated that calls this function without a context, or if
// calling it is so cheap and so frequent that it is treated the same. Such a
// function never parks, and so is neither polled nor a site.
bool isLibraryRoutine(llvm::StringRef Name);

// True if the function calls no function of the program but by longjmp.
bool neverCallsBack(llvm::StringRef Name);

} // namespace tpcc
