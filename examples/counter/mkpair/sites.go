package main

import (
	"debug/elf"
	"fmt"
	"hash/fnv"
)

// A site is a migratable call: one during which its thread may be moved.
type site struct {
	id     uint64
	callee string
	ret    uint64 // offset of the return address from the caller's start
}

// A program is what one ISA's objects hold, by the names of functions.
type program struct {
	machine elf.Machine
	objects []*object
	funcs   []*function
}

func newProgram(machine elf.Machine, objects []*object) (*program, error) {
	p := &program{machine: machine, objects: objects}
	seen := map[string]string{}
	for _, o := range objects {
		for _, f := range o.funcs {
			if other, ok := seen[f.name]; ok {
				return nil, fmt.Errorf("%s: function %s: %s has one of that name", o.path, f.name, other)
			}
			seen[f.name] = o.path
			p.funcs = append(p.funcs, f)
		}
	}
	return p, nil
}

// points are the runtime functions in which a thread waits to be moved.
var points = []string{"__tp_park", "__tp_syscall"}

// moving finds the functions during whose call a thread may be moved: the
// points themselves, and who calls such a one. Calls through pointers are not
// seen; a thread that waits below one is at no site and is not moved.
func (p *program) moving() map[string]bool {
	moving := map[string]bool{}
	for _, name := range points {
		moving[name] = true
	}
	for again := true; again; {
		again = false
		for _, f := range p.funcs {
			for _, c := range f.calls {
				if f.compiled && moving[c.callee] && !moving[f.name] {
					moving[f.name] = true
					again = true
				}
			}
		}
	}
	return moving
}

// sites finds the migratable calls of each function. Their identity does not
// depend on the ISA, nor on what else is in the program.
func (p *program) sites() map[string][]site {
	moving := p.moving()
	sites := map[string][]site{}
	for _, f := range p.funcs {
		if !f.compiled {
			continue
		}
		for _, c := range f.calls {
			if !moving[c.callee] {
				continue
			}
			h := fnv.New64a()
			fmt.Fprintf(h, "%s:%s#%d", f.source, f.name, len(sites[f.name]))
			sites[f.name] = append(sites[f.name], site{id: h.Sum64(), callee: c.callee, ret: c.ret})
		}
	}
	return sites
}

// agree checks that two ISAs have the same functions with the same sites.
func agree(a, b *program) error {
	name := func(p *program) string { return p.machine.String() }
	sa, sb := a.sites(), b.sites()
	for _, f := range a.funcs {
		x, y := sa[f.name], sb[f.name]
		if len(x) != len(y) {
			return fmt.Errorf("function %s: %d migratable calls on %s, %d on %s: build both with the same flags, and without inlining",
				f.name, len(x), name(a), len(y), name(b))
		}
		for i := range x {
			if x[i].callee != y[i].callee {
				return fmt.Errorf("function %s: migratable call %d is of %s on %s and of %s on %s: write one call a statement",
					f.name, i, x[i].callee, name(a), y[i].callee, name(b))
			}
		}
	}
	return nil
}
