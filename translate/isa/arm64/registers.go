package arm64

import (
	core_aarch64 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-aarch64"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

// Registers by their number (AAPCS64).
const (
	x0      = 0
	context = 20
	fp      = 29
	lr      = 30
	nRegs   = 31
)

// pstateMode32 is set in pstate of a 32-bit thread (PSR_MODE32_BIT,
// arch/arm64/include/uapi/asm/ptrace.h).
const pstateMode32 = 0x10

func (a arm64) ReadThread(core *criu_core.CoreEntry) (isa.Thread, error) {
	ti := core.GetTiAarch64()
	r := ti.GetGpregs()
	if r == nil || ti.GetFpsimd() == nil {
		return isa.Thread{}, isa.Errorf(a, "the core image has none")
	}
	if len(r.GetRegs()) != nRegs {
		return isa.Thread{}, isa.Errorf(a, "the core image has %d general registers, not %d", len(r.GetRegs()), nRegs)
	}
	if r.GetPstate()&pstateMode32 != 0 {
		return isa.Thread{}, isa.Errorf(a, "a 32-bit thread (pstate %#x) has no counterpart", r.GetPstate())
	}
	float, err := a.readFloat(ti.GetFpsimd())
	if err != nil {
		return isa.Thread{}, err
	}
	return isa.Thread{
		PC: r.GetPc(), SP: r.GetSp(), FP: r.Regs[fp], LR: r.Regs[lr], Result: r.Regs[x0],
		TP: ti.GetTls(), Context: r.Regs[context], ClearTID: ti.GetClearTidAddr(), Float: float,
	}, nil
}

func (a arm64) WriteThread(core *criu_core.CoreEntry, t isa.Thread) error {
	regs := make([]uint64, nRegs)
	for i := range regs {
		regs[i] = isa.Dead
	}
	regs[fp], regs[context] = t.FP, t.Context
	core.Mtype = a.March().Enum()
	core.ThreadInfo = nil
	core.TiAarch64 = &core_aarch64.ThreadInfoAarch64{
		ClearTidAddr: proto.Uint64(t.ClearTID),
		Tls:          proto.Uint64(t.TP),
		Gpregs: &core_aarch64.UserAarch64RegsEntry{
			Regs: regs, Sp: proto.Uint64(t.SP), Pc: proto.Uint64(t.PC),
			Pstate: proto.Uint64(0),
		},
		Fpsimd: writeFloat(t.Float),
	}
	return nil
}
