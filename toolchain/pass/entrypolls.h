#pragma once

#include "llvm/IR/Function.h"

namespace tpcc {

class Parking;

// A function that polls once, and calls others only at its end, would have a
// frame for the poll alone, and after a site a tail call is not possible. So in
//
//     f: if (__tp_pause) return f.park(arguments); ...
//     f.park: __tp_park(); ...
//
// f has nothing but tail calls; f.park does the same as f, but has a frame, and
// what it calls are sites.
//
// If F, which has its context already, is such a function, this gives it that
// form. Returns f.park, else nullptr.
llvm::Function *moveEntryPoll(llvm::Function &F, Parking &Parks);

} // namespace tpcc
