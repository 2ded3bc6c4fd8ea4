package arm64

import (
	core_aarch64 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-aarch64"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

// The bits of FPCR: Arm ARM, C5.2.8.
const (
	fpcrTraps    = 0x9f << 8
	fpcrRounding = 22 // two bits
	fpcrFZ       = 1 << 24
	fpcrKnown    = fpcrTraps | 3<<fpcrRounding | fpcrFZ
)

// raised says which bit of FPSR stands for which exception (Arm ARM, C5.2.9).
var raised = []struct {
	bit uint
	exc isa.Exceptions
}{
	{0, isa.Invalid}, {1, isa.DivideByZero}, {2, isa.Overflow},
	{3, isa.Underflow}, {4, isa.Inexact}, {7, isa.Subnormal},
}

// roundings is indexed by the two bits of FPCR.
var roundings = [4]isa.Rounding{isa.ToNearest, isa.Upward, isa.Downward, isa.TowardZero}

// nVregs is the number of 64-bit words of the 32 vector registers, which CRIU
// wants exactly (criu/arch/aarch64/crtools.c).
const nVregs = 64

func (a arm64) readFloat(f *core_aarch64.UserAarch64FpsimdContextEntry) (isa.FloatEnv, error) {
	c, s := f.GetFpcr(), f.GetFpsr()
	if c&fpcrTraps != 0 {
		return isa.FloatEnv{}, isa.Errorf(a, "fpcr %#x: a floating-point exception is set to trap, which other architectures cannot do", c)
	}
	if c&^fpcrKnown != 0 {
		return isa.FloatEnv{}, isa.Errorf(a, "fpcr %#x: a mode is set (default NaN, half precision or another) which other architectures do not have", c)
	}
	e := isa.FloatEnv{
		Rounding:    roundings[c>>fpcrRounding&3],
		FlushToZero: c&fpcrFZ != 0,
	}
	for _, r := range raised {
		if s>>r.bit&1 != 0 {
			e.Raised |= r.exc
		}
	}
	return e, nil
}

func writeFloat(e isa.FloatEnv) *core_aarch64.UserAarch64FpsimdContextEntry {
	var c, s uint32
	for bits, r := range roundings {
		if r == e.Rounding {
			c |= uint32(bits) << fpcrRounding
		}
	}
	if e.FlushToZero {
		c |= fpcrFZ
	}
	for _, r := range raised {
		if e.Raised&r.exc != 0 {
			s |= 1 << r.bit
		}
	}
	// Vector registers hold nothing at an equivalence point.
	return &core_aarch64.UserAarch64FpsimdContextEntry{
		Vregs: make([]uint64, nVregs), Fpsr: proto.Uint32(s), Fpcr: proto.Uint32(c),
	}
}
