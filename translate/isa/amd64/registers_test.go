package amd64

import (
	"strings"
	"testing"

	core_x86 "github.com/checkpoint-restore/go-criu/v7/crit/images/core-x86"
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
	if core.GetMtype() != criu_core.CoreEntry_X86_64 || core.TiAarch64 != nil {
		t.Errorf("mtype %v", core.GetMtype())
	}
	got, err := ISA.ReadThread(core)
	if err != nil {
		t.Fatal(err)
	}
	want.Result = isa.Dead
	if got != want {
		t.Errorf("read back %+v, wrote %+v", got, want)
	}
	// Required fields are all there, or CRIU would refuse the image.
	if _, err := proto.Marshal(core.ThreadInfo); err != nil {
		t.Error(err)
	}
}

func TestFloat(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mxcsr uint32
		want  isa.FloatEnv
		err   string
	}{
		{"initial", 0x1f80, isa.FloatEnv{}, ""},
		{"down", 0x3f80, isa.FloatEnv{Rounding: isa.Downward}, ""},
		{"up", 0x5f80, isa.FloatEnv{Rounding: isa.Upward}, ""},
		{"chop", 0x7f80, isa.FloatEnv{Rounding: isa.TowardZero}, ""},
		{"flush", 0x9fc0, isa.FloatEnv{FlushToZero: true}, ""},
		{"raised", 0x1fbf, isa.FloatEnv{Raised: 0x3f}, ""},
		{"divide by zero", 0x1f84, isa.FloatEnv{Raised: isa.DivideByZero}, ""},
		{"unmasked", 0x1d80, isa.FloatEnv{}, "set to trap"},
		{"half of flush", 0x9f80, isa.FloatEnv{}, "only one of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := writeFloat(tt.want)
			f.Mxcsr = proto.Uint32(tt.mxcsr)
			got, err := amd64{}.readFloat(f)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("%+v, %v; want %+v", got, err, tt.want)
			}
			if m := writeFloat(got).GetMxcsr(); m != tt.mxcsr {
				t.Errorf("written as %#x, was %#x", m, tt.mxcsr)
			}
			// The x87 rounds the same way: bits 11:10 of its control word.
			if cwd, rc := writeFloat(got).GetCwd(), tt.mxcsr>>13&3; cwd != 0x37f|rc<<10 {
				t.Errorf("x87 control word %#x for rounding %d", cwd, rc)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	core := func(change func(*core_x86.UserX86RegsEntry)) *criu_core.CoreEntry {
		c := &criu_core.CoreEntry{}
		if err := ISA.WriteThread(c, isa.Thread{}); err != nil {
			t.Fatal(err)
		}
		change(c.ThreadInfo.Gpregs)
		return c
	}
	for name, c := range map[string]*criu_core.CoreEntry{
		"nothing":     {},
		"compat mode": core(func(r *core_x86.UserX86RegsEntry) { r.Mode = core_x86.UserX86RegsMode_COMPAT.Enum() }),
		"32-bit cs":   core(func(r *core_x86.UserX86RegsEntry) { r.Cs = proto.Uint64(0x23) }),
	} {
		if _, err := ISA.ReadThread(c); err == nil || !strings.Contains(err.Error(), "x86_64 registers") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
