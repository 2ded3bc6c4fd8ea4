// Machine passes that keep the native frame empty across sites.
#pragma once

#include "isa.h"

#include <map>
#include <string>

namespace llvm {
class LLVMTargetMachine;
class TargetPassConfig;
} // namespace llvm

namespace tpcc {

// Functions whose code keeps something in a native stack slot across a site,
// with the place in words.
using Offenders = std::map<std::string, std::string>;

// Adds the passes to a pipeline that is about to be built. To be called before
// addISelPasses. What is found goes to Found, which must outlive the pipeline.
void insertSitePasses(llvm::TargetPassConfig &Config, const ISA &Isa, Offenders &Found);

} // namespace tpcc
