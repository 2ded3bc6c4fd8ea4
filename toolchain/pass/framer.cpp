// The portable frame of a function.
//
// The frame is pushed at one point, below which all frequent sites are: there
// the frame's base is computed from the context, and each site passes it on. A
// site that is not below that point is a rare one, and pushes the frame only
// for itself. Nothing ever pops a frame: the caller has its own base still.
//
// With dynamic allocas, what a site passes on is the top of the stack below
// them. The word at the top is the base, by which the frame is found again.
//
// All that changes at sites (the context, the base, the top, the values that
// are stored) is first a variable in memory, an alloca, and becomes SSA again
// at the end, by LLVM's own PromoteMemToReg.

#include "framer.h"

#include "crossings.h"
#include "elements.h"
#include "errors.h"
#include "framelayout.h"
#include "parking.h"
#include "placement.h"
#include "signatures.h"
#include "statepoints.h"
#include "tailcalls.h"
#include "variables.h"

#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/BranchProbabilityInfo.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/StackLifetime.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/PromoteMemToReg.h"

using namespace llvm;

namespace tpcc {
namespace {

constexpr uint64_t JumpBytes = 64; // of setjmp's slot
constexpr uint64_t WordBytes = 8;
constexpr Align FrameAlignment = Align::Constant<16>();

// Compared to the function's entry, a site this rare pushes its frame itself.
constexpr uint64_t RareSite = 16;

AttributeSet contextAttributes(LLVMContext &Context) {
  return AttributeSet::get(Context, {Attribute::get(Context, Attribute::SwiftSelf)});
}

// Where instructions may be added to the entry block: below its allocas, which
// must be its first.
Instruction *afterAllocas(Function &F) { return &*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca(); }

// The memory type of a value. A vector of bits is packed, as nothing says how
// the ISAs do it.
Type *memoryType(Type *T, const DataLayout &Layout) {
  auto *Vector = dyn_cast<FixedVectorType>(T);
  if (!Vector || Layout.typeSizeEqualsStoreSize(Vector->getElementType()))
    return T;
  return IntegerType::get(T->getContext(), Layout.getTypeSizeInBits(T));
}

class Framer {
public:
  Framer(Function &F, StringRef Unit, bool Careful)
      : F(F), Careful(Careful), Layout(F.getParent()->getDataLayout()), Maker(F, Unit),
        Context(F.getArg(F.arg_size() - 1)) {}

  Expected<FunctionInfo> run(ArrayRef<CallInst *> Calls) {
    copyByValueArguments();
    lowerElements(F);
    gatherAllocas();
    makeVariables();
    moveDynamicAllocas();
    makeSites(Calls);
    sinkAddresses();

    placeValues();
    layOutFrame();
    findPush();

    readContexts();
    pushFrame();
    passContexts();
    moveAllocas();
    storeAndLoad();

    promoteVariables();
    setAttributes();
    if (Error E = check())
      return std::move(E);
    return information();
  }

private:
  Function &F;
  const bool Careful;
  const DataLayout &Layout;
  StatepointMaker Maker;
  Argument *Context;

  std::vector<Statepoint> Sites;
  SiteIndex SiteAtEnd; // by blocks

  DominatorTree Tree;
  LoopInfo Loops;
  std::unique_ptr<BranchProbabilityInfo> Probabilities;
  std::unique_ptr<BlockFrequencyInfo> Frequencies;

  std::vector<Crossing> Crossings;
  Placement Places;

  FrameLayout Frame;
  std::vector<uint64_t> Slots; // of Crossings
  MapVector<AllocaInst *, uint64_t> Allocas; // with their offsets
  SmallVector<const AllocaInst *, 8> AllocaList; // those of the program
  SmallVector<AllocaInst *, 16> Moved;           // variables that live in the frame
  std::unique_ptr<StackLifetime> Lifetimes;
  std::vector<Jump> Jumps;
  std::optional<uint64_t> ContextSlot; // for a context that is read for no other reason

  // The block at whose beginning the frame is pushed; nullptr if each site does
  // that for itself.
  BasicBlock *Push = nullptr;

  AllocaInst *ContextVariable = nullptr;
  AllocaInst *BaseVariable = nullptr;
  AllocaInst *TopVariable = nullptr; // only with dynamic allocas
  std::vector<AllocaInst *> Variables;
  std::vector<Instruction *> Begins; // by sites: what is first in the continuation, after the frame is found
  std::vector<CallInst *> Reads;     // of the context

