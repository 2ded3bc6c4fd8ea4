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

// Names that the linker's script and the code generators know too.
const (
	// privatePrefix begins the names of sections that lie where each ISA
	// has a range to itself. Assembly may use it.
	privatePrefix = ".tpfs.private."
	privateText   = privatePrefix + "text"
	privateRodata = privatePrefix + "rodata"

	sectionTLS       = "tptls" // the template of thread-local variables
	sectionStackmaps = ".llvm_stackmaps"
	sectionEHFrame   = ".eh_frame"
	sectionExcept    = ".gcc_except_table"
	personalityRef   = "DW.ref."
)

// Equalise takes the two objects of a unit and gives them the same common
// sections: those that have to lie at one address on each ISA. Order, size,
// alignment and flags become equal, by padding: code with traps, data with
// zeros. What only one ISA has gets an empty place on the other. Variables
// must have equal values.
//
// Left as they are, but named for the linker to put them into ranges of their
// own, are the sections that are private to an ISA: constants and jump tables
// of the code generator, unwinding, and what assembly calls .tpfs.private.*.
//
// The order of the ISAs in the arguments is that of the results.
func Equalise(a, b []byte) (a2, b2 []byte, err error) {
	var objects [2]*object
	for i, file := range [][]byte{a, b} {
		if objects[i], err = decodeObject(file); err != nil {
			return nil, nil, err
		}
	}
	if objects[0].isa == objects[1].isa {
		return nil, nil, fmt.Errorf("both objects are for %v", objects[0].isa)
	}
	if err := equalise(objects[0], objects[1]); err != nil {
		return nil, nil, err
	}
	var out [2][]byte
	for i, o := range objects {
		if out[i], err = o.encode(); err != nil {
			return nil, nil, fmt.Errorf("%v: %w", o.isa, err)
		}
	}
	return out[0], out[1], nil
}

func equalise(a, b *object) error {
	var common [2][]*section
	for i, o := range []*object{a, b} {
		var err error
		if common[i], err = o.sort(); err != nil {
			return fmt.Errorf("%v: %w", o.isa, err)
		}
	}

	// The common sections of each are those of a, in its order, and then
	// those that only b has.
	pairs, err := match(common[0], common[1])
	if err != nil {
		return err
	}
	place := map[*section]int{} // of each common section, its number in pairs
	for i := range pairs {
		p := &pairs[i]
		filled := false
		for j, o := range []*object{a, b} {
			if p[j] == nil {
				if p[j], err = filler(o, p[1-j]); err != nil {
					return err
				}
				filled = true
			}
			place[p[j]] = i
		}
		if err := fit(a.isa, p[0], b.isa, p[1], filled); err != nil {
			return err
		}
	}
	if err := sameSymbols(a, b, place); err != nil {
		return err
	}
	for _, p := range pairs {
		if p[0].flags&elf.SHF_WRITE == 0 || p[0].typ == elf.SHT_NOBITS {
			continue
		}
		if err := sameData(a, b, p[0], p[1], place); err != nil {
			return err
		}
	}
	if err := sameCommons(a, b); err != nil {
		return err
	}
	for j, o := range []*object{a, b} {
		rest := slices.DeleteFunc(o.sections, func(s *section) bool { _, ok := place[s]; return ok })
		o.sections = nil
		for _, p := range pairs {
			o.sections = append(o.sections, p[j])
		}
		o.sections = append(o.sections, rest...)
	}
	return nil
}

// sort names the private sections for the linker, and returns the common ones.
func (o *object) sort() (common []*section, err error) {
	functions := map[string]bool{}
	named := map[*section]string{} // a function or variable that a program can point to
	for _, s := range o.symbols {
		switch s.typ() {
		case elf.STT_FUNC:
			functions[s.name] = true
			named[s.section] = s.name
		case elf.STT_OBJECT:
			named[s.section] = s.name
		}
	}
	for _, s := range o.sections {
		if s.name == sectionStackmaps {
			s.flags &^= elf.SHF_ALLOC // the running program has no use for it
		}
		if s.flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if ref, ok := strings.CutPrefix(s.name, ".data."+personalityRef); ok && s.group != nil {
			// aarch64's unwinding finds its personality through a pointer,
			// which nobody writes.
			s.flags &^= elf.SHF_WRITE
			s.name = privateRodata + "." + personalityRef + ref
		}
		function, isRodata := strings.CutPrefix(s.name, ".rodata.")
		switch {
		case s.flags&elf.SHF_TLS != 0:
			return nil, fmt.Errorf("section %s: thread-local variables must be in section %s", s.name, sectionTLS)
		case isPrivate(s):
			if s.flags&elf.SHF_WRITE != 0 {
				return nil, fmt.Errorf("section %s: can be written, so it cannot be private to an ISA", s.name)
			}
		case isRodata && strings.HasPrefix(function, "cst") && s.flags&elf.SHF_MERGE != 0:
			// Constants of the code generator. The linker may merge them.
			if x := named[s]; x != "" {
				return nil, fmt.Errorf("section %s: the constant %s has no section of its own", s.name, x)
			}
			s.name = privateRodata + "." + function
		case isRodata && functions[function] && named[s] == "" && s.flags&(elf.SHF_WRITE|elf.SHF_EXECINSTR) == 0:
			// Jump tables of a function.
			s.name = privateRodata + "." + function
		default:
			common = append(common, s)
		}
	}
	return common, nil
}

