package pair

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var le = binary.LittleEndian

// Two pairs are at hand: the example's, sealed and dumped from real guests, and
// the tiny one of testdata, which is linked but not sealed. What the tests say
// of the tiny one follows from its disassembly; testdata/make.sh makes it.
const (
	goldenX86 = "../testdata/root/nfs/bin/counter"
	goldenARM = "../testdata/root/nfs/bin/counter.aarch64"
)

var machines = []elf.Machine{elf.EM_X86_64, elf.EM_AARCH64}

// Call sites of the tiny pair, as named in testdata/tiny.ll.
const (
	leafParks       = 4097
	middleCallsLeaf = 4098
	mainCallsMiddle = 4099
	mainCallsLeaf   = 4100
)

// tinyPoints are the symbols of testdata/x86_64.S, aarch64.S and data.S.
var tinyPoints = map[elf.Machine]Points{
	elf.EM_X86_64: {
		Roots:    []uint64{0x400207},
		ParkWait: 0x400384, ParkEnd: 0x400386,
		SysResume: 0x4003c8, SysInsn: 0x4003c9, SysEnd: 0x4003d1, SysFrame: 80,
		Restorer: 0x400400, PauseWord: 0x402400,
	},
	elf.EM_AARCH64: {
		Roots:    []uint64{0x400208},
		ParkWait: 0x400388, ParkEnd: 0x400390,
		SysResume: 0x4003cc, SysInsn: 0x4003d0, SysEnd: 0x4003dc, SysFrame: 96,
		Restorer: 0x400400, PauseWord: 0x402400,
	},
}

// afterPark is where the system-call stub's own call to the park stub returns.
var afterPark = map[elf.Machine]uint64{elf.EM_X86_64: 0x4003d0, elf.EM_AARCH64: 0x4003d8}

// tinyDescription describes the tiny pair anew on each call, for tests to
// change it. Its sites are those of tiny.ll.
func tinyDescription() Description {
	d := Description{
		Thread: ThreadWords{NativeLow: 48, NativeHigh: 56},
		Reset:  []Range{{Addr: 0x402420, Size: 64}}, // cache
		Functions: []Function{
			{Name: "main", Addr: 0x400300, Size: 0x80, PortableFrame: 16, Sites: []CallSite{{mainCallsMiddle, "middle"}, {mainCallsLeaf, "leaf"}}},
			{Name: "_start", Addr: 0x400200, Size: 0x40, Reason: "assembly of the runtime"},
			{Name: "leaf", Addr: 0x400240, Size: 0x40, Sites: []CallSite{{leafParks, "park"}}},
			{Name: "middle", Addr: 0x400280, Size: 0x80, PortableFrame: 80, Sites: []CallSite{{middleCallsLeaf, ""}}},
		},
		Binaries: map[elf.Machine]BinaryDescription{},
	}
	for m, p := range tinyPoints {
		p.Roots = append([]uint64(nil), p.Roots...)
		d.Binaries[m] = BinaryDescription{Points: p}
	}
	return d
}

// tinyLinked gives a linked file of the tiny pair, for tests to change it.
func tinyLinked(m elf.Machine) []byte {
	b, err := os.ReadFile("testdata/tiny." + machineName(m))
	if err != nil {
		panic(err)
	}
	return b
}

var sealTiny = sync.OnceValue(func() map[elf.Machine][]byte {
	x, a, err := Seal(tinyLinked(elf.EM_X86_64), tinyLinked(elf.EM_AARCH64), tinyDescription())
	if err != nil {
		panic(err)
	}
	return map[elf.Machine][]byte{elf.EM_X86_64: x, elf.EM_AARCH64: a}
})

// tinySealed gives a sealed file of the tiny pair, for tests to change it.
func tinySealed(m elf.Machine) []byte { return bytes.Clone(sealTiny()[m]) }

// tinyBinary gives one half of the tiny pair.
func tinyBinary(m elf.Machine) *Binary {
	f, err := readBytes(sealTiny()[m])
	if err != nil {
		panic(err)
	}
	b, _ := f.Binary(m)
	return b
}

func readBytes(data []byte) (*File, error) {
	return Read("the file", bytes.NewReader(data), int64(len(data)))
}

// headers are those of an ELF file, to be changed.
type headers struct {
	elf.Header64
	progs    []elf.Prog64
	sections []elf.Section64
	names    []byte
}

// section finds a section that must be there.
func (h *headers) section(name string) *elf.Section64 {
	im := image{sections: h.sections, names: h.names}
	s, err := im.section(name)
	if s == nil {
		panic(fmt.Sprintf("section %s: %v", name, err))
	}
	return s
}

// edit changes the headers of an ELF file where they are.
func edit(file []byte, change func(h *headers)) []byte {
	im, err := openImage(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		panic(err)
	}
	h := &headers{im.header, im.progs, im.sections, im.names}
	phoff, shoff, shstrndx := h.Phoff, h.Shoff, h.Shstrndx
	change(h)
	out := bytes.Clone(file)
	copy(out, encode(nil, h.Header64))
	copy(out[phoff:], encode(nil, h.progs))
	copy(out[shoff:], encode(nil, h.sections))
	copy(out[im.sections[shstrndx].Off:], h.names)
	return out
}

