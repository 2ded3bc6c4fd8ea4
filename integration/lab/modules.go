package lab

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// moduleSet is the modules of a kernel package. It takes the place of depmod,
// which Debian runs when the package is installed.
type moduleSet struct {
	files    map[string]moduleFile // by the name of the module
	builtin  map[string]bool
	contents map[string][]byte // the modules read so far
}

type moduleFile struct {
	path string // *.ko or *.ko.xz
	data []byte
}

// moduleName is the name by which the kernel knows the module in a file; it
// makes no difference between - and _.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func newModuleSet() *moduleSet {
	return &moduleSet{files: map[string]moduleFile{}, builtin: map[string]bool{}, contents: map[string][]byte{}}
}

// add takes a file of the kernel package's directory of modules.
func (s *moduleSet) add(file string, data []byte) {
	switch {
	case strings.HasSuffix(file, ".ko"), strings.HasSuffix(file, ".ko.xz"):
		s.files[moduleName(file)] = moduleFile{file, data}
	case path.Base(file) == "modules.builtin":
		for line := range strings.Lines(string(data)) {
			s.builtin[moduleName(strings.TrimSpace(line))] = true
		}
	}
}

// load returns the names of the modules wanted and of all they depend on, in
// the order in which they can be loaded. Those the kernel has built in are
// left out.
func (s *moduleSet) load(ctx context.Context, wanted ...string) ([]string, error) {
	var order []string
	var visit func(name string, by []string) error
	visit = func(name string, by []string) error {
		if s.builtin[name] || slices.Contains(order, name) {
			return nil
		}
		if slices.Contains(by, name) {
			return fmt.Errorf("kernel modules depend on each other: %s", strings.Join(append(by, name), " -> "))
		}
		ko, err := s.read(ctx, name)
		if err != nil {
			return fmt.Errorf("kernel module %s: %w", strings.Join(append(by, name), " -> "), err)
		}
		depends, err := moduleDepends(ko)
		if err != nil {
			return fmt.Errorf("kernel module %s: %w", name, err)
		}
		for _, d := range depends {
			if err := visit(d, append(slices.Clip(by), name)); err != nil {
				return err
			}
		}
		order = append(order, name)
		return nil
	}
	for _, name := range wanted {
		if err := visit(strings.ReplaceAll(name, "-", "_"), nil); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// read returns a module as the kernel loads it.
func (s *moduleSet) read(ctx context.Context, name string) ([]byte, error) {
	if ko, ok := s.contents[name]; ok {
		return ko, nil
	}
	f, ok := s.files[name]
	if !ok {
		return nil, fmt.Errorf("not in the kernel package, nor built into the kernel")
	}
	ko := f.data
	if strings.HasSuffix(f.path, ".xz") {
		c := exec.CommandContext(ctx, "xz", "-dc")
		c.Stdin = bytes.NewReader(f.data)
		var err error
		if ko, err = output(c); err != nil {
			return nil, err
		}
	}
	s.contents[name] = ko
	return ko, nil
}

// moduleDepends reads the names after depends= in the section .modinfo, which
// is a list of key=value ended by NUL each.
func moduleDepends(ko []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(ko))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	var names []string
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			for name := range strings.SplitSeq(list, ",") {
				names = append(names, strings.ReplaceAll(name, "-", "_"))
			}
		}
	}
	return names, nil
}
