package pair

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Description is what Seal cannot find in the linked files.
type Description struct {
	Thread    ThreadWords
	Reset     []Range
	Functions []Function // in any order
	Binaries  map[elf.Machine]BinaryDescription
}

// BinaryDescription is the part of a Description that belongs to one ISA.
type BinaryDescription struct {
	Points Points
	// Stackmaps is for a file without a section .llvm_stackmaps, and empty
	// for one that has it.
	Stackmaps []StackmapFunction
}

// Seal makes a pair of two linked files, one of each ISA, in any order: it
// checks that they agree in all that a pair must agree in, appends the
// metadata of both to each, and pads both to one size. What the files load
// is left as it is, but for what their ELF headers say of sections. The results
// come in the order of the arguments.
//
// Both files must be static, non-PIE ELF files with equal PT_LOAD headers,
// writable segments of equal content, a section .eh_frame, and a record in
// their stack maps for each call site of the description.
func Seal(a, b []byte, d Description) (sealedA, sealedB []byte, err error) {
	parts := [2]*part{}
	for i, data := range [][]byte{a, b} {
		im, err := openImage(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return nil, nil, fmt.Errorf("%s file: %w", []string{"first", "second"}[i], err)
		}
		if parts[i], err = newPart(im, data, d); err != nil {
			return nil, nil, err
		}
	}
	if parts[0].machine == parts[1].machine {
		return nil, nil, fmt.Errorf("both files are for %s", machineName(parts[0].machine))
	}
	if err := sameContent(parts[0], parts[1]); err != nil {
		return nil, nil, err
	}

	t := &tables{thread: d.Thread, reset: d.Reset, functions: slices.Clone(d.Functions)}
	slices.SortFunc(t.functions, func(a, b Function) int { return cmp.Compare(a.Addr, b.Addr) })
	for _, p := range parts {
		t.images = append(t.images, imageDigest{machine: p.machine, loaded: p.loaded})
	}
	slices.SortFunc(t.images, func(a, b imageDigest) int { return cmp.Compare(a.machine, b.machine) })

	// Reading the tables back judges them as a reader will.
	raw := t.encode()
	if t, err = decodeTables(raw); err != nil {
		return nil, nil, err
	}
	pair := newPair(t)
	for _, p := range parts {
		if err := pair.add(p.metadata); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", machineName(p.machine), err)
		}
	}
	if err := pair.check(); err != nil {
		return nil, nil, err
	}
	id := pair.digest(raw)
	copy(raw[tablesIDOffset:], id[:])

	var out [2][]byte
	for i, p := range parts {
		other := parts[1-i]
		sections := append(p.own, []newSection{
			{name: sectionTables, typ: elf.SHT_PROGBITS, align: 16, data: raw},
			{name: sectionOther + machineName(other.machine), typ: elf.SHT_PROGBITS, align: 16, data: other.embed()},
		}...)
		if out[i], err = appendSections(p.data, sections); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", machineName(p.machine), err)
		}
	}
	size := max(len(out[0]), len(out[1]))
	for i := range out {
		out[i] = append(out[i], make([]byte, size-len(out[i]))...)
		file, err := Read("sealed file", bytes.NewReader(out[i]), int64(size))
		if err != nil {
			return nil, nil, err
		}
		if file.ID != id || file.Machine != parts[i].machine {
			return nil, nil, errors.New("the sealed file does not read back as written")
		}
	}
	return out[0], out[1], nil
}

// part is one of the files that Seal is given.
type part struct {
	metadata
	data []byte
	own  []newSection // of metadata, for this file to get
}

func newPart(im *image, data []byte, d Description) (*part, error) {
	p := &part{data: data}
	p.machine, p.entry = im.machine(), im.header.Entry
	name := machineName(p.machine)
	fail := func(err error) (*part, error) { return nil, fmt.Errorf("%s: %w", name, err) }

	desc, described := d.Binaries[p.machine]
	if _, known := isas[p.machine]; !known || !described {
		return fail(errors.New("not described, or an architecture that this program does not know"))
	}
	if elf.Type(im.header.Type) != elf.ET_EXEC {
		return fail(errors.New("not linked at fixed addresses; link with -static -no-pie"))
	}
	for _, h := range im.progs {
		if t := elf.ProgType(h.Type); t == elf.PT_INTERP || t == elf.PT_DYNAMIC {
			return fail(errors.New("linked dynamically; link with -static -no-pie"))
		}
	}
	for _, s := range []string{sectionNote, sectionTables} {
		if found, err := im.section(s); err != nil || found != nil {
			return fail(fmt.Errorf("has a section %s already", s))
		}
	}
	var err error
	if p.segments, err = im.segments(); err != nil {
		return fail(err)
	}
	if p.loaded, err = im.loadedDigest(p.segments); err != nil {
		return fail(err)
	}
	if p.buildID, err = im.buildID(); err != nil {
		return fail(err)
	}
	p.note = encodeNote(desc.Points)
	p.own = append(p.own, newSection{name: sectionNote, typ: elf.SHT_NOTE, align: 4, data: p.note})

	maps, err := im.section(sectionStackmaps)
	switch {
	case err != nil:
		return fail(err)
	case maps == nil:
		p.stackmaps = encodeStackmaps(desc.Stackmaps)
		p.own = append(p.own, newSection{name: sectionStackmaps, typ: elf.SHT_PROGBITS, align: 8, data: p.stackmaps})
	case len(desc.Stackmaps) > 0:
		return fail(fmt.Errorf("has a section %s, and the description has stack maps too", sectionStackmaps))
	default:
		if p.stackmaps, err = im.data(maps, maxMetadata); err != nil {
			return fail(fmt.Errorf("section %s: %w", sectionStackmaps, err))
		}
	}
	frames, s, err := im.mustData(sectionEHFrame, maxMetadata)
	if err != nil {
		return fail(fmt.Errorf("%w; compile with -fasynchronous-unwind-tables", err))
	}
	p.ehFrame, p.ehFrameAt = frames, s.Addr
	return p, nil
}