  // Preparation ----------------------------------------------------------------

  // What is passed by value is in the caller's native frame.
  void copyByValueArguments() {
    for (Argument &A : F.args()) {
      if (!A.hasByValAttr())
        continue;
      IRBuilder<> Builder(&F.getEntryBlock(), F.getEntryBlock().begin());
      Type *T = A.getParamByValType();
      AllocaInst *Copy = Builder.CreateAlloca(T, nullptr, A.getName());
      Copy->setAlignment(std::max(A.getParamAlign().valueOrOne(), Layout.getABITypeAlign(T)));
      A.replaceAllUsesWith(Copy);
      Builder.SetInsertPoint(afterAllocas(F));
      Builder.CreateMemCpy(Copy, Copy->getAlign(), &A, A.getParamAlign(), Layout.getTypeAllocSize(T));
    }
  }

  void gatherAllocas() {
    for (Instruction &I : make_early_inc_range(F.getEntryBlock()))
      if (auto *Alloca = dyn_cast<AllocaInst>(&I); Alloca && Alloca->isStaticAlloca()) {
        Alloca->moveBefore(F.getEntryBlock(), F.getEntryBlock().begin());
        Allocas[Alloca] = 0;
        AllocaList.push_back(Alloca);
      }
    // To be found before there are sites: in their landing pad, all is alive.
    Lifetimes = std::make_unique<StackLifetime>(F, AllocaList, StackLifetime::LivenessType::May);
    Lifetimes->run();
  }

  AllocaInst *makeVariable(Type *T, const Twine &Name) {
    auto *Variable = new AllocaInst(T, 0, nullptr, Layout.getABITypeAlign(T), Name, F.getEntryBlock().begin());
    Variables.push_back(Variable);
    return Variable;
  }

  void makeVariables() {
    Type *Pointer = PointerType::get(F.getContext(), 0);
    ContextVariable = makeVariable(Pointer, "context");
    BaseVariable = makeVariable(Pointer, "base");
  }

  // Dynamic allocas --------------------------------------------------------------

  bool hasDynamicAllocas() const { return TopVariable != nullptr; }

  static bool isStackIntrinsic(const Instruction &I) {
    auto *Call = dyn_cast<IntrinsicInst>(&I);
    return Call && (Call->getIntrinsicID() == Intrinsic::stacksave || Call->getIntrinsicID() == Intrinsic::stackrestore);
  }

  void moveDynamicAllocas() {
    SmallVector<Instruction *, 8> Found;
    for (Instruction &I : instructions(F))
      if (auto *Alloca = dyn_cast<AllocaInst>(&I); (Alloca && !Alloca->isStaticAlloca()) || isStackIntrinsic(I))
        Found.push_back(&I);
    if (Found.empty())
      return;
    TopVariable = makeVariable(PointerType::get(F.getContext(), 0), "top");
    for (Instruction *I : Found) {
      IRBuilder<> Builder(I);
      if (auto *Alloca = dyn_cast<AllocaInst>(I))
        I->replaceAllUsesWith(allocate(Builder, *Alloca));
      else if (I->getType()->isVoidTy())
        Builder.CreateStore(I->getOperand(0), TopVariable);
      else
        I->replaceAllUsesWith(Builder.CreateLoad(Builder.getPtrTy(), TopVariable));
      I->eraseFromParent();
    }
  }

  // Below the memory is a word with the frame's base, and there is the new top.
  Value *allocate(IRBuilder<> &Builder, AllocaInst &Alloca) {
    Value *Count = Builder.CreateZExtOrTrunc(Alloca.getArraySize(), Builder.getInt64Ty());
    uint64_t Element = Layout.getTypeAllocSize(Alloca.getAllocatedType());
    Value *Bytes = Builder.CreateMul(Count, Builder.getInt64(Element));
    Value *Top = Builder.CreateLoad(Builder.getPtrTy(), TopVariable);
    Value *Memory = alignDown(Builder, below(Builder, Top, Bytes), std::max(Alloca.getAlign(), FrameAlignment));
    Memory->takeName(&Alloca);
    Value *NewTop = below(Builder, Memory, Builder.getInt64(FrameAlignment.value()));
    Builder.CreateStore(Builder.CreateLoad(Builder.getPtrTy(), BaseVariable), NewTop);
    Builder.CreateStore(NewTop, TopVariable);
    return Memory;
  }

