// At a site the thread may be moved to another ISA, and then only the frame
// pointer, the stack pointer and the context are what they were. LLVM's
// calling conventions preserve more registers, and so the register allocator
// would use them. Here a site's register mask is replaced by one that says the
// truth:
//
//   - before live intervals are computed, the truth comes in: the allocator and
//     all that looks at its result believe that a site clobbers the rest;
//   - while registers are rewritten, the mask of the calling convention is back:
//     the rewriter notes which registers a function modifies, and the prologue
//     saves these. A site's callee does save them, so nothing is modified;
//   - then the truth stays. Later passes that look for a value still in a
//     register must not find one across a site.
//
// What the allocator cannot keep in a register it keeps in a stack slot, and
// that is lost too. So a last pass reports functions that do this, but those
// that stay: there, only a call of setjmp is like a site.

#include "sites.h"

#include "statepoints.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/PseudoSourceValue.h"
#include "llvm/CodeGen/StackMaps.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"

using namespace llvm;

namespace tpcc {
namespace {

bool isSite(const MachineInstr &MI) { return MI.getOpcode() == TargetOpcode::STATEPOINT; }

// Calls Visit with each operand of a site that is a register mask.
template <typename Visitor> void forEachSiteMask(MachineFunction &MF, Visitor Visit) {
  for (MachineBasicBlock &Block : MF)
    for (MachineInstr &MI : Block)
      if (isSite(MI))
        for (MachineOperand &Operand : MI.operands())
          if (Operand.isRegMask())
            Visit(Operand);
}

class SiteMasks : public MachineFunctionPass {
public:
  static char ID;
  enum Kind { Moved, Called };

  SiteMasks(Kind Wanted, const ISA &Isa) : MachineFunctionPass(ID), Wanted(Wanted), Isa(Isa) {}

  StringRef getPassName() const override { return "Register masks of sites"; }

  void getAnalysisUsage(AnalysisUsage &Usage) const override {
    Usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(Usage);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    const TargetRegisterInfo &TRI = *MF.getSubtarget().getRegisterInfo();
    bool Changed = false;
    const uint32_t *Moved = nullptr;
    forEachSiteMask(MF, [&](MachineOperand &Operand) {
      const uint32_t *Called = TRI.getCallPreservedMask(MF, CallingConv::C);
      if (Wanted == Kind::Called) {
        Operand.setRegMask(Called);
      } else {
        if (!Moved)
          Moved = movedMask(MF, TRI, Called);
        Operand.setRegMask(Moved);
      }
      Changed = true;
    });
    return Changed;
  }

private:
  const Kind Wanted;
  const ISA &Isa;

  // What survives both the call and a move to another ISA.
  const uint32_t *movedMask(MachineFunction &MF, const TargetRegisterInfo &TRI, const uint32_t *Called) {
    uint32_t *Mask = MF.allocateRegMask();
    for (MCRegister Reg = 1; Reg < TRI.getNumRegs(); Reg = Reg + 1) {
      StringRef Name = TRI.getName(Reg);
      if (Name != Isa.Context && Name != Isa.FramePointer && Name != Isa.StackPointer)
        continue;
      for (MCSubRegIterator Sub(Reg, &TRI, /*IncludeSelf=*/true); Sub.isValid(); ++Sub)
        if (!MachineOperand::clobbersPhysReg(Called, *Sub))
          Mask[*Sub / 32] |= 1u << (*Sub % 32);
    }
    return Mask;
  }
};

char SiteMasks::ID;

// Live stack slots, backwards over the blocks of a function.
class SlotLiveness {
public:
  explicit SlotLiveness(MachineFunction &MF)
      : MF(MF), First(MF.getFrameInfo().getObjectIndexBegin()),
        Count(MF.getFrameInfo().getObjectIndexEnd() - First) {
    solve();
  }

  // The slots that are read after a site before they are written; for each
  // such site.
  template <typename Visitor> void forEachLiveSlot(Visitor Visit) {
    for (MachineBasicBlock &Block : MF) {
      BitVector Live = liveOut(Block);
      for (MachineInstr &MI : reverse(Block)) {
        if (isSite(MI))
          for (unsigned Slot : Live.set_bits())
            Visit(MI, int(Slot) + First);
        step(MI, Live);
      }
    }
  }

private:
  MachineFunction &MF;
  const int First;
  const int Count;
  DenseMap<const MachineBasicBlock *, BitVector> LiveIn;