// content is what a segment loads from the file.
func (p *part) content(s Segment) []byte { return p.data[s.Offset : s.Offset+s.Filesz] }

// sameContent checks that what the program can write to begins as the same
// bytes on both ISAs.
func sameContent(a, b *part) error {
	if !slices.Equal(a.segments, b.segments) {
		return fmt.Errorf("PT_LOAD segments differ between %s and %s: %s", machineName(a.machine), machineName(b.machine), firstDifference(a.segments, b.segments))
	}
	for _, s := range a.segments {
		if s.Flags&elf.PF_W == 0 {
			continue
		}
		x, y := a.content(s), b.content(s)
		for i := range x {
			if x[i] != y[i] {
				return fmt.Errorf("initial data differs at %#x: %#x on %s, %#x on %s", s.Vaddr+uint64(i), x[i], machineName(a.machine), y[i], machineName(b.machine))
			}
		}
	}
	return nil
}

// embed makes the ELF file of metadata alone that stands for this file in the
// other one: its PT_LOAD headers still say where things are in the full file,
// its PT_NOTE header points at the copy of the build-id here.
func (p *part) embed() []byte {
	var progs []elf.Prog64
	for _, s := range p.segments {
		progs = append(progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(s.Flags), Off: s.Offset, Vaddr: s.Vaddr, Paddr: s.Vaddr, Filesz: s.Filesz, Memsz: s.Memsz})
	}
	sections := []newSection{
		{name: sectionStackmaps, typ: elf.SHT_PROGBITS, align: 8, data: p.stackmaps},
		{name: sectionEHFrame, typ: elf.SHT_PROGBITS, align: 8, data: p.ehFrame, addr: p.ehFrameAt},
		{name: sectionNote, typ: elf.SHT_NOTE, align: 4, data: p.note},
	}
	if p.buildID != nil {
		note := appendNote(nil, "GNU\x00", ntGNUBuildID, p.buildID)
		at := elfHeaderSize + uint64(len(progs)+1)*progHeaderSize
		progs = append(progs, elf.Prog64{Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: at, Filesz: uint64(len(note)), Memsz: uint64(len(note)), Align: 4})
		// The first section, so that it lies where the header says.
		sections = slices.Insert(sections, 0, newSection{name: sectionBuildID, typ: elf.SHT_NOTE, align: 4, data: note})
	}
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(p.machine), Version: uint32(elf.EV_CURRENT), Entry: p.entry,
		Phoff: elfHeaderSize, Ehsize: elfHeaderSize, Phentsize: progHeaderSize, Phnum: uint16(len(progs)), Shentsize: sectionHeaderSize,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	b, err := appendSections(encode(encode(nil, h), progs), sections)
	if err != nil {
		panic(err) // a file made here, with a handful of sections
	}
	return b
}

// encode appends a fixed-size value.
func encode(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err) // v is of a type without a fixed size
	}
	return b
}

// newSection is a section to append to an ELF file. It is not loaded; an
// address only says where its content is in the file it was copied from.
type newSection struct {
	name  string
	typ   elf.SectionType
	align uint64
	addr  uint64
	data  []byte
}

// appendSections returns the ELF file with more sections: their data, then a
// new table of names, then a new table of section headers, all behind what
// the file had. Only the ELF header changes; the old tables stay as dead bytes.
func appendSections(file []byte, sections []newSection) ([]byte, error) {
	im, err := openImage(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(file)
	headers, names := im.sections, im.names
	h := im.header
	if len(headers) == 0 {
		// Number 0 is reserved, number 1 shall be the table of names.
		names = []byte("\x00.shstrtab\x00")
		headers = []elf.Section64{{}, {Name: 1, Type: uint32(elf.SHT_STRTAB), Addralign: 1}}
		h.Shstrndx = 1
	}
	align := func(n uint64) {
		for uint64(len(out))%n != 0 {
			out = append(out, 0)
		}
	}
	for _, s := range sections {
		align(s.align)
		headers = append(headers, elf.Section64{
			Name: uint32(len(names)), Type: uint32(s.typ), Addr: s.addr, Off: uint64(len(out)), Size: uint64(len(s.data)), Addralign: s.align,
		})
		names = append(append(names, s.name...), 0)
		out = append(out, s.data...)
	}
	if len(headers) > maxSections {
		return nil, fmt.Errorf("more than %d sections", maxSections)
	}
	table := &headers[h.Shstrndx]
	table.Off, table.Size = uint64(len(out)), uint64(len(names))
	out = append(out, names...)
	align(8)
	h.Shoff, h.Shnum, h.Shentsize = uint64(len(out)), uint16(len(headers)), sectionHeaderSize
	out = encode(out, headers)
	copy(out, encode(nil, h))
	return out, nil
}
