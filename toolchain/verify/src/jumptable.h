// Where a jump through a table can go.
#pragma once

#include "image.h"
#include "state.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <set>
#include <vector>

namespace tpcc {

// The places that V, an entry of a table or a target made of one, can be.
//
// If a comparison bounds the index, every entry up to the bound has to be one
// that IsTarget accepts. If none does, as where the compiler knows that there
// is no other case, the table ends at the first entry that cannot be one, at
// the next object or at the next of Tables: that may be too much, but never
// leaves out a place. Nothing is returned if it cannot be told; Why says why.
std::optional<std::vector<uint64_t>> jumpTargets(const Image &I, const Value &V, const std::set<uint64_t> &Tables,
                                                 llvm::function_ref<bool(uint64_t)> IsTarget, const char *&Why);

} // namespace tpcc
