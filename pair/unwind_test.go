package pair

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"
)

// forBoth runs a test on each half of the tiny pair.
func forBoth(t *testing.T, test func(t *testing.T, b *Binary)) {
	for _, m := range machines {
		t.Run(machineName(m), func(t *testing.T) { test(t, tinyBinary(m)) })
	}
}

// other is the pair's other half.
func (b *Binary) other() *Binary {
	for m, o := range b.pair.binaries {
		if m != b.Machine {
			return o
		}
	}
	panic("one half only")
}

// TestUnwindByHand follows a stack written down from the disassembly: main
// called middle, which called leaf, which parked.
func TestUnwindByHand(t *testing.T) {
	type word struct{ addr, value uint64 }
	for _, tt := range []struct {
		machine elf.Machine
		sp      uint64
		words   []word
		frames  [][3]uint64 // site, CFA, FP; innermost first
	}{
		// Each call pushes the return address, each function %rbp, main
		// %r12 and %rbx too; middle has 80 bytes of its own.
		{elf.EM_X86_64, 0x7f0000000f20, []word{
			{0x7f0000000fb8, 0x400207}, {0x7f0000000fb0, 0}, // main: root
			{0x7f0000000f98, 0x40030c}, {0x7f0000000f90, 0x7f0000000fb0}, // middle
			{0x7f0000000f38, 0x400296}, {0x7f0000000f30, 0x7f0000000f90}, // leaf
			{0x7f0000000f28, 0x400249}, {0x7f0000000f20, 0x7f0000000f30}, // the park stub
		}, [][3]uint64{
			{leafParks, 0x7f0000000f40, 0x7f0000000f30},
			{middleCallsLeaf, 0x7f0000000fa0, 0x7f0000000f90},
			{mainCallsMiddle, 0x7f0000000fc0, 0x7f0000000fb0},
		}},
		// main's frame has 48 bytes with the record at its bottom, middle's
		// 96 with the record at its top.
		{elf.EM_AARCH64, 0x7f0000000f10, []word{
			{0x7f0000000f98, 0x400208}, {0x7f0000000f90, 0},
			{0x7f0000000f88, 0x400314}, {0x7f0000000f80, 0x7f0000000f90},
			{0x7f0000000f28, 0x400298}, {0x7f0000000f20, 0x7f0000000f80},
			{0x7f0000000f18, 0x40024c}, {0x7f0000000f10, 0x7f0000000f20},
		}, [][3]uint64{
			{leafParks, 0x7f0000000f30, 0x7f0000000f20},
			{middleCallsLeaf, 0x7f0000000f90, 0x7f0000000f80},
			{mainCallsMiddle, 0x7f0000000fc0, 0x7f0000000f90},
		}},
	} {
		b := tinyBinary(tt.machine)
		th := newThread(b, stackSize)
		for _, w := range tt.words {
			th.set(w.addr, w.value)
		}
		th.regs.PC, th.regs.SP, th.regs.FP = b.Points.ParkEnd-1, tt.sp, tt.sp
		st, err := b.Unwind(th.regs, th)
		if err != nil {
			t.Fatalf("%v: %v", tt.machine, err)
		}
		var frames [][3]uint64
		for _, f := range st.Frames {
			frames = append(frames, [3]uint64{f.Site.ID, f.CFA, f.FP})
		}
		if !reflect.DeepEqual(frames, tt.frames) || st.Point != Parked || st.RootCFA != 0x7f0000000fc0 || st.Low != tt.sp {
			t.Errorf("%v: frames %x of %+v", tt.machine, frames, st)
		}
	}
}

