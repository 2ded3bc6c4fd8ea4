package layout

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Comparison is what Compare finds of two programs that agree.
type Comparison struct {
	Functions, Variables int // at equal addresses
	Exceptions           []Exception
}

// An Exception is something that may differ.
type Exception struct {
	Name   string
	Addr   [numISAs]uint64 // 0 where there is none
	Reason string
}

// Why something may differ.
const (
	ReasonPrivate = "private to each ISA"
	ReasonLabel   = "a label in assembly"
	ReasonOne     = "on one ISA only"
	ReasonContent = "its read-only content differs"
)

// Compare checks that two linked programs of one source, in any order, agree:
// every function, variable, literal and thread-local variable is at one
// address, and all that can be written begins with the same bytes. The error
// names what does not. Both must have their symbol tables.
func Compare(a, b []byte) (*Comparison, error) {
	var p [numISAs]*program
	for _, data := range [][]byte{a, b} {
		q, err := readProgram(data)
		if err != nil {
			return nil, err
		}
		if p[q.isa] != nil {
			return nil, fmt.Errorf("both programs are for %v", q.isa)
		}
		p[q.isa] = q
	}
	x, y := p[0], p[1]
	if !slices.Equal(x.loads, y.loads) {
		return nil, fmt.Errorf("the segments differ: %v on %v, %v on %v", x.loads, x.isa, y.loads, y.isa)
	}
	c := &Comparison{}
	var wrong []string
	for _, k := range x.order {
		s, t := x.symbols[k], y.symbols[k]
		e := Exception{Name: k.name, Addr: [2]uint64{s.Value, t.Value}}
		switch {
		case t.Name == "":
			if !x.private(s) {
				e.Reason = ReasonOne
			}
		case x.private(s) != y.private(t):
			wrong = append(wrong, fmt.Sprintf("%s is private on one ISA only", k.name))
		case x.private(s):
			e.Reason = ReasonPrivate
		case s.Value != t.Value && elf.ST_TYPE(s.Info) == elf.STT_NOTYPE && x.code(s):
			e.Reason = ReasonLabel
		case s.Value != t.Value:
			wrong = append(wrong, fmt.Sprintf("%s is at %#x on %v, but at %#x on %v", k.name, s.Value, x.isa, t.Value, y.isa))
		case elf.ST_TYPE(s.Info) == elf.STT_OBJECT && s.Size != t.Size:
			wrong = append(wrong, fmt.Sprintf("%s has %d bytes on %v, but %d on %v", k.name, s.Size, x.isa, t.Size, y.isa))
		case elf.ST_TYPE(s.Info) == elf.STT_FUNC:
			c.Functions++
		case elf.ST_TYPE(s.Info) == elf.STT_OBJECT:
			c.Variables++
		}
		if e.Reason != "" {
			c.Exceptions = append(c.Exceptions, e)
		}
	}
	for _, k := range y.order {
		if t := y.symbols[k]; x.symbols[k].Name == "" && !y.private(t) {
			c.Exceptions = append(c.Exceptions, Exception{Name: k.name, Addr: [2]uint64{0, t.Value}, Reason: ReasonOne})
		}
	}
	content, err := x.compareContent(y, &wrong)
	if err != nil {
		return nil, err
	}
	c.Exceptions = append(c.Exceptions, content...)
	switch len(wrong) {
	case 0:
		return c, nil
	case 1:
		return nil, errors.New(wrong[0])
	}
	return nil, fmt.Errorf("%s (and %d more differences)", wrong[0], len(wrong)-1)
}

// symbolKey finds a symbol on the other ISA: by file and name if it is local,
// and by its number among those of the name.
type symbolKey struct {
	file, name string
	nth        int
}

type program struct {
	isa     ISA
	file    *elf.File
	loads   []elf.ProgHeader
	symbols map[symbolKey]elf.Symbol
	order   []symbolKey
}

