package layout

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds on an object file.
const (
	maxObject   = 1 << 30
	maxSections = int(elf.SHN_LORESERVE) - 1 // beyond, ELF needs a section of indexes
	maxAlign    = 1 << 16                    // the page size of a program; the linker refuses more
	maxSize     = 1 << 40                    // of a section without content
	maxName     = 4096
)

const (
	elfHeaderSize     = 64
	sectionHeaderSize = 64
	symbolSize        = 24
	relaSize          = 24
)

// Section types of LLVM that hold numbers of symbols. They only serve
// optimisations of the linker that a pair cannot use.
const (
	shtLLVMAddrsig          = elf.SectionType(0x6fff4c03)
	shtLLVMCallGraphProfile = elf.SectionType(0x6fff4c09)
)

// An object is a relocatable ELF file. Sections of relocations, groups, symbols
// and names are not in sections: they are the fields of what they describe.
type object struct {
	isa      ISA
	ident    [elf.EI_NIDENT]byte
	flags    uint32
	sections []*section
	symbols  []*symbol // without the null symbol
}

type section struct {
	name    string
	typ     elf.SectionType
	flags   elf.SectionFlag
	align   uint64
	entsize uint64
	size    uint64
	data    []byte   // nil for SHT_NOBITS
	order   *section // SHF_LINK_ORDER
	group   *group
	relas   []rela
	info    uint32 // of a type that is not known here

	index uint16 // while the object is encoded
}

// A group is a SHT_GROUP: its sections are linked together or not at all.
type group struct {
	name      string
	flags     uint32 // GRP_COMDAT
	signature *symbol

	index uint16 // while the object is encoded
}

type symbol struct {
	name  string
	info  byte
	other byte
	// section is nil if special says where the symbol is: SHN_UNDEF,
	// SHN_ABS, SHN_COMMON; or if it only names a group.
	section *section
	special elf.SectionIndex
	group   *group
	value   uint64
	size    uint64

	index uint32 // while the object is encoded
}

func (s *symbol) typ() elf.SymType  { return elf.ST_TYPE(s.info) }
func (s *symbol) bind() elf.SymBind { return elf.ST_BIND(s.info) }

type rela struct {
	off    uint64
	typ    uint32
	sym    *symbol // nil for number 0
	addend int64
}

// headers is an object of which only the tables were read.
type headers struct {
	file     []byte
	header   elf.Header64
	sections []elf.Section64
	names    string
}

// errNotObject is the error, in the sense of errors.Is, for a file that is no
// relocatable ELF file of 64 bits.
var errNotObject = errors.New("not an object file")

