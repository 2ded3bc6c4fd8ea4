#include "pass.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/MD5.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tpcc {
namespace {

// Private variables (string literals, initialisers of arrays, tables that the
// optimiser makes) have no symbols, and the linker may merge them; then the two
// files would differ. They get names made from what they contain.
class Literals {
public:
  explicit Literals(Module &M) : M(M) {}

  void name() {
    SmallVector<GlobalVariable *, 32> Private;
    for (GlobalVariable &Variable : M.globals())
      if (Variable.hasPrivateLinkage())
        Private.push_back(&Variable);
    for (GlobalVariable *Variable : Private)
      name(*Variable);
    for (GlobalVariable *Variable : Duplicates)
      Variable->eraseFromParent();
  }

private:
  Module &M;
  SmallPtrSet<GlobalVariable *, 32> Seen;
  SmallVector<GlobalVariable *, 32> Duplicates;

  void name(GlobalVariable &Variable) {
    if (!Variable.hasPrivateLinkage() || !Seen.insert(&Variable).second)
      return;
    nameOperands(*Variable.getInitializer());
    std::string Name = "tp.lit." + hash(Variable);
    GlobalVariable *Same = M.getGlobalVariable(Name, /*AllowInternal=*/true);
    if (Same && mayReplace(*Same, Variable)) {
      Variable.replaceAllUsesWith(Same);
      Duplicates.push_back(&Variable);
      return;
    }
    Variable.setLinkage(GlobalValue::InternalLinkage);
    Variable.setName(Name); // with a number at its end if it is taken
  }

  // What a literal refers to has its name first, as it is part of the content.
  void nameOperands(Constant &Content) {
    for (Value *Operand : Content.operand_values())
      if (auto *Variable = dyn_cast<GlobalVariable>(Operand))
        name(*Variable);
      else if (auto *Inner = dyn_cast<Constant>(Operand); Inner && !isa<GlobalValue>(Inner))
        nameOperands(*Inner);
  }

  static std::string hash(const GlobalVariable &Variable) {
    std::string Text;
    raw_string_ostream(Text) << *Variable.getInitializer();
    return utohexstr(MD5Hash(Text), /*LowerCase=*/true, /*Width=*/16);
  }

  // Same has passed through here, so it has lost its own unnamed_addr; but a
  // constant literal has no address that a program may rely on.
  static bool mayReplace(const GlobalVariable &Same, const GlobalVariable &Variable) {
    return Same.hasLocalLinkage() && Same.isConstant() && Variable.isConstant() &&
           Variable.hasGlobalUnnamedAddr() && Same.getInitializer() == Variable.getInitializer() &&
           Same.getAlign().valueOrOne() >= Variable.getAlign().valueOrOne() &&
           Same.getSection() == Variable.getSection();
  }
};

void settle(GlobalObject &Object) {
  Object.setUnnamedAddr(GlobalValue::UnnamedAddr::None);
  // All is in one static file, but the address of an undefined weak symbol is
  // out of the reach of the instructions for such.
  if (!Object.hasExternalWeakLinkage())
    Object.setDSOLocal(true);
}

void settleAlignment(GlobalVariable &Variable) {
  if (!Variable.isDeclaration() && !Variable.getAlign())
    Variable.setAlignment(Variable.getParent()->getDataLayout().getPreferredAlign(&Variable));
}

} // namespace

void settleGlobals(Module &M) {
  for (GlobalVariable &Variable : M.globals())
    settleAlignment(Variable);
  Literals(M).name();
  for (GlobalObject &Object : M.global_objects())
    if (!Object.getName().starts_with("llvm."))
      settle(Object);
  for (Function &F : M)
    if (!F.isDeclaration())
      F.setAlignment(std::max(F.getAlign().valueOrOne(), Align(16)));
}

} // namespace tpcc
