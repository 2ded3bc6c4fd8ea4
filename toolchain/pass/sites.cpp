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
// that is lost too. So a pass reports functions that do this, but those that
// stay: there, only a call of setjmp is like a site.
//
// Code may still read a register that has no value: it is undefined there, or
// only its low byte is used. To prove that from the code alone is hard, and so
// the last pass clears such a register after the site.

#include "sites.h"

#include "statepoints.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/CodeGen/MachineFrameInfo.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/MachineRegisterInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/PseudoSourceValue.h"
#include "llvm/CodeGen/StackMaps.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#include "llvm/CodeGen/TargetLowering.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/PassRegistry.h"

#include <functional>

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

// What is live, backwards over the blocks of a function.
class Liveness {
public:
  // Makes what is live before an instruction of what is live after it.
  using Step = std::function<void(const MachineInstr &, BitVector &)>;

  Liveness(MachineFunction &MF, unsigned Count, Step Before)
      : MF(MF), Count(Count), Before(std::move(Before)) {
    solve();
  }

  // Calls Visit with each site and what is live after it.
  template <typename Visitor> void forEachSite(Visitor Visit) const {
    for (MachineBasicBlock &Block : MF) {
      BitVector Live = liveOut(Block);
      for (MachineInstr &MI : make_early_inc_range(reverse(Block))) {
        if (isSite(MI))
          Visit(MI, Live);
        Before(MI, Live);
      }
    }
  }

private:
  MachineFunction &MF;
  const unsigned Count;
  const Step Before;
  DenseMap<const MachineBasicBlock *, BitVector> LiveIn;

  BitVector liveOut(const MachineBasicBlock &Block) const {
    BitVector Live(Count);
    for (const MachineBasicBlock *Successor : Block.successors())
      if (auto Found = LiveIn.find(Successor); Found != LiveIn.end())
        Live |= Found->second;
    return Live;
  }

  void solve() {
    bool Changed = true;
    while (Changed) {
      Changed = false;
      for (MachineBasicBlock *Block : post_order(&MF)) {
        BitVector Live = liveOut(*Block);
        for (MachineInstr &MI : reverse(*Block))
          Before(MI, Live);
        BitVector &Known = LiveIn[Block];
        if (Known != Live) {
          Known = std::move(Live);
          Changed = true;
        }
      }
    }
  }
};

// What instructions do to stack slots.
class SlotUse {
public:
  explicit SlotUse(const MachineFunction &MF) : Frame(MF.getFrameInfo()), First(Frame.getObjectIndexBegin()) {}

  unsigned count() const { return Frame.getObjectIndexEnd() - First; }

  // What of the slots is live before MI. A use is anything that names a slot,
  // its address taken too, but for what only gives it a new value.
  void before(const MachineInstr &MI, BitVector &Live) const {
    if (MI.isDebugInstr() || MI.isCFIInstruction())
      return;
    if (std::optional<int> Slot = storedSlot(MI)) {
      Live.reset(*Slot - First);
      return;
    }
    for (const MachineOperand &Operand : MI.operands())
      if (Operand.isFI() && !Frame.isDeadObjectIndex(Operand.getIndex()))
        Live.set(Operand.getIndex() - First);
  }

private:
  const MachineFrameInfo &Frame;
  const int First;

  // The slot that MI does nothing with but to give it a new value. A store to a
  // part of a slot is that only if the slot is the register allocator's, which
  // has one value there at a time.
  std::optional<int> storedSlot(const MachineInstr &MI) const {
    if (!MI.mayStore() || MI.mayLoad() || !MI.hasOneMemOperand())
      return std::nullopt;
    const MachineMemOperand &Memory = **MI.memoperands_begin();
    auto *Stack = dyn_cast_or_null<FixedStackPseudoSourceValue>(Memory.getPseudoValue());
    if (!Stack || Stack->getFrameIndex() < First)
      return std::nullopt;
    int Slot = Stack->getFrameIndex();
    bool Whole = Memory.getSize().hasValue() && Memory.getOffset() == 0 &&
                 int64_t(Memory.getSize().getValue()) == Frame.getObjectSize(Slot);
    if (!Whole && !Frame.isSpillSlotObjectIndex(Slot))
      return std::nullopt;
    return Slot;
  }
};