  static Value *below(IRBuilder<> &Builder, Value *Address, Value *Bytes) {
    return Builder.CreateGEP(Builder.getInt8Ty(), Address, Builder.CreateNeg(Bytes));
  }

  static Value *alignDown(IRBuilder<> &Builder, Value *Address, Align Alignment) {
    return Builder.CreateIntrinsic(Intrinsic::ptrmask, {Builder.getPtrTy(), Builder.getInt64Ty()},
                                   {Address, Builder.getInt64(-Alignment.value())});
  }

  // Sites ------------------------------------------------------------------------

  void makeSites(ArrayRef<CallInst *> Calls) {
    Past Parked;
    for (CallInst *Call : Calls)
      Parked.add(*Call);
    // All tail calls first: to make a site divides its block.
    SmallVector<CallInst *, 16> Others;
    for (CallInst *Call : Calls)
      if (Call->isMustTailCall())
        replaceArguments(*Call, Call->arg_size(), Context, contextAttributes(F.getContext()));
      else if (Parked.contains(*Call) || !makeTailCall(*Call))
        Others.push_back(Call);
    for (CallInst *Call : Others)
      Sites.push_back(Maker.make(*Call));
    for (unsigned Site = 0; Site < Sites.size(); ++Site)
      SiteAtEnd[Sites[Site].Invoke->getParent()] = Site;
  }

  // Addresses in the frame are cheaper to compute again than to store. So are
  // those of fields of what is stored itself.
  void sinkAddresses() {
    for (auto &[Alloca, Offset] : Allocas)
      sinkUsers(*Alloca);
    std::vector<Crossing> Found = findCrossings(F, SiteAtEnd);
    for (const Crossing &C : reverse(Found)) // an address may be made of one before it
      if (auto *Field = dyn_cast<GetElementPtrInst>(C.Value); Field && Field->hasAllConstantIndices())
        sink(*Field);
  }

  void sinkUsers(Value &Address) {
    SmallVector<GetElementPtrInst *, 8> Fields;
    for (User *U : Address.users())
      if (auto *Field = dyn_cast<GetElementPtrInst>(U); Field && Field->hasAllConstantIndices())
        Fields.push_back(Field);
    for (GetElementPtrInst *Field : Fields) {
      sinkUsers(*Field);
      sink(*Field);
    }
  }

  // Makes a copy of Field in each block that uses it.
  void sink(Instruction &Field) {
    SmallDenseMap<BasicBlock *, Instruction *> Copies;
    Copies[Field.getParent()] = &Field;
    for (Use &U : make_early_inc_range(Field.uses())) {
      BasicBlock *Block = usingBlock(U);
      Instruction *&Copy = Copies[Block];
      if (!Copy) {
        Copy = Field.clone();
        Copy->insertBefore(Block->getFirstInsertionPt());
      }
      U.set(Copy);
    }
    if (Field.use_empty())
      Field.eraseFromParent();
  }

  // Decisions --------------------------------------------------------------------

  uint64_t frequency(const BasicBlock *Block) const { return Frequencies->getBlockFreq(Block).getFrequency(); }

  void placeValues() {
    Tree.recalculate(F);
    Loops.analyze(Tree);
    Probabilities = std::make_unique<BranchProbabilityInfo>(F, Loops);
    Frequencies = std::make_unique<BlockFrequencyInfo>(F, *Probabilities, Loops);
    Crossings = findCrossings(F, SiteAtEnd);
    Moved = moveVariables(F, Crossings, Tree, *Frequencies);
    if (!Moved.empty())
      Crossings = findCrossings(F, SiteAtEnd);
    Places = place(F, Crossings, SiteAtEnd, Tree, *Frequencies);
    splitEdges();
  }

  void splitEdges() {
    DenseMap<std::pair<BasicBlock *, BasicBlock *>, BasicBlock *> Blocks;
    for (const Placement::EdgeLoad &L : Places.EdgeLoads) {
      BasicBlock *&Block = Blocks[{L.From, L.To}];
      if (!Block) {
        // With the loops given, their exits would be kept apart from the rest by redirecting other edges of the list.
        CriticalEdgeSplittingOptions Options(&Tree);
        Block = SplitKnownCriticalEdge(L.From->getTerminator(), GetSuccessorNumber(L.From, L.To),
                                       Options.setMergeIdenticalEdges());
      }
      Places.Loads.push_back({L.Value, Block->getTerminator()});
    }
  }

