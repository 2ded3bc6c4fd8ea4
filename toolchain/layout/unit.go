package layout

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Sections of a tpcc object.
const (
	sectionAArch64   = ".tpfs.aarch64"   // the other object
	sectionUnit      = ".tpfs.unit"      // one line of JSON, a Unit
	sectionFunctions = ".tpfs.functions" // for each function of the line, u64 address and u64 bytes of its place
	sectionModule    = ".tpfs.module"    // what the object was generated from, a Module
	functionRowSize  = 16
)

// shfExclude is SHF_EXCLUDE of the gABI: not part of what is linked.
const shfExclude = elf.SectionFlag(0x80000000)

// A Unit says what can be moved of an object.
type Unit struct {
	Name      string     `json:"unit"`
	Functions []Function `json:"functions"`
	Module    *Module    `json:"-"` // nil if it cannot be generated anew
}

// A Function is one of a unit that has its place on each ISA.
type Function struct {
	Name   string `json:"name"`
	Local  bool   `json:"local"`
	Frame  uint64 `json:"frame"`  // bytes of its portable frame
	Reason string `json:"reason"` // why a thread in it cannot be moved; empty if it can
	Sites  []Site `json:"sites"`
	Jumps  []Jump `json:"jumps"`

	// Indirect is set if its context is the address of a word with the
	// address of its portable frame.
	Indirect bool `json:"indirect,omitempty"`
}

// A Site is a call during which a thread can be moved.
type Site struct {
	ID     ID     `json:"id"`
	Callee string `json:"callee"` // empty for an indirect call
}

// A Jump is a call of setjmp: where its slot lies in the portable frame.
type Jump struct {
	Slot uint64 `json:"slot"`
	Site ID     `json:"site"`
}

// An ID is that of a site, in JSON 16 hexadecimal digits.
type ID uint64

func (i ID) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(i)), nil }

func (i *ID) UnmarshalText(text []byte) error {
	var v uint64
	if n, err := fmt.Sscanf(string(text), "%016x", &v); n != 1 || err != nil || len(text) != 16 {
		return fmt.Errorf("ID %q: not 16 hexadecimal digits", text)
	}
	*i = ID(v)
	return nil
}

// ParseUnits reads lines of JSON, each a unit.
func ParseUnits(lines []byte) ([]Unit, error) {
	var units []Unit
	d := json.NewDecoder(bytes.NewReader(lines))
	for d.More() {
		var u Unit
		if err := d.Decode(&u); err != nil {
			return nil, fmt.Errorf("unit %d: %w", len(units), err)
		}
		units = append(units, u)
	}
	return units, nil
}