func TestUnwind(t *testing.T) {
	forBoth(t, func(t *testing.T, b *Binary) {
		chains := [][]uint64{
			{mainCallsLeaf},
			{mainCallsLeaf, leafParks},
			{mainCallsMiddle, middleCallsLeaf, leafParks},
		}
		p := b.Points
		for _, tt := range []struct {
			name string
			stop func(th *thread)
		}{
			{"parked", func(th *thread) { th.park() }},
			{"parked, inside the wait", func(th *thread) { th.park().regs.PC = p.ParkEnd - 1 }},
			{"blocked, at the kernel instruction", func(th *thread) { th.syscall(0, 0) }},
			{"blocked, about to issue the call", func(th *thread) { th.syscall(0, 0).regs.PC = p.SysResume }},
			{"done, the result still in its register", func(th *thread) {
				th.syscall(0, 0)
				th.regs.PC, th.regs.Result = p.SysInsn+1, 42
				th.want.Call.Done, th.want.Call.Result = true, 42
			}},
			{"done, the result in the frame", func(th *thread) { th.syscall(1, 77).regs.PC = p.SysEnd - 1 }},
			{"done, about to return", func(th *thread) { th.syscall(1, 77).regs.PC = p.SysResume }},
			{"parked by the system-call stub", func(th *thread) { th.syscall(1, 77).park() }},
		} {
			for _, chain := range chains {
				th := newThread(b, stackSize).call(chain...)
				tt.stop(th)
				st, err := b.Unwind(th.regs, th)
				if err != nil {
					t.Errorf("%s: %v", tt.name, err)
				} else if !reflect.DeepEqual(*st, th.want) {
					t.Errorf("%s: %+v, not %+v", tt.name, *st, th.want)
				}
			}
		}
	})
}

// TestUnwindBounds: a stack may reach to its very end and begin right below
// the stack pointer; where it ends does not matter otherwise.
func TestUnwindBounds(t *testing.T) {
	forBoth(t, func(t *testing.T, b *Binary) {
		th := newThread(b, stackSize).call(mainCallsMiddle, middleCallsLeaf).park()
		for _, high := range []uint64{th.want.RootCFA, th.want.RootCFA + 1, maxAddress} {
			th.want.NativeLow, th.want.NativeHigh = th.regs.SP, high
			th.set(th.high+48, th.regs.SP)
			th.set(th.high+56, high)
			if st, err := b.Unwind(th.regs, th); err != nil || !reflect.DeepEqual(*st, th.want) {
				t.Errorf("stack up to %#x: %+v, %v", high, st, err)
			}
		}
	})
}

