#include "codegen.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/CodeGen/MachineModuleInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/InitializePasses.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/PassRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetLoweringObjectFile.h"

using namespace llvm;

namespace tpcc {

void initialiseTargets(int Argc, char **Argv, cl::OptionCategory &Category) {
  InitializeAllTargets();
  InitializeAllTargetMCs();
  InitializeAllAsmPrinters();
  InitializeAllAsmParsers();
  initializeCodeGen(*PassRegistry::getPassRegistry());

  std::vector<const char *> Options = {
      Argv[0],
      // Both merge variables into one, at places that differ by ISA.
      "-enable-global-merge=false",
      "-aarch64-enable-global-merge=false",
      // It joins the blocks again that sites end.
      "-aarch64-enable-atomic-cfg-tidy=false",
      // With pushed arguments the recorded frame size depends on the call.
      "-no-x86-call-frame-opt",
      // Functions that only one ISA has, and calls that no site stands for.
      "-enable-machine-outliner=never",
      // A second register allocator, for matrix tiles: insertSitePasses knows of one.
      "-x86-tile-ra=false",
  };
  Options.insert(Options.end(), Argv + 1, Argv + Argc);
  cl::HideUnrelatedOptions(Category);
  cl::ParseCommandLineOptions(Options.size(), Options.data(), "generates the code of a unit for all ISAs\n");
}

Expected<std::unique_ptr<TargetMachine>> makeMachine(const ISA &Isa, CodeGenOptLevel Level) {
  std::string Why;
  const Target *T = TargetRegistry::lookupTarget(Isa.Triple.str(), Why);
  if (!T)
    return createStringError("this LLVM has no code generator for " + Isa.Name + ": " + Why);
  TargetOptions Options;
  Options.FunctionSections = true;
  Options.DataSections = true;
  Options.TrapUnreachable = true;
  Options.UseInitArray = true;
  // A fused operation rounds once where the other ISA rounds twice.
  Options.AllowFPOpFusion = FPOpFusion::Strict;
  std::unique_ptr<TargetMachine> Machine(
      T->createTargetMachine(Isa.Triple, Isa.CPU, "", Options, Reloc::Static, CodeModel::Small, Level));
  return Machine;
}

static void lowerContext(Module &M, const ISA &Isa) {
  Function *Context = M.getFunction("tpfs.context");
  if (!Context)
    return;
  auto *Type = FunctionType::get(PointerType::get(M.getContext(), 0), false);
  InlineAsm *Read = InlineAsm::get(Type, "", Isa.ContextAsm, /*hasSideEffects=*/true);
  for (User *U : make_early_inc_range(Context->users())) {
    auto *Call = cast<CallInst>(U);
    CallInst *Asm = CallInst::Create(Type, Read, "", Call->getIterator());
    Asm->setDebugLoc(Call->getDebugLoc());
    Asm->addFnAttr(Attribute::NoUnwind);
    Asm->takeName(Call);
    Call->replaceAllUsesWith(Asm);
    Call->eraseFromParent();
  }
  Context->eraseFromParent();
}

void retarget(Module &M, const ISA &Isa, const TargetMachine &Machine) {
  M.setTargetTriple(Isa.Triple);
  M.setDataLayout(Machine.createDataLayout());
  lowerContext(M, Isa);
}

// What is undefined on one way into a block may get a stack slot with the values
// of the other ways, and is then read from it as if it had been written.
static void defineUndefined(Function &F) {
  for (BasicBlock &Block : F)
    for (PHINode &Phi : Block.phis())
      for (Use &Incoming : Phi.incoming_values())
        if (isa<UndefValue>(Incoming))
          Incoming.set(Constant::getNullValue(Phi.getType()));
}

namespace {

// Switches passes off for some functions. LLVM asks it before each optional
// pass over a function, and tells a loop pass's function only by what ran
// before: passes of the code generator run function by function.
class SiteGate : public OptPassGate {
public:
  SiteGate(const Module &M, const std::set<std::string> &Careful) : Careful(Careful) {
    for (const Function &F : M)
      if (F.hasGC())
        WithSites.insert(F.getName());
  }

  bool isEnabled() const override { return true; }

  bool shouldRunPass(const StringRef Pass, StringRef Description) override {
    StringRef Function = Description;
    if (Function.consume_front("function (") && Function.consume_back(")"))
      Current = Function.str();
    // They compute a value once for places before and after a site.
    if (WithSites.contains(Current) &&
        is_contained({"Machine Common Subexpression Elimination", "Machine Loop Invariant Code Motion",
                      "Early Machine Loop Invariant Code Motion"},
                     Pass))
      return false;
    // These seldom do.
    return !Careful.count(Current) || !is_contained({"CodeGen Prepare", "Constant Hoisting",
                                                     "Loop Strength Reduction", "Machine code sinking"},
                                                    Pass);
  }

private:
  const std::set<std::string> &Careful;
  StringSet<> WithSites;
  std::string Current;
};

} // namespace

Error generate(Module &M, const ISA &Isa, CodeGenOptLevel Level, const std::set<std::string> &Careful,
               SmallVectorImpl<char> &Object, Offenders &Found) {
  // The fast register allocator of -O0 keeps everything in stack slots.
  auto Machine = makeMachine(Isa, std::max(Level, CodeGenOptLevel::Less));
  if (!Machine)
    return Machine.takeError();
  retarget(M, Isa, **Machine);
  for (Function &F : M)
    if (Careful.count(F.getName().str()))
      defineUndefined(F);

  SiteGate Gate(M, Careful);
  OptPassGate &Before = M.getContext().getOptPassGate();
  M.getContext().setOptPassGate(Gate);
  auto Restore = make_scope_exit([&] { M.getContext().setOptPassGate(Before); });

  raw_svector_ostream Out(Object);
  legacy::PassManager Passes;
  TargetLibraryInfoImpl Library{Triple(M.getTargetTriple())};
  Passes.add(new TargetLibraryInfoWrapperPass(Library));

  // What addPassesToEmitFile does, with passes of ours in between.
  auto &Target = static_cast<LLVMTargetMachine &>(**Machine);
  auto *Info = new MachineModuleInfoWrapperPass(&Target);
  TargetPassConfig *Config = Target.createPassConfig(Passes);
  insertSitePasses(*Config, Isa, Found);
  Passes.add(Config);
  Passes.add(Info);
  if (Config->addISelPasses())
    return createStringError("LLVM has no instruction selector for " + Isa.Name);
  Config->addMachinePasses();
  Config->setInitialized();
  if (Target.addAsmPrinter(Passes, Out, nullptr, CodeGenFileType::ObjectFile, Info->getMMI().getContext()))
    return createStringError("LLVM has no object writer for " + Isa.Name);
  Passes.add(createFreeMachineFunctionPass());

  Passes.run(M);
  return Error::success();
}

} // namespace tpcc