  void layOutFrame() {
    if (hasDynamicAllocas())
      Frame.allocate(WordBytes, Align(WordBytes)); // at the base, for the top that it is at first
    else if (Careful)
      ContextSlot = Frame.allocate(WordBytes, Align(WordBytes));
    for (const Crossing &C : Crossings) {
      Type *T = memoryType(C.Value->getType(), Layout);
      Slots.push_back(Frame.allocate(Layout.getTypeStoreSize(T), Layout.getABITypeAlign(T)));
    }
    for (const Statepoint &Site : Sites)
      if (Site.Slot)
        Jumps.push_back({Frame.allocate(JumpBytes, FrameAlignment), Site.ID});
    for (AllocaInst *Variable : Moved)
      Allocas[Variable] = Frame.allocate(bytesOf(*Variable), Variable->getAlign());
    layOutAllocas();
  }

  struct PlacedAlloca {
    const AllocaInst *Alloca;
    uint64_t Begin, End;
  };

  // Allocas that are never alive at the same time may share their place. The
  // small ones come first: they are reached by short instructions.
  void layOutAllocas() {
    std::multimap<uint64_t, const AllocaInst *> BySize;
    for (const AllocaInst *Alloca : AllocaList)
      BySize.emplace(bytesOf(*Alloca), Alloca);

    uint64_t First = Frame.end();
    SmallVector<PlacedAlloca, 8> Placed;
    for (auto [Bytes, Alloca] : BySize) {
      Align Alignment = std::max(Alloca->getAlign(), Bytes >= FrameAlignment.value() ? FrameAlignment : Align());
      const StackLifetime::LiveRange &Life = Lifetimes->getLiveRange(Alloca);
      uint64_t Offset = firstFit(First, Bytes, Alignment, Placed, [&](const PlacedAlloca &Other) {
        return Life.overlaps(Lifetimes->getLiveRange(Other.Alloca));
      });
      Placed.push_back({Alloca, Offset, Offset + Bytes});
      Frame.extend(Offset, Bytes, Alignment);
      Allocas[const_cast<AllocaInst *>(Alloca)] = Offset;
    }
    dropAliasInformation(Placed);
    dropLifetimes();
  }

  void dropLifetimes() {
    for (auto &[Alloca, Offset] : Allocas)
      for (User *U : make_early_inc_range(Alloca->users()))
        if (auto *Marker = dyn_cast<IntrinsicInst>(U); Marker && Marker->isLifetimeStartOrEnd())
          Marker->eraseFromParent();
  }

  uint64_t bytesOf(const AllocaInst &Alloca) const {
    return std::max<uint64_t>(1, Alloca.getAllocationSize(Layout)->getFixedValue());
  }

  // The lowest offset from First on at which nothing is that conflicts.
  template <typename Predicate>
  static uint64_t firstFit(uint64_t First, uint64_t Bytes, Align Alignment, ArrayRef<PlacedAlloca> Placed,
                           Predicate Conflicts) {
    uint64_t Offset = alignTo(First, Alignment);
    for (;;) {
      auto *Obstacle = find_if(Placed, [&](const PlacedAlloca &Other) {
        return Other.Begin < Offset + Bytes && Offset < Other.End && Conflicts(Other);
      });
      if (Obstacle == Placed.end())
        return Offset;
      Offset = alignTo(Obstacle->End, Alignment);
    }
  }

  // Accesses to different allocas may now be to the same memory.
  void dropAliasInformation(ArrayRef<PlacedAlloca> Placed) {
    bool Shared = any_of(Placed, [&](const PlacedAlloca &A) {
      return any_of(Placed, [&](const PlacedAlloca &B) { return &A < &B && A.Begin < B.End && B.Begin < A.End; });
    });
    if (!Shared)
      return;
    for (Instruction &I : instructions(F))
      for (unsigned Kind : {LLVMContext::MD_tbaa, LLVMContext::MD_alias_scope, LLVMContext::MD_noalias})
        I.setMetadata(Kind, nullptr);
  }

