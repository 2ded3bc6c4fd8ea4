// tpcc-cg: from the front end's bitcode to one object file per ISA and the
// tables of the unit. The stages are those of docs/toolchain.md.

#include "codegen.h"
#include "pass.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace tpcc;

namespace {

cl::OptionCategory Category("tpcc-cg options");

cl::opt<std::string> Input(cl::Positional, cl::Required, cl::desc("BITCODE"), cl::cat(Category));
cl::opt<char> Level("O", cl::Prefix, cl::init('2'), cl::desc("optimise: 0, 1, 2, 3, s or z"), cl::cat(Category));
cl::opt<std::string> UnitName("unit", cl::desc("name of the unit; IDs of sites are made from it"),
                              cl::value_desc("name"), cl::cat(Category));
cl::list<std::string> Objects("object", cl::desc("write the object file of that ISA"),
                              cl::value_desc("isa=file"), cl::cat(Category));
cl::opt<std::string> Tables("tables", cl::desc("write the tables of the unit"), cl::value_desc("file"),
                            cl::cat(Category));
cl::list<std::string> CarefulFunctions("careful", cl::value_desc("function"), cl::cat(Category),
                                       cl::desc("leave out passes that may keep a value across a site"));
cl::list<std::string> Native("native", cl::desc("leave a function without sites: it cannot be moved"),
                             cl::value_desc("function:reason"), cl::cat(Category));
cl::opt<bool> NoFrames("no-frames", cl::desc("no portable frames and no polls, as for a program that stays"),
                       cl::cat(Category));
cl::opt<std::string> EmitCanonical("emit-canonical", cl::desc("write the module before the optimiser"),
                                   cl::value_desc("file"), cl::cat(Category));
cl::opt<std::string> EmitFrames("emit-frames", cl::desc("write the module with its portable frames"),
                                cl::value_desc("file"), cl::cat(Category));

ExitOnError OrExit("tpcc-cg: error: ");

void checkModule(Module &M, StringRef Stage) {
  std::string Why;
  raw_string_ostream Out(Why);
  if (verifyModule(M, &Out))
    OrExit(createStringError("a fault of tpcc's own: the module is not valid after " + Stage + ":\n" + Why));
}

void writeFile(StringRef Path, StringRef Content) {
  std::error_code Code;
  raw_fd_ostream Out(Path, Code);
  Out << Content;
  Out.close();
  if (Code || Out.has_error()) {
    std::string Why = (Code ? Code : Out.error()).message();
    Out.clear_error();
    OrExit(createStringError("cannot write " + Path + ": " + Why));
  }
}

void writeModule(StringRef Path, const Module &M) {
  if (Path.empty())
    return;
  std::string Text;
  raw_string_ostream Out(Text);
  M.print(Out, nullptr);
  writeFile(Path, Text);
}

void optimise(Module &M, TargetMachine &Neutral) {
  static const std::map<char, OptimizationLevel> Levels = {
      {'0', OptimizationLevel::O0}, {'1', OptimizationLevel::O1}, {'2', OptimizationLevel::O2},
      {'3', OptimizationLevel::O3}, {'s', OptimizationLevel::Os}, {'z', OptimizationLevel::Oz}};
  auto Found = Levels.find(Level);
  if (Found == Levels.end())
    OrExit(createStringError(Twine("-O") + Twine(Level.getValue()) + ": use -O0, -O1, -O2, -O3, -Os or -Oz"));
  PipelineTuningOptions Tuning;
  Tuning.LoopVectorization = Tuning.SLPVectorization = Found->second.getSpeedupLevel() > 1;
  PassBuilder Builder(&Neutral, Tuning);
  LoopAnalysisManager Loops;
  FunctionAnalysisManager Functions;
  CGSCCAnalysisManager Components;
  ModuleAnalysisManager Modules;
  Builder.registerModuleAnalyses(Modules);
  Builder.registerCGSCCAnalyses(Components);
  Builder.registerFunctionAnalyses(Functions);
  Builder.registerLoopAnalyses(Loops);
  Builder.crossRegisterProxies(Loops, Functions, Components, Modules);
  ModulePassManager Passes = Found->second == OptimizationLevel::O0
                                 ? Builder.buildO0DefaultPipeline(Found->second)
                                 : Builder.buildPerModuleDefaultPipeline(Found->second);
  Passes.run(M, Modules);
}

CodeGenOptLevel codegenLevel() {
  switch (Level) {
  case '0': return CodeGenOptLevel::None;
  case '1': return CodeGenOptLevel::Less;
  case '3': return CodeGenOptLevel::Aggressive;
  default: return CodeGenOptLevel::Default;
  }
}

struct Output {
  const ISA *Isa;
  std::string Path;
  SmallVector<char, 0> Object;
};

std::vector<Output> parseOutputs() {
  std::vector<Output> Outputs;
  for (const std::string &Text : Objects) {
    auto [Name, Path] = StringRef(Text).split('=');
    const ISA *Isa = findISA(Name);
    if (!Isa || Path.empty())
      OrExit(createStringError("--object=" + Text + ": want ISA=FILE, and an ISA of this build"));
    Outputs.push_back({Isa, Path.str(), {}});
  }
  return Outputs;
}

std::map<std::string, std::string> parseNative() {
  std::map<std::string, std::string> Functions;
  for (const std::string &Text : Native) {
    auto [Name, Reason] = StringRef(Text).split(':');
    Functions[Name.str()] = Reason.empty() ? "asked for" : Reason.str();
  }
  return Functions;
}

// Generates all objects, with care for the functions Given. Functions that keep something in the native frame
// across a site in spite of all come into Failed.
void generateAll(const Module &M, const std::set<std::string> &Given, std::vector<Output> &Outputs,
                 Offenders &Failed) {
  for (Output &Out : Outputs) {
    std::set<std::string> Careful = Given;
    for (;;) {
      Offenders Found;
      Out.Object.clear();
      OrExit(generate(*CloneModule(M), *Out.Isa, codegenLevel(), Careful, Out.Object, Found));
      bool Retry = false;
      for (auto &[Name, Where] : Found)
        if (Careful.insert(Name).second)
          Retry = true;
        else
          Failed.emplace(Name, Out.Isa->Name.str() + ": " + Where);
      if (!Retry)
        break;
      Failed.clear();
    }
  }
}

std::string tablesOf(const Unit &U) {
  std::string Text;
  raw_string_ostream Out(Text);
  json::OStream J(Out);
  J.object([&] {
    J.attribute("unit", U.Name);
    J.attributeArray("functions", [&] {
      for (const FunctionInfo &F : U.Functions)
        J.object([&] {
          J.attribute("name", F.Name);
          J.attribute("local", F.Local);
          J.attribute("frame", int64_t(F.Frame));
          J.attribute("reason", F.Reason);
          if (F.Indirect)
            J.attribute("indirect", true);
          J.attributeArray("sites", [&] {
            for (const Site &S : F.Sites)
              J.object([&] {
                J.attribute("id", utohexstr(S.ID, /*LowerCase=*/true, /*Width=*/16));
                J.attribute("callee", S.Callee);
              });
          });
          J.attributeArray("jumps", [&] {
            for (const Jump &S : F.Jumps)
              J.object([&] {
                J.attribute("slot", int64_t(S.Slot));
                J.attribute("site", utohexstr(S.Site, /*LowerCase=*/true, /*Width=*/16));
              });
          });
        });
    });
  });
  Out << '\n';
  return Text;
}

} // namespace