// isPrivate tells of a loaded section whether its name makes it private.
func isPrivate(s *section) bool {
	switch {
	case strings.HasPrefix(s.name, privatePrefix), s.name == sectionEHFrame, s.typ == elf.SHT_NOTE,
		s.name == ".init", s.name == ".fini", // parts of one function; no padding may come between them
		s.name == sectionExcept, strings.HasPrefix(s.name, sectionExcept+"."):
		return true
	}
	return false
}

// match pairs sections by name, and those of one name by their order. A
// section without a partner comes with nil.
func match(a, b []*section) ([][2]*section, error) {
	type key struct {
		name string
		nth  int
	}
	keys := func(sections []*section) ([]key, map[key]*section) {
		var list []key
		count, by := map[string]int{}, map[key]*section{}
		for _, s := range sections {
			k := key{s.name, count[s.name]}
			count[s.name]++
			list = append(list, k)
			by[k] = s
		}
		return list, by
	}
	listA, byA := keys(a)
	listB, byB := keys(b)
	var pairs [][2]*section
	for _, k := range listA {
		pairs = append(pairs, [2]*section{byA[k], byB[k]})
	}
	for _, k := range listB {
		if byA[k] == nil {
			pairs = append(pairs, [2]*section{nil, byB[k]})
		}
	}
	return pairs, nil
}

// filler makes the empty place in o for a section that the other ISA has.
func filler(o *object, like *section) (*section, error) {
	if like.group != nil {
		return nil, fmt.Errorf("section %s: %v has no such member of group %s", like.name, o.isa, like.group.signature.name)
	}
	s := &section{name: like.name, typ: like.typ, flags: like.flags &^ elf.SHF_LINK_ORDER, align: like.align}
	if s.typ != elf.SHT_NOBITS {
		s.data = []byte{}
	}
	return s, nil
}

// fit makes two sections of one name alike. If one of them is a filler, what is
// in the other cannot be compared.
func fit(isaA ISA, a *section, isaB ISA, b *section, filled bool) error {
	const strict = elf.SHF_ALLOC | elf.SHF_WRITE | elf.SHF_EXECINSTR
	if a.typ != b.typ || a.flags&strict != b.flags&strict {
		return fmt.Errorf("section %s: type %v with flags %v on %v, but %v with %v on %v", a.name, a.typ, a.flags, isaA, b.typ, b.flags, isaB)
	}
	if (a.group == nil) != (b.group == nil) || a.group != nil && a.group.signature.name != b.group.signature.name {
		return fmt.Errorf("section %s: the ISAs have it in different groups", a.name)
	}
	// A string that the linker merges has no place of its own.
	if (a.flags|b.flags)&elf.SHF_MERGE != 0 && !filled && !bytes.Equal(a.data, b.data) {
		return fmt.Errorf("section %s: the ISAs have different literals", a.name)
	}
	size, align := max(a.size, b.size), max(a.align, b.align)
	if a.flags&elf.SHF_EXECINSTR != 0 {
		size = up(size, 4) // whole instructions of any ISA
	}
	for _, x := range []struct {
		isa ISA
		*section
	}{{isaA, a}, {isaB, b}} {
		x.flags &^= elf.SHF_MERGE | elf.SHF_STRINGS
		x.entsize = 0
		x.align = align
		if x.typ != elf.SHT_NOBITS {
			x.data = pad(x.isa, x.section, size)
		}
		x.size = size
	}
	return nil
}

