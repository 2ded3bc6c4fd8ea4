package amd64

import "testing"

func TestOpenFlags(t *testing.T) {
	for _, f := range []uint32{0, 0x80402, 0x10000, 0x20000, 0x4000, 0x8000} {
		if got := ISA.CommonOpenFlags(f); got != f {
			t.Errorf("common %#x, want %#x", got, f)
		}
		if got := ISA.OwnOpenFlags(f); got != f {
			t.Errorf("own %#x, want %#x", got, f)
		}
	}
}

func TestMapFlags(t *testing.T) {
	// MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE stay, MAP_32BIT goes.
	if got := ISA.CommonMapFlags(0x4062); got != 0x4022 {
		t.Errorf("common %#x, want 0x4022", got)
	}
}
