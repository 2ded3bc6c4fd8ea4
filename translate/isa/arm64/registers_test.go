package arm64

import (
	"strings"
	"testing"

	core_aarch64 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-aarch64"
	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"
	"google.golang.org/protobuf/proto"

	"github.com/tpfs/tpfs/translate/isa"
)

func TestThread(t *testing.T) {
	want := isa.Thread{
		PC: 0x401000, SP: 0x7000, FP: 0x7040, TP: 0x600000, ClearTID: 0x600038,
		Float: isa.FloatEnv{Rounding: isa.Upward, FlushToZero: true, Raised: isa.Inexact | isa.Subnormal},
	}
	core := &criu_core.CoreEntry{}
	if err := ISA.WriteThread(core, want); err != nil {
		t.Fatal(err)
	}
	if core.GetMtype() != criu_core.CoreEntry_AARCH64 || core.ThreadInfo != nil {
		t.Errorf("mtype %v", core.GetMtype())
	}
	got, err := ISA.ReadThread(core)
	if err != nil {
		t.Fatal(err)
	}
	want.Result, want.LR = isa.Dead, isa.Dead
	if got != want {
		t.Errorf("read back %+v, wrote %+v", got, want)
	}
	// Required fields are all there, or CRIU would refuse the image.
	if _, err := proto.Marshal(core.TiAarch64); err != nil {
		t.Error(err)
	}
}

func TestFloat(t *testing.T) {
	for _, tt := range []struct {
		name       string
		fpcr, fpsr uint32
		want       isa.FloatEnv
		err        string
	}{
		{"initial", 0, 0, isa.FloatEnv{}, ""},
		{"up", 1 << 22, 0, isa.FloatEnv{Rounding: isa.Upward}, ""},
		{"down", 2 << 22, 0, isa.FloatEnv{Rounding: isa.Downward}, ""},
		{"chop", 3 << 22, 0, isa.FloatEnv{Rounding: isa.TowardZero}, ""},
		{"flush", 1 << 24, 0, isa.FloatEnv{FlushToZero: true}, ""},
		{"raised", 0, 0x9f, isa.FloatEnv{Raised: 0x3f}, ""},
		{"divide by zero", 0, 2, isa.FloatEnv{Raised: isa.DivideByZero}, ""},
		{"trap", 1 << 8, 0, isa.FloatEnv{}, "set to trap"},
		{"default NaN", 1 << 25, 0, isa.FloatEnv{}, "a mode is set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &core_aarch64.UserAarch64FpsimdContextEntry{Fpcr: proto.Uint32(tt.fpcr), Fpsr: proto.Uint32(tt.fpsr)}
			got, err := arm64{}.readFloat(f)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("%+v, %v; want %+v", got, err, tt.want)
			}
			if w := writeFloat(got); w.GetFpcr() != tt.fpcr || w.GetFpsr() != tt.fpsr {
				t.Errorf("written as %#x %#x, was %#x %#x", w.GetFpcr(), w.GetFpsr(), tt.fpcr, tt.fpsr)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	core := func(change func(*core_aarch64.UserAarch64RegsEntry)) *criu_core.CoreEntry {
		c := &criu_core.CoreEntry{}
		if err := ISA.WriteThread(c, isa.Thread{}); err != nil {
			t.Fatal(err)
		}
		change(c.TiAarch64.Gpregs)
		return c
	}
	for name, c := range map[string]*criu_core.CoreEntry{
		"nothing":       {},
		"few registers": core(func(r *core_aarch64.UserAarch64RegsEntry) { r.Regs = r.Regs[:30] }),
		"32-bit":        core(func(r *core_aarch64.UserAarch64RegsEntry) { r.Pstate = proto.Uint64(0x10) }),
	} {
		if _, err := ISA.ReadThread(c); err == nil || !strings.Contains(err.Error(), "aarch64 registers") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