  // A frame that the context cannot be computed from again is pushed at once.
  bool isIrregular() const { return hasDynamicAllocas() || Frame.isOveraligned(); }

  // The last block that dominates all frequent sites and all uses of the frame,
  // and of such blocks one that is executed least.
  void findPush() {
    BasicBlock *Entry = &F.getEntryBlock();
    if (isIrregular())
      Push = Entry;
    if (Push || Frame.size() == 0)
      return;
    SmallVector<BasicBlock *, 16> Needed;
    for (auto &[Alloca, Offset] : Allocas)
      for (Use &U : Alloca->uses())
        Needed.push_back(usingBlock(U));
    for (const Statepoint &Site : Sites)
      if (frequency(Site.Invoke->getParent()) >= frequency(Entry) / RareSite)
        Needed.push_back(Site.Invoke->getParent());
    if (Needed.empty())
      return;
    BasicBlock *Block = Needed.front();
    for (BasicBlock *Other : Needed)
      Block = Tree.findNearestCommonDominator(Block, Other);
    Push = Block;
    while (Block != Entry) {
      Block = Tree.getNode(Block)->getIDom()->getBlock();
      if (frequency(Block) < frequency(Push))
        Push = Block;
    }
  }

  bool isBelowPush(const BasicBlock *Block) const { return Push && Tree.dominates(Push, Block); }

  // The frame --------------------------------------------------------------------

  static Value *byteOffset(IRBuilder<> &Builder, Value *Address, int64_t Offset) {
    return Offset ? Builder.CreateConstGEP1_64(Builder.getInt8Ty(), Address, Offset) : Address;
  }

  Value *load(IRBuilder<> &Builder, AllocaInst *Variable) {
    return Builder.CreateLoad(Variable->getAllocatedType(), Variable, Variable->getName());
  }

  // The address of what is at Offset in the frame.
  Value *address(IRBuilder<> &Builder, uint64_t Offset) {
    if (isBelowPush(Builder.GetInsertBlock()))
      return byteOffset(Builder, load(Builder, BaseVariable), Offset);
    return byteOffset(Builder, load(Builder, ContextVariable), int64_t(Offset) - int64_t(Frame.size()));
  }

  // After a site the context register has what was passed to it.
  void readContexts() {
    Module &M = *F.getParent();
    FunctionCallee Read = M.getOrInsertFunction("tpfs.context", PointerType::get(F.getContext(), 0));
    for (const Statepoint &Site : Sites) {
      IRBuilder<> Builder(Site.Continuation, Site.Continuation->begin());
      Builder.SetCurrentDebugLocation(Site.Invoke->getDebugLoc());
      CallInst *Passed = Builder.CreateCall(Read, {}, "passed");
      Passed->setDoesNotThrow();
      Reads.push_back(Passed);
      findFrame(Builder, Passed, isBelowPush(Site.Invoke->getParent()));
      Begins.push_back(&*Builder.GetInsertPoint());
    }
  }

  // Sets the variables from what was passed to a site.
  void findFrame(IRBuilder<> &Builder, Value *Passed, bool BelowPush) {
    Value *Base = Passed;
    if (hasDynamicAllocas()) {
      Builder.CreateStore(Passed, TopVariable);
      Base = Builder.CreateLoad(Builder.getPtrTy(), Passed, "base");
    }
    if (BelowPush)
      Builder.CreateStore(Base, BaseVariable);
    if (!isIrregular())
      Builder.CreateStore(byteOffset(Builder, Base, Frame.size()), ContextVariable);
  }

  // Where the block begins, after phis and what finds the frame.
  Instruction *beginOf(BasicBlock &Block) {
    auto Before = SiteAtEnd.find(Block.getUniquePredecessor());
    if (Before != SiteAtEnd.end() && Sites[Before->second].Continuation == &Block)
      return Begins[Before->second];
    return &*Block.getFirstInsertionPt();
  }

