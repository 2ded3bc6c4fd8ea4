package pair

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Points are the runtime's entry points in one ISA's file; see
// docs/pair-format.md for what the runtime promises about each.
type Points struct {
	// Roots are the return addresses that end a chain of frames. The n-th
	// root of one ISA stands for the n-th of the other.
	Roots []uint64

	ParkWait, ParkEnd uint64 // [ParkWait, ParkEnd): waiting in the park stub, frame record in place

	SysResume, SysInsn, SysEnd uint64 // [SysResume, SysEnd): system-call stub, frame complete; SysInsn: the kernel instruction
	SysFrame                   uint64 // bytes between SP and FP there

	Restorer  uint64 // the signal restorer, 0 if the program has none
	PauseWord uint64 // the u32 that makes threads park when it is not 0
}

// Tags of the records in the note. A reader ignores a tag it does not know,
// unless its tagMustKnow bit is set.
const (
	tagRoot = 1 + iota
	tagParkWait
	tagParkEnd
	tagSysResume
	tagSysInsn
	tagSysEnd
	tagSysFrame
	tagRestorer
	tagPauseWord

	tagMustKnow = 1 << 31
)

const (
	noteName    = "tpfs\x00"
	noteType    = 1
	noteVersion = 1
	maxNote     = 64 << 10
	maxRoots    = 64
)

// single lists the fields that occur at most once.
func (p *Points) single() map[uint32]*uint64 {
	return map[uint32]*uint64{
		tagParkWait: &p.ParkWait, tagParkEnd: &p.ParkEnd,
		tagSysResume: &p.SysResume, tagSysInsn: &p.SysInsn, tagSysEnd: &p.SysEnd, tagSysFrame: &p.SysFrame,
		tagRestorer: &p.Restorer, tagPauseWord: &p.PauseWord,
	}
}

// decodeNote reads a .note.tpfs section.
func decodeNote(data []byte) (Points, error) {
	var p Points
	if len(data) > maxNote {
		return p, fmt.Errorf("has %#x bytes, more than the %#x allowed", len(data), maxNote)
	}
	c := cursor{data: data}
	name, desc, typ := readNote(&c)
	if c.short || string(name) != noteName || typ != noteType || c.left() != 0 {
		return p, errors.New("is not exactly one note of name tpfs and type 1")
	}
	d := cursor{data: desc}
	if version := d.u32(); version != noteVersion {
		return p, fmt.Errorf("version %d, of which this program knows only %d", version, noteVersion)
	}
	count := d.u32()
	if uint64(count)*16 != uint64(d.left()) {
		return p, fmt.Errorf("%d records in %d bytes", count, d.left())
	}
	fields, seen := p.single(), map[uint32]bool{}
	for range count {
		tag, _, value := d.u32(), d.u32(), d.u64()
		switch field := fields[tag]; {
		case tag == tagRoot:
			if len(p.Roots) == maxRoots {
				return p, fmt.Errorf("more than %d roots", maxRoots)
			}
			p.Roots = append(p.Roots, value)
		case field != nil:
			if seen[tag] {
				return p, fmt.Errorf("two records of tag %d", tag)
			}
			seen[tag] = true
			*field = value
		case tag&tagMustKnow != 0:
			return p, fmt.Errorf("record of tag %#x, which this program does not know and must", tag)
		}
	}
	return p, nil
}

// encodeNote makes the section .note.tpfs.
func encodeNote(p Points) []byte {
	desc := binary.LittleEndian.AppendUint32(nil, noteVersion)
	desc = append(desc, 0, 0, 0, 0)
	count := uint32(0)
	record := func(tag uint32, value uint64) {
		desc = binary.LittleEndian.AppendUint32(desc, tag)
		desc = binary.LittleEndian.AppendUint32(desc, 0)
		desc = binary.LittleEndian.AppendUint64(desc, value)
		count++
	}
	for _, r := range p.Roots {
		record(tagRoot, r)
	}
	fields := p.single()
	for tag := uint32(tagParkWait); tag <= tagPauseWord; tag++ {
		if v := *fields[tag]; v != 0 {
			record(tag, v)
		}
	}
	binary.LittleEndian.PutUint32(desc[4:], count)
	return appendNote(nil, noteName, noteType, desc)
}

// appendNote appends an ELF note; name includes its NUL.
func appendNote(b []byte, name string, typ uint32, desc []byte) []byte {
	pad := func() {
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	b = binary.LittleEndian.AppendUint32(b, typ)
	b = append(b, name...)
	pad()
	b = append(b, desc...)
	pad()
	return b
}

// inSys reports whether pc lies where the system-call stub's frame is complete.
func (p *Points) inSys(pc uint64) bool { return pc >= p.SysResume && pc < p.SysEnd }

// ends lists the return addresses that end a chain of frames: the roots, and
// the restorer if there is one.
func (p *Points) ends() []uint64 {
	if p.Restorer == 0 {
		return p.Roots
	}
	return append(slices.Clone(p.Roots), p.Restorer)
}

// check looks at the points by themselves and against the file's segments.
func (p *Points) check(segments []Segment) error {
	switch {
	case len(p.Roots) == 0:
		return errors.New("no root")
	case len(p.Roots) > maxRoots:
		return fmt.Errorf("more than %d roots", maxRoots)
	case p.ParkWait == 0 || p.ParkEnd <= p.ParkWait:
		return errors.New("no range [park_wait, park_end)")
	case p.SysResume == 0 || p.SysInsn < p.SysResume || p.SysEnd <= p.SysInsn:
		return errors.New("no range [sys_resume, sys_end) with sys_insn in it")
	case p.ParkWait < p.SysEnd && p.SysResume < p.ParkEnd:
		return errors.New("the park stub and the system-call stub overlap")
	case p.SysFrame%16 != 0 || p.SysFrame < 8*sysWords || p.SysFrame > 1<<16:
		return fmt.Errorf("sys_frame is %d, not a multiple of 16 that holds the stub's %d words", p.SysFrame, sysWords)
	case p.PauseWord == 0 || p.PauseWord%4 != 0 || !within(segments, p.PauseWord, 4, writable):
		return fmt.Errorf("pause word at %#x, which is no aligned word in a writable segment", p.PauseWord)
	}
	ends := p.ends()
	for _, a := range append([]uint64{p.ParkWait, p.ParkEnd - 1, p.SysResume, p.SysInsn, p.SysEnd - 1}, ends...) {
		if !within(segments, a, 1, executable) {
			return fmt.Errorf("runtime point %#x lies in no executable segment", a)
		}
	}
	for i, a := range ends {
		if p.inSys(a) || slices.Contains(ends[:i], a) {
			return fmt.Errorf("the root or restorer %#x is another point of the runtime too", a)
		}
	}
	return nil
}