func readHeaders(file []byte) (*headers, error) {
	if len(file) > maxObject {
		return nil, fmt.Errorf("an object of %d bytes, more than the %d allowed", len(file), maxObject)
	}
	h := &headers{file: file}
	if len(file) < elfHeaderSize || !bytes.HasPrefix(file, []byte(elf.ELFMAG)) {
		return nil, errNotObject
	}
	if elf.Class(file[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(file[elf.EI_DATA]) != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("%w of 64 bits", errNotObject)
	}
	if _, err := binary.Decode(file, binary.LittleEndian, &h.header); err != nil {
		return nil, err
	}
	if t := elf.Type(h.header.Type); t != elf.ET_REL {
		return nil, fmt.Errorf("%w: its type is %v", errNotObject, t)
	}
	n := int(h.header.Shnum)
	if n == 0 && h.header.Shoff != 0 {
		return nil, fmt.Errorf("more than %d sections; split the source file", maxSections)
	}
	if n > 0 && h.header.Shentsize != sectionHeaderSize || int(h.header.Shstrndx) >= max(n, 1) {
		return nil, fmt.Errorf("section headers of %d bytes with names in number %d of %d", h.header.Shentsize, h.header.Shstrndx, n)
	}
	raw, err := h.bytes(h.header.Shoff, uint64(n)*sectionHeaderSize)
	if err != nil {
		return nil, fmt.Errorf("section headers: %w", err)
	}
	h.sections = make([]elf.Section64, n)
	if _, err := binary.Decode(raw, binary.LittleEndian, h.sections); err != nil {
		return nil, err
	}
	if n > 0 {
		names, err := h.data(int(h.header.Shstrndx))
		if err != nil {
			return nil, fmt.Errorf("section names: %w", err)
		}
		h.names = string(names)
	}
	return h, nil
}

func (h *headers) bytes(off, n uint64) ([]byte, error) {
	if off > uint64(len(h.file)) || n > uint64(len(h.file))-off {
		return nil, fmt.Errorf("%#x bytes at %#x: outside of the file of %#x bytes", n, off, len(h.file))
	}
	return h.file[off : off+n : off+n], nil
}

// data is the content of section i.
func (h *headers) data(i int) ([]byte, error) {
	s := &h.sections[i]
	if elf.SectionType(s.Type) == elf.SHT_NOBITS {
		return nil, errors.New("has no content")
	}
	return h.bytes(s.Off, s.Size)
}

func (h *headers) name(i int) (string, error) { return nameAt(h.names, h.sections[i].Name) }

// nameAt reads a name of a string table. Names share the table's memory: one
// end may serve many of them.
func nameAt(table string, off uint32) (string, error) {
	if off == 0 && len(table) == 0 {
		return "", nil
	}
	if uint64(off) >= uint64(len(table)) {
		return "", fmt.Errorf("name at %#x of a table of %#x bytes", off, len(table))
	}
	table = table[off:min(len(table), int(off)+maxName+1)]
	end := strings.IndexByte(table, 0)
	if end < 0 {
		return "", fmt.Errorf("a name without an end, or of more than %d bytes", maxName)
	}
	return table[:end], nil
}

// symtab finds the symbol table: its entries and names. Both are empty if
// there is none.
func (h *headers) symtab() (entries []byte, names string, number int, err error) {
	for i := range h.sections {
		s := &h.sections[i]
		if elf.SectionType(s.Type) != elf.SHT_SYMTAB {
			continue
		}
		if number != 0 {
			return nil, "", 0, errors.New("two symbol tables")
		}
		number = i
		if s.Entsize != symbolSize || s.Size%symbolSize != 0 || s.Link == 0 || uint64(s.Link) >= uint64(len(h.sections)) {
			return nil, "", 0, errors.New("a symbol table with bad entries")
		}
		if entries, err = h.data(i); err != nil {
			return nil, "", 0, fmt.Errorf("symbol table: %w", err)
		}
		raw, err := h.data(int(s.Link))
		if err != nil {
			return nil, "", 0, fmt.Errorf("names of symbols: %w", err)
		}
		names = string(raw)
	}
	return entries, names, number, nil
}

func decodeSymbol(entries []byte, i int) elf.Sym64 {
	b := entries[i*symbolSize:]
	le := binary.LittleEndian
	return elf.Sym64{Name: le.Uint32(b), Info: b[4], Other: b[5], Shndx: le.Uint16(b[6:]), Value: le.Uint64(b[8:]), Size: le.Uint64(b[16:])}
}

// decodeObject reads a relocatable file.
func decodeObject(file []byte) (*object, error) {
	h, err := readHeaders(file)
	if err != nil {
		return nil, err
	}
	o := &object{flags: h.header.Flags, ident: h.header.Ident}
	if o.isa, err = isaOf(elf.Machine(h.header.Machine)); err != nil {
		return nil, err
	}
	entries, symbolNames, symtab, err := h.symtab()
	if err != nil {
		return nil, err
	}

	byNumber := make([]*section, len(h.sections))
	groups := make([]*group, len(h.sections))
	content := uint64(0)
	for i := 1; i < len(h.sections); i++ {
		if byNumber[i], err = h.section(i, symtab); err != nil {
			name, _ := h.name(i)
			return nil, fmt.Errorf("section %d %q: %w", i, name, err)
		}
		if elf.SectionType(h.sections[i].Type) == elf.SHT_GROUP {
			groups[i] = &group{}
		}
		if byNumber[i] != nil {
			o.sections = append(o.sections, byNumber[i])
			if content += uint64(len(byNumber[i].data)); content > uint64(len(file)) {
				return nil, errors.New("sections that overlap")
			}
		}
	}
	at := func(i uint64) (*section, error) {
		if i >= uint64(len(byNumber)) || byNumber[i] == nil {
			return nil, fmt.Errorf("number %d is no section of code or data", i)
		}
		return byNumber[i], nil
	}

	symbols := make([]*symbol, max(len(entries)/symbolSize, 1)) // number 0 is nil
	for i := 1; i < len(symbols); i++ {
		e := decodeSymbol(entries, i)
		s := &symbol{info: e.Info, other: e.Other, value: e.Value, size: e.Size}
		if s.name, err = nameAt(symbolNames, e.Name); err != nil {
			return nil, fmt.Errorf("symbol %d: %w", i, err)
		}
		switch n := elf.SectionIndex(e.Shndx); {
		case n == elf.SHN_UNDEF, n == elf.SHN_ABS, n == elf.SHN_COMMON:
			s.special = n
		case n >= elf.SHN_LORESERVE:
			return nil, fmt.Errorf("symbol %s: in section %#x, which has no meaning here", s.name, uint16(n))
		default:
			if int(n) < len(groups) && groups[n] != nil {
				s.group = groups[n]
				break
			}
			if int(n) < len(byNumber) && byNumber[n] == nil && s.typ() == elf.STT_SECTION {
				continue // of a table that is not kept as a section; nothing refers to it
			}
			if s.section, err = at(uint64(n)); err != nil {
				return nil, fmt.Errorf("symbol %s: %w", s.name, err)
			}
		}
		symbols[i] = s
		o.symbols = append(o.symbols, s)
	}

	for i := 1; i < len(h.sections); i++ {
		s := &h.sections[i]
		switch elf.SectionType(s.Type) {
		case elf.SHT_RELA:
			err = h.relocations(i, symtab, at, symbols)
		case elf.SHT_GROUP:
			err = h.group(i, symtab, groups[i], byNumber, symbols)
		default:
			if byNumber[i] != nil && elf.SectionFlag(s.Flags)&elf.SHF_LINK_ORDER != 0 && s.Link != 0 {
				byNumber[i].order, err = at(uint64(s.Link))
			}
		}
		if err != nil {
			name, _ := h.name(i)
			return nil, fmt.Errorf("section %d %q: %w", i, name, err)
		}
	}
	return o, nil
}

// section reads section i, or returns nil if it is a table that the object
// keeps elsewhere or does not keep.
func (h *headers) section(i, symtab int) (*section, error) {
	raw := &h.sections[i]
	s := &section{
		typ: elf.SectionType(raw.Type), flags: elf.SectionFlag(raw.Flags),
		align: max(raw.Addralign, 1), entsize: raw.Entsize, size: raw.Size,
	}
	var err error
	if s.name, err = h.name(i); err != nil {
		return nil, err
	}
	switch s.typ {
	case elf.SHT_NULL, elf.SHT_SYMTAB, elf.SHT_RELA, elf.SHT_GROUP, shtLLVMAddrsig, shtLLVMCallGraphProfile:
		return nil, nil
	case elf.SHT_STRTAB:
		// Debug information may have one of its own.
		if i == int(h.header.Shstrndx) || symtab != 0 && i == int(h.sections[symtab].Link) {
			return nil, nil
		}
	case elf.SHT_REL, elf.SHT_SYMTAB_SHNDX, elf.SHT_DYNAMIC, elf.SHT_DYNSYM, elf.SHT_HASH:
		return nil, fmt.Errorf("is of type %v, which no object of tpcc's has", s.typ)
	}
	if s.align&(s.align-1) != 0 || s.align > maxAlign {
		return nil, fmt.Errorf("is aligned to %d, not to a power of two up to %d", s.align, maxAlign)
	}
	if s.flags&elf.SHF_LINK_ORDER == 0 {
		if raw.Link != 0 {
			return nil, fmt.Errorf("of type %v, refers to section %d", s.typ, raw.Link)
		}
		s.info = raw.Info
	}
	s.flags &^= elf.SHF_GROUP // the group says it
	if s.typ == elf.SHT_NOBITS {
		if s.size > maxSize {
			return nil, fmt.Errorf("has %#x bytes, more than the %#x allowed", s.size, maxSize)
		}
		return s, nil
	}
	data, err := h.data(i)
	if err != nil {
		return nil, err
	}
	s.data = data
	return s, nil
}

func (h *headers) relocations(i, symtab int, at func(uint64) (*section, error), symbols []*symbol) error {
	raw := &h.sections[i]
	target, err := at(uint64(raw.Info))
	if err != nil {
		return err
	}
	if int(raw.Link) != symtab || raw.Entsize != relaSize || raw.Size%relaSize != 0 || target.relas != nil {
		return errors.New("bad relocations")
	}
	data, err := h.data(i)
	if err != nil {
		return err
	}
	target.relas = make([]rela, 0, len(data)/relaSize)
	le := binary.LittleEndian
	for ; len(data) > 0; data = data[relaSize:] {
		info := le.Uint64(data[8:])
		r := rela{off: le.Uint64(data), typ: elf.R_TYPE64(info), addend: int64(le.Uint64(data[16:]))}
		n := elf.R_SYM64(info)
		if uint64(n) >= uint64(len(symbols)) || n > 0 && symbols[n] == nil {
			return fmt.Errorf("relocation at %#x: symbol %d of %d", r.off, n, len(symbols))
		}
		if r.off >= target.size {
			return fmt.Errorf("relocation at %#x: outside of the %#x bytes of section %s", r.off, target.size, target.name)
		}
		r.sym = symbols[n]
		target.relas = append(target.relas, r)
	}
	return nil
}

func (h *headers) group(i, symtab int, g *group, byNumber []*section, symbols []*symbol) error {
	raw := &h.sections[i]
	data, err := h.data(i)
	if err != nil {
		return err
	}
	if int(raw.Link) != symtab || len(data) < 4 || len(data)%4 != 0 || raw.Info == 0 || uint64(raw.Info) >= uint64(len(symbols)) || symbols[raw.Info] == nil {
		return errors.New("a bad group")
	}
	g.signature, g.flags = symbols[raw.Info], binary.LittleEndian.Uint32(data)
	if g.name, err = h.name(i); err != nil {
		return err
	}
	empty := true
	for data = data[4:]; len(data) > 0; data = data[4:] {
		n := binary.LittleEndian.Uint32(data)
		if n == 0 || uint64(n) >= uint64(len(byNumber)) {
			return fmt.Errorf("a group with section %d of %d", n, len(byNumber))
		}
		s := byNumber[n]
		if s == nil {
			continue // the relocations of another member
		}
		if s.group != nil {
			return fmt.Errorf("section %s is in two groups", s.name)
		}
		s.group = g
		empty = false
	}
	if empty {
		return errors.New("a group without sections")
	}
	return nil
}

// stringTable makes a table of names.
type stringTable struct {
	data []byte
	at   map[string]uint32
}

func (t *stringTable) add(name string) uint32 {
	if t.at == nil {
		t.data, t.at = []byte{0}, map[string]uint32{"": 0}
	}
	off, ok := t.at[name]
	if !ok {
		off = uint32(len(t.data))
		t.at[name] = off
		t.data = append(append(t.data, name...), 0)
	}
	return off
}

// encode writes the object.
func (o *object) encode() ([]byte, error) {
	// Local symbols come first, as ELF wants it.
	locals, globals := []*symbol{nil}, []*symbol(nil)
	for _, s := range o.symbols {
		if s.bind() == elf.STB_LOCAL {
			locals = append(locals, s)
		} else {
			globals = append(globals, s)
		}
	}
	symbols := append(locals, globals...)
	for i, s := range symbols[1:] {
		s.index = uint32(i + 1)
	}

	// Numbers of sections: groups, then sections, each before its
	// relocations, then the tables of symbols and names.
	var groups []*group
	number := 1
	seen := map[*group]bool{}
	for _, s := range o.sections {
		if s.group != nil && !seen[s.group] {
			seen[s.group] = true
			groups = append(groups, s.group)
			s.group.index = uint16(number)
			number++
		}
	}
	members := map[*group][]uint32{}
	for _, s := range o.sections {
		if number+3 > maxSections {
			return nil, fmt.Errorf("more than %d sections; split the source file", maxSections)
		}
		s.index = uint16(number)
		number++
		list := []uint32{uint32(s.index)}
		if len(s.relas) > 0 {
			list = append(list, uint32(number))
			number++
		}
		if s.group != nil {
			members[s.group] = append(members[s.group], list...)
		}
	}
	symtab, strtab, shstrtab := number, number+1, number+2

	var names, symbolNames stringTable
	le := binary.LittleEndian
	out := make([]byte, elfHeaderSize)
	table := []elf.Section64{{}}
	add := func(s elf.Section64, name string, data []byte) {
		// In a relocatable file an offset need not be aligned as the address
		// will be; only what readers take as an array shall be.
		for align := min(max(s.Addralign, 1), 16); uint64(len(out))%align != 0; {
			out = append(out, 0)
		}
		s.Name, s.Off = names.add(name), uint64(len(out))
		if elf.SectionType(s.Type) != elf.SHT_NOBITS {
			s.Size = uint64(len(data))
		}
		out = append(out, data...)
		table = append(table, s)
	}
	for _, g := range groups {
		data := le.AppendUint32(nil, g.flags)
		for _, n := range members[g] {
			data = le.AppendUint32(data, n)
		}
		add(elf.Section64{Type: uint32(elf.SHT_GROUP), Addralign: 4, Entsize: 4, Link: uint32(symtab), Info: g.signature.index}, g.name, data)
	}
	for _, s := range o.sections {
		raw := elf.Section64{Type: uint32(s.typ), Flags: uint64(s.flags), Addralign: s.align, Entsize: s.entsize, Size: s.size, Info: s.info}
		var flags uint64
		if s.group != nil {
			flags = uint64(elf.SHF_GROUP)
		}
		raw.Flags |= flags
		if s.order != nil {
			raw.Link = uint32(s.order.index)
		}
		add(raw, s.name, s.data)
		if len(s.relas) == 0 {
			continue
		}
		data := make([]byte, 0, len(s.relas)*relaSize)
		for _, r := range s.relas {
			var n uint32
			if r.sym != nil {
				n = r.sym.index
			}
			data = le.AppendUint64(data, r.off)
			data = le.AppendUint64(data, elf.R_INFO(n, r.typ))
			data = le.AppendUint64(data, uint64(r.addend))
		}
		add(elf.Section64{Type: uint32(elf.SHT_RELA), Flags: uint64(elf.SHF_INFO_LINK) | flags, Addralign: 8, Entsize: relaSize, Link: uint32(symtab), Info: uint32(s.index)},
			".rela"+s.name, data)
	}
	entries := make([]byte, symbolSize)
	for _, s := range symbols[1:] {
		n := uint16(s.special)
		if s.section != nil {
			n = s.section.index
		} else if s.group != nil {
			n = s.group.index
		}
		entries = le.AppendUint32(entries, symbolNames.add(s.name))
		entries = append(entries, s.info, s.other)
		entries = le.AppendUint16(entries, n)
		entries = le.AppendUint64(entries, s.value)
		entries = le.AppendUint64(entries, s.size)
	}
	symbolNames.add("")
	add(elf.Section64{Type: uint32(elf.SHT_SYMTAB), Addralign: 8, Entsize: symbolSize, Link: uint32(strtab), Info: uint32(len(locals))}, ".symtab", entries)
	add(elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, ".strtab", symbolNames.data)
	names.add(".shstrtab") // to be in its own content
	add(elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, ".shstrtab", names.data)
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	h := elf.Header64{
		Ident: o.ident, Type: uint16(elf.ET_REL), Machine: uint16(o.isa.Machine()), Version: uint32(elf.EV_CURRENT), Flags: o.flags,
		Shoff: uint64(len(out)), Ehsize: elfHeaderSize, Shentsize: sectionHeaderSize, Shnum: uint16(len(table)), Shstrndx: uint16(shstrtab),
	}
	out = appendStruct(out, table)
	copy(out, appendStruct(nil, h))
	return out, nil
}

// appendStruct appends a value of fixed size.
func appendStruct(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err) // v is of a type without a fixed size
	}
	return b
}

// find returns the sections of a name.
func (o *object) find(name string) []*section {
	var found []*section
	for _, s := range o.sections {
		if s.name == name {
			found = append(found, s)
		}
	}
	return found
}

// remove takes out sections that nothing refers to but symbols, which go too.
func (o *object) remove(drop func(*section) bool) {
	o.symbols = slices.DeleteFunc(o.symbols, func(s *symbol) bool { return s.section != nil && drop(s.section) })
	o.sections = slices.DeleteFunc(o.sections, drop)
}
