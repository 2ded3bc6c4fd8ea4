// tpcc-verify: proves of a linked program that nothing lives in a native frame
// or a callee-saved register while a thread may be moved. See
// docs/toolchain.md, "Rules of the generated code".

#include "check.h"
#include "report.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/WithColor.h"

#include <vector>

using namespace llvm;
using namespace tpcc;

namespace {

constexpr int Proved = 0, Violated = 1, Failed = 2;

const char Usage[] =
    "usage: tpcc-verify [--json] FILE...\n"
    "\n"
    "Proves, for each call site of the files' stack maps, that after the call nothing\n"
    "is read from callee-saved registers or native stack slots before it is written,\n"
    "and that the context register survives. Files are static programs for x86-64 or\n"
    "aarch64.\n"
    "\n"
    "  --json   one JSON object for each violation, instead of text\n"
    "\n"
    "Exit status: 0 all is proved, 1 there are violations, 2 a file cannot be read.\n";

struct Totals {
  size_t functions = 0, sites = 0, violations = 0;
};

Expected<Totals> verify(StringRef Path, bool JSON) {
  auto I = Image::open(Path);
  if (!I)
    return I.takeError();
  auto Isa = ISA::create(I->arch());
  if (!Isa)
    return Isa.takeError();
  auto Unwind = UnwindInfo::read(*I, **Isa);
  if (!Unwind)
    return Unwind.takeError();

  Totals T;
  ArgumentUse Arguments(*I, **Isa, *Unwind);
  ArrayRef<SiteRecord> Left = I->sites();
  while (!Left.empty()) {
    uint64_t Function = Left.front().function;
    ArrayRef<SiteRecord> Records = Left.take_while([&](const SiteRecord &R) { return R.function == Function; });
    Left = Left.drop_front(Records.size());
    std::vector<Violation> Found = checkFunction(*I, **Isa, *Unwind, Arguments, Records);
    for (const Violation &V : Found)
      (JSON ? printJSON : printText)(outs(), Path, V);
    T.functions++;
    T.sites += Records.size();
    T.violations += Found.size();
  }
  return T;
}

} // namespace

int main(int Argc, char **Argv) {
  InitLLVM Init(Argc, Argv);
  bool JSON = false;
  std::vector<StringRef> Paths;
  for (int N = 1; N < Argc; N++) {
    StringRef Argument = Argv[N];
    if (Argument == "--json") {
      JSON = true;
    } else if (Argument == "--help" || Argument == "-h") {
      outs() << Usage;
      return Proved;
    } else if (Argument.starts_with("-")) {
      errs() << "tpcc-verify: unknown option " << Argument << "\n" << Usage;
      return Failed;
    } else {
      Paths.push_back(Argument);
    }
  }
  if (Paths.empty()) {
    errs() << Usage;
    return Failed;
  }

  int Status = Proved;
  for (StringRef Path : Paths) {
    Expected<Totals> T = verify(Path, JSON);
    if (!T) {
      errs() << "tpcc-verify: " << Path << ": " << toString(T.takeError()) << "\n";
      Status = Failed;
      continue;
    }
    if (!JSON)
      outs() << Path << ": " << T->functions << " functions, " << T->sites << " sites, " << T->violations
             << " violations\n";
    if (T->violations && Status == Proved)
      Status = Violated;
  }
  return Status;
}
