package pair

import (
	"debug/elf"
	"math"
	"reflect"
	"slices"
	"testing"
)

// TestTinySites has the call sites of the tiny pair, as its disassembly shows
// them: on x86-64 each frame begins with return address and frame pointer, on
// aarch64 main has both at the bottom of its frame.
func TestTinySites(t *testing.T) {
	type site struct {
		id, ret, size  uint64
		cfa, ra, fp    int64
		context        int64
		caller, callee string
	}
	for m, want := range map[elf.Machine][]site{
		elf.EM_X86_64: {
			{leafParks, 0x400249, 16, 16, -8, -16, 0, "leaf", "park"},
			{middleCallsLeaf, 0x400296, 96, 16, -8, -16, 0, "middle", ""},
			{mainCallsMiddle, 0x40030c, 32, 16, -8, -16, 0, "main", "middle"},
			{mainCallsLeaf, 0x400311, 32, 16, -8, -16, 0, "main", "leaf"},
		},
		elf.EM_AARCH64: {
			{leafParks, 0x40024c, 16, 16, -8, -16, 0, "leaf", "park"},
			{middleCallsLeaf, 0x400298, 96, 16, -8, -16, 0, "middle", ""},
			{mainCallsMiddle, 0x400314, 48, 48, -40, -48, -16, "main", "middle"},
			{mainCallsLeaf, 0x400318, 48, 48, -40, -48, -16, "main", "leaf"},
		},
	} {
		b := tinyBinary(m)
		var got []site
		for _, s := range b.sites {
			got = append(got, site{s.ID, s.Return, s.FrameSize, s.CFAFromFP, s.RA, s.FP, s.Context, s.Function.Name, s.Callee})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %+v, not %+v", m, got, want)
		}
	}
}

// joined is what call sites come from: one function of 0x100 bytes at 0x1000
// with one call, which returns to 0x1010 and whose frame has 32 bytes.
type joined struct {
	functions []Function
	records   []stackRecord
	frames    ehFrame
	program   []byte // of the function's FDE, if frames is empty
}

func (j *joined) sites(t *testing.T) ([]Site, error) {
	t.Helper()
	if j.frames.b == nil {
		j.frames.fde(j.frames.cie(x86ISA), 0x1000, 0x100, j.program...)
	}
	p := Pair{Functions: j.functions}
	return p.sites(j.records, parse(t, &j.frames, x86ISA))
}

func newJoined() *joined {
	return &joined{
		functions: []Function{{Name: "f", Addr: 0x1000, Size: 0x100, Sites: []CallSite{{1, "g"}}}},
		records:   []stackRecord{{1, 0x1010, 24}},
		program:   []byte{cfaOffset | 6, 2, cfaDefCFA, 6, 16},
	}
}

func TestSites(t *testing.T) {
	j := newJoined()
	got, err := j.sites(t)
	want := []Site{{ID: 1, Return: 0x1010, FrameSize: 32, CFAFromFP: 16, RA: -8, FP: -16, Function: &j.functions[0], Callee: "g"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}

	// Records that are no sites do not matter, even if there are two of one
	// ID or their frames have no fixed size.
	j = newJoined()
	j.records = append(j.records, stackRecord{2, 5, math.MaxUint64}, stackRecord{2, 6, 8}, stackRecord{3, 0x1010, 24})
	if got, err = j.sites(t); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}

	// Sites of several functions, some in one FDE, the rules changing between.
	j = newJoined()
	j.functions[0].Sites = []CallSite{{2, ""}, {1, ""}}
	j.functions = append(j.functions, Function{Name: "g", Addr: 0x2000, Size: 0x20, Sites: []CallSite{{3, ""}, {4, ""}}})
	j.records = []stackRecord{{4, 0x2011, 40}, {3, 0x2010, 40}, {2, 0x10ff, 24}, {1, 0x1100, 24}}
	cie := j.frames.cie(x86ISA)
	j.frames.fde(cie, 0x2000, 0x20, cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaAdvanceLoc|16, cfaDefCFAOffset, 32)
	j.frames.fde(cie, 0x1000, 0x100, cfaOffset|6, 3, cfaDefCFA, 6, 24)
	if got, err = j.sites(t); err != nil {
		t.Fatal(err)
	}
	type rules struct {
		id  uint64
		cfa int64
	}
	var ids []rules
	for _, s := range got {
		ids = append(ids, rules{s.ID, s.CFAFromFP})
	}
	// The row of a call is that before its return address: 0x2010 is the
	// first byte of the second row, so the call that returns there is in the first.
	if want := []rules{{2, 24}, {1, 24}, {3, 16}, {4, 32}}; !slices.Equal(ids, want) {
		t.Errorf("%+v, not %+v", ids, want)
	}

	// The record may be anywhere in the frame, and so may the frame pointer point.
	for _, program := range [][]byte{
		{cfaDefCFA, 6, 0, cfaOffset | 6, 4, cfaOffset | 16, 1},
		{cfaDefCFA, 6, 32, cfaOffset | 6, 1, cfaOffset | 16, 4},
	} {
		j := newJoined()
		j.program = program
		if got, err := j.sites(t); err != nil || got[0].CFAFromFP != int64(program[2]) || got[0].FP != -8*int64(program[4]) || got[0].RA != -8*int64(program[6]) {
			t.Errorf("%x: %+v, %v", program, got, err)
		}
	}

	// The caller's context is where .eh_frame says, or still in its register.
	for _, tt := range []struct {
		program []byte
		want    int64
	}{
		{[]byte{cfaOffset | 13, 3}, -24},
		{[]byte{cfaOffset | 13, 4}, -32},
		{[]byte{cfaSameValue, 13}, 0},
		{nil, 0},
		{[]byte{cfaOffset | 20, 9}, 0}, // not the context of this ISA
	} {
		j := newJoined()
		j.program = append(j.program, tt.program...)
		if got, err := j.sites(t); err != nil || got[0].Context != tt.want {
			t.Errorf("%x: %+v, %v, want the context at %d", tt.program, got, err, tt.want)
		}
	}

	if got, err := (&joined{}).sites(t); err != nil || got != nil {
		t.Errorf("no functions: %+v, %v", got, err)
	}
}

