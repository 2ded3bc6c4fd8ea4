package layout

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A File is an input of a link.
type File struct {
	Path    string
	Archive bool
	Whole   bool // link all of the archive
	Objects []*Object
}

// An Object is one of tpcc's, by itself or in an archive.
type Object struct {
	File   *File
	Member string // its name in the archive
	Parts  [numISAs][]byte
}

// String names the object as linkers do.
func (o *Object) String() string {
	if o.File.Archive {
		return fmt.Sprintf("%s(%s)", o.File.Path, o.Member)
	}
	return o.File.Path
}

// Read reads an object file or an archive. Files in an archive that are no
// objects at all are left out.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse is Read for a file that is in memory. The path is for messages.
func Parse(path string, data []byte) (*File, error) {
	f := &File{Path: path}
	members := []Member{{Data: data}}
	var err error
	if f.Archive = IsArchive(data); f.Archive {
		if members, err = ReadArchive(data, filepath.Dir(path), os.ReadFile); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, m := range members {
		o := &Object{File: f, Member: m.Name}
		if o.Parts, err = Split(m.Data); err != nil {
			if f.Archive && errors.Is(err, errNotObject) {
				continue
			}
			return nil, fmt.Errorf("%v: %w", o, err)
		}
		f.Objects = append(f.Objects, o)
	}
	return f, nil
}

// globals are the symbols of one ISA's part that other objects can see.
type globals struct {
	defined []string
	needed  []string // undefined, and not weak
}

func (o *Object) globals(isa ISA) (globals, error) {
	var g globals
	h, err := readHeaders(o.Parts[isa])
	if err != nil {
		return g, fmt.Errorf("%v: %v: %w", o, isa, err)
	}
	entries, names, _, err := h.symtab()
	for i := 1; err == nil && i < len(entries)/symbolSize; i++ {
		s := decodeSymbol(entries, i)
		if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			continue
		}
		var name string
		if name, err = nameAt(names, s.Name); err != nil {
			break
		}
		switch {
		case elf.SectionIndex(s.Shndx) != elf.SHN_UNDEF:
			g.defined = append(g.defined, name)
		case elf.ST_BIND(s.Info) != elf.STB_WEAK:
			g.needed = append(g.needed, name)
		}
	}
	if err != nil {
		return g, fmt.Errorf("%v: %v: %w", o, isa, err)
	}
	return g, nil
}

// Select finds the objects that make up a program: those that are no members
// of an archive, and the members that define what these and the roots need, on
// any ISA. So each ISA links the same ones, and in one order: that of the files,
// however they refer to each other. Rename says what a reference stands for.
func Select(files []*File, roots []string, rename func(string) string) ([]*Object, error) {
	var lazy [numISAs]map[string]*Object
	var defined [numISAs]map[string]bool
	for _, isa := range ISAs {
		lazy[isa], defined[isa] = map[string]*Object{}, map[string]bool{}
	}
	symbols := map[*Object]*[numISAs]globals{}
	chosen := map[*Object]bool{}
	var queue []*Object
	choose := func(o *Object) {
		if chosen[o] {
			return
		}
		chosen[o] = true
		queue = append(queue, o)
		for _, isa := range ISAs {
			for _, name := range symbols[o][isa].defined {
				defined[isa][name] = true
			}
		}
	}
	for _, f := range files {
		for _, o := range f.Objects {
			g := &[numISAs]globals{}
			for _, isa := range ISAs {
				var err error
				if g[isa], err = o.globals(isa); err != nil {
					return nil, err
				}
			}
			symbols[o] = g
			if !f.Archive || f.Whole {
				choose(o)
				continue
			}
			for _, isa := range ISAs {
				for _, name := range g[isa].defined {
					if lazy[isa][name] == nil {
						lazy[isa][name] = o
					}
				}
			}
		}
	}
	need := func(isa ISA, name string) {
		if rename != nil {
			name = rename(name)
		}
		if o := lazy[isa][name]; o != nil && !defined[isa][name] {
			choose(o)
		}
	}
	for _, isa := range ISAs {
		for _, name := range roots {
			need(isa, name)
		}
	}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		for _, isa := range ISAs {
			for _, name := range symbols[o][isa].needed {
				need(isa, name)
			}
		}
	}
	var list []*Object
	for _, f := range files {
		for _, o := range f.Objects {
			if chosen[o] {
				list = append(list, o)
			}
		}
	}
	return list, nil
}
