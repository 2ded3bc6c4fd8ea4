package layout

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The address space of a program.
const (
	base     = 0x400000
	pageSize = 0x10000 // the largest of any ISA

	// headersSize is more than the headers take, gotSize than the linker's
	// own entries.
	headersSize = 0x400
	gotSize     = 0x40

	alignTLS = 64 // what the runtime aligns a thread's block to
)

// Output sections that differ from one ISA to the other.
const (
	outPrivateText   = ".private.text"
	outPrivateRodata = ".private.rodata"
)

// place is where the linker puts the sections of a name.
type place int

const (
	// Private to each ISA.
	inPrivateText place = iota
	inPrivateRodata
	// At one address on each.
	inText
	inRodata
	inInit // arrays of functions to call
	inTLS
	inReset
	inData
	inBSS
	// Not loaded.
	inFile
	inTables // to be taken out after the link
	nowhere
)

// sectionReset is for variables that a translation sets to zero: what they
// cache is not true elsewhere.
const sectionReset = "tpreset"

// placeOf sorts a section by its name, type and flags. A section of an output
// section of its own has custom set.
func placeOf(name string, typ elf.SectionType, flags elf.SectionFlag) (p place, custom bool) {
	under := func(prefix string) bool { return name == prefix || strings.HasPrefix(name, prefix+".") }
	if flags&elf.SHF_ALLOC == 0 {
		switch {
		case name == sectionUnit || name == sectionFunctions:
			return inTables, false
		case flags&shfExclude != 0 || name == ".note.GNU-stack":
			return nowhere, false
		}
		return inFile, name != ".comment"
	}
	switch {
	case typ == elf.SHT_NOTE:
		return nowhere, false
	case under(privateText), name == ".init", name == ".fini":
		return inPrivateText, false
	case under(strings.TrimSuffix(privatePrefix, ".")), name == sectionEHFrame, under(sectionExcept):
		return inPrivateRodata, false
	case under(".preinit_array"), under(".init_array"), under(".fini_array"):
		return inInit, false
	case name == sectionTLS:
		return inTLS, false
	case name == sectionReset:
		return inReset, false
	case flags&elf.SHF_EXECINSTR != 0:
		return inText, !under(".text")
	case flags&elf.SHF_WRITE == 0:
		return inRodata, !under(".rodata")
	case typ != elf.SHT_NOBITS:
		return inData, !under(".data")
	}
	return inBSS, !under(".bss")
}

// LinkerFlags are those that ld.lld needs for a program, beside the script.
func LinkerFlags() []string {
	return []string{
		"-static", "--no-gc-sections", "--call-graph-profile-sort=none", "--orphan-handling=error", "--build-id=sha1",
		"-z", "norelro", "-z", "noexecstack", "-z", fmt.Sprintf("max-page-size=%d", pageSize),
	}
}

