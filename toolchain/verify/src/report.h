// Violations, for people and for programs.
#pragma once

#include "check.h"

#include "llvm/Support/raw_ostream.h"

namespace tpcc {

// One line, and one more for the way from the site.
void printText(llvm::raw_ostream &Out, llvm::StringRef File, const Violation &V);

// One object on a line: "file", "function", "site", "kind", "register" or
// "slot" where it is about one, "at", "text", "why". Addresses are strings in
// hexadecimal, as JSON's numbers lose digits.
void printJSON(llvm::raw_ostream &Out, llvm::StringRef File, const Violation &V);

} // namespace tpcc
