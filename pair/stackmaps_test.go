package pair

import (
	"debug/elf"
	"math"
	"reflect"
	"slices"
	"testing"
)

// rawMap makes one stack map: counts as given, then 64-bit words of the
// functions and constants, then the records as they are.
func rawMap(functions, constants, records uint32, words []uint64, tail ...[]byte) []byte {
	b := []byte{3, 0, 0, 0}
	for _, n := range []uint32{functions, constants, records} {
		b = le.AppendUint32(b, n)
	}
	for _, w := range words {
		b = le.AppendUint64(b, w)
	}
	return append(b, slices.Concat(tail...)...)
}

// rawRecord makes a record with locations and live-outs of no meaning.
func rawRecord(id uint64, offset uint32, locations, liveOuts int) []byte {
	b := le.AppendUint64(nil, id)
	b = le.AppendUint32(b, offset)
	b = le.AppendUint16(b, 0xffff)
	b = le.AppendUint16(b, uint16(locations))
	for range 12 * locations {
		b = append(b, 0xee)
	}
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	b = le.AppendUint16(b, 0xffff)
	b = le.AppendUint16(b, uint16(liveOuts))
	for range 4 * liveOuts {
		b = append(b, 0xdd)
	}
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

func TestStackmaps(t *testing.T) {
	one := rawMap(1, 0, 1, []uint64{0x1000, 24, 1}, rawRecord(7, 0x10, 0, 0))
	rec := []stackRecord{{7, 0x1010, 24}}
	zeros := make([]byte, 8)
	for _, tt := range []struct {
		name string
		data []byte
		want []stackRecord
		err  string
	}{
		{"empty", nil, nil, ""},
		{"a map of nothing", rawMap(0, 0, 0, nil), nil, ""},
		{"one", one, rec, ""},
		{"two modules", slices.Concat(one, one), []stackRecord{rec[0], rec[0]}, ""},
		{"padding between and behind", slices.Concat(zeros, one, zeros, zeros, one, zeros), []stackRecord{rec[0], rec[0]}, ""},
		{"locations and live-outs of each parity", rawMap(2, 3, 5, []uint64{0x1000, 24, 3, 0x2000, 40, 2, 0, 0, 0},
			rawRecord(1, 1, 0, 0), rawRecord(2, 2, 1, 0), rawRecord(3, 3, 2, 1), rawRecord(4, 4, 3, 2), rawRecord(5, 5, 0, 3)),
			[]stackRecord{{1, 0x1001, 24}, {2, 0x1002, 24}, {3, 0x1003, 24}, {4, 0x2004, 40}, {5, 0x2005, 40}}, ""},
		{"function without records", rawMap(2, 0, 1, []uint64{0x500, 8, 0, 0x1000, 24, 1}, rawRecord(7, 0x10, 0, 0)), rec, ""},
		{"frame of no fixed size", rawMap(1, 0, 1, []uint64{0x1000, math.MaxUint64, 1}, rawRecord(7, 0x10, 0, 0)), []stackRecord{{7, 0x1010, math.MaxUint64}}, ""},
		{"highest address", rawMap(1, 0, 1, []uint64{maxAddress, 8, 1}, rawRecord(7, math.MaxUint32, 0, 0)), []stackRecord{{7, maxAddress + math.MaxUint32, 8}}, ""},

		{"another version", append([]byte{2}, one[1:]...), nil, "at 0x0: stack map of version 2, not 3"},
		{"another version of the second", slices.Concat(one, []byte{4}, one[1:]), nil, "at 0x40: stack map of version 4, not 3"},
		{"padding that is none", slices.Concat([]byte{0, 0, 0, 1}, one), nil, "at 0x0: stack map of version 0"},
		{"padding too short", slices.Concat(one, zeros[:7]), nil, "ends in the middle"},
		{"functions beyond the end", rawMap(2, 0, 1, []uint64{0x1000, 24, 1}), nil, "at 0x0: stack map is truncated"},
		{"as many functions as can be", rawMap(math.MaxUint32, 0, 1, []uint64{0x1000, 24, 1}), nil, "truncated"},
		{"as many constants as can be", rawMap(0, math.MaxUint32, 0, nil), nil, "truncated"},
		{"more records than said", rawMap(1, 0, 1, []uint64{0x1000, 24, 2}, rawRecord(7, 0, 0, 0), rawRecord(8, 0, 0, 0)), nil, "claim more records than the 1"},
		{"records of functions that overflow in sum", rawMap(2, 0, 1, []uint64{0, 24, 1, 0, 24, math.MaxUint64}, rawRecord(7, 0, 0, 0)), nil, "claim more records"},
		{"fewer records than said", rawMap(1, 0, 3, []uint64{0x1000, 24, 1}, rawRecord(7, 0, 0, 0)), nil, "2 records of the map belong to no function"},
		{"records beyond the end", rawMap(1, 0, math.MaxUint32, []uint64{0x1000, 24, math.MaxUint32}), nil, "truncated"},
		{"function beyond user space", rawMap(1, 0, 1, []uint64{maxAddress + 1, 24, 1}, rawRecord(7, 0, 0, 0)), nil, "function at 0x100000000000001, beyond"},
	} {
		got, err := parseStackmaps(tt.data)
		switch {
		case tt.err != "":
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
		case err != nil || !slices.Equal(got, tt.want):
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

// TestStackmapsTruncated cuts two maps at each byte. Only between them, where
// padding ends too, is the rest whole.
func TestStackmapsTruncated(t *testing.T) {
	one := rawMap(1, 1, 2, []uint64{0x1000, 24, 2, 5}, rawRecord(7, 0x10, 1, 1), rawRecord(8, 0x20, 2, 2))
	two := slices.Concat(one, make([]byte, 8), one)
	for n := range len(two) {
		records, err := parseStackmaps(two[:n])
		whole := n == 0 || n == len(one) || n == len(one)+8
		if whole != (err == nil) || (err != nil && records != nil) {
			t.Errorf("%d of %d bytes: %d records, %v", n, len(two), len(records), err)
		}
	}
}

// TestStackmapsLimit: the records of a file are bounded, those that are said
// to be there take no memory.
func TestStackmapsLimit(t *testing.T) {
	record := rawRecord(1, 0, 0, 0)
	many := func(n int) []byte {
		b := rawMap(1, 0, uint32(n), []uint64{0, 24, uint64(n)})
		return append(b, slices.Repeat(record, n)...)
	}
	if got, err := parseStackmaps(many(maxRecords)); err != nil || len(got) != maxRecords {
		t.Fatal(err)
	}
	_, err := parseStackmaps(many(maxRecords + 1))
	wantError(t, err, "more than 1048576 records")

	claims := rawMap(1, 0, math.MaxUint32, []uint64{0, 24, math.MaxUint32}, record)
	if n := allocated(func() { parseStackmaps(claims) }); n > 10<<10 {
		t.Errorf("%d bytes for a map of %d", n, len(claims))
	}
}

// TestEncodeStackmaps: what Seal writes reads back, and is what LLVM wrote for
// the tiny pair but for locations.
func TestEncodeStackmaps(t *testing.T) {
	want := map[elf.Machine][]StackmapFunction{
		elf.EM_X86_64: {
			{0x400240, 8, []StackmapRecord{{leafParks, 9}}},
			{0x400280, 88, []StackmapRecord{{middleCallsLeaf, 0x16}}},
			{0x400300, 24, []StackmapRecord{{mainCallsMiddle, 0xc}, {mainCallsLeaf, 0x11}}},
		},
		elf.EM_AARCH64: {
			{0x400240, 16, []StackmapRecord{{leafParks, 12}}},
			{0x400280, 96, []StackmapRecord{{middleCallsLeaf, 0x18}}},
			{0x400300, 48, []StackmapRecord{{mainCallsMiddle, 0x14}, {mainCallsLeaf, 0x18}}},
		},
	}
	for _, m := range machines {
		golden, err := parseStackmaps(content(tinyLinked(m), sectionStackmaps))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseStackmaps(encodeStackmaps(want[m]))
		if err != nil || !reflect.DeepEqual(got, golden) {
			t.Errorf("%v: %+v, not %+v: %v", m, got, golden, err)
		}
	}
	if got, err := parseStackmaps(encodeStackmaps(nil)); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