// Arguments in memory are stored through a copy of the stack pointer. The copy
// may be left in a register that is one of another argument, and at a call
// through a pointer nobody can tell that it is none. So the stack pointer itself
// is used.
class SitePointers : public MachineFunctionPass {
public:
  static char ID;

  SitePointers() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "Stack pointers at sites"; }

  void getAnalysisUsage(AnalysisUsage &Usage) const override {
    Usage.setPreservesCFG();
    MachineFunctionPass::getAnalysisUsage(Usage);
  }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (none_of(MF, [](const MachineBasicBlock &Block) { return any_of(Block, isSite); }))
      return false;
    for (MachineBasicBlock &Block : MF)
      replaceCopies(Block);
    return true;
  }

private:
  // Only as long as the stack pointer stays what it was.
  static void replaceCopies(MachineBasicBlock &Block) {
    const MachineFunction &MF = *Block.getParent();
    const TargetInstrInfo &TII = *MF.getSubtarget().getInstrInfo();
    const MachineRegisterInfo &Registers = MF.getRegInfo();
    Register Pointer = MF.getSubtarget().getTargetLowering()->getStackPointerRegisterToSaveRestore();
    SmallPtrSet<MachineInstr *, 4> Copies;
    for (MachineInstr &MI : Block) {
      if (TII.isFrameInstr(MI))
        Copies.clear();
      for (MachineOperand &Operand : MI.uses())
        if (Operand.isReg() && Operand.getReg().isVirtual() &&
            Copies.count(Registers.getUniqueVRegDef(Operand.getReg())) && canBe(Operand, Pointer)) {
          Operand.setReg(Pointer);
          Operand.setIsKill(false);
        }
      if (isCopyOf(Pointer, MI))
        Copies.insert(&MI);
    }
    for (MachineInstr &MI : make_early_inc_range(Block))
      if (isCopyOf(Pointer, MI) && Registers.use_empty(MI.getOperand(0).getReg()))
        MI.eraseFromParent();
  }

  static bool isCopyOf(Register Pointer, const MachineInstr &MI) {
    return MI.isCopy() && MI.getOperand(1).getReg() == Pointer && MI.getOperand(0).getReg().isVirtual();
  }

  static bool canBe(const MachineOperand &Operand, Register Pointer) {
    const MachineInstr &MI = *Operand.getParent();
    const MachineFunction &MF = *MI.getMF();
    const TargetRegisterClass *Class =
        MF.getSubtarget().getInstrInfo()->getRegClass(MI.getDesc(), MI.getOperandNo(&Operand),
                                                      MF.getSubtarget().getRegisterInfo(), MF);
    return Class && Class->contains(Pointer) && !Operand.isTied();
  }
};

char SitePointers::ID;

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
    SlotUse Slots(MF);
    if (Slots.count() == 0 || MF.getFunction().hasFnAttribute(StayingAttribute))
      return false;
    Liveness(MF, Slots.count(), [&](const MachineInstr &MI, BitVector &Live) { Slots.before(MI, Live); })
        .forEachSite([&](const MachineInstr &, const BitVector &Live) {
          if (Live.any())
            Found[MF.getName().str()] = "a value stays in the native stack across a call";
        });
    return false;
  }

private:
  Offenders &Found;
};

char SiteSlots::ID;

// Clears the callee-saved registers that are read after a site before they are
// written, undefined as they are there.
class ClearedRegisters : public MachineFunctionPass {
public:
  static char ID;

  explicit ClearedRegisters(const ISA &Isa) : MachineFunctionPass(ID), Isa(Isa) {}

  StringRef getPassName() const override { return "Registers cleared after sites"; }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (!MF.getFunction().hasGC() || MF.getFunction().hasFnAttribute(StayingAttribute)) // it has no sites
      return false;
    TRI = MF.getSubtarget().getRegisterInfo();
    findRegisters(MF);
    bool Changed = false;
    Liveness(MF, TRI->getNumRegUnits(), [&](const MachineInstr &MI, BitVector &Live) { before(MI, Live); })
        .forEachSite([&](MachineInstr &Site, const BitVector &Live) { Changed |= clearAfter(Site, Live); });
    return Changed;
  }