// Join makes one object of the two of a unit, which Equalise made alike, and
// its tables. Functions of the object that the tables do not have, as those in
// assembly, are added with the given reason why they cannot be moved. A
// function of more than one name is listed once.
func Join(x86, arm []byte, u Unit, reason string) ([]byte, error) {
	o, err := decodeObject(x86)
	if err != nil {
		return nil, err
	}
	for _, s := range o.sections {
		if slices.Contains([]string{sectionAArch64, sectionUnit, sectionFunctions, sectionModule}, s.name) {
			return nil, fmt.Errorf("has a section %s already", s.name)
		}
	}
	sectionSymbols := map[*section]*symbol{}
	defined := map[string]*symbol{}
	var functions []*symbol
	starts := map[*section][]uint64{} // of functions
	for _, s := range o.symbols {
		if s.typ() == elf.STT_SECTION && s.value == 0 {
			sectionSymbols[s.section] = s
		}
		if s.typ() == elf.STT_FUNC && s.section != nil {
			functions = append(functions, s)
			defined[s.name] = s
			starts[s.section] = append(starts[s.section], s.value)
		}
	}
	for _, list := range starts {
		slices.Sort(list)
	}
	// Only what lies at one address on each ISA is a function of the pair.
	placed := func(s *symbol) bool {
		return s.section.flags&elf.SHF_EXECINSTR != 0 && !isPrivate(s.section) && s.value < s.section.size
	}
	type at struct {
		section *section
		value   uint64
	}
	known := map[at]bool{}
	line := Unit{Name: u.Name, Functions: []Function{}}
	list := &section{name: sectionFunctions, typ: elf.SHT_PROGBITS, align: 8, data: []byte{}}
	add := func(f Function, s *symbol) {
		of := sectionSymbols[s.section]
		if of == nil {
			of = &symbol{info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_SECTION), section: s.section}
			sectionSymbols[s.section] = of
			o.symbols = append(o.symbols, of)
		}
		// By section, as another unit's function of the name may replace this one.
		list.relas = append(list.relas, rela{off: list.size, typ: isaTable[o.isa].abs64, sym: of, addend: int64(s.value)})
		end := s.section.size // or the next function
		if next, _ := slices.BinarySearch(starts[s.section], s.value+1); next < len(starts[s.section]) {
			end = min(end, starts[s.section][next])
		}
		list.data = binary.LittleEndian.AppendUint64(list.data, 0)
		list.data = binary.LittleEndian.AppendUint64(list.data, end-s.value)
		list.size += functionRowSize
		if f.Sites == nil {
			f.Sites = []Site{}
		}
		if f.Jumps == nil {
			f.Jumps = []Jump{}
		}
		line.Functions = append(line.Functions, f)
	}
	for _, f := range u.Functions {
		// The code generator may have left out what nobody calls.
		if s := defined[f.Name]; s != nil && placed(s) && !known[at{s.section, s.value}] {
			known[at{s.section, s.value}] = true
			add(f, s)
		}
	}
	for _, s := range functions {
		if placed(s) && !known[at{s.section, s.value}] { // and not another name of one
			known[at{s.section, s.value}] = true
			add(Function{Name: s.name, Local: s.bind() == elf.STB_LOCAL, Reason: reason}, s)
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	o.sections = append(o.sections,
		&section{name: sectionUnit, typ: elf.SHT_PROGBITS, align: 1, data: text, size: uint64(len(text))},
		list,
		&section{name: sectionAArch64, typ: elf.SHT_PROGBITS, flags: shfExclude, align: 8, data: arm, size: uint64(len(arm))})
	if u.Module != nil {
		data, err := u.Module.encode()
		if err != nil {
			return nil, err
		}
		o.sections = append(o.sections,
			&section{name: sectionModule, typ: elf.SHT_PROGBITS, flags: shfExclude, align: 1, data: data, size: uint64(len(data))})
	}
	return o.encode()
}

// Combine makes one object of the two that a linker has made, with -r, of the
// parts of others. They are alike as the parts are. Its unit has the functions
// of all, but it cannot be generated anew.
func Combine(name string, parts [numISAs][]byte) ([]byte, error) {
	o, err := decodeObject(parts[X86_64])
	if err != nil {
		return nil, err
	}
	line := Unit{Name: name, Functions: []Function{}}
	var kept []*section
	for _, s := range o.sections {
		switch s.name {
		case sectionAArch64, sectionModule:
			continue // the linker has put those of all parts into one
		case sectionUnit:
			units, err := ParseUnits(s.data)
			if err != nil {
				return nil, err
			}
			for _, u := range units {
				line.Functions = append(line.Functions, u.Functions...)
			}
			text, err := json.Marshal(line)
			if err != nil {
				return nil, err
			}
			s.data = append(text, '\n')
			s.size = uint64(len(s.data))
		}
		kept = append(kept, s)
	}
	arm := parts[AArch64]
	o.sections = append(kept,
		&section{name: sectionAArch64, typ: elf.SHT_PROGBITS, flags: shfExclude, align: 8, data: arm, size: uint64(len(arm))})
	return o.encode()
}

// errForeign is the error, in the sense of errors.Is, for an object that tpcc
// did not make.
var errForeign = errors.New("not made by tpcc; compile its source with tpcc (CC=tpcc)")

// Split returns the objects in a tpcc object, the first being the object
// itself, of which a linker ignores the rest.
func Split(object []byte) ([numISAs][]byte, error) {
	h, err := readHeaders(object)
	if err != nil {
		return [2][]byte{}, err
	}
	if m := elf.Machine(h.header.Machine); m != X86_64.Machine() {
		return [2][]byte{}, fmt.Errorf("an object for %v: %w", m, errForeign)
	}
	arm, err := h.find(sectionAArch64)
	if err != nil {
		return [2][]byte{}, err
	}
	if arm == nil {
		return [2][]byte{}, errForeign
	}
	inner, err := readHeaders(arm)
	if err == nil && elf.Machine(inner.header.Machine) != AArch64.Machine() {
		err = fmt.Errorf("an object for %v", elf.Machine(inner.header.Machine))
	}
	if err != nil {
		return [2][]byte{}, fmt.Errorf("section %s: %w", sectionAArch64, err)
	}
	return [2][]byte{X86_64: object, AArch64: arm}, nil
}

// find is the content of the section of a name; nil if there is none.
func (h *headers) find(name string) ([]byte, error) {
	for i := range h.sections {
		if s, err := h.name(i); err != nil || s != name {
			continue
		}
		data, err := h.data(i)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", name, err)
		}
		return data, nil
	}
	return nil, nil
}
