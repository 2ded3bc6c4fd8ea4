// From one module, ready but for its ISA, to an object file for each ISA.
#pragma once

#include "isa.h"
#include "sites.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <set>
#include <string>

namespace tpcc {

// Registers LLVM's targets, sets those of its options that have no other
// interface, and parses the command line. Once, before all else.
void initialiseTargets(int Argc, char **Argv, llvm::cl::OptionCategory &Category);

// The machine that code for Isa is generated for.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> makeMachine(const ISA &Isa, llvm::CodeGenOptLevel Level);

// Makes M a module of Isa: triple, data layout, and the register that
// @tpfs.context() stands for.
void retarget(llvm::Module &M, const ISA &Isa, const llvm::TargetMachine &Machine);

// Generates an object file from M, which is used up. The functions of Careful
// are compiled without the machine passes that move code across sites.
// Offenders tells which functions keep values in native stack slots across
// sites nevertheless; if there are any, the object is not to be used.
llvm::Error generate(llvm::Module &M, const ISA &Isa, llvm::CodeGenOptLevel Level,
                     const std::set<std::string> &Careful, llvm::SmallVectorImpl<char> &Object,
                     Offenders &Found);

} // namespace tpcc