// pad returns the section's content, as long as size.
func pad(isa ISA, s *section, size uint64) []byte {
	if uint64(len(s.data)) == size {
		return s.data
	}
	out := make([]byte, size)
	n := copy(out, s.data)
	if s.flags&elf.SHF_EXECINSTR != 0 {
		trap := isaTable[isa].trap
		for i := n; i < len(out); i++ {
			out[i] = trap[i%len(trap)]
		}
	}
	return out
}

// up rounds n up to a multiple of align, a power of two.
func up(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// sameSymbols checks that what a program can point to lies at one place of a
// common section. Labels in code may differ: only assembly has them.
func sameSymbols(a, b *object, place map[*section]int) error {
	type at struct {
		place int
		value uint64
	}
	pointed := func(o *object) map[string]at {
		m := map[string]at{}
		for _, s := range o.symbols {
			n, ok := place[s.section]
			if !ok {
				continue
			}
			switch t := s.typ(); {
			case t == elf.STT_FUNC, t == elf.STT_OBJECT,
				t == elf.STT_NOTYPE && s.bind() != elf.STB_LOCAL && s.section.flags&elf.SHF_EXECINSTR == 0:
				m[s.name] = at{n, s.value}
			}
		}
		return m
	}
	atB := pointed(b)
	for name, x := range pointed(a) {
		y, ok := atB[name]
		if !ok || x == y {
			continue
		}
		section := func(o *object, n int) string {
			for s, i := range place {
				if i == n {
					return s.name
				}
			}
			return ""
		}
		return fmt.Errorf("%s is at %s+%#x on %v, but at %s+%#x on %v; give it a section of its own (.section .text.%s)",
			name, section(a, x.place), x.value, a.isa, section(b, y.place), y.value, b.isa, name)
	}
	return nil
}

// sameData checks that the variables of a section begin with the same values.
func sameData(a, b *object, x, y *section, place map[*section]int) error {
	type value struct {
		off    uint64
		name   string // of what it points to, or
		place  int    // the common section that it points into
		addend int64
	}
	variable := func(off uint64) string {
		for _, s := range a.symbols {
			if s.section == x && s.typ() == elf.STT_OBJECT && off-s.value < s.size {
				return s.name
			}
		}
		return fmt.Sprintf("%s+%#x", x.name, off)
	}
	differs := func(off uint64) error {
		return fmt.Errorf("the initial value of %s is not the same on %v and %v", variable(off), a.isa, b.isa)
	}
	values := func(o *object, s *section) ([]value, error) {
		var list []value
		for _, r := range s.relas {
			v := value{off: r.off, addend: r.addend}
			if r.sym != nil && r.sym.section != nil {
				n, ok := place[r.sym.section]
				if !ok {
					return nil, fmt.Errorf("%s points to what is private to %v: %s in section %s", variable(r.off), o.isa, r.sym.name, r.sym.section.name)
				}
				v.place, v.addend = n+1, v.addend+int64(r.sym.value)
			} else if r.sym != nil {
				v.name = r.sym.name
			}
			list = append(list, v)
		}
		slices.SortStableFunc(list, func(a, b value) int { return cmp.Compare(a.off, b.off) })
		return list, nil
	}
	for i := range x.data {
		if x.data[i] != y.data[i] {
			return differs(uint64(i))
		}
	}
	vx, err := values(a, x)
	if err != nil {
		return err
	}
	vy, err := values(b, y)
	if err != nil {
		return err
	}
	for i := range max(len(vx), len(vy)) {
		switch {
		case i == len(vx):
			return differs(vy[i].off)
		case i == len(vy) || vx[i] != vy[i]:
			return differs(vx[i].off)
		}
	}
	return nil
}

// sameCommons brings the common symbols of b, for which the linker allocates
// places one after the other, into the order and the size of a's.
func sameCommons(a, b *object) error {
	commons := func(o *object) (list []*symbol, at []int) {
		for i, s := range o.symbols {
			if s.special == elf.SHN_COMMON {
				list, at = append(list, s), append(at, i)
			}
		}
		return list, at
	}
	of, _ := commons(a)
	other, at := commons(b)
	byName := map[string]*symbol{}
	for _, s := range other {
		byName[s.name] = s
	}
	if len(of) != len(other) || len(byName) != len(other) {
		return errors.New("the ISAs have different common variables")
	}
	for i, s := range of {
		t := byName[s.name]
		if t == nil {
			return fmt.Errorf("%v has no common variable %s", b.isa, s.name)
		}
		b.symbols[at[i]] = t
		s.size, t.size = max(s.size, t.size), max(s.size, t.size)
		s.value, t.value = max(s.value, t.value), max(s.value, t.value) // their alignment
	}
	return nil
}
