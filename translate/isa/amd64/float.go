package amd64

import (
	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

// The bits of MXCSR: Intel SDM volume 1, 10.2.3.
const (
	mxcsrDAZ      = 1 << 6
	mxcsrMasks    = 0x3f << 7
	mxcsrRounding = 13 // two bits
	mxcsrFTZ      = 1 << 15

	mxcsrMask = 0xffff // the bits that may be set, as all x86-64 CPUs have DAZ
	x87CWD    = 0x37f  // FNINIT
	x87Round  = 10     // two bits of the control word, as those of MXCSR
)

// raised says which bit of MXCSR stands for which exception.
var raised = []struct {
	bit uint
	exc isa.Exceptions
}{
	{0, isa.Invalid}, {1, isa.Subnormal}, {2, isa.DivideByZero},
	{3, isa.Overflow}, {4, isa.Underflow}, {5, isa.Inexact},
}

// roundings is indexed by the two bits of MXCSR.
var roundings = [4]isa.Rounding{isa.ToNearest, isa.Downward, isa.Upward, isa.TowardZero}

func (a amd64) readFloat(f *core_x86.UserX86FpregsEntry) (isa.FloatEnv, error) {
	m := f.GetMxcsr()
	if m&mxcsrMasks != mxcsrMasks {
		return isa.FloatEnv{}, isa.Errorf(a, "mxcsr %#x: a floating-point exception is set to trap, which other architectures cannot do", m)
	}
	if (m&mxcsrDAZ != 0) != (m&mxcsrFTZ != 0) {
		return isa.FloatEnv{}, isa.Errorf(a, "mxcsr %#x: only one of denormals-are-zero and flush-to-zero is set, which other architectures cannot do", m)
	}
	e := isa.FloatEnv{
		Rounding:    roundings[m>>mxcsrRounding&3],
		FlushToZero: m&mxcsrFTZ != 0,
	}
	for _, r := range raised {
		if m>>r.bit&1 != 0 {
			e.Raised |= r.exc
		}
	}
	return e, nil
}

func writeFloat(e isa.FloatEnv) *core_x86.UserX86FpregsEntry {
	m, cwd := uint32(mxcsrMasks), uint32(x87CWD)
	for bits, r := range roundings {
		if r == e.Rounding {
			m |= uint32(bits) << mxcsrRounding
			cwd |= uint32(bits) << x87Round // where the builtins for quad floats look
		}
	}
	if e.FlushToZero {
		m |= mxcsrFTZ | mxcsrDAZ
	}
	for _, r := range raised {
		if e.Raised&r.exc != 0 {
			m |= 1 << r.bit
		}
	}
	// Vector registers hold nothing at an equivalence point. CRIU wants at
	// least 32 and 64 words of them (criu/arch/x86/crtools.c).
	return &core_x86.UserX86FpregsEntry{
		Cwd: proto.Uint32(cwd), Swd: proto.Uint32(0), Twd: proto.Uint32(0),
		Fop: proto.Uint32(0), Rip: proto.Uint64(0), Rdp: proto.Uint64(0),
		Mxcsr: proto.Uint32(m), MxcsrMask: proto.Uint32(mxcsrMask),
		StSpace: make([]uint32, 32), XmmSpace: make([]uint32, 64),
	}
}