int main(int Argc, char **Argv) {
  initialiseTargets(Argc, Argv, Category);
  std::vector<Output> Outputs = parseOutputs();
  if (UnitName.empty())
    UnitName = Input.getValue();

  LLVMContext Context;
  SMDiagnostic Diagnostic;
  std::unique_ptr<Module> M = parseIRFile(Input, Diagnostic, Context);
  if (!M) {
    Diagnostic.print("tpcc-cg", errs());
    return 1;
  }
  std::unique_ptr<TargetMachine> Neutral = OrExit(makeMachine(isas().front(), codegenLevel()));
  M->setTargetTriple(isas().front().Triple);
  M->setDataLayout(Neutral->createDataLayout());

  OrExit(canonicalise(*M));
  checkModule(*M, "canonicalising");
  writeModule(EmitCanonical, *M);
  optimise(*M, *Neutral);

  FrameOptions Options;
  Options.Unit = UnitName;
  Options.Native = parseNative();
  Options.Careful.insert(CarefulFunctions.begin(), CarefulFunctions.end());
  Unit U;
  for (;;) {
    std::unique_ptr<Module> Framed = CloneModule(*M);
    if (NoFrames) {
      settleGlobals(*Framed);
    } else {
      U = OrExit(addFrames(*Framed, Options));
      checkModule(*Framed, "making frames");
    }
    writeModule(EmitFrames, *Framed);
    Offenders Failed;
    generateAll(*Framed, Options.Careful, Outputs, Failed);
    if (Failed.empty())
      break;
    for (auto &[Name, Where] : Failed)
      if (!Options.Native.emplace(Name, Where).second)
        OrExit(createStringError("a fault of tpcc's own: " + Name + " has sites, but is to have none: " + Where));
  }

  for (const Output &Out : Outputs)
    writeFile(Out.Path, StringRef(Out.Object.data(), Out.Object.size()));
  if (!Tables.empty())
    writeFile(Tables, tablesOf(U));
  return 0;
}
