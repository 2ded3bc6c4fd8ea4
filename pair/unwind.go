package pair

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Registers are those of a stopped thread that unwinding needs, whatever each
// ISA calls them.
type Registers struct {
	PC, SP, FP uint64
	LR         uint64 // aarch64: x30. Both stubs have saved it before it matters.
	Result     uint64 // rax or x0
	TP         uint64 // the thread pointer: fs_base or tpidr_el0
	Context    uint64 // r13 or x20: the portable frame of who called the stub
}

// A Point is the kind of equivalence point that a thread stands at.
type Point int

const (
	Parked  Point = iota + 1 // in the park stub, at a poll of the program
	Blocked                  // in the system-call stub
)

func (p Point) String() string {
	switch p {
	case Parked:
		return "parked"
	case Blocked:
		return "blocked"
	}
	return fmt.Sprintf("Point(%d)", int(p))
}

// A Stack is the chain of calls of a thread at an equivalence point.
type Stack struct {
	Point   Point
	Frames  []Frame // innermost first, never empty; Frames[0] called the stub
	Call    *Call   // the system call, if Blocked
	RootCFA uint64  // the CFA of the outermost frame
	Root    uint64  // the return address of the outermost frame, one of Points.Roots
	Context uint64  // the context that the outermost frame was called with
	Low     uint64  // the lowest address in use, the stack pointer

	// The thread words, as they stand in memory.
	NativeLow, NativeHigh uint64
}

// A Call is a system call, with the canonical (asm-generic) number and
// arguments that the stub was called with.
type Call struct {
	Number uint64
	Args   [6]uint64
	Done   bool   // the kernel has answered; if not, the call is to be issued anew
	Result uint64 // the answer, if Done
}

// A Frame is one activation of a function, stopped at a call.
type Frame struct {
	Site *Site
	CFA  uint64
	FP   uint64 // the frame pointer while this function runs
	// Context is what the context register holds when the call returns: the
	// address of this function's portable frame, or if it has none of its
	// caller's.
	Context uint64
}

// NotMovable says why a thread cannot be moved to another architecture.
type NotMovable struct {
	PC       uint64 // where the thread was stopped
	Function string // the place at fault, as of Binary.Describe
	Frame    int    // the frame at fault as an index of Stack.Frames; -1 for the stub or the PC
	Reason   string // a sentence without the frame
	Err      error  // why memory could not be read, or nil
}

func (e *NotMovable) Error() string {
	if e.Frame < 0 {
		return e.Reason
	}
	return fmt.Sprintf("frame %d: %s", e.Frame, e.Reason)
}

func (e *NotMovable) Unwrap() error { return e.Err }

// Words of the system-call stub's frame, counted from the frame pointer. They
// are the same on each ISA.
const (
	sysWords      = 9 // below the frame pointer
	sysWordResult = -9
	sysWordNumber = -8
	sysWordArgs   = -7
	sysWordPhase  = -1 // 0: the call is to be issued or under way; 1: the result is valid
)

// recordSize is the size of a frame record: the caller's frame pointer, at
// the frame pointer, and the return address above it.
const recordSize = 16

// jumpSlotSize is what a jump slot has at least: stack pointer, frame pointer,
// return address.
const jumpSlotSize = 24

// maxDepth bounds the frames of a stack.
const maxDepth = 1 << 16

// restarts are the kernel's own answers that make it issue the call again
// (include/linux/errno.h): ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND and
// ERESTART_RESTARTBLOCK. A debugger sees them, a program never does.
var restarts = []int64{-512, -513, -514, -516}

// Unwind finds the chain of calls of a thread that stands at an equivalence
// point, and checks it against all that the pair says of it. mem is the
// process's memory by address. The error is a *NotMovable if the thread stands
// elsewhere or if the stack is not one that the program makes.
func (b *Binary) Unwind(r Registers, mem io.ReaderAt) (*Stack, error) {
	u := unwinder{b: b, pc: r.PC, place: b.Describe(r.PC), mem: mem, stack: &Stack{Low: r.SP}}
	if err := u.inStub(); err != nil {
		return nil, err
	}
	if err := u.bounds(r); err != nil {
		return nil, err
	}
	top, err := u.stub(r)
	if err != nil {
		return nil, err
	}
	if err := u.walk(top, r.Context); err != nil {
		return nil, err
	}
	return u.stack, nil
}

