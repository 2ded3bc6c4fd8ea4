package arm64

import "testing"

func TestOpenFlags(t *testing.T) {
	for _, tt := range []struct {
		name        string
		own, common uint32
	}{
		{"O_RDWR|O_APPEND|O_CLOEXEC", 0x80402, 0x80402},
		{"O_DIRECTORY", 0x4000, 0x10000},
		{"O_NOFOLLOW", 0x8000, 0x20000},
		{"O_DIRECT", 0x10000, 0x4000},
		{"O_LARGEFILE", 0x20000, 0x8000},
		{"all that change places", 0x3c000, 0x3c000},
		{"O_PATH|O_LARGEFILE|O_NOFOLLOW", 0x228000, 0x228000},
		{"O_TMPFILE", 0x404000, 0x410000},
	} {
		if got := ISA.CommonOpenFlags(tt.own); got != tt.common {
			t.Errorf("%s: common %#x, want %#x", tt.name, got, tt.common)
		}
		if got := ISA.OwnOpenFlags(tt.common); got != tt.own {
			t.Errorf("%s: own %#x, want %#x", tt.name, got, tt.own)
		}
	}
}