  void pushFrame() {
    Instruction *Received = IRBuilder<>(afterAllocas(F)).CreateStore(Context, ContextVariable);
    if (!Push)
      return;
    IRBuilder<> Builder(Push->isEntryBlock() ? Received->getNextNode() : beginOf(*Push));
    Value *Base = byteOffset(Builder, load(Builder, ContextVariable), -int64_t(Frame.size()));
    if (Frame.isOveraligned())
      Base = alignDown(Builder, Base, Frame.alignment());
    Base = opaque(Builder, Base);
    Base->setName("frame");
    Builder.CreateStore(Base, BaseVariable);
    if (hasDynamicAllocas()) {
      Builder.CreateStore(Base, Base);
      Builder.CreateStore(Base, TopVariable);
    }
    describeAllocas(*Base);
  }

  // The same address, but not in terms of the context. Else the code generator
  // would compute all addresses from that, and needed two registers.
  static Value *opaque(IRBuilder<> &Builder, Value *Address) {
    auto *Type = FunctionType::get(Builder.getPtrTy(), {Builder.getPtrTy()}, /*isVarArg=*/false);
    CallInst *Same = Builder.CreateCall(InlineAsm::get(Type, "", "=r,0", /*hasSideEffects=*/false), {Address});
    Same->setDoesNotThrow();
    Same->setMemoryEffects(MemoryEffects::none());
    return Same;
  }

  // For the debugger: the frame as it is where it is pushed.
  void describeAllocas(Value &Base) {
    DIBuilder Builder(*F.getParent(), /*AllowUnresolved=*/false);
    for (auto &[Alloca, Offset] : Allocas)
      replaceDbgDeclare(Alloca, &Base, Builder, DIExpression::ApplyOffset, Offset);
  }

  void passContexts() {
    auto Jump = Jumps.begin();
    for (const Statepoint &Site : Sites) {
      IRBuilder<> Builder(Site.Invoke);
      Site.Invoke->setArgOperand(Site.Context,
                                 hasDynamicAllocas() ? load(Builder, TopVariable) : address(Builder, 0));
      if (Site.Slot)
        Site.Invoke->setArgOperand(*Site.Slot, address(Builder, (Jump++)->Slot));
    }
  }

  // Calls Replace for each use of V, with a builder where the use needs its
  // value, and sets it to the result.
  template <typename Replacement> static void replaceUses(Value &V, Replacement Replace) {
    DenseMap<std::pair<User *, BasicBlock *>, Value *> OfPhi; // the same for the same predecessor
    for (Use &U : make_early_inc_range(V.uses())) {
      auto *Where = cast<Instruction>(U.getUser());
      if (!isa<PHINode>(Where)) {
        IRBuilder<> Builder(Where);
        U.set(Replace(Builder));
        continue;
      }
      Value *&Known = OfPhi[{Where, usingBlock(U)}];
      if (!Known) {
        IRBuilder<> Builder(usingBlock(U)->getTerminator());
        Known = Replace(Builder);
      }
      U.set(Known);
    }
  }

  void moveAllocas() {
    for (auto &[Alloca, Offset] : Allocas) {
      replaceUses(*Alloca, [&, Offset = Offset](IRBuilder<> &Builder) { return address(Builder, Offset); });
      Alloca->eraseFromParent();
    }
  }

  // Values -----------------------------------------------------------------------

  void storeAndLoad() {
    std::vector<AllocaInst *> OfValue;
    for (const Crossing &C : Crossings)
      OfValue.push_back(makeVariable(C.Value->getType(), C.Value->getName()));
    // A load comes before the use that it is for, and a store after a load.
    for (const Placement::Load &L : Places.Loads)
      reload(L.Value, OfValue[L.Value], *L.Before);
    for (const Placement::SiteLoad &L : Places.SiteLoads)
      reload(L.Value, OfValue[L.Value], *Begins[L.Site]);
    for (const Placement::Store &S : Places.Stores)
      store(S.Value, OfValue[S.Value], *S.Block->getTerminator());
    for (unsigned V = 0; V < Crossings.size(); ++V) {
      Value &Crossed = *Crossings[V].Value;
      replaceUses(Crossed, [&](IRBuilder<> &Builder) { return load(Builder, OfValue[V]); });
      IRBuilder<>(afterDefinition(Crossed)).CreateStore(&Crossed, OfValue[V]);
    }
  }

  Instruction *afterDefinition(Value &V) {
    auto *I = dyn_cast<Instruction>(&V);
    if (!I)
      return afterAllocas(F);
    return isa<PHINode>(I) ? &*I->getParent()->getFirstInsertionPt() : I->getNextNode();
  }