// TestUnwindRoots takes each root of a program with two.
func TestUnwindRoots(t *testing.T) {
	d := tinyDescription()
	for m, b := range d.Binaries {
		b.Points.Roots = append(b.Points.Roots, 0x400230)
		d.Binaries[m] = b
	}
	x, _, err := Seal(tinyLinked(elf.EM_X86_64), tinyLinked(elf.EM_AARCH64), d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := readBytes(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range machines {
		b, _ := f.Binary(m)
		for _, root := range b.Points.Roots {
			th := newThread(b, stackSize)
			th.ret, th.want.Root = root, root
			st, err := b.Unwind(th.call(mainCallsLeaf).park().regs, th)
			if err != nil || !reflect.DeepEqual(*st, th.want) {
				t.Errorf("%v: root %#x: %+v, %v", m, root, st, err)
			}
		}
	}
}

// TestKernelResults: what the kernel's answer in the result register means for
// a call that came out of the kernel.
func TestKernelResults(t *testing.T) {
	forBoth(t, func(t *testing.T, b *Binary) {
		for _, tt := range []struct {
			result int64
			done   bool
		}{
			{0, true}, {1, true}, {1 << 40, true},
			{-4, true},   // EINTR
			{-511, true}, // not one of the kernel's own
			{-512, false},
			{-513, false},
			{-514, false},
			{-515, true}, // ENOIOCTLCMD, of drivers
			{-516, false},
			{-517, true},
			{512, true},
		} {
			th := newThread(b, stackSize).call(mainCallsLeaf, leafParks).syscall(0, 99)
			th.regs.PC, th.regs.Result = b.Points.SysInsn+2, uint64(tt.result)
			if tt.done {
				th.want.Call.Done, th.want.Call.Result = true, uint64(tt.result)
			}
			st, err := b.Unwind(th.regs, th)
			if err != nil || !reflect.DeepEqual(st.Call, th.want.Call) {
				t.Errorf("result %d: %+v, %v", tt.result, st, err)
			}

			// Before the instruction and once the phase is 1 the register
			// means nothing.
			th.regs.PC = b.Points.SysInsn
			if st, err := b.Unwind(th.regs, th); err != nil || st.Call.Done {
				t.Errorf("result %d, before the call: %+v, %v", tt.result, st, err)
			}
			th.set(th.regs.FP-8, 1)
			th.regs.PC = b.Points.SysEnd - 1
			if st, err := b.Unwind(th.regs, th); err != nil || !st.Call.Done || st.Call.Result != 99 {
				t.Errorf("result %d, with another one in the frame: %+v, %v", tt.result, st, err)
			}
		}
	})
}

// TestUnwindRefuses has everything that Unwind can refuse. The frame of the
// error is the one at fault, its function and its sentence name the place.
func TestUnwindRefuses(t *testing.T) {
	const stub, inPark, inSys = -1, "the park stub+0x0", "the system-call stub+"
	type wanted struct {
		frame    int
		function string // how it begins
		reason   []string
		hole     bool // the error is that of the memory
	}
	deep := func(th *thread) *thread { return th.call(mainCallsMiddle, middleCallsLeaf, leafParks) }
	forBoth(t, func(t *testing.T, b *Binary) {
		p := b.Points
		place := func(id uint64) string { // of a call, as "function+offset"
			s, _ := b.SiteByID(id)
			return fmt.Sprintf("%s+%#x", s.Function.Name, s.Return-s.Function.Addr)
		}
		// Words of the three frames, from the thread that goes on to park.
		callerFP := func(th *thread, i int) uint64 { f := th.want.Frames[i]; return f.CFA + uint64(f.Site.FP) }
		returnTo := func(th *thread, i int) uint64 { f := th.want.Frames[i]; return f.CFA + uint64(f.Site.RA) }

		for _, tt := range []struct {
			name  string
			spoil func(th *thread) // deep in the program; has to stop it
			want  wanted
		}{
			{"in a function", func(th *thread) { th.park().regs.PC = 0x400281 },
				wanted{stub, "middle+0x1", []string{"stopped at middle+0x1", "not an equivalence point", "tpfs pause"}, false}},
			{"in no function", func(th *thread) { th.park().regs.PC = 0x1234 },
				wanted{stub, "0x1234, in no function", []string{"stopped at 0x1234, in no function of the pair", "tpfs pause"}, false}},
			{"before the wait", func(th *thread) { th.park().regs.PC = p.ParkWait - 1 },
				wanted{stub, "0x", []string{"stopped at ", "not an equivalence point"}, false}},
			{"behind the wait", func(th *thread) { th.park().regs.PC = p.ParkEnd },
				wanted{stub, "0x", []string{"stopped at ", "not an equivalence point"}, false}},
			{"behind the system-call stub", func(th *thread) { th.syscall(1, 0).regs.PC = p.SysEnd },
				wanted{stub, "0x", []string{"stopped at ", "not an equivalence point"}, false}},
			{"at the end of a handler", func(th *thread) { th.park().regs.PC = p.Restorer },
				wanted{stub, "the signal restorer", []string{"stopped inside a signal handler", "let it return"}, false}},

			{"thread pointer to nowhere", func(th *thread) { th.park().regs.TP = 0x1000 },
				wanted{stub, inPark, []string{"stopped at " + inPark, "thread descriptor at 0x1000", "8 bytes of memory at 0x1030"}, true}},
			{"thread pointer beyond user space", func(th *thread) { th.park().regs.TP = 1<<63 + 8 },
				wanted{stub, inPark, []string{"thread descriptor at 0x8000000000000008", "beyond any address space"}, false}},
			{"thread pointer to the end of user space", func(th *thread) { th.park().regs.TP = maxAddress - 48 },
				wanted{stub, inPark, []string{"8 bytes of memory at 0x100000000000000"}, true}},
			{"thread pointer that wraps", func(th *thread) { th.park().regs.TP = ^uint64(0) - 55 },
				wanted{stub, inPark, []string{"thread descriptor at 0xffffffffffffffc8", "beyond any address space"}, false}},
			{"half a thread descriptor", func(th *thread) { th.park().hole = th.regs.TP + 56 },
				wanted{stub, inPark, []string{"thread descriptor at 0x7f0000001000", "8 bytes of memory at 0x7f0000001038"}, true}},
			{"stack pointer below the stack", func(th *thread) { th.park(); th.set(th.high+48, th.regs.SP+8) },
				wanted{stub, inPark, []string{inPark, "stack pointer at 0x7f", "outside of the thread's native stack 0x7f"}, false}},
			{"stack pointer above the stack", func(th *thread) { th.park(); th.set(th.high+56, th.regs.SP) },
				wanted{stub, inPark, []string{inPark, "stack pointer at 0x7f", "outside of the thread's native stack 0x7f"}, false}},
			{"stack beyond user space", func(th *thread) { th.park(); th.set(th.high+56, 1<<57) },
				wanted{stub, inPark, []string{inPark, "-0x200000000000000"}, false}},

			{"frame pointer above the stub's stack pointer", func(th *thread) { th.park().regs.FP += 16 },
				wanted{stub, inPark, []string{"in " + inPark, "frame pointer is 0x7f", "have to be equal"}, false}},
			{"stub's frame not aligned", func(th *thread) { th.park().regs.FP += 8; th.regs.SP += 8 },
				wanted{stub, inPark, []string{"in " + inPark, "frame pointer is 0x7f", "aligned to 16"}, false}},
			{"stub's frame at the stack's end", func(th *thread) { th.park(); th.set(th.high+56, th.regs.SP+8) },
				wanted{stub, inPark, []string{"in " + inPark, "frame pointer is 0x7f", "room"}, false}},
			{"only the stub's frame on the stack", func(th *thread) { th.park(); th.set(th.high+56, th.regs.SP+16) },
				wanted{0, place(leafParks), []string{"frame 0: in " + place(leafParks), "beyond the stack's end 0x7f"}, false}},
			{"stub's frame unreadable", func(th *thread) { th.park(); th.hole = th.regs.FP },
				wanted{stub, inPark, []string{"frame of " + inPark, "cannot read 16 bytes of memory at 0x7f"}, true}},

			{"system-call stub with a frame of another size", func(th *thread) { th.syscall(0, 0).regs.SP -= 16 },
				wanted{stub, inSys, []string{"the system-call stub has its frame pointer at 0x7f", fmt.Sprintf("not %d bytes apart", p.SysFrame)}, false}},
			{"frame pointer below the system-call stub's stack pointer", func(th *thread) { th.syscall(0, 0).regs.FP = th.regs.SP - 16 },
				wanted{stub, inSys, []string{"the system-call stub has its frame pointer at 0x7f"}, false}},
			{"system-call stub's frame not aligned", func(th *thread) { th.syscall(0, 0).regs.SP += 8; th.regs.FP += 8 },
				wanted{stub, inSys, []string{"in the system-call stub the frame pointer is 0x7f", "aligned to 16"}, false}},
			{"system-call stub's frame across the stack's end", func(th *thread) { th.syscall(0, 0); th.set(th.high+56, th.regs.FP+8) },
				wanted{stub, inSys, []string{"in the system-call stub the frame pointer is 0x7f", "room"}, false}},
			{"system-call stub's record unreadable", func(th *thread) { th.syscall(0, 0); th.hole = th.regs.FP + 8 },
				wanted{stub, inSys, []string{"frame of the system-call stub", "cannot read 16 bytes of memory at 0x7f"}, true}},
			{"system-call stub's words unreadable", func(th *thread) { th.syscall(0, 0); th.hole = th.regs.FP - 72 },
				wanted{stub, inSys, []string{"frame of the system-call stub", "cannot read 72 bytes of memory at 0x7f"}, true}},
			{"phase of no meaning", func(th *thread) { th.syscall(2, 0) },
				wanted{stub, inSys, []string{"in the system-call stub with phase 2"}, false}},
			{"parked before the result is there", func(th *thread) { th.syscall(0, 0).park() },
				wanted{stub, inPark, []string{"parked by the system-call stub with phase 0, not 1"}, false}},
			{"parked in a system-call stub of another size", func(th *thread) { th.syscall(1, 0); th.sp -= 16; th.park() },
				wanted{stub, inPark, []string{"the system-call stub has its frame pointer at 0x7f"}, false}},
			{"parked in a system-call stub across the stack's end", func(th *thread) { th.syscall(1, 0).park(); th.set(th.high+56, th.sp+16+p.SysFrame) },
				wanted{stub, inPark, []string{"in the system-call stub the frame pointer is 0x7f"}, false}},

			{"return address in no function", func(th *thread) { th.ret = 0x666; th.park() },
				wanted{0, "0x666, in no function", []string{"frame 0: ", "return address 0x666 is in no function of the pair"}, false}},
			{"return address that is no site", func(th *thread) { th.ret = 0x400291; th.park() }, // x86-64: behind the call of use
				wanted{0, "middle+0x11", []string{"frame 0: ", "return address 0x400291 in middle+0x11 is not a migratable call site"}, false}},
			{"return address in what is not migratable", func(th *thread) { th.ret = 0x400201; th.park() },
				wanted{0, "_start+0x1", []string{"frame 0: ", "_start+0x1", "not migratable: assembly of the runtime"}, false}},
			{"return address at the very end of a function", func(th *thread) { th.ret = 0x400280; th.park() },
				wanted{0, "leaf+0x40", []string{"frame 0: ", "return address 0x400280 in leaf+0x40 is not a migratable call site"}, false}},
			{"further out, a return address in no function", func(th *thread) { th.park(); th.set(returnTo(th, 1), 0x666) },
				wanted{2, "0x666", []string{"frame 2: ", "return address 0x666"}, false}},
			{"inside a handler", func(th *thread) { th.park(); th.set(returnTo(th, 0), p.Restorer) },
				wanted{1, "the signal restorer", []string{"frame 1: ", "inside a signal handler", "let it return"}, false}},
			{"caller's frame pointer too low", func(th *thread) { th.park(); th.set(callerFP(th, 0), th.want.Frames[1].FP-16) },
				wanted{1, place(middleCallsLeaf), []string{"frame 1: in " + place(middleCallsLeaf), "the frame pointer is 0x7f", "the frame's size makes it 0x7f"}, false}},
			{"a loop", func(th *thread) { th.park(); th.set(callerFP(th, 1), th.want.Frames[1].FP) },
				wanted{2, place(mainCallsMiddle), []string{"frame 2: in " + place(mainCallsMiddle), "the frame pointer is 0x7f"}, false}},
			{"a frame that returns to itself", func(th *thread) {
				th.park()
				th.set(returnTo(th, 1), th.want.Frames[1].Site.Return)
				th.set(callerFP(th, 1), th.want.Frames[1].FP)
			}, wanted{2, place(middleCallsLeaf), []string{"frame 2: in " + place(middleCallsLeaf), "the frame pointer is 0x7f"}, false}},
			{"frame beyond the stack's end", func(th *thread) { th.park(); th.set(th.high+56, th.want.RootCFA-8) },
				wanted{2, place(mainCallsMiddle), []string{"frame 2: in " + place(mainCallsMiddle), "ends at 0x7f", "beyond the stack's end 0x7f"}, false}},
			{"return address unreadable", func(th *thread) { th.park(); th.hole = returnTo(th, 1) },
				wanted{1, place(middleCallsLeaf), []string{"frame 1: in " + place(middleCallsLeaf), "cannot read 8 bytes of memory at 0x7f"}, true}},
			{"caller's frame pointer unreadable", func(th *thread) { th.park(); th.hole = callerFP(th, 2) },
				wanted{2, place(mainCallsMiddle), []string{"frame 2: in " + place(mainCallsMiddle), "cannot read 8 bytes of memory at 0x7f"}, true}},
			{"frame pointer at the root", func(th *thread) { th.park(); th.set(callerFP(th, 2), 0x10) },
				wanted{3, "the root of the stack", []string{"frame 3: ", "the frame pointer at the root of the stack is 0x10"}, false}},
		} {
			th := deep(newThread(b, stackSize))
			tt.spoil(th)
			st, err := b.Unwind(th.regs, th)
			var no *NotMovable
			if !errors.As(err, &no) || st != nil {
				t.Errorf("%s: %+v, %v", tt.name, st, err)
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				wantError(t, err, tt.want.reason...)
				if no.PC != th.regs.PC || no.Frame != tt.want.frame || len(no.Function) < len(tt.want.function) || no.Function[:len(tt.want.function)] != tt.want.function {
					t.Errorf("%v: at pc %#x, frame %d, function %q", err, no.PC, no.Frame, no.Function)
				}
				if errors.Is(err, errHole) != tt.want.hole {
					t.Errorf("%v: the memory's own error is in it: %v", err, !tt.want.hole)
				}
			})
		}
	})
}

// TestUnwindAtRoot: the start code has no frame that could be rebuilt.
func TestUnwindAtRoot(t *testing.T) {
	forBoth(t, func(t *testing.T, b *Binary) {
		for _, th := range []*thread{newThread(b, stackSize).park(), newThread(b, stackSize).syscall(0, 0)} {
			_, err := b.Unwind(th.regs, th)
			wantError(t, err, "frame 0: ", "start code called the stub itself", "let the program run on")
		}
	})
}

// TestUnwindDepth: a stack of the greatest depth is followed, one frame more
// is not.
func TestUnwindDepth(t *testing.T) {
	forBoth(t, func(t *testing.T, b *Binary) {
		site, _ := b.SiteByID(leafParks)
		th := newThread(b, (maxDepth+1)*16+stackSize).call(mainCallsLeaf)
		for range maxDepth - 1 {
			th.push(site)
		}
		deepest := *th
		st, err := b.Unwind(th.park().regs, th)
		if err != nil || len(st.Frames) != maxDepth {
			t.Fatal(err)
		}
		th = &deepest
		th.push(site)
		_, err = b.Unwind(th.park().regs, th)
		wantError(t, err, "frame 65536: in main+", "the stack is more than 65536 frames deep")
	})
}

// TestUnwindWithoutRestorer: an address of 0 is then an address like others.
func TestUnwindWithoutRestorer(t *testing.T) {
	b := *tinyBinary(elf.EM_X86_64)
	b.Points.Restorer = 0
	th := newThread(&b, stackSize).call(mainCallsLeaf)
	th.ret = 0
	_, err := b.Unwind(th.park().regs, th)
	wantError(t, err, "frame 0: return address 0x0 is in no function of the pair")
	th.regs.PC = 0
	_, err = b.Unwind(th.regs, th)
	wantError(t, err, "stopped at 0x0, in no function of the pair")
}

// TestSiteAtEnd: a call that never returns is the last instruction of its
// function, so that its return address is the next function's.
func TestSiteAtEnd(t *testing.T) {
	d := tinyDescription()
	d.Functions[2].Size = 0x400249 - 0x400240 // leaf ends with its call
	d.Functions = append(d.Functions, Function{Name: "next", Addr: 0x400249, Size: 4, Reason: "a test"})
	_, _, err := Seal(tinyLinked(elf.EM_X86_64), tinyLinked(elf.EM_AARCH64), d)
	wantError(t, err, "aarch64: function leaf: call site 0x1001: its return address 0x40024c lies outside of the function")

	d.Functions[2].Size = 0x40024c - 0x400240
	d.Functions[4].Addr = 0x40024c
	x, _, err := Seal(tinyLinked(elf.EM_X86_64), tinyLinked(elf.EM_AARCH64), d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := readBytes(x)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := f.Binary(elf.EM_AARCH64)
	th := newThread(b, stackSize).call(mainCallsLeaf, leafParks)
	th.fp += 16
	_, err = b.Unwind(th.park().regs, th)
	wantError(t, err, "frame 0: in leaf+0xc the frame pointer is")
	var no *NotMovable
	if !errors.As(err, &no) || no.Function != "leaf+0xc" {
		t.Errorf("function %q", no.Function)
	}
}

// TestUnwindShortReads: memory may end right behind a word.
func TestUnwindShortReads(t *testing.T) {
	th := newThread(tinyBinary(elf.EM_X86_64), stackSize).call(mainCallsLeaf).park()
	st, err := th.b.Unwind(th.regs, eofReader{th})
	if err != nil || !reflect.DeepEqual(*st, th.want) {
		t.Errorf("%+v, %v", st, err)
	}
}

// eofReader gives io.EOF with all that was asked for, as a reader may at its
// end.
type eofReader struct{ io.ReaderAt }

func (r eofReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	if err == nil {
		err = io.EOF
	}
	return n, err
}

func TestPointString(t *testing.T) {
	for p, want := range map[Point]string{Parked: "parked", Blocked: "blocked", 7: "Point(7)"} {
		if p.String() != want {
			t.Errorf("%d: %s", int(p), p)
		}
	}
}

func TestDescribe(t *testing.T) {
	b := tinyBinary(elf.EM_AARCH64)
	for pc, want := range map[uint64]string{
		0x400208: "the root of the stack",
		0x400207: "_start+0x7",
		0x40023f: "_start+0x3f",
		0x400240: "leaf+0x0",
		0x4002ff: "middle+0x7f",
		0x400387: "0x400387, in no function of the pair",
		0x400388: "the park stub+0x0",
		0x40038f: "the park stub+0x7",
		0x400390: "0x400390, in no function of the pair",
		0x4003cc: "the system-call stub+0x0",
		0x4003db: "the system-call stub+0xf",
		0x4003dc: "0x4003dc, in no function of the pair",
		0x400400: "the signal restorer",
		0:        "0x0, in no function of the pair",
		1 << 63:  "0x8000000000000000, in no function of the pair",
	} {
		if got := b.Describe(pc); got != want {
			t.Errorf("%#x: %q, not %q", pc, got, want)
		}
	}
}