func TestSitesRefused(t *testing.T) {
	program := func(p ...byte) func(j *joined) { return func(j *joined) { j.program = p } }
	const (
		atCall    = "function f: return address 0x1010: .eh_frame: "
		noFP      = atCall + "the CFA is not given by the frame pointer; compile with -fno-omit-frame-pointer"
		notSaved  = atCall + "the caller's frame pointer or the return address is not saved in the frame"
		notInside = atCall + "frame record outside of the frame: "
	)
	for _, tt := range []struct {
		name  string
		spoil func(j *joined)
		err   string
	}{
		{"twice in the tables", func(j *joined) { j.functions[0].Sites = append(j.functions[0].Sites, CallSite{ID: 1}) }, "function f: call site 0x1: the tables list it twice"},
		{"twice in the tables, in two functions", func(j *joined) {
			j.functions = append(j.functions, Function{Name: "g", Addr: 0x2000, Size: 8, Sites: []CallSite{{ID: 1}}})
		}, "function g: call site 0x1: the tables list it twice"},
		{"no record", func(j *joined) { j.records[0].id = 2 }, "function f: call site 0x1: section .llvm_stackmaps has no record of it"},
		{"two records", func(j *joined) { j.records = append(j.records, j.records[0]) }, "function f: call site 0x1: section .llvm_stackmaps has two records of it"},
		{"three records", func(j *joined) { j.records = slices.Repeat(j.records, 3) }, "has two records of it"},
		{"returns to the function's start", func(j *joined) { j.records[0].ret = 0x1000 }, "function f: call site 0x1: its return address 0x1000 lies outside of the function"},
		{"returns behind the function", func(j *joined) { j.records[0].ret = 0x1101 }, "its return address 0x1101 lies outside"},
		{"returns to 0", func(j *joined) { j.records[0].ret = 0 }, "its return address 0x0 lies outside"},
		{"no fixed size", func(j *joined) { j.records[0].stackSize = math.MaxUint64 }, "the function's frame has no fixed size, or one beyond 0x40000000"},
		{"frame too large", func(j *joined) { j.records[0].stackSize = maxFrame + 8 }, "no fixed size, or one beyond 0x40000000"},
		{"the largest frame, not aligned", func(j *joined) { j.records[0].stackSize = maxFrame }, "frame of 1073741832 bytes, not a multiple of 16"},
		{"frame not aligned", func(j *joined) { j.records[0].stackSize = 16 }, "function f: call site 0x1: frame of 24 bytes, not a multiple of 16"},
		{"frame of the return address alone", func(j *joined) { j.records[0].stackSize = 0 }, "frame of 8 bytes, not a multiple of 16"},
		{"one return address", func(j *joined) {
			j.functions[0].Sites = append(j.functions[0].Sites, CallSite{ID: 2})
			j.records = append(j.records, stackRecord{2, 0x1010, 24})
		}, "function f: call sites 0x1 and 0x2 have one return address, 0x1010"},

		{"no FDE", func(j *joined) { j.frames.fde(j.frames.cie(x86ISA), 0x1010, 0x10) }, "function f: return address 0x1010: no entry of .eh_frame covers it"},
		{"a bad program", program(0x3f), atCall + "call frame instruction 0x3f is not supported"},
		{"a program bad behind the last call", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaAdvanceLoc|32, 0x3f), atCall + "call frame instruction 0x3f is not supported"},
		{"CFA by the stack pointer", program(cfaOffset|6, 2), noFP},
		{"CFA by an expression", program(cfaOffset|6, 2, cfaDefCFAExpression, 0, cfaDefCFARegister, 6), noFP},
		{"frame pointer in its register", program(cfaDefCFA, 6, 16), notSaved},
		{"frame pointer in another register", program(cfaRegister, 6, 3, cfaDefCFA, 6, 16), notSaved},
		{"return address in its register", program(cfaOffset|6, 2, cfaSameValue, 16, cfaDefCFA, 6, 16), notSaved},
		{"return address signed", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaNegateRAState), atCall + "the return address is signed; compile with -mbranch-protection=none"},
		{"frame pointer above the CFA", program(cfaOffsetExtendedSF, 6, 0x7f, cfaDefCFA, 6, 16), notInside + "CFA=FP+16, FP at CFA+8, return address at CFA-8, frame of 32 bytes"},
		{"frame pointer at the CFA", program(cfaOffset|6, 0, cfaDefCFA, 6, 16), notInside + "CFA=FP+16, FP at CFA+0"},
		{"frame pointer below the frame", program(cfaOffset|6, 5, cfaDefCFA, 6, 16), notInside + "CFA=FP+16, FP at CFA-40"},
		{"return address below the frame", program(cfaOffset|6, 2, cfaOffset|16, 5, cfaDefCFA, 6, 16), notInside},
		{"both in one word", program(cfaOffset|6, 1, cfaDefCFA, 6, 16), notInside},
		{"context in another register", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaRegister, 13, 3), atCall + "the caller's context is neither in its register nor saved in the frame"},
		{"context in the frame record", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaOffset|13, 2), atCall + "the context is saved at CFA-16, outside of the frame of 32 bytes or in its frame record"},
		{"context on the return address", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaOffset|13, 1), "the context is saved at CFA-8"},
		{"context below the frame", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaOffset|13, 5), "the context is saved at CFA-40, outside"},
		{"context at the CFA", program(cfaOffset|6, 2, cfaDefCFA, 6, 16, cfaOffset|13, 0), "the context is saved at CFA+0, outside"},
		{"CFA not aligned", program(cfaOffset|6, 2, cfaDefCFA, 6, 12), notInside + "CFA=FP+12"},
		{"CFA below the frame pointer", program(cfaOffset|6, 2, cfaDefCFASF, 6, 1), notInside + "CFA=FP-8"},
		{"CFA beyond the frame", program(cfaOffset|6, 2, cfaDefCFA, 6, 40), notInside + "CFA=FP+40"},
		{"CFA beyond the address space", program(cfaOffset|6, 2, cfaDefCFA, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1), notInside},
	} {
		j := newJoined()
		tt.spoil(j)
		got, err := j.sites(t)
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, err, tt.err)
			if got != nil {
				t.Error("sites with an error")
			}
		})
	}

	// An offset that is no multiple of a word, as another data alignment makes it.
	var e ehFrame
	body := rawCIE(1, "", 16, "", cfaDefCFA, 6, 16, cfaOffset|6, 9, cfaOffset|16, 1)
	body[3] = 0x7f // data alignment -1
	e.fde(e.entry(0, body), 0x1000, 0x100)
	j := newJoined()
	j.frames = e
	_, err := j.sites(t)
	wantError(t, err, notInside+"CFA=FP+16, FP at CFA-9, return address at CFA-1")
}

// TestFillOnce: the program of a function is run once for all of its calls.
// Were it run for each, this would take hours.
func TestFillOnce(t *testing.T) {
	const calls, nops = 1 << 17, 1 << 23
	j := newJoined()
	j.functions[0].Size, j.functions[0].Sites, j.records = calls+1, nil, nil
	for i := range uint64(calls) {
		j.functions[0].Sites = append(j.functions[0].Sites, CallSite{ID: i})
		j.records = append(j.records, stackRecord{i, 0x1001 + i, 24})
	}
	j.frames.fde(j.frames.cie(x86ISA), 0x1000, calls, append(j.program, make([]byte, nops)...)...)
	if sites, err := j.sites(t); err != nil || len(sites) != calls {
		t.Fatalf("%d sites, %v", len(sites), err)
	}
}
