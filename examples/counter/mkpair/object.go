package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// An object is what we must know of a relocatable file: its sections in their
// order, and what the functions in them call.
type object struct {
	path     string
	machine  elf.Machine
	source   string // name of the source file, without a folder
	sections []*section
	funcs    []*function
}

// A section is one that takes part in the link and is not empty.
type section struct {
	name  string
	flags elf.SectionFlag
	bits  bool // has content in the file
	size  uint64
	align uint64
}

// A function is one that has a symbol. With -ffunction-sections it begins its
// section.
type function struct {
	name     string
	source   string
	compiled bool   // by the compiler, which leaves its stack size; the rest is assembly
	stack    uint64 // stack size as LLVM counts it, if compiled
	calls    []call // in the order of their addresses
}

// A call is a direct one, by an instruction that the linker fills in.
type call struct {
	ret    uint64 // offset of the return address from the caller's start
	callee string
}

// callRelocs are the relocations of direct calls. Each ISA's return address
// is four bytes behind the place that it relocates: behind the displacement of
// x86-64's call (e8), behind aarch64's bl itself.
var callRelocs = map[elf.Machine]map[uint32]bool{
	elf.EM_X86_64:  {uint32(elf.R_X86_64_PLT32): true, uint32(elf.R_X86_64_PC32): true},
	elf.EM_AARCH64: {uint32(elf.R_AARCH64_CALL26): true},
}

const callRelocToReturn = 4

// isCall tells whether a relocation of a kind in callRelocs belongs to a call:
// on x86-64 the same kinds relocate jumps and data.
func isCall(m elf.Machine, code []byte, off uint64) bool {
	if off+callRelocToReturn > uint64(len(code)) {
		return false
	}
	return m != elf.EM_X86_64 || off > 0 && code[off-1] == 0xe8
}

// hasOwnCall tells whether there is a call that the assembler has filled in
// itself, which it does for calls within a section. It is seen on aarch64,
// where each instruction is a word; the other ISA has the same calls.
func hasOwnCall(m elf.Machine, code []byte, relocs []elf.Rela64) bool {
	if m != elf.EM_AARCH64 {
		return false
	}
	const bl = 0x25 // in the upper six bits
	for off := 0; off+4 <= len(code); off += 4 {
		if binary.LittleEndian.Uint32(code[off:])>>26 == bl &&
			!slices.ContainsFunc(relocs, func(r elf.Rela64) bool { return r.Off == uint64(off) }) {
			return true
		}
	}
	return false
}

func readObject(path string) (*object, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: not an object file: %w", path, err)
	}
	o := &object{path: path, machine: f.Machine}
	if f.Type != elf.ET_REL || callRelocs[f.Machine] == nil {
		return nil, fmt.Errorf("%s: not an object file of x86-64 or aarch64", path)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	inSection := map[elf.SectionIndex]*function{}
	for _, s := range symbols {
		switch elf.ST_TYPE(s.Info) {
		case elf.STT_FILE:
			o.source = s.Name
		case elf.STT_FUNC:
			if s.Section == elf.SHN_UNDEF {
				break
			}
			if s.Value != 0 || inSection[s.Section] != nil {
				return nil, fmt.Errorf("%s: %s shares its section: build with -ffunction-sections", path, s.Name)
			}
			fn := &function{name: s.Name}
			inSection[s.Section] = fn
			o.funcs = append(o.funcs, fn)
		}
	}
	for _, fn := range o.funcs {
		fn.source = o.source
	}

	// The function that a relocation refers to: one of this object, or the
	// name of another object's.
	target := func(r elf.Rela64) (*function, string) {
		i := elf.R_SYM64(r.Info)
		if i == 0 || int(i) > len(symbols) {
			return nil, ""
		}
		s := symbols[i-1]
		if fn := inSection[s.Section]; fn != nil {
			return fn, fn.name
		}
		return nil, s.Name
	}

	for i, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Size > 0 {
			o.sections = append(o.sections, &section{
				name: s.Name, flags: s.Flags, bits: s.Type != elf.SHT_NOBITS, size: s.Size, align: max(s.Addralign, 1),
			})
		}
		if s.Type != elf.SHT_RELA {
			continue
		}
		relocated := f.Sections[s.Info]
		relocs, err := readRelocs(s)
		if err != nil {
			return nil, fmt.Errorf("%s: section %d: %w", path, i, err)
		}
		if relocated.Name == ".stack_sizes" {
			if len(relocs) != 1 {
				return nil, fmt.Errorf("%s: section %d: stack sizes of %d functions, not of one", path, s.Info, len(relocs))
			}
			fn, name := target(relocs[0])
			if fn == nil {
				return nil, fmt.Errorf("%s: stack size of %q, which is no function", path, name)
			}
			fn.compiled = true
			if fn.stack, err = readStackSize(relocated); err != nil {
				return nil, fmt.Errorf("%s: stack size of %s: %w", path, fn.name, err)
			}
		}
		if fn := inSection[elf.SectionIndex(s.Info)]; fn != nil {
			code, err := relocated.Data()
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, fn.name, err)
			}
			if hasOwnCall(o.machine, code, relocs) {
				return nil, fmt.Errorf("%s: %s calls itself, which the assembler leaves no trace of in a static function: make it not static", path, fn.name)
			}
			for _, r := range relocs {
				if callRelocs[o.machine][elf.R_TYPE64(r.Info)] && isCall(o.machine, code, r.Off) {
					_, callee := target(r)
					fn.calls = append(fn.calls, call{ret: r.Off + callRelocToReturn, callee: callee})
				}
			}
		}
	}
	return o, nil
}

func readRelocs(s *elf.Section) ([]elf.Rela64, error) {
	relocs := make([]elf.Rela64, s.Size/24)
	err := binary.Read(s.Open(), binary.LittleEndian, relocs)
	return relocs, err
}

// readStackSize reads a section of -fstack-size-section that holds one entry:
// the function's address, still to be relocated, and a ULEB128 number of bytes.
func readStackSize(s *elf.Section) (uint64, error) {
	data, err := s.Data()
	if err != nil {
		return 0, err
	}
	if len(data) < 8 {
		return 0, io.ErrUnexpectedEOF
	}
	r := bytes.NewReader(data[8:])
	size, err := binary.ReadUvarint(r) // Go's varints are ULEB128
	if err == nil && r.Len() != 0 {
		err = errors.New("more than one entry")
	}
	return size, err
}