  BitVector liveOut(const MachineBasicBlock &Block) {
    BitVector Live(Count);
    for (const MachineBasicBlock *Successor : Block.successors()) {
      auto Found = LiveIn.find(Successor);
      if (Found != LiveIn.end())
        Live |= Found->second;
    }
    return Live;
  }

  // The slot that MI does nothing with but to give it a new value. A store to a
  // part of a slot is that only if the slot is the register allocator's, which
  // has one value there at a time.
  std::optional<int> storedSlot(const MachineInstr &MI) {
    if (!MI.mayStore() || MI.mayLoad() || !MI.hasOneMemOperand())
      return std::nullopt;
    const MachineMemOperand &Memory = **MI.memoperands_begin();
    auto *Stack = dyn_cast_or_null<FixedStackPseudoSourceValue>(Memory.getPseudoValue());
    if (!Stack || Stack->getFrameIndex() < First)
      return std::nullopt;
    int Slot = Stack->getFrameIndex();
    const MachineFrameInfo &Frame = MF.getFrameInfo();
    bool Whole = Memory.getSize().hasValue() && Memory.getOffset() == 0 &&
                 int64_t(Memory.getSize().getValue()) == Frame.getObjectSize(Slot);
    if (!Whole && !Frame.isSpillSlotObjectIndex(Slot))
      return std::nullopt;
    return Slot;
  }

  // Anything else that names a slot, its address taken too, is a use.
  void step(const MachineInstr &MI, BitVector &Live) {
    if (MI.isDebugInstr() || MI.isCFIInstruction())
      return;
    if (std::optional<int> Slot = storedSlot(MI)) {
      Live.reset(*Slot - First);
      return;
    }
    for (const MachineOperand &Operand : MI.operands())
      if (Operand.isFI() && !MF.getFrameInfo().isDeadObjectIndex(Operand.getIndex()))
        Live.set(Operand.getIndex() - First);
  }

  void solve() {
    bool Changed = true;
    while (Changed) {
      Changed = false;
      for (MachineBasicBlock *Block : post_order(&MF)) {
        BitVector Live = liveOut(*Block);
        for (MachineInstr &MI : reverse(*Block))
          step(MI, Live);
        BitVector &Known = LiveIn[Block];
        if (Known != Live) {
          Known = std::move(Live);
          Changed = true;
        }
      }
    }
  }
};

class SiteSlots : public MachineFunctionPass {
public:
  static char ID;

  explicit SiteSlots(Offenders &Found) : MachineFunctionPass(ID), Found(Found) {}

  StringRef getPassName() const override { return "Stack slots live across sites"; }

  void getAnalysisUsage(AnalysisUsage &Usage) const override {
    Usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(Usage);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (MF.getFrameInfo().getObjectIndexEnd() == MF.getFrameInfo().getObjectIndexBegin() ||
        MF.getFunction().hasFnAttribute(StayingAttribute))
      return false;
    SlotLiveness(MF).forEachLiveSlot([&](const MachineInstr &Site, int Slot) {
      std::string &Where = Found[MF.getName().str()];
      if (Where.empty())
        Where = "a value is in native stack slot " + std::to_string(Slot) + " across site " +
                std::to_string(StatepointOpers(&Site).getID());
    });
    return false;
  }

private:
  Offenders &Found;
};

char SiteSlots::ID;

} // namespace

void insertSitePasses(TargetPassConfig &Config, const ISA &Isa, Offenders &Found) {
  Config.insertPass(&ProcessImplicitDefsID, new SiteMasks(SiteMasks::Moved, Isa));
  Config.insertPass(&RAGreedyID, new SiteMasks(SiteMasks::Called, Isa));
  Config.insertPass(&VirtRegRewriterID, new SiteMasks(SiteMasks::Moved, Isa));
  Config.insertPass(&StackSlotColoringID, new SiteSlots(Found));
}

} // namespace tpcc
