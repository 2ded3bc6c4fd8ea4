package pair

import (
	"math"
	"testing"
)

func TestCursor(t *testing.T) {
	c := cursor{data: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}
	if c.u8() != 1 || c.u16() != 0x0302 || c.u32() != 0x07060504 || c.u64() != 0x0f0e0d0c0b0a0908 || c.short {
		t.Fatalf("%+v", c)
	}
	c.align(4)
	if c.left() != 0 || c.short {
		t.Fatalf("%+v", c)
	}
	c.align(4) // already there
	if c.short || c.bytes(0) == nil || c.short {
		t.Fatalf("nothing, read at the end: %+v", c)
	}
	if c.u8() != 0 || !c.short {
		t.Fatalf("%+v", c)
	}
	// A read that does not fit uses up the rest, so that no later one can
	// begin in the middle of a value.
	c = cursor{data: make([]byte, 3)}
	if c.u32() != 0 || !c.short || c.left() != 0 || c.u64() != 0 || c.u16() != 0 {
		t.Fatalf("%+v", c)
	}
	c = cursor{data: make([]byte, 3)}
	if c.bytes(math.MaxUint64) != nil || !c.short {
		t.Fatalf("%+v", c)
	}
	// What a caller appends to one value does not run into the next.
	c = cursor{data: []byte{1, 2, 3}}
	_ = append(c.bytes(1), 9)
	if c.u8() != 2 {
		t.Fatal("values share memory")
	}
}

func TestLEB128(t *testing.T) {
	const short = true
	for _, tt := range []struct {
		data  string
		u     uint64
		uFail bool
		s     int64
		sFail bool
	}{
		{"\x00", 0, false, 0, false},
		{"\x3f", 63, false, 63, false},
		{"\x40", 64, false, -64, false},
		{"\x7f", 127, false, -1, false},
		{"\x80\x00", 0, false, 0, false},
		{"\x80\x01", 128, false, 128, false},
		{"\xff\x7e", 16255, false, -129, false},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 1 << 63, false, 0, short}, // too large with a sign
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", math.MaxUint64, false, 0, short},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", math.MaxInt64, false, math.MaxInt64, false},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 0, short, math.MinInt64, false},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 0, short, -1, false},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 0, short, 0, short}, // bit 64
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7e", 0, short, 0, short},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0, short, 0, short},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\xff\x7f", 0, short, 0, short},
		{"", 0, short, 0, short},
		{"\x80", 0, short, 0, short},
		{"\xff\xff", 0x3fff, short, 0x3fff, short}, // as if zeros followed
	} {
		c := cursor{data: []byte(tt.data)}
		if v := c.uleb(); v != tt.u || c.short != tt.uFail {
			t.Errorf("%x: unsigned %d, %v", tt.data, v, c.short)
		}
		c = cursor{data: []byte(tt.data)}
		if v := c.sleb(); v != tt.s || c.short != tt.sFail {
			t.Errorf("%x: signed %d, %v", tt.data, v, c.short)
		}
	}
}
