package pair

import (
	"debug/elf"
	"math"
	"reflect"
	"slices"
	"testing"
)

// rawNote makes a .note.tpfs of records of tag and value.
func rawNote(version, count uint32, records ...[2]uint64) []byte {
	desc := le.AppendUint32(nil, version)
	desc = le.AppendUint32(desc, count)
	for _, r := range records {
		desc = le.AppendUint64(le.AppendUint64(desc, r[0]), r[1])
	}
	return appendNote(nil, noteName, noteType, desc)
}

func TestNote(t *testing.T) {
	all := [][2]uint64{
		{tagRoot, 1}, {tagParkWait, 2}, {tagParkEnd, 3}, {tagSysResume, 4}, {tagSysInsn, 5}, {tagSysEnd, 6},
		{tagSysFrame, 7}, {tagRestorer, 8}, {tagPauseWord, 9}, {tagRoot, 10},
	}
	points := Points{Roots: []uint64{1, 10}, ParkWait: 2, ParkEnd: 3, SysResume: 4, SysInsn: 5, SysEnd: 6, SysFrame: 7, Restorer: 8, PauseWord: 9}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	reversed := points
	reversed.Roots = []uint64{10, 1}
	roots := func(n int) [][2]uint64 { return slices.Repeat([][2]uint64{{tagRoot, 5}}, n) }
	edited := func(change func(b []byte)) []byte {
		b := rawNote(1, 1, all[0])
		change(b)
		return b
	}
	const notOne = "is not exactly one note"
	for _, tt := range []struct {
		name string
		data []byte
		want Points
		err  string
	}{
		{"all", rawNote(1, 10, all...), points, ""},
		{"in another order", rawNote(1, 10, backwards...), reversed, ""},
		{"no records", rawNote(1, 0), Points{}, ""},
		{"a tag to skip", rawNote(1, 2, [2]uint64{10, 5}, all[0]), Points{Roots: []uint64{1}}, ""},
		{"tag 0 and the highest to skip, twice", rawNote(1, 4, [2]uint64{0, 5}, [2]uint64{0, 5}, [2]uint64{tagMustKnow - 1}, [2]uint64{tagMustKnow - 1}), Points{}, ""},
		{"as many roots as can be", rawNote(1, maxRoots, roots(maxRoots)...), Points{Roots: slices.Repeat([]uint64{5}, maxRoots)}, ""},

		{"a tag to know", rawNote(1, 1, [2]uint64{tagMustKnow | 1, 5}), Points{}, "record of tag 0x80000001, which this program does not know and must"},
		{"another version", rawNote(2, 1, all[0]), Points{}, "version 2, of which this program knows only 1"},
		{"more records than said", rawNote(1, 0, all[0]), Points{}, "0 records in 16 bytes"},
		{"fewer records than said", rawNote(1, 2, all[0]), Points{}, "2 records in 16 bytes"},
		{"as many records as can be said", rawNote(1, math.MaxUint32, all[0]), Points{}, "4294967295 records in 16 bytes"},
		{"a point twice", rawNote(1, 2, all[1], all[1]), Points{}, "two records of tag 2"},
		{"a point twice, first as zero", rawNote(1, 2, [2]uint64{tagRestorer, 0}, all[7]), Points{}, "two records of tag 8"},
		{"too many roots", rawNote(1, maxRoots+1, roots(maxRoots+1)...), Points{}, "more than 64 roots"},
		{"no version", appendNote(nil, noteName, noteType, nil), Points{}, "version 0"},
		{"empty", nil, Points{}, notOne},
		{"another name", edited(func(b []byte) { b[12] = 'T' }), Points{}, notOne},
		{"a name without its end", appendNote(nil, "tpfs", noteType, rawNote(1, 0)[20:]), Points{}, notOne},
		{"another type", edited(func(b []byte) { b[8] = 2 }), Points{}, notOne},
		{"longer than it is", edited(func(b []byte) { b[4]++ }), Points{}, notOne},
		{"a name without bounds", edited(func(b []byte) { le.PutUint32(b, math.MaxUint32) }), Points{}, notOne},
		{"two notes", append(rawNote(1, 1, all[0]), rawNote(1, 1, all[0])...), Points{}, notOne},
		{"as large as can be", make([]byte, maxNote), Points{}, notOne},
		{"too large", make([]byte, maxNote+1), Points{}, "has 0x10001 bytes, more than the 0x10000 allowed"},
	} {
		got, err := decodeNote(tt.data)
		switch {
		case tt.err != "":
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
		case err != nil || !reflect.DeepEqual(got, tt.want):
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	whole := rawNote(1, 10, all...)
	for n := range len(whole) {
		if _, err := decodeNote(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(whole))
		}
	}
}

func TestEncodeNote(t *testing.T) {
	withoutRestorer := tinyPoints[elf.EM_X86_64]
	withoutRestorer.Restorer = 0
	for _, p := range []Points{tinyPoints[elf.EM_X86_64], tinyPoints[elf.EM_AARCH64], withoutRestorer, {}} {
		if got, err := decodeNote(encodeNote(p)); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v, not %+v: %v", got, p, err)
		}
	}
}