  void store(unsigned V, AllocaInst *Variable, Instruction &Before) {
    IRBuilder<> Builder(&Before);
    Value *Stored = load(Builder, Variable);
    Stored = Builder.CreateBitCast(Stored, memoryType(Stored->getType(), Layout));
    Builder.CreateStore(Stored, address(Builder, Slots[V]));
  }

  void reload(unsigned V, AllocaInst *Variable, Instruction &Before) {
    IRBuilder<> Builder(&Before);
    Type *T = Crossings[V].Value->getType();
    Value *Loaded = Builder.CreateLoad(memoryType(T, Layout), address(Builder, Slots[V]), Variable->getName());
    Builder.CreateStore(Builder.CreateBitCast(Loaded, T), Variable);
  }

  // The end --------------------------------------------------------------------

  void promoteVariables() {
    PromoteMemToReg(Variables, Tree);
    bool Changed = true;
    while (Changed) {
      Changed = false;
      for (Instruction &I : make_early_inc_range(instructions(F)))
        Changed |= RecursivelyDeleteTriviallyDeadInstructions(&I);
    }
    for (CallInst *Read : Reads)
      if (Read->use_empty() && ContextSlot)
        keepRead(*Read);
      else if (Read->use_empty())
        Read->eraseFromParent();
  }

  // Stores what was passed to a site to the frame, which begins there.
  void keepRead(CallInst &Read) {
    IRBuilder<> Builder(Read.getNextNode());
    Builder.CreateStore(&Read, byteOffset(Builder, &Read, *ContextSlot), /*isVolatile=*/true);
  }

  void setAttributes() {
    if (!Sites.empty()) {
      F.setGC("statepoint-example");
      F.addFnAttr(Attribute::NoRedZone);
      F.addFnAttr("frame-pointer", "all");
      F.setUWTableKind(UWTableKind::Sync);
    }
    for (Attribute::AttrKind Kind : {Attribute::AlwaysInline, Attribute::NoRecurse, Attribute::NoSync,
                                     Attribute::NoFree, Attribute::WillReturn, Attribute::Memory})
      F.removeFnAttr(Kind);
  }

  // Nothing may live across a site any more.
  Error check() {
    std::vector<Crossing> Left = findCrossings(F, SiteAtEnd);
    if (Left.empty())
      return Error::success();
    std::string Name;
    raw_string_ostream(Name) << *Left.front().Value;
    return errorIn(F, "a fault of tpcc's own: a value lives across a site:" + Name);
  }

  FunctionInfo information() const {
    FunctionInfo Info;
    Info.Name = F.getName().str();
    Info.Local = F.hasLocalLinkage();
    Info.Frame = Frame.size();
    Info.Indirect = hasDynamicAllocas();
    Info.Jumps = Jumps;
    for (const Statepoint &Site : Sites)
      Info.Sites.push_back({Site.ID, Site.Callee});
    return Info;
  }
};

} // namespace

Expected<FunctionInfo> frameFunction(Function &F, ArrayRef<CallInst *> Sites, StringRef Unit, bool Careful) {
  return Framer(F, Unit, Careful).run(Sites);
}

// setjmp's second return finds no register as it was; so it is a statepoint
// here too, although there is no site.
static void makeNativeJump(Function &F, StatepointMaker &Maker, CallInst &Call) {
  IRBuilder<> Builder(&F.getEntryBlock(), F.getEntryBlock().begin());
  AllocaInst *Slot = Builder.CreateAlloca(ArrayType::get(Builder.getInt8Ty(), JumpBytes), nullptr, "jump");
  Slot->setAlignment(FrameAlignment);
  Statepoint Jump = Maker.make(Call);
  Jump.Invoke->setArgOperand(*Jump.Slot, Slot);
  Jump.Invoke->setArgOperand(Jump.Context, F.getArg(F.arg_size() - 1));
  F.setGC("statepoint-example");
  F.addFnAttr(StayingAttribute);
}

void passContext(Function &F, ArrayRef<CallInst *> Calls, StringRef Unit) {
  StatepointMaker Maker(F, Unit);
  for (CallInst *Call : Calls)
    if (isSetjmp(*Call))
      makeNativeJump(F, Maker, *Call);
    else
      replaceArguments(*Call, Call->arg_size(), F.getArg(F.arg_size() - 1), contextAttributes(F.getContext()));
}

} // namespace tpcc
