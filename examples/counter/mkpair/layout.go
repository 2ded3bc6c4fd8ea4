package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"
)

// The program's addresses. The runtime puts the initial stack below base.
const (
	base     = 0x1000000
	pageSize = 0x10000 // the largest of any ISA
	headers  = 0x200   // room for the ELF and program headers
)

// kind is what the linker does with a section. All but the last two lie at
// the same address on each ISA.
type kind int

const (
	code    kind = iota // functions from the compiler
	stubs               // functions in assembly
	rodata              // constants that have a name
	data                // variables
	bss                 // variables that are zero at the start
	unwind              // .eh_frame
	private             // constants without a name, and what one ISA alone needs
)

// kindOf sorts a section by its name. Anonymous sections are refused: what has
// no name cannot be found on the other ISA.
func kindOf(s *section) (kind, error) {
	switch {
	case s.name == ".eh_frame":
		return unwind, nil
	case strings.HasPrefix(s.name, ".private."), strings.HasPrefix(s.name, ".rodata.cst"):
		return private, nil
	case s.flags&elf.SHF_MERGE != 0:
		return 0, errors.New("string literals have no name: make them named arrays")
	case strings.HasPrefix(s.name, ".text."):
		return code, nil
	case strings.HasPrefix(s.name, ".stub."):
		return stubs, nil
	case strings.HasPrefix(s.name, ".rodata."):
		return rodata, nil
	case strings.HasPrefix(s.name, ".data."):
		return data, nil
	case strings.HasPrefix(s.name, ".bss."):
		return bss, nil
	}
	return 0, errors.New("what is in it? Build with -ffunction-sections and -fdata-sections")
}

// A slot is the place of one section, large enough for it on each ISA.
type slot struct {
	name        string
	size, align uint64
	addr        uint64
}

// A layout says where everything lies, on each ISA alike.
type layout struct {
	slots [bss + 1][]*slot
	// Bytes that the sections without slots take, on the ISA where they take more.
	unwind, private uint64

	start [bss + 1]uint64 // of the kinds with slots
	end   [bss + 1]uint64
	roEnd uint64 // of the segment with the constants
}

// newLayout finds places for the sections of a pair's objects.
func newLayout(isas [][]*object) (*layout, error) {
	l := &layout{}
	var names []map[string]bool
	slots := map[string]*slot{}
	for _, objects := range isas {
		seen := map[string]bool{}
		names = append(names, seen)
		var sizes [private + 1]uint64
		for _, o := range objects {
			for _, s := range o.sections {
				k, err := kindOf(s)
				if err != nil {
					return nil, fmt.Errorf("%s: section %s: %w", o.path, s.name, err)
				}
				if k > bss {
					sizes[k] += up(s.size, s.align) + s.align
					continue
				}
				if seen[s.name] {
					return nil, fmt.Errorf("%s: section %s: another object has one of that name", o.path, s.name)
				}
				seen[s.name] = true
				sl := slots[s.name]
				if sl == nil {
					sl = &slot{name: s.name, size: s.size}
					slots[s.name] = sl
					l.slots[k] = append(l.slots[k], sl)
				}
				if (k == data || k == bss) && s.size != sl.size {
					return nil, fmt.Errorf("%s: section %s: its size is not the same on each architecture", o.path, s.name)
				}
				sl.size, sl.align = max(sl.size, s.size), max(sl.align, s.align)
			}
		}
		l.unwind, l.private = max(l.unwind, sizes[unwind]), max(l.private, sizes[private])
	}
	for _, seen := range names {
		for name := range slots {
			if !seen[name] {
				return nil, fmt.Errorf("section %s: one architecture has none of that name", name)
			}
		}
	}

	next := uint64(base + headers)
	for k := code; k <= bss; k++ {
		if k == rodata || k == data {
			next = up(next, pageSize) // a new segment
		}
		for _, s := range l.slots[k] {
			next = up(next, s.align) // the linker wants a section as aligned as what is in it
		}
		l.start[k] = next
		for _, s := range l.slots[k] {
			s.addr = up(next, s.align)
			next = s.addr + s.size
		}
		l.end[k] = next
		if k == rodata {
			const buildID = 64 // a note of 36 bytes
			next = up(next+buildID+l.unwind+l.private, 64)
			l.roEnd = next
		}
	}
	return l, nil
}

// up rounds n up to a multiple of align, which is a power of two.
func up(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// script is the linker script for each ISA.
func (l *layout) script() string {
	var b strings.Builder
	section := func(name string, k kind, segment string) {
		fmt.Fprintf(&b, "\t%s %#x : {\n", name, l.start[k])
		for _, s := range l.slots[k] {
			fmt.Fprintf(&b, "\t\t. = %#x; *(%s)\n", s.addr, s.name)
		}
		fmt.Fprintf(&b, "\t\t. = %#x;\n\t} :%s\n", l.end[k], segment)
	}
	b.WriteString(`ENTRY(_start)
PHDRS {
	text PT_LOAD FILEHDR PHDRS FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
	stack PT_GNU_STACK FLAGS(6);
}
SECTIONS {
`)
	fmt.Fprintf(&b, "\t. = %#x + SIZEOF_HEADERS;\n", base)
	section(".text", code, "text")
	section(".stub", stubs, "text")
	section(".rodata", rodata, "rodata")
	b.WriteString("\t.note.gnu.build-id : { *(.note.gnu.build-id) } :rodata :note\n")
	b.WriteString("\t.eh_frame : { *(.eh_frame) } :rodata\n")
	// The byte at the end makes the segment as long on each ISA.
	fmt.Fprintf(&b, "\t.private : { *(.private.*) *(.rodata.cst*) . = %#x; BYTE(0) } :rodata\n", l.roEnd-1)
	section(".data", data, "data")
	section(".bss", bss, "data")
	b.WriteString("\t.symtab : { *(.symtab) }\n\t.strtab : { *(.strtab) }\n\t.shstrtab : { *(.shstrtab) }\n")
	// The assembler leaves an empty section of each of these names.
	b.WriteString("\t/DISCARD/ : { *(.text) *(.data) *(.bss) *(.stack_sizes) *(.comment) *(.note.GNU-stack) }\n}\n")
	return b.String()
}
