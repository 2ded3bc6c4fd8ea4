package layout

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// A Placed is a function of a linked program.
type Placed struct {
	Function
	Unit string
	Nth  int    // the unit's number in the program: that of its object in the link
	Addr uint64 // 0 if the linker left it out
	Size uint64 // of its place, on each ISA
}

// Functions reads from a linked x86-64 program what the objects in it said of
// their functions, in the order of the link.
func Functions(linked []byte) ([]Placed, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, err
	}
	content := func(name string) ([]byte, error) {
		s := f.Section(name)
		if s == nil {
			return nil, nil
		}
		data, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		return data, nil
	}
	lines, err := content(sectionUnit)
	if err != nil {
		return nil, err
	}
	rows, err := content(sectionFunctions)
	if err != nil {
		return nil, err
	}
	units, err := ParseUnits(lines)
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", sectionUnit, err)
	}
	var list []Placed
	for i, u := range units {
		for _, fn := range u.Functions {
			if len(rows) < functionRowSize {
				return nil, fmt.Errorf("section %s: nothing of function %s of %s", sectionFunctions, fn.Name, u.Name)
			}
			list = append(list, Placed{
				Function: fn, Unit: u.Name, Nth: i,
				Addr: binary.LittleEndian.Uint64(rows), Size: binary.LittleEndian.Uint64(rows[8:]),
			})
			rows = rows[functionRowSize:]
		}
	}
	if len(rows) != 0 {
		return nil, fmt.Errorf("section %s: %d bytes belong to no function", sectionFunctions, len(rows))
	}
	return list, nil
}

// UniqueIDs gives the sites of a program IDs of their own: two units of one
// name may have the same. It changes the stack maps of the linked files, and
// the functions, which must be all that Functions returned. Only the second
// and later uses of an ID change, alike on each ISA, as both have their units
// in one order.
func UniqueIDs(linked [numISAs][]byte, functions []Placed) error {
	uses := map[ID]int{}
	for i := range functions {
		here := map[ID]ID{} // within a unit they are unique already
		for j := range functions[i].Sites {
			s := &functions[i].Sites[j]
			n := uses[s.ID]
			uses[s.ID]++
			here[s.ID] = another(s.ID, n)
			s.ID = here[s.ID]
		}
		for j := range functions[i].Jumps {
			if id, ok := here[functions[i].Jumps[j].Site]; ok {
				functions[i].Jumps[j].Site = id
			}
		}
	}
	for _, isa := range ISAs {
		if err := uniqueRecords(linked[isa], uses); err != nil {
			return fmt.Errorf("%v: section %s: %w", isa, sectionStackmaps, err)
		}
	}
	return nil
}

// another is the ID that stands for the n-th further use of an ID.
func another(id ID, n int) ID {
	if n == 0 {
		return id
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%016x#%d", uint64(id), n))
	return ID(binary.LittleEndian.Uint64(sum[:])>>1 | 1)
}

// uniqueRecords changes the IDs in the stack maps of a linked file that have
// more than one use.
func uniqueRecords(linked []byte, uses map[ID]int) error {
	seen := map[ID]int{}
	err := eachRecord(linked, func(field []byte) {
		id := ID(binary.LittleEndian.Uint64(field))
		if uses[id] > 1 {
			binary.LittleEndian.PutUint64(field, uint64(another(id, seen[id])))
			seen[id]++
		}
	})
	if err != nil {
		return err
	}
	for id, n := range seen {
		if n != uses[id] {
			return fmt.Errorf("%d records of site %016x, where the units have %d", n, uint64(id), uses[id])
		}
	}
	return nil
}

// SiteRecords counts the records that the stack maps of a linked file have of
// each site.
func SiteRecords(linked []byte) (map[ID]int, error) {
	count := map[ID]int{}
	err := eachRecord(linked, func(field []byte) { count[ID(binary.LittleEndian.Uint64(field))]++ })
	if err != nil {
		return nil, fmt.Errorf("section %s: %w", sectionStackmaps, err)
	}
	return count, nil
}

// eachRecord finds the 8 bytes of each ID in the stack maps of a linked file;
// see llvm.org/docs/StackMaps.html for their format.
func eachRecord(linked []byte, visit func(field []byte)) error {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return err
	}
	s := f.Section(sectionStackmaps)
	if s == nil {
		return nil
	}
	if s.Offset > uint64(len(linked)) || s.Size > uint64(len(linked))-s.Offset {
		return errors.New("outside of the file")
	}
	le := binary.LittleEndian
	data := linked[s.Offset : s.Offset+s.Size]
	truncated := errors.New("a stack map ends too early")
	for len(data) > 0 {
		const header, function, record = 16, 24, 16
		if len(data) < header || data[0] != 3 {
			return errors.New("not a stack map of version 3")
		}
		functions, constants, records := uint64(le.Uint32(data[4:])), uint64(le.Uint32(data[8:])), le.Uint32(data[12:])
		skip := header + functions*function + constants*8
		if skip > uint64(len(data)) {
			return truncated
		}
		data = data[skip:]
		for range records {
			if len(data) < record {
				return truncated
			}
			visit(data[:8])
			n := up(record+12*uint64(le.Uint16(data[14:])), 8)
			if n+4 > uint64(len(data)) {
				return truncated
			}
			n = up(n+4+4*uint64(le.Uint16(data[n+2:])), 8)
			if n > uint64(len(data)) {
				return truncated
			}
			data = data[n:]
		}
		for len(data) > 0 && data[0] == 0 { // between two maps
			data = data[1:]
		}
	}
	return nil
}