private:
  const ISA &Isa;
  const TargetRegisterInfo *TRI = nullptr;
  SmallVector<MCRegister, 24> Registers; // that a call preserves, but no site does

  void findRegisters(const MachineFunction &MF) {
    Registers.clear();
    const uint32_t *Called = TRI->getCallPreservedMask(MF, CallingConv::C);
    for (const MCPhysReg *Reg = MF.getRegInfo().getCalleeSavedRegs(); *Reg; ++Reg) {
      StringRef Name = TRI->getName(*Reg);
      if (Name != Isa.Context && Name != Isa.FramePointer && !MachineOperand::clobbersPhysReg(Called, *Reg))
        Registers.push_back(*Reg);
    }
  }

  // What of the registers' units is live before MI. Each register that it names
  // is read, be it defined or not; but the prologue only saves registers.
  void before(const MachineInstr &MI, BitVector &Live) const {
    if (MI.isDebugInstr() || MI.isCFIInstruction() || MI.isImplicitDef()) // no code
      return;
    if (isSite(MI))
      Live.reset();
    for (const MachineOperand &Operand : MI.all_defs())
      if (Operand.getReg() && !isWriteOfPart(MI, Operand))
        for (MCRegUnit Unit : TRI->regunits(written(Operand.getReg())))
          Live.reset(Unit);
    if (MI.getFlag(MachineInstr::FrameSetup))
      return;
    for (const MachineOperand &Operand : MI.all_uses())
      if (Operand.getReg())
        for (MCRegUnit Unit : TRI->regunits(Operand.getReg()))
          Live.set(Unit);
  }

  // With a part of it, a register is defined too, if the rest does not matter.
  bool isWriteOfPart(const MachineInstr &MI, const MachineOperand &Defined) const {
    return Defined.isImplicit() && any_of(MI.defs(), [&](const MachineOperand &Explicit) {
             return Explicit.isReg() && TRI->isSubRegister(Defined.getReg(), Explicit.getReg());
           });
  }

  // To write half of a register clears the rest of it, on each ISA.
  MCRegister written(MCRegister Reg) const {
    constexpr unsigned Half = 32;
    for (MCRegister Whole : Registers)
      if (TRI->isSubRegister(Whole, Reg) && TRI->getRegSizeInBits(*TRI->getMinimalPhysRegClass(Reg)) >= Half)
        return Whole;
    return Reg;
  }

  bool clearAfter(MachineInstr &Site, const BitVector &Live) const {
    const TargetInstrInfo &TII = *Site.getMF()->getSubtarget().getInstrInfo();
    DebugLoc Location = Site.getDebugLoc();
    bool Changed = false;
    for (MCRegister Reg : Registers)
      if (any_of(TRI->regunits(Reg), [&](MCRegUnit Unit) { return Live.test(Unit); })) {
        TII.buildClearRegister(Reg, *Site.getParent(), std::next(Site.getIterator()), Location);
        Changed = true;
      }
    return Changed;
  }
};

char ClearedRegisters::ID;

} // namespace

void insertSitePasses(TargetPassConfig &Config, const ISA &Isa, Offenders &Found) {
  Config.insertPass(&FinalizeISelID, new SitePointers());
  Config.insertPass(&ProcessImplicitDefsID, new SiteMasks(SiteMasks::Moved, Isa));
  Config.insertPass(&RAGreedyID, new SiteMasks(SiteMasks::Called, Isa));
  Config.insertPass(&VirtRegRewriterID, new SiteMasks(SiteMasks::Moved, Isa));
  Config.insertPass(&StackSlotColoringID, new SiteSlots(Found));
  const PassInfo *Last = PassRegistry::getPassRegistry()->getPassInfo(Isa.LastPass);
  Config.insertPass(Last->getTypeInfo(), new ClearedRegisters(Isa));
}

} // namespace tpcc