// TestPointsCheck judges the tiny pair's points, each spoiled in turn.
func TestPointsCheck(t *testing.T) {
	b := tinyBinary(elf.EM_X86_64)
	const (
		noPark = "no range [park_wait, park_end)"
		noSys  = "no range [sys_resume, sys_end) with sys_insn in it"
		frame  = "not a multiple of 16 that holds the stub's 9 words"
		pause  = "which is no aligned word in a writable segment"
		text   = 0x400440 // end of the text segment's part of the file
	)
	for _, tt := range []struct {
		name  string
		spoil func(p *Points)
		err   string
	}{
		{"good", func(p *Points) {}, ""},
		{"no restorer", func(p *Points) { p.Restorer = 0 }, ""},
		{"two roots", func(p *Points) { p.Roots = append(p.Roots, 0x400200) }, ""},
		{"as many roots as can be", func(p *Points) {
			for i := range uint64(maxRoots - 1) {
				p.Roots = append(p.Roots, 0x400210+i)
			}
		}, ""},
		{"stubs side by side", func(p *Points) { p.ParkEnd = p.SysResume }, ""},
		{"stubs side by side, the other way", func(p *Points) { p.ParkWait, p.ParkEnd = p.SysEnd, p.SysEnd+1 }, ""},
		{"the largest frame", func(p *Points) { p.SysFrame = 1 << 16 }, ""},
		{"at the text's end", func(p *Points) { p.Restorer = text - 1 }, ""},
		{"pause word at the end", func(p *Points) { p.PauseWord = 0x40245c }, ""},

		{"no root", func(p *Points) { p.Roots = nil }, "no root"},
		{"too many roots", func(p *Points) { p.Roots = make([]uint64, maxRoots+1) }, "more than 64 roots"},
		{"no park_wait", func(p *Points) { p.ParkWait = 0 }, noPark},
		{"no park_end", func(p *Points) { p.ParkEnd = 0 }, noPark},
		{"empty park range", func(p *Points) { p.ParkEnd = p.ParkWait }, noPark},
		{"no sys_resume", func(p *Points) { p.SysResume = 0 }, noSys},
		{"sys_insn before", func(p *Points) { p.SysInsn = p.SysResume - 1 }, noSys},
		{"sys_insn behind", func(p *Points) { p.SysInsn = p.SysEnd }, noSys},
		{"stubs overlap by one", func(p *Points) { p.ParkEnd = p.SysResume + 1 }, "the park stub and the system-call stub overlap"},
		{"one stub inside the other", func(p *Points) { p.ParkWait, p.ParkEnd = p.SysResume, p.SysEnd }, "overlap"},
		{"no frame", func(p *Points) { p.SysFrame = 0 }, "sys_frame is 0, " + frame},
		{"frame too small", func(p *Points) { p.SysFrame = 64 }, frame},
		{"frame not aligned", func(p *Points) { p.SysFrame = 88 }, frame},
		{"frame too large", func(p *Points) { p.SysFrame = 1<<16 + 16 }, frame},
		{"no pause word", func(p *Points) { p.PauseWord = 0 }, "pause word at 0x0, " + pause},
		{"pause word not aligned", func(p *Points) { p.PauseWord += 2 }, pause},
		{"pause word in the text", func(p *Points) { p.PauseWord = 0x400200 }, pause},
		{"pause word behind the end", func(p *Points) { p.PauseWord = 0x402460 }, pause},
		{"root in the data", func(p *Points) { p.Roots[0] = 0x402400 }, "runtime point 0x402400 lies in no executable segment"},
		{"a second root nowhere", func(p *Points) { p.Roots = append(p.Roots, math.MaxUint64) }, "runtime point 0xffffffffffffffff lies"},
		{"park range out of the text", func(p *Points) { p.ParkWait, p.ParkEnd = text-1, text+1 }, "runtime point 0x400440 lies"},
		{"restorer behind the text", func(p *Points) { p.Restorer = text }, "runtime point 0x400440 lies"},
		{"a root twice", func(p *Points) { p.Roots = append(p.Roots, 0x400200, p.Roots[0]) }, "the root or restorer 0x400207 is another point of the runtime too"},
		{"a root that is the restorer", func(p *Points) { p.Restorer = p.Roots[0] }, "the root or restorer 0x400207 is another point"},
		{"a root in the system-call stub", func(p *Points) { p.Roots[0] = p.SysEnd - 1 }, "the root or restorer 0x4003d0 is another point"},
		{"restorer in the system-call stub", func(p *Points) { p.Restorer = p.SysResume }, "the root or restorer 0x4003c8 is another point"},
		{"stub's end behind the text", func(p *Points) { p.SysEnd = text + 1 }, "runtime point 0x400440 lies"},
	} {
		p := b.Points
		p.Roots = slices.Clone(p.Roots)
		tt.spoil(&p)
		err := p.check(b.Segments)
		switch {
		case tt.err != "":
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
		case err != nil:
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