// Tables are the names of the sections that only the link itself needs.
func Tables(name string) bool { return name == sectionUnit || name == sectionFunctions }

// Symbols are the names of the sections that only a debugger needs.
func Symbols(name string) bool {
	return name == ".symtab" || name == ".strtab" || name == ".comment" || Debug(name)
}

// Debug are the names of the sections with debug information.
func Debug(name string) bool {
	return bytes.HasPrefix([]byte(name), []byte(".debug_"))
}

// Strip takes sections out of a linked program. Loaded ones stay, whatever
// drop says.
func Strip(linked []byte, drop func(name string) bool) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, err
	}
	var h elf.Header64
	if _, err := binary.Decode(linked, binary.LittleEndian, &h); err != nil {
		return nil, err
	}
	end := h.Phoff + uint64(h.Phnum)*uint64(h.Phentsize)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			end = max(end, p.Off+p.Filesz)
		}
	}
	if end > uint64(len(linked)) {
		return nil, errors.New("segments outside of the file")
	}
	number := make([]uint32, len(f.Sections)) // the new one, 0 if dropped
	kept := uint32(1)
	for i, s := range f.Sections[min(1, len(f.Sections)):] {
		if s.Flags&elf.SHF_ALLOC != 0 || i+1 == int(h.Shstrndx) || !drop(s.Name) {
			number[i+1] = kept
			kept++
		}
	}
	out := linked[:end:end]
	align := func(n uint64) {
		for n > 1 && uint64(len(out))%n != 0 {
			out = append(out, 0)
		}
	}
	var names stringTable
	table := []elf.Section64{{}}
	for i, s := range f.Sections {
		if number[i] == 0 {
			continue
		}
		raw := elf.Section64{
			Name: names.add(s.Name), Type: uint32(s.Type), Flags: uint64(s.Flags), Addr: s.Addr, Off: s.Offset, Size: s.FileSize,
			Link: s.Link, Info: s.Info, Addralign: s.Addralign, Entsize: s.Entsize,
		}
		if s.Type == elf.SHT_NOBITS {
			raw.Size = s.Size
		}
		if int(s.Link) < len(number) {
			raw.Link = number[s.Link]
		}
		table = append(table, raw)
		if s.Flags&elf.SHF_ALLOC != 0 || i == int(h.Shstrndx) {
			continue
		}
		if s.Offset > uint64(len(linked)) || s.FileSize > uint64(len(linked))-s.Offset {
			return nil, fmt.Errorf("section %s: outside of the file", s.Name)
		}
		align(s.Addralign)
		table[number[i]].Off = uint64(len(out))
		content := bytes.Clone(linked[s.Offset : s.Offset+s.FileSize])
		if s.Type == elf.SHT_SYMTAB {
			for e := content; len(e) >= symbolSize; e = e[symbolSize:] {
				if n := binary.LittleEndian.Uint16(e[6:]); int(n) < len(number) {
					binary.LittleEndian.PutUint16(e[6:], uint16(number[n]))
				}
			}
		}
		out = append(out, content...)
	}
	h.Shstrndx = uint16(number[h.Shstrndx])
	if s := &table[h.Shstrndx]; h.Shstrndx != 0 {
		s.Off, s.Size = uint64(len(out)), uint64(len(names.data))
		out = append(out, names.data...)
	}
	align(8)
	h.Shoff, h.Shnum = uint64(len(out)), uint16(len(table))
	out = appendStruct(out, table)
	copy(out, appendStruct(nil, h))
	return out, nil
}