// record is a frame record in memory and the CFA of its function.
type record struct {
	cfa uint64
	fp  uint64 // of the caller
	ret uint64
}

type unwinder struct {
	b     *Binary
	pc    uint64
	place string // of pc
	mem   io.ReaderAt
	stack *Stack
}

func (u *unwinder) fail(frame int, place, format string, args ...any) *NotMovable {
	err := fmt.Errorf(format, args...)
	return &NotMovable{PC: u.pc, Function: place, Frame: frame, Reason: err.Error(), Err: errors.Unwrap(err)}
}

// words reads n words of memory at an address.
func (u *unwinder) words(addr uint64, n int) ([]uint64, error) {
	if addr > maxAddress {
		return nil, fmt.Errorf("address %#x is beyond any address space", addr)
	}
	raw := make([]byte, 8*n)
	if got, err := u.mem.ReadAt(raw, int64(addr)); got < len(raw) {
		return nil, fmt.Errorf("cannot read %d bytes of memory at %#x: %w", len(raw), addr, err)
	}
	words := make([]uint64, n)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return words, nil
}

// inStub refuses a thread that is not in one of the stubs.
func (u *unwinder) inStub() error {
	p := &u.b.Points
	switch {
	case u.parked() || u.blocked():
		return nil
	case p.Restorer != 0 && u.pc == p.Restorer:
		return u.fail(-1, u.place, "stopped inside a signal handler, which cannot be moved: let it return first")
	}
	return u.fail(-1, u.place, `stopped at %s, which is not an equivalence point: run "tpfs pause" before "criu dump"`, u.place)
}

func (u *unwinder) parked() bool { p := &u.b.Points; return u.pc >= p.ParkWait && u.pc < p.ParkEnd }

func (u *unwinder) blocked() bool { return u.b.Points.inSys(u.pc) }

// bounds reads the thread words.
func (u *unwinder) bounds(r Registers) error {
	t, s := &u.b.pair.Thread, u.stack
	for _, w := range []struct {
		off int64
		to  *uint64
	}{{t.NativeLow, &s.NativeLow}, {t.NativeHigh, &s.NativeHigh}} {
		v, err := u.words(r.TP+uint64(w.off), 1)
		if err != nil {
			return u.fail(-1, u.place, "stopped at %s: thread descriptor at %#x: %w", u.place, r.TP, err)
		}
		*w.to = v[0]
	}
	if r.SP < s.NativeLow || r.SP >= s.NativeHigh || s.NativeHigh > maxAddress {
		return u.fail(-1, u.place, "stopped at %s with the stack pointer at %#x, outside of the thread's native stack %#x-%#x; the stack of a signal handler cannot be moved",
			u.place, r.SP, s.NativeLow, s.NativeHigh)
	}
	return nil
}

// stub looks at the innermost frames, those of the runtime, and returns the
// record of the stub that the program called.
func (u *unwinder) stub(r Registers) (record, error) {
	if u.blocked() {
		top, phase, err := u.call(r.FP, r.SP)
		if err == nil && phase == 0 && r.PC > u.b.Points.SysInsn && !slices.Contains(restarts, int64(r.Result)) {
			u.stack.Call.Done, u.stack.Call.Result = true, r.Result
		}
		return top, err
	}
	if r.FP != r.SP {
		return record{}, u.fail(-1, u.place, "in %s the frame pointer is %#x and the stack pointer %#x, which have to be equal there", u.place, r.FP, r.SP)
	}
	top, err := u.record(r.FP, u.place)
	if err != nil || !u.b.Points.inSys(top.ret) {
		u.stack.Point = Parked
		return top, err
	}
	// Parked by the system-call stub, which does so once it has the result.
	top, phase, err := u.call(top.fp, top.cfa)
	if err == nil && phase != 1 {
		err = u.fail(-1, u.place, "parked by the system-call stub with phase %d, not 1", phase)
	}
	return top, err
}

// record reads the frame record of the stub that place names.
func (u *unwinder) record(fp uint64, place string) (record, error) {
	if fp%16 != 0 || fp >= u.stack.NativeHigh || u.stack.NativeHigh-fp < recordSize {
		return record{}, u.fail(-1, u.place, "in %s the frame pointer is %#x, not aligned to 16 or with no room for a frame below the stack's end %#x",
			place, fp, u.stack.NativeHigh)
	}
	w, err := u.words(fp, 2)
	if err != nil {
		return record{}, u.fail(-1, u.place, "frame of %s: %w", place, err)
	}
	return record{cfa: fp + recordSize, fp: w[0], ret: w[1]}, nil
}

