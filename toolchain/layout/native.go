package layout

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"
)

// JoinNative makes one object or archive of two that native compilers made, one
// for each ISA. Members of archives belong together by their names; where one
// ISA has none, it gets an empty object. With private, loaded sections become
// private to each ISA: they need not be alike, but none may be writable.
// Errors name the files. The reason is that why their functions cannot be
// moved.
func JoinNative(pathX86 string, x86 []byte, pathArm string, arm []byte, private bool, reason string) ([]byte, error) {
	if IsArchive(x86) != IsArchive(arm) {
		return nil, fmt.Errorf("%s and %s: one is an archive and the other is not", pathX86, pathArm)
	}
	if !IsArchive(x86) {
		return joinNative(pathX86, [numISAs][]byte{x86, arm}, private, reason)
	}
	type key struct {
		name string
		nth  int
	}
	members := map[key]*[numISAs][]byte{}
	var order []key
	for isa, file := range [numISAs][]byte{x86, arm} {
		list, err := ReadArchive(file, "", func(path string) ([]byte, error) {
			return nil, errors.New("a thin archive")
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", [numISAs]string{pathX86, pathArm}[isa], err)
		}
		count := map[string]int{}
		for _, m := range list {
			// Only the names of generated variants say the ISA.
			k := key{m.Name, count[m.Name]}
			count[m.Name]++
			if members[k] == nil {
				members[k] = &[numISAs][]byte{}
				order = append(order, k)
			}
			members[k][isa] = m.Data
		}
	}
	var out []Member
	for _, k := range order {
		object, err := joinNative(fmt.Sprintf("%s(%s)", pathX86, k.name), *members[k], private, reason)
		if err != nil {
			return nil, err
		}
		out = append(out, Member{Name: k.name, Data: object})
	}
	return WriteArchive(out), nil
}

func joinNative(name string, files [numISAs][]byte, private bool, reason string) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("%s: %w", name, err) }
	var objects [numISAs]*object
	for _, isa := range ISAs {
		o := emptyObject(isa)
		if files[isa] != nil {
			var err error
			if o, err = decodeObject(files[isa]); err != nil {
				return fail(fmt.Errorf("%v: %w", isa, err))
			}
			if o.isa != isa {
				return fail(fmt.Errorf("an object for %v where one for %v is expected", o.isa, isa))
			}
		}
		if private {
			if err := o.makePrivate(); err != nil {
				return fail(fmt.Errorf("%v: %w", isa, err))
			}
		}
		objects[isa] = o
	}
	if err := equalise(objects[0], objects[1]); err != nil {
		return fail(err)
	}
	var encoded [numISAs][]byte
	for i, o := range objects {
		var err error
		if encoded[i], err = o.encode(); err != nil {
			return fail(err)
		}
	}
	joined, err := Join(encoded[0], encoded[1], Unit{Name: name}, reason)
	if err != nil {
		return fail(err)
	}
	return joined, nil
}

func emptyObject(isa ISA) *object {
	o := &object{isa: isa}
	copy(o.ident[:], elf.ELFMAG)
	o.ident[elf.EI_CLASS], o.ident[elf.EI_DATA], o.ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	return o
}

// makePrivate names all that is loaded as private to the ISA.
func (o *object) makePrivate() error {
	for _, s := range o.sections {
		switch {
		case s.flags&elf.SHF_ALLOC == 0 || isPrivate(s):
		case s.size == 0:
			s.flags &^= elf.SHF_ALLOC // what every assembler leaves behind
		case s.flags&elf.SHF_WRITE != 0:
			return fmt.Errorf("section %s: can be written, so it cannot be private to an ISA", s.name)
		case s.flags&elf.SHF_EXECINSTR != 0:
			s.name = privateText + "." + strings.TrimPrefix(strings.TrimPrefix(s.name, ".text"), ".")
		default:
			s.name = privateRodata + "." + strings.TrimPrefix(strings.TrimPrefix(s.name, ".rodata"), ".")
		}
	}
	return nil
}