// content gives a section's bytes in the file, to be changed there.
func content(file []byte, name string) []byte {
	var b []byte
	edit(file, func(h *headers) {
		s := h.section(name)
		b = file[s.Off : s.Off+s.Size]
	})
	return b
}

// wantError checks for an error that has all of the given parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, where one with %q is expected", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, where %q is expected in it", err, part)
		}
	}
}

// allocated gives the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The words of a synthetic thread: its native stack from stackLow to
// stackHigh, with the thread descriptor right above.
const (
	stackLow  = 0x7f0000000000
	stackSize = 4096
	// Above the root's CFA there is what the kernel laid out for the program.
	aboveRoot = 64
)

var errHole = errors.New("nothing is mapped there")

// thread is a synthetic thread of a pair, which enters frames as the compiled
// code would: each call, then the stub it stops in.
type thread struct {
	b    *Binary
	regs Registers
	mem  []byte // from stackLow on: the native stack, the thread descriptor
	high uint64 // of the native stack
	hole uint64 // an address that cannot be read, if not 0

	want Stack

	sp, fp, ret uint64 // as of the call that was entered last
}

// newThread is a thread with a native stack of size bytes, in the start code.
func newThread(b *Binary, size int) *thread {
	w := b.pair.Thread
	t := &thread{b: b, mem: bytes.Repeat([]byte{0xa5}, size+64), high: stackLow + uint64(size)}
	t.regs.TP = t.high
	t.regs.Result, t.regs.LR = 0xdead, 0xdead
	t.regs.Context = 0x7e0000001230
	t.set(t.high+uint64(w.NativeLow), stackLow)
	t.set(t.high+uint64(w.NativeHigh), t.high)
	t.sp, t.ret = t.high-aboveRoot, b.Points.Roots[0]
	t.want = Stack{RootCFA: t.sp, Root: t.ret, Context: t.regs.Context, NativeLow: stackLow, NativeHigh: t.high}
	return t
}

// set writes a word of memory.
func (t *thread) set(addr, v uint64) { le.PutUint64(t.mem[addr-stackLow:], v) }

// word reads one.
func (t *thread) word(addr uint64) uint64 { return le.Uint64(t.mem[addr-stackLow:]) }

// ReadAt reads memory by address.
func (t *thread) ReadAt(p []byte, addr int64) (int, error) {
	at := uint64(addr)
	if at < stackLow || at+uint64(len(p)) > stackLow+uint64(len(t.mem)) || (t.hole >= at && t.hole < at+uint64(len(p))) {
		return 0, errHole
	}
	return copy(p, t.mem[at-stackLow:]), nil
}

// push enters the function of a site and goes on to the call there.
func (t *thread) push(s *Site) Frame {
	t.set(t.sp+uint64(s.RA), t.ret)
	t.set(t.sp+uint64(s.FP), t.fp)
	if s.Context != 0 { // it has a portable frame
		t.set(t.sp+uint64(s.Context), t.regs.Context)
		t.regs.Context -= 48
	}
	f := Frame{Site: s, CFA: t.sp, FP: t.sp - uint64(s.CFAFromFP), Context: t.regs.Context}
	t.fp, t.ret = f.FP, s.Return
	t.sp -= s.FrameSize
	return f
}

// call enters the functions of the sites in turn.
func (t *thread) call(ids ...uint64) *thread {
	for _, id := range ids {
		s, ok := t.b.SiteByID(id)
		if !ok {
			panic(fmt.Sprintf("no call site %d", id))
		}
		t.want.Frames = append([]Frame{t.push(s)}, t.want.Frames...)
	}
	return t
}

// enter pushes the frame record of a stub.
func (t *thread) enter() {
	t.set(t.sp-8, t.ret)
	t.set(t.sp-16, t.fp)
	t.sp -= 16
	t.fp = t.sp
}

// park stops in the park stub.
func (t *thread) park() *thread {
	t.enter()
	t.regs.PC, t.regs.SP, t.regs.FP = t.b.Points.ParkWait, t.sp, t.fp
	t.want.Low = t.sp
	if t.want.Call == nil {
		t.want.Point = Parked
	}
	return t
}

// syscall stops in the system-call stub, at the kernel instruction.
func (t *thread) syscall(phase, result uint64) *thread {
	return t.block(Call{Number: 101, Args: [6]uint64{1, 2, 3, 4, 5, 6}, Done: phase == 1, Result: result}, phase)
}

// block stops in the system-call stub with a call of a phase, which is 1 if
// the call is done.
func (t *thread) block(c Call, phase uint64) *thread {
	t.enter()
	words := append([]uint64{c.Result, c.Number}, c.Args[:]...)
	words = append(words, phase)
	for i, w := range words {
		t.set(t.fp-uint64(8*(len(words)-i)), w)
	}
	t.sp = t.fp - t.b.Points.SysFrame
	t.ret = afterPark[t.b.Machine] // for one that goes on to park
	t.regs.PC, t.regs.SP, t.regs.FP = t.b.Points.SysInsn, t.sp, t.fp
	t.want.Low = t.sp
	t.want.Point = Blocked
	if !c.Done {
		c.Result = 0
	}
	t.want.Call = &c
	return t
}