// NewScript makes the linker script for a program of these objects. It serves
// each ISA. What is private to an ISA lies in ranges that are large enough on
// every one.
func NewScript(objects []*Object) ([]byte, error) {
	var room [numISAs]struct{ text, rodata uint64 }
	custom := map[string]place{}
	for _, o := range objects {
		for _, isa := range ISAs {
			h, err := readHeaders(o.Parts[isa])
			if err == nil {
				err = h.inventory(isa, custom, &room[isa].text, &room[isa].rodata)
			}
			if err != nil {
				return nil, fmt.Errorf("%v: %v: %w", o, isa, err)
			}
		}
	}
	text, rodata := uint64(headersSize), uint64(gotSize)
	for _, r := range room {
		text, rodata = max(text, headersSize+r.text), max(rodata, gotSize+r.rodata)
	}

	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	// Those with an output section of their own.
	customs := func(p place, segment string) {
		var names []string
		for name, q := range custom {
			if q == p {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			line("\t%s : { *(%s) } %s", name, name, segment)
		}
	}
	array := func(name string) {
		line("\t.%s : {", name)
		line("\t\tPROVIDE_HIDDEN(__%s_start = .);", name)
		line("\t\tKEEP(*(SORT_BY_INIT_PRIORITY(.%s.*)))", name)
		line("\t\tKEEP(*(.%s))", name)
		line("\t\tPROVIDE_HIDDEN(__%s_end = .);", name)
		line("\t} :data")
	}
	line("ENTRY(_start)")
	line("PHDRS {")
	line("\ttext PT_LOAD FILEHDR PHDRS FLAGS(5);")
	line("\trodata PT_LOAD FLAGS(4);")
	line("\tdata PT_LOAD FLAGS(6);")
	line("\tnote PT_NOTE FLAGS(4);")
	line("\tstack PT_GNU_STACK FLAGS(6);")
	line("}")
	line("SECTIONS {")
	line("\t. = %#x;", base)
	line("\tPROVIDE(__executable_start = .);")
	line("\t. += SIZEOF_HEADERS;")
	line("\t%s : { *(.init) *(.fini) *(%s %s.*) } :text", outPrivateText, privateText, privateText)
	// A byte at the end, as a segment must not end where private sections do.
	line("\t. = %#x;", up(base+text, pageSize))
	line("\t.text : { *(.text .text.*) BYTE(0) } :text")
	customs(inText, ":text")
	line("\tPROVIDE(etext = .); PROVIDE(_etext = .); PROVIDE(__etext = .);")
	line("\t. = ALIGN(%#x);", pageSize)
	line("\t__tp_rodata = . + %#x;", up(rodata+headersSize, pageSize))
	line("\t.note.gnu.build-id : { *(.note.gnu.build-id) } :rodata :note")
	line("\t%s : { *(%s*) } :rodata", outPrivateRodata, privatePrefix)
	line("\t%s : { *(%s) } :rodata", sectionEHFrame, sectionEHFrame)
	line("\t%s : { *(%s %s.*) } :rodata", sectionExcept, sectionExcept, sectionExcept)
	line("\t.got : { *(.got .got.plt) } :rodata")
	line("\t. = __tp_rodata;")
	line("\t.rodata : { *(.rodata .rodata.*) BYTE(0) } :rodata")
	customs(inRodata, ":rodata")
	line("\t. = ALIGN(%#x);", pageSize)
	array("preinit_array")
	array("init_array")
	array("fini_array")
	for _, name := range []string{sectionTLS, sectionReset} {
		line("\t%s : ALIGN(%d) { __start_%s = .; *(%s) __stop_%s = .; } :data", name, alignTLS, name, name, name)
	}
	line("\t.data : { *(.data .data.*) } :data")
	customs(inData, ":data")
	line("\tPROVIDE(edata = .); PROVIDE(_edata = .);")
	line("\t. = ALIGN(8);")
	line("\t__bss_start = .;")
	line("\t.bss : { *(.bss .bss.*) *(COMMON) } :data")
	customs(inBSS, ":data")
	line("\tPROVIDE(end = .); PROVIDE(_end = .);")
	customs(inFile, "")
	line("\t.comment : { *(.comment) }")
	line("\t.symtab : { *(.symtab) }")
	line("\t.strtab : { *(.strtab) }")
	line("\t.shstrtab : { *(.shstrtab) }")
	line("\t%s : { *(%s) }", sectionUnit, sectionUnit)
	line("\t%s : { *(%s) }", sectionFunctions, sectionFunctions)
	line("\t/DISCARD/ : { *(.note.*) }")
	line("}")
	return []byte(b.String()), nil
}

// sectionName are the names that a linker script can have as they are.
var sectionName = regexp.MustCompile(`^[A-Za-z0-9_.$-]+$`)

// inventory adds an object's sections to what the script has to place: the
// sizes of private ones, and the names of those that want an output section.
func (h *headers) inventory(isa ISA, custom map[string]place, text, rodata *uint64) error {
	for i := 1; i < len(h.sections); i++ {
		s := &h.sections[i]
		name, err := h.name(i)
		if err != nil {
			return err
		}
		switch t := elf.SectionType(s.Type); t {
		case elf.SHT_SYMTAB, elf.SHT_STRTAB, elf.SHT_GROUP, shtLLVMAddrsig, shtLLVMCallGraphProfile:
			continue
		case elf.SHT_RELA:
			n, err := h.gotRelocations(i, isa)
			if err != nil {
				return fmt.Errorf("section %s: %w", name, err)
			}
			*rodata += 8 * n
			continue
		}
		p, own := placeOf(name, elf.SectionType(s.Type), elf.SectionFlag(s.Flags))
		size := s.Size + max(s.Addralign, 1)
		switch {
		case strings.HasPrefix(name, ".ctors") || strings.HasPrefix(name, ".dtors"):
			return fmt.Errorf("section %s: functions to call at the start and the end must be in .init_array and .fini_array", name)
		case p == inPrivateText:
			*text += size
		case p == inPrivateRodata:
			*rodata += size
		case p == inTLS && s.Addralign > alignTLS:
			return fmt.Errorf("a thread-local variable is aligned to %d bytes; at most %d are possible", s.Addralign, alignTLS)
		case own:
			if !sectionName.MatchString(name) {
				return fmt.Errorf("section %q: use letters, digits, '_', '.', '$' and '-' in the names of sections", name)
			}
			switch q, ok := custom[name]; {
			case !ok || p == q:
				custom[name] = p
			case slices.Contains([]place{p, q}, inText), slices.Contains([]place{p, q}, inFile):
				return fmt.Errorf("section %s: holds another kind of thing than in the objects before", name)
			default:
				custom[name] = inData
			}
		}
	}
	return nil
}

// gotRelocations counts the relocations of section i that may make the linker
// add an entry to its table of addresses.
func (h *headers) gotRelocations(i int, isa ISA) (n uint64, err error) {
	s := &h.sections[i]
	if uint64(s.Info) >= uint64(len(h.sections)) || elf.SectionFlag(h.sections[s.Info].Flags)&elf.SHF_ALLOC == 0 {
		return 0, nil
	}
	data, err := h.data(i)
	for ; len(data) >= relaSize; data = data[relaSize:] {
		if slices.Contains(isaTable[isa].got, elf.R_TYPE64(binary.LittleEndian.Uint64(data[8:]))) {
			n++
		}
	}
	return n, err
}
