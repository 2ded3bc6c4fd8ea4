package pair

import (
	"debug/elf"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var (
	x86ISA = isas[elf.EM_X86_64]
	armISA = isas[elf.EM_AARCH64]
)

// Call frame instructions, as DWARF 5 (section 7.24) and the ABIs name them.
const (
	cfaNop = iota
	cfaSetLoc
	cfaAdvanceLoc1
	cfaAdvanceLoc2
	cfaAdvanceLoc4
	cfaOffsetExtended
	cfaRestoreExtended
	cfaUndefined
	cfaSameValue
	cfaRegister
	cfaRememberState
	cfaRestoreState
	cfaDefCFA
	cfaDefCFARegister
	cfaDefCFAOffset
	cfaDefCFAExpression
	cfaExpression
	cfaOffsetExtendedSF
	cfaDefCFASF
	cfaDefCFAOffsetSF
	cfaValOffset
	cfaValOffsetSF
	cfaValExpression
)

const (
	cfaAdvanceLoc    = 0x40
	cfaOffset        = 0x80
	cfaRestore       = 0xc0
	cfaNegateRAState = 0x2d
	cfaGNUArgsSize   = 0x2e
)

// ehFrame is a section under construction, loaded at 0x10000.
type ehFrame struct{ b []byte }

const ehAddr = 0x10000

// entry appends a CIE or FDE: its ID or CIE pointer, and its body.
func (e *ehFrame) entry(id uint32, body []byte) (at int) {
	at = len(e.b)
	e.b = le.AppendUint32(e.b, uint32(4+len(body)))
	e.b = append(le.AppendUint32(e.b, id), body...)
	return at
}

// rawCIE is a CIE's body: code alignment 1, data alignment -8.
func rawCIE(version byte, augmentation string, ra byte, augmentationData string, program ...byte) []byte {
	b := append([]byte{version}, augmentation...)
	b = append(b, 0, 1, 0x78, ra)
	if strings.HasPrefix(augmentation, "z") {
		b = append(append(b, byte(len(augmentationData))), augmentationData...)
	}
	return append(b, program...)
}

// cie appends a CIE with absolute addresses, as the given ISA has it: the CFA
// is the stack pointer + 8, the return address lies below.
func (e *ehFrame) cie(a isa) (at int) {
	return e.entry(0, rawCIE(1, "", byte(a.ra), "", cfaDefCFA, 7, 8, cfaOffset|byte(a.ra), 1))
}

// fde appends an FDE of a CIE without augmentation.
func (e *ehFrame) fde(cie int, start, size uint64, program ...byte) {
	e.entry(uint32(len(e.b)+4-cie), append(le.AppendUint64(le.AppendUint64(nil, start), size), program...))
}

func parse(t *testing.T, e *ehFrame, a isa) *frameTable {
	t.Helper()
	frames, err := parseFrames(e.b, ehAddr, a)
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// TestFrameRules runs programs of call frame instructions: one FDE of 0x100
// bytes at 0x1000 on x86-64. The row wanted is that at its last byte.
func TestFrameRules(t *testing.T) {
	// As the CIE begins.
	initial := row{cfaReg: 7, cfaOff: 8, ra: regRule{ruleOffset, -8}}
	with := func(change func(r *row)) row { r := initial; change(&r); return r }
	fp := func(kind ruleKind, off int64) row { return with(func(r *row) { r.fp = regRule{kind, off} }) }
	ra := func(kind ruleKind, off int64) row { return with(func(r *row) { r.ra = regRule{kind, off} }) }
	cfa := func(reg uint64, off int64) row { return with(func(r *row) { r.cfaReg, r.cfaOff = reg, off }) }
	const fpReg, raReg = 6, 16
	for _, tt := range []struct {
		name    string
		program []byte
		want    row
	}{
		{"none", nil, initial},
		{"nop", []byte{cfaNop, cfaNop}, initial},
		{"offset", []byte{cfaOffset | fpReg, 2}, fp(ruleOffset, -16)},
		{"offset of a register that does not matter", []byte{cfaOffset | 3, 2, cfaOffset | 12, 3}, initial},
		{"offset_extended", []byte{cfaOffsetExtended, fpReg, 0x80, 1}, fp(ruleOffset, -1024)},
		{"offset_extended_sf", []byte{cfaOffsetExtendedSF, fpReg, 0x7e}, fp(ruleOffset, 16)},
		{"restore", []byte{cfaOffset | raReg, 5, cfaRestore | raReg}, initial},
		{"restore of what was in its register", []byte{cfaOffset | fpReg, 5, cfaRestore | fpReg}, initial},
		{"restore of a register that does not matter", []byte{cfaOffset | fpReg, 2, cfaRestore | 3}, fp(ruleOffset, -16)},
		{"restore_extended", []byte{cfaOffset | fpReg, 5, cfaRestoreExtended, fpReg}, initial},
		{"undefined", []byte{cfaUndefined, raReg}, ra(ruleOther, 0)},
		{"same_value", []byte{cfaSameValue, raReg}, ra(ruleSame, 0)},
		{"register", []byte{cfaRegister, fpReg, 3}, fp(ruleOther, 0)},
		{"val_offset", []byte{cfaValOffset, fpReg, 3}, fp(ruleOther, 0)},
		{"val_offset_sf", []byte{cfaValOffsetSF, fpReg, 0x7f}, fp(ruleOther, 0)},
		{"expression", []byte{cfaExpression, fpReg, 2, 0x70, 0, cfaNop}, fp(ruleOther, 0)},
		{"val_expression", []byte{cfaValExpression, fpReg, 0}, fp(ruleOther, 0)},
		{"def_cfa", []byte{cfaDefCFA, fpReg, 0x90, 1}, cfa(6, 144)},
		{"def_cfa_sf", []byte{cfaDefCFASF, fpReg, 0x7e}, cfa(6, 16)},
		{"def_cfa_register", []byte{cfaDefCFARegister, fpReg}, cfa(6, 8)},
		{"def_cfa_offset", []byte{cfaDefCFAOffset, 96}, cfa(7, 96)},
		{"def_cfa_offset_sf", []byte{cfaDefCFAOffsetSF, 0x7d}, cfa(7, 24)},
		{"def_cfa_expression", []byte{cfaDefCFAExpression, 1, 0x96}, with(func(r *row) { r.cfaBad = true })},
		{"def_cfa_expression and then an offset", []byte{cfaDefCFAExpression, 0, cfaDefCFAOffset, 8}, with(func(r *row) { r.cfaBad = true })},
		{"def_cfa after an expression", []byte{cfaDefCFAExpression, 0, cfaDefCFA, 7, 8}, initial},
		{"remember_state and restore_state", []byte{cfaRememberState, cfaDefCFAOffset, 96, cfaOffset | fpReg, 2, cfaRestoreState}, initial},
		{"nested", []byte{cfaRememberState, cfaDefCFAOffset, 32, cfaRememberState, cfaDefCFAOffset, 48, cfaRestoreState}, cfa(7, 32)},
		{"negate_ra_state", []byte{cfaNegateRAState}, with(func(r *row) { r.signed = true })},
		{"negate_ra_state twice", []byte{cfaNegateRAState, cfaNegateRAState}, initial},
		{"GNU_args_size", []byte{cfaGNUArgsSize, 16}, initial},
		{"a great offset wraps", []byte{cfaOffset | fpReg, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, fp(ruleOffset, 0)},

		{"advance_loc", []byte{cfaAdvanceLoc | 0x3f, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"advance_loc of nothing", []byte{cfaAdvanceLoc, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"advance_loc1 to the last byte", []byte{cfaAdvanceLoc1, 0xff, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"advance_loc2 to the end", []byte{cfaAdvanceLoc2, 0, 1, cfaDefCFAOffset, 16}, initial},
		{"advance_loc2 to the last byte", []byte{cfaAdvanceLoc2, 0xff, 0, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"advance_loc4", []byte{cfaAdvanceLoc4, 0xff, 0, 0, 0, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"advance_loc4 far beyond", []byte{cfaAdvanceLoc4, 0xff, 0xff, 0xff, 0xff, cfaDefCFAOffset, 16}, initial},
		{"set_loc", []byte{cfaSetLoc, 0xff, 0x10, 0, 0, 0, 0, 0, 0, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"set_loc to where it is", []byte{cfaSetLoc, 0, 0x10, 0, 0, 0, 0, 0, 0, cfaDefCFAOffset, 16}, cfa(7, 16)},
		{"set_loc to the end", []byte{cfaSetLoc, 0, 0x11, 0, 0, 0, 0, 0, 0, cfaDefCFAOffset, 16}, initial},
		{"what is behind the end is not run", []byte{cfaAdvanceLoc2, 0, 1, 0x3f}, initial},
	} {
		var e ehFrame
		e.fde(e.cie(x86ISA), 0x1000, 0x100, tt.program...)
		frames := parse(t, &e, x86ISA)
		f, ok := frames.find(0x10ff)
		if !ok {
			t.Fatal("the FDE is not found")
		}
		var got row
		if err := frames.rows(f, func(_ uint64, r row) error { got = r; return nil }); err != nil || got != tt.want {
			t.Errorf("%s: %+v, not %+v: %v", tt.name, got, tt.want, err)
		}
	}
}

// TestFrameProgramsRefused: what a program may not do.
func TestFrameProgramsRefused(t *testing.T) {
	remember := func(n int) []byte { return slices.Repeat([]byte{cfaRememberState}, n) }
	for _, tt := range []struct {
		name    string
		program []byte
		err     string
	}{
		{"unknown", []byte{0x17}, "call frame instruction 0x17 is not supported"},
		{"unknown, of a vendor", []byte{0x2f}, "call frame instruction 0x2f is not supported"},
		{"restore_state alone", []byte{cfaRestoreState}, "DW_CFA_restore_state without a remembered one"},
		{"restore_state once more", []byte{cfaRememberState, cfaRestoreState, cfaRestoreState}, "without a remembered one"},
		{"remember_state too deep", remember(maxRemembered + 1), "DW_CFA_remember_state more than 16 deep"},
		{"set_loc backwards", []byte{cfaAdvanceLoc | 2, cfaSetLoc, 1, 0x10, 0, 0, 0, 0, 0, 0}, "DW_CFA_set_loc goes backwards"},
		{"offset truncated", []byte{cfaOffset | 6}, "truncated"},
		{"offset too long", []byte{cfaOffset | 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "truncated"},
		{"advance_loc4 truncated", []byte{cfaAdvanceLoc4, 1, 0, 0}, "truncated"},
		{"expression longer than the program", []byte{cfaExpression, 6, 2, 0}, "truncated"},
		{"def_cfa_expression of any length", []byte{cfaDefCFAExpression, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "truncated"},
		{"def_cfa_sf truncated", []byte{cfaDefCFASF, 6, 0x80}, "truncated"},
	} {
		var e ehFrame
		e.fde(e.cie(x86ISA), 0x1000, 0x100, tt.program...)
		frames := parse(t, &e, x86ISA)
		err := frames.rows(&frames.fdes[0], func(uint64, row) error { return nil })
		t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
	}
	// As deep as it may be.
	var e ehFrame
	e.fde(e.cie(x86ISA), 0x1000, 0x100, append(remember(maxRemembered), slices.Repeat([]byte{cfaRestoreState}, maxRemembered)...)...)
	frames := parse(t, &e, x86ISA)
	if err := frames.rows(&frames.fdes[0], func(uint64, row) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestFrameRows: rows come in turn, and visit ends them.
func TestFrameRows(t *testing.T) {
	var e ehFrame
	e.fde(e.cie(x86ISA), 0x1000, 0x100, cfaAdvanceLoc|4, cfaDefCFAOffset, 16, cfaAdvanceLoc, cfaDefCFAOffset, 24, cfaAdvanceLoc1, 0xf0, cfaDefCFAOffset, 32)
	frames := parse(t, &e, x86ISA)
	type end struct {
		pc  uint64
		off int64
	}
	var got []end
	err := frames.rows(&frames.fdes[0], func(pc uint64, r row) error { got = append(got, end{pc, r.cfaOff}); return nil })
	if want := []end{{0x1004, 8}, {0x10f4, 24}, {0x1100, 32}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%x, not %x: %v", got, want, err)
	}
	calls := 0
	err = frames.rows(&frames.fdes[0], func(uint64, row) error { calls++; return errHole })
	if err != errHole || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// TestFrameEncodings reads one FDE, for 0x20 bytes at 0x10340, in each
// encoding of addresses, from before the code and from behind it.
func TestFrameEncodings(t *testing.T) {
	const start, size = 0x10340, 0x20
	for _, tt := range []struct {
		encoding byte
		address  func(field uint64) []byte
		size     []byte
	}{
		{encAbsptr, func(uint64) []byte { return le.AppendUint64(nil, start) }, le.AppendUint64(nil, size)},
		{encUdata8, func(uint64) []byte { return le.AppendUint64(nil, start) }, le.AppendUint64(nil, size)},
		{encUdata4, func(uint64) []byte { return le.AppendUint32(nil, start) }, le.AppendUint32(nil, size)},
		{encSdata4, func(uint64) []byte { return le.AppendUint32(nil, start) }, le.AppendUint32(nil, size)},
		{encULEB, func(uint64) []byte { return []byte{0xc0, 0x86, 0x04} }, []byte{size}},
		{encSLEB, func(uint64) []byte { return []byte{0xc0, 0x86, 0x04} }, []byte{size}},
		{encPcrel | encSdata4, func(at uint64) []byte { return le.AppendUint32(nil, uint32(start-at)) }, le.AppendUint32(nil, size)},
		{encPcrel | encSdata8, func(at uint64) []byte { return le.AppendUint64(nil, start-at) }, le.AppendUint64(nil, size)},
		{encPcrel | encUdata2, func(at uint64) []byte { return le.AppendUint16(nil, uint16(start-at)) }, le.AppendUint16(nil, size)},
		{encPcrel | encAbsptr, func(at uint64) []byte { return le.AppendUint64(nil, start-at) }, le.AppendUint64(nil, size)},
		{encPcrel | encSdata2, func(at uint64) []byte { return le.AppendUint16(nil, uint16(start-at)) }, le.AppendUint16(nil, size)},
	} {
		for _, behind := range []bool{false, true} {
			var e ehFrame
			if behind {
				if tt.encoding == encPcrel|encUdata2 {
					continue // cannot be negative
				}
				e.entry(0, rawCIE(1, "zR", 16, "\x00", make([]byte, 0x400)...))
			}
			cie := e.entry(0, rawCIE(1, "zR", 16, string(tt.encoding)))
			field := ehAddr + uint64(len(e.b)) + 8
			body := slices.Concat(tt.address(field), tt.size, []byte{3, 1, 2, 3}, []byte{cfaDefCFA, 6, 16})
			e.entry(uint32(len(e.b)+4-cie), body)
			frames, err := parseFrames(e.b, ehAddr, x86ISA)
			if err != nil || len(frames.fdes) != 1 || frames.fdes[0].start != start || frames.fdes[0].end != start+size {
				t.Errorf("encoding %#x: %+v, %v", tt.encoding, frames, err)
				continue
			}
			if p := frames.fdes[0].program; !slices.Equal(p, []byte{cfaDefCFA, 6, 16}) {
				t.Errorf("encoding %#x: program %x", tt.encoding, p)
			}
		}
	}
}

// TestFrameEntries: what a section may hold and what it may not.
func TestFrameEntries(t *testing.T) {
	const fde = 0x1000
	good := func(e *ehFrame) { e.fde(e.cie(x86ISA), fde, 0x10) }
	cie := func(body []byte) func(e *ehFrame) {
		return func(e *ehFrame) { e.fde(e.entry(0, body), fde, 0x10) }
	}
	for _, tt := range []struct {
		name string
		make func(e *ehFrame)
		err  string // or one FDE, at the usual place
	}{
		{"good", good, ""},
		{"terminator", func(e *ehFrame) { good(e); e.b = append(e.b, 0, 0, 0, 0) }, ""},
		{"what is behind the terminator is not read", func(e *ehFrame) { good(e); e.b = append(e.b, 0, 0, 0, 0, 1, 2, 3) }, ""},
		{"FDE of no code", func(e *ehFrame) { good(e); e.fde(0, 0x1008, 0) }, ""},
		{"version 3", cie(rawCIE(3, "", 16, "")), ""},
		{"version 3, the return address's column in two bytes", cie([]byte{3, 0, 1, 0x78, 0x90, 0}), ""},
		{"the longest augmentation", func(e *ehFrame) {
			e.fde(e.entry(0, rawCIE(1, "z"+strings.Repeat("S", 15), 16, "")), fde, 0x10, 0)
		}, ""},
		{"augmentation without meaning here", func(e *ehFrame) {
			e.fde(e.entry(0, rawCIE(1, "zLPS", 16, "\x1b\x03abcd")), fde, 0x10, 4, 1, 2, 3, 4)
		}, ""},
		{"no instructions", cie([]byte{1, 0, 1, 0x78, 16}), ""},

		{"length truncated", func(e *ehFrame) { good(e); e.b = append(e.b, 1, 0, 0) }, "truncated"},
		{"entry truncated", func(e *ehFrame) { good(e); e.b = append(e.b, 5, 0, 0, 0, 0, 0, 0, 0) }, "entry at 0x2a: truncated"},
		{"entry without an ID", func(e *ehFrame) { good(e); e.b = append(e.b, 3, 0, 0, 0, 1, 2, 3) }, "entry at 0x2a: truncated"},
		{"64-bit DWARF", func(e *ehFrame) { good(e); e.b = append(e.b, 0xff, 0xff, 0xff, 0xff) }, "entry at 0x2a: 64-bit DWARF is not supported"},
		{"no CIE", func(e *ehFrame) { e.fde(0, fde, 0x10) }, "FDE at 0x0: names no CIE before it"},
		{"a CIE that is inside another", func(e *ehFrame) { e.cie(x86ISA); e.fde(4, fde, 0x10) }, "names no CIE before it"},
		{"a CIE before the section", func(e *ehFrame) { e.cie(x86ISA); e.fde(-100, fde, 0x10) }, "names no CIE before it"},
		{"an FDE as CIE", func(e *ehFrame) { good(e); e.fde(17, fde+0x10, 0x10) }, "names no CIE before it"},
		{"a CIE behind its FDE", func(e *ehFrame) { e.fde(0x18, fde, 0x10); e.cie(x86ISA) }, "FDE at 0x0: names no CIE before it"},

		{"version 4", cie(rawCIE(4, "", 16, "")), "CIE at 0x0: version 4 is not supported"},
		{"empty CIE", cie(nil), "CIE at 0x0: version 0 is not supported"},
		{"augmentation without end", cie([]byte("\x01zRR")), "CIE at 0x0: bad augmentation string"},
		{"augmentation too long", cie(rawCIE(1, "z"+strings.Repeat("S", 16), 16, "")), "CIE at 0x0: bad augmentation string"},
		{"augmentation of old", cie(rawCIE(1, "eh", 16, "")), `CIE at 0x0: augmentation "eh" is not supported`},
		{"unknown augmentation", cie(rawCIE(1, "zRG", 16, "\x00\x00")), `CIE at 0x0: augmentation "zRG" is not supported`},
		{"unprintable augmentation", cie(rawCIE(1, "z\x1b", 16, "")), `augmentation "z\x1b" is not supported`},
		{"augmentation data truncated", cie([]byte("\x01zR\x00\x01\x78\x10\x02\x00")), "CIE at 0x0: truncated"},
		{"augmentation data too short", cie(rawCIE(1, "zLR", 16, "\x00")), "CIE at 0x0: truncated"},
		{"personality of no format", cie(rawCIE(1, "zP", 16, "\xffabcdefgh")), "CIE at 0x0: personality: pointer format 0xf is not supported"},
		{"return address elsewhere", cie(rawCIE(1, "", 17, "")), "CIE at 0x0: return address in column 17, where x86_64 has it in 16"},
		{"CIE truncated", cie([]byte{1, 0, 1}), "CIE at 0x0: truncated"},
		{"CIE truncated in a number", cie([]byte{1, 0, 0x80}), "CIE at 0x0: truncated"},
		{"initial instructions advance", cie(rawCIE(1, "", 16, "", cfaAdvanceLoc|1)), "CIE at 0x0: initial instructions advance the location"},
		{"initial instruction unknown", cie(rawCIE(1, "", 16, "", 0x3f)), "CIE at 0x0: call frame instruction 0x3f"},

		{"encoding relative to data", func(e *ehFrame) { e.fde(e.entry(0, rawCIE(1, "zR", 16, "\x3b")), fde, 0x10) }, "pointer encoding 0x3b is not supported"},
		{"encoding of no format", func(e *ehFrame) { e.fde(e.entry(0, rawCIE(1, "zR", 16, "\x07")), fde, 0x10) }, "pointer format 0x7 is not supported"},
		{"indirect encoding", func(e *ehFrame) { e.fde(e.entry(0, rawCIE(1, "zR", 16, "\x9b")), fde, 0x10) }, "pointer encoding 0x9b is not supported"},
		{"FDE truncated", func(e *ehFrame) { c := e.cie(x86ISA); e.entry(uint32(len(e.b)+4-c), make([]byte, 15)) }, "FDE at 0x12: truncated"},
		{"FDE's augmentation data truncated", func(e *ehFrame) { e.fde(e.entry(0, rawCIE(1, "zR", 16, "\x00")), fde, 0x10, 2, 0) }, "FDE at 0x11: truncated"},
		{"code beyond user space", func(e *ehFrame) { e.fde(e.cie(x86ISA), maxAddress+1, 1) }, "range of 0x1 bytes at 0x100000000000001 is beyond any address space"},
		{"code that wraps", func(e *ehFrame) { e.fde(e.cie(x86ISA), fde, math.MaxUint64) }, "is beyond any address space"},
		{"two FDEs for one byte", func(e *ehFrame) { good(e); e.fde(0, 0x1010, 8); e.fde(0, 0x100f, 1) }, "two FDEs for the code at 0x100f"},
		{"two FDEs for one range", func(e *ehFrame) { good(e); e.fde(0, fde, 0x10) }, "two FDEs for the code at 0x1000"},
	} {
		var e ehFrame
		tt.make(&e)
		frames, err := parseFrames(e.b, ehAddr, x86ISA)
		switch {
		case tt.err != "":
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
		case err != nil || len(frames.fdes) != 1 || frames.fdes[0].start != fde || frames.fdes[0].end != fde+0x10:
			t.Errorf("%s: %+v, %v", tt.name, frames, err)
		}
	}
}

// TestFrameBounds: code may reach to the end of user space and twice as far,
// which is where sums end.
func TestFrameBounds(t *testing.T) {
	var e ehFrame
	e.fde(e.cie(x86ISA), maxAddress, maxAddress)
	if f := parse(t, &e, x86ISA).fdes[0]; f.start != maxAddress || f.end != 2*maxAddress {
		t.Errorf("%+v", f)
	}
}

func TestFrameFind(t *testing.T) {
	var e ehFrame
	if _, ok := parse(t, &e, x86ISA).find(0); ok {
		t.Error("found in an empty section")
	}
	cie := e.cie(armISA)
	for _, start := range []uint64{0x3000, 0x1000, 0x2000} {
		e.fde(cie, start, 0x10)
	}
	e.fde(cie, 0x1010, 0x10)
	frames := parse(t, &e, armISA)
	for pc, want := range map[uint64]uint64{
		0: 0, 0xfff: 0, 0x1000: 0x1000, 0x100f: 0x1000, 0x1010: 0x1010, 0x1020: 0, 0x1fff: 0, 0x2000: 0x2000, 0x300f: 0x3000, 0x3010: 0, math.MaxUint64: 0,
	} {
		f, ok := frames.find(pc)
		if ok != (want != 0) || (ok && f.start != want) {
			t.Errorf("%#x: %+v, %v", pc, f, ok)
		}
	}
}

// TestFrameLimits: the entries of a section are bounded.
func TestFrameLimits(t *testing.T) {
	var e ehFrame
	body := []byte{1, 0, 1, 1, 16}
	for range maxCIEs {
		e.entry(0, body)
	}
	if _, err := parseFrames(e.b, ehAddr, x86ISA); err != nil {
		t.Error(err)
	}
	e.entry(0, body)
	_, err := parseFrames(e.b, ehAddr, x86ISA)
	wantError(t, err, "more than 16384 CIEs")

	e = ehFrame{}
	cie := e.entry(0, body)
	for i := range maxFDEs {
		e.fde(cie, uint64(i), 1)
	}
	if frames := parse(t, &e, x86ISA); len(frames.fdes) != maxFDEs {
		t.Errorf("%d FDEs", len(frames.fdes))
	}
	e.fde(cie, maxFDEs, 1)
	_, err = parseFrames(e.b, ehAddr, x86ISA)
	wantError(t, err, "more than 524288 FDEs")
}

// TestFramesTruncated cuts the tiny pair's sections at each byte: only between
// entries the rest is whole.
func TestFramesTruncated(t *testing.T) {
	for _, m := range machines {
		data := content(tinyLinked(m), sectionEHFrame)
		ends := map[int]bool{0: true}
		for at := 0; at < len(data); {
			at += 4 + int(le.Uint32(data[at:]))
			ends[at] = true
		}
		for n := range len(data) {
			if _, err := parseFrames(data[:n], 0x401200, isas[m]); (err == nil) != ends[n] {
				t.Errorf("%v: %d of %d bytes: %v", m, n, len(data), err)
			}
		}
	}
}

// TestTinyFrames has the rows of the tiny pair, as readelf shows them
// (readelf --debug-dump=frames-interp), of the CFA alone.
func TestTinyFrames(t *testing.T) {
	for m, want := range map[elf.Machine]string{
		elf.EM_X86_64: "400240-400241: r7+8 400241-400244: r7+16 400244-40024a: r6+16 40024a-40024b: r7+8 " +
			"400280-400281: r7+8 400281-400284: r7+16 400284-40029b: r6+16 40029b-40029c: r7+8 " +
			"400300-400301: r7+8 400301-400304: r7+16 400304-400307: r6+16 400307-400315: r6+16 400315-400316: r7+8 ",
		elf.EM_AARCH64: "400240-400244: r31+0 400244-400248: r31+16 400248-40024c: r29+16 40024c-400250: r31+16 400250-400254: r31+0 " +
			"400280-400284: r31+0 400284-40028c: r31+96 40028c-400298: r29+16 400298-4002a0: r31+96 4002a0-4002a4: r31+0 " +
			"400300-400304: r31+0 400304-400310: r31+48 400310-400318: r29+48 400318-400324: r31+48 400324-400328: r31+0 ",
	} {
		frames, err := parseFrames(content(tinyLinked(m), sectionEHFrame), 0x401200, isas[m])
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i := range frames.fdes {
			start := frames.fdes[i].start
			if err := frames.rows(&frames.fdes[i], func(end uint64, r row) error {
				got += fmt.Sprintf("%x-%x: r%d%+d ", start, end, r.cfaReg, r.cfaOff)
				start = end
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		if got != want {
			t.Errorf("%v: %s\nnot %s", m, got, want)
		}
	}
}
