package amd64

import (
	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

// Values that the kernel gives every 64-bit process
// (arch/x86/include/asm/segment.h, processor-flags.h).
const (
	userCS = 0x33 // __USER_CS
	userDS = 0x2b // __USER_DS
	eflags = 0x202
	noCall = ^uint64(0) // orig_ax outside of a system call
)

func (a amd64) ReadThread(core *criu_core.CoreEntry) (isa.Thread, error) {
	ti := core.GetThreadInfo()
	r := ti.GetGpregs()
	if r == nil || ti.GetFpregs() == nil {
		return isa.Thread{}, isa.Errorf(a, "the core image has none")
	}
	if r.GetMode() != core_x86.UserX86RegsMode_NATIVE || r.GetCs() != userCS {
		return isa.Thread{}, isa.Errorf(a, "a 32-bit thread (cs %#x) has no counterpart", r.GetCs())
	}
	float, err := a.readFloat(ti.GetFpregs())
	if err != nil {
		return isa.Thread{}, err
	}
	return isa.Thread{
		PC: r.GetIp(), SP: r.GetSp(), FP: r.GetBp(), Result: r.GetAx(),
		TP: r.GetFsBase(), Context: r.GetR13(), ClearTID: ti.GetClearTidAddr(), Float: float,
	}, nil
}

func (a amd64) WriteThread(core *criu_core.CoreEntry, t isa.Thread) error {
	dead, zero := proto.Uint64(isa.Dead), proto.Uint64(0)
	core.Mtype = a.March().Enum()
	core.TiAarch64 = nil
	core.ThreadInfo = &core_x86.ThreadInfoX86{
		ClearTidAddr: proto.Uint64(t.ClearTID),
		Gpregs: &core_x86.UserX86RegsEntry{
			R15: dead, R14: dead, R13: proto.Uint64(t.Context), R12: dead, Bx: dead,
			R11: dead, R10: dead, R9: dead, R8: dead, Ax: dead,
			Cx: dead, Dx: dead, Si: dead, Di: dead,
			Bp: proto.Uint64(t.FP), Ip: proto.Uint64(t.PC), Sp: proto.Uint64(t.SP),
			OrigAx: proto.Uint64(noCall), Flags: proto.Uint64(eflags),
			Cs: proto.Uint64(userCS), Ss: proto.Uint64(userDS),
			FsBase: proto.Uint64(t.TP), GsBase: zero,
			Ds: zero, Es: zero, Fs: zero, Gs: zero,
			Mode: core_x86.UserX86RegsMode_NATIVE.Enum(),
		},
		Fpregs: writeFloat(t.Float),
	}
	return nil
}