func readProgram(data []byte) (*program, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	p := &program{file: f, symbols: map[symbolKey]elf.Symbol{}}
	if p.isa, err = isaOf(f.Machine); err != nil {
		return nil, err
	}
	if f.Type != elf.ET_EXEC {
		return nil, fmt.Errorf("%v: its type is %v, not ET_EXEC", p.isa, f.Type)
	}
	for _, l := range f.Progs {
		if l.Type == elf.PT_LOAD {
			p.loads = append(p.loads, l.ProgHeader)
		}
	}
	symbols, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("%v: has no symbol table; link it without -s", p.isa)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", p.isa, err)
	}
	count := map[symbolKey]int{}
	file := ""
	for _, s := range symbols {
		t := elf.ST_TYPE(s.Info)
		if t == elf.STT_FILE {
			file = s.Name
		}
		// Names of the assembler's own are no names of the program.
		if s.Name == "" || s.Section == elf.SHN_UNDEF || s.Section >= elf.SHN_LORESERVE || strings.HasPrefix(s.Name, ".L") || strings.HasPrefix(s.Name, "$") ||
			t != elf.STT_FUNC && t != elf.STT_OBJECT && t != elf.STT_NOTYPE {
			continue
		}
		k := symbolKey{name: s.Name}
		if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			k.file = file
		}
		count[k]++
		k.nth = count[k]
		p.symbols[k] = s
		p.order = append(p.order, k)
	}
	return p, nil
}

func (p *program) section(s elf.Symbol) *elf.Section {
	if int(s.Section) < len(p.file.Sections) {
		return p.file.Sections[s.Section]
	}
	return p.file.Sections[0]
}

func (p *program) private(s elf.Symbol) bool { return privateOutput(p.section(s).Name) }

func (p *program) code(s elf.Symbol) bool { return p.section(s).Flags&elf.SHF_EXECINSTR != 0 }

func privateOutput(name string) bool {
	switch name {
	case outPrivateText, outPrivateRodata, sectionEHFrame, sectionExcept, ".got", ".note.gnu.build-id":
		return true
	}
	return false
}

// compareContent looks at the bytes of data. What can be written must be equal;
// read-only data may differ, as the name of the architecture does.
func (p *program) compareContent(q *program, wrong *[]string) ([]Exception, error) {
	var differ []Exception
	others := map[string]*elf.Section{}
	for _, s := range q.file.Sections {
		others[s.Name] = s
	}
	for _, s := range p.file.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || s.Flags&elf.SHF_EXECINSTR != 0 || s.Type == elf.SHT_NOBITS || privateOutput(s.Name) || s.Size == 0 {
			continue
		}
		t := others[s.Name]
		if t == nil || t.Addr != s.Addr || t.Size != s.Size || t.Type != s.Type {
			*wrong = append(*wrong, fmt.Sprintf("section %s is not the same on both ISAs", s.Name))
			continue
		}
		x, err := s.Data()
		if err != nil {
			return nil, fmt.Errorf("%v: section %s: %w", p.isa, s.Name, err)
		}
		y, err := t.Data()
		if err != nil {
			return nil, fmt.Errorf("%v: section %s: %w", q.isa, s.Name, err)
		}
		if bytes.Equal(x, y) {
			continue
		}
		names := p.differing(s, x, y)
		for _, e := range names {
			if s.Flags&elf.SHF_WRITE != 0 {
				*wrong = append(*wrong, fmt.Sprintf("the initial value of %s is not the same on both ISAs", e.Name))
			} else {
				differ = append(differ, e)
			}
		}
	}
	return differ, nil
}

// differing names the variables of a section in which two contents differ.
func (p *program) differing(s *elf.Section, x, y []byte) []Exception {
	var within []elf.Symbol
	for _, k := range p.order {
		if sym := p.symbols[k]; elf.ST_TYPE(sym.Info) == elf.STT_OBJECT && p.section(sym) == s {
			within = append(within, sym)
		}
	}
	slices.SortStableFunc(within, func(a, b elf.Symbol) int { return cmp.Compare(a.Value, b.Value) })
	var list []Exception
	for i := 0; i < len(x); i++ {
		if x[i] == y[i] {
			continue
		}
		addr := s.Addr + uint64(i)
		n, found := slices.BinarySearchFunc(within, addr, func(e elf.Symbol, addr uint64) int { return cmp.Compare(e.Value, addr) })
		if !found {
			n--
		}
		e := Exception{Name: fmt.Sprintf("%s at %#x", s.Name, addr), Addr: [2]uint64{addr, addr}, Reason: ReasonContent}
		if n >= 0 && addr-within[n].Value < within[n].Size {
			e.Name, e.Addr = within[n].Name, [2]uint64{within[n].Value, within[n].Value}
			i = int(min(uint64(len(x)), within[n].Value+within[n].Size-s.Addr)) - 1
		}
		list = append(list, e)
		if e.Name[0] == '.' {
			break // one is enough of what has no name
		}
	}
	return list
}