// call reads the frame of the system-call stub. sp is the stack pointer while
// the stub runs.
func (u *unwinder) call(fp, sp uint64) (top record, phase uint64, err error) {
	if fp-sp != u.b.Points.SysFrame {
		return top, 0, u.fail(-1, u.place, "the system-call stub has its frame pointer at %#x and its stack pointer at %#x, which are not %d bytes apart", fp, sp, u.b.Points.SysFrame)
	}
	if top, err = u.record(fp, "the system-call stub"); err != nil {
		return top, 0, err
	}
	w, err := u.words(fp-8*sysWords, sysWords)
	if err != nil {
		return top, 0, u.fail(-1, u.place, "frame of the system-call stub: %w", err)
	}
	word := func(i int) uint64 { return w[sysWords+i] }
	call := &Call{Number: word(sysWordNumber)}
	for i := range call.Args {
		call.Args[i] = word(sysWordArgs + i)
	}
	switch phase = word(sysWordPhase); phase {
	case 0:
	case 1:
		call.Done, call.Result = true, word(sysWordResult)
	default:
		return top, 0, u.fail(-1, u.place, "in the system-call stub with phase %d, neither 0 nor 1", phase)
	}
	u.stack.Point, u.stack.Call = Blocked, call
	return top, phase, nil
}

// walk follows the chain from the stub's record to a root. context is that of
// the stub's caller.
func (u *unwinder) walk(callee record, context uint64) error {
	p, s := &u.b.Points, u.stack
	for {
		n := len(s.Frames)
		place := func() string { return u.b.describeReturn(callee.ret) }
		fail := func(format string, args ...any) error {
			return u.fail(n, place(), format, args...)
		}
		if slices.Contains(p.Roots, callee.ret) {
			switch {
			case callee.fp != 0:
				return fail("the frame pointer at the root of the stack is %#x, not 0", callee.fp)
			case n == 0:
				return fail("the runtime's start code called the stub itself; let the program run on")
			}
			s.Root, s.RootCFA, s.Context = callee.ret, callee.cfa, context
			return nil
		}
		if p.Restorer != 0 && callee.ret == p.Restorer {
			return fail("the thread is inside a signal handler, which cannot be moved: let it return first")
		}
		site, ok := u.b.SiteAt(callee.ret)
		if !ok {
			return fail("%s", u.notSite(callee.ret))
		}
		if n == maxDepth {
			return fail("in %s the stack is more than %d frames deep", place(), maxDepth)
		}
		// The caller's CFA follows from the stack pointer at the call, and
		// also from its frame pointer. They have to agree. So the chain goes
		// up, and stays aligned to 16 as frame sizes are.
		cfa := callee.cfa + site.FrameSize
		switch {
		case callee.fp+uint64(site.CFAFromFP) != cfa:
			return fail("in %s the frame pointer is %#x where the frame's size makes it %#x", place(), callee.fp, cfa-uint64(site.CFAFromFP))
		case cfa > s.NativeHigh:
			return fail("in %s the frame ends at %#x, beyond the stack's end %#x", place(), cfa, s.NativeHigh)
		}
		next := record{cfa: cfa}
		callers := context
		for _, w := range []struct {
			off int64
			to  *uint64
		}{{site.RA, &next.ret}, {site.FP, &next.fp}, {site.Context, &callers}} {
			if w.off == 0 {
				continue // not saved: the same as in this function
			}
			v, err := u.words(cfa+uint64(w.off), 1)
			if err != nil {
				return fail("in %s: %w", place(), err)
			}
			*w.to = v[0]
		}
		s.Frames = append(s.Frames, Frame{Site: site, CFA: cfa, FP: callee.fp, Context: context})
		callee, context = next, callers
	}
}

// notSite words the refusal of a return address that is no call site.
func (u *unwinder) notSite(ret uint64) string {
	reason := fmt.Sprintf("return address %#x is in no function of the pair", ret)
	if f, ok := u.b.pair.FunctionAt(ret - 1); ok {
		reason = fmt.Sprintf("return address %#x in %s+%#x is not a migratable call site", ret, f.Name, ret-f.Addr)
		if f.Reason != "" {
			reason += ": the function is not migratable: " + f.Reason
		}
	}
	return reason
}
