package translate

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/pair"
)

// executable is the program of a process on one architecture.
type executable struct {
	// name is the path by which the restoring host knows the file.
	name string
	*pair.File
}

// find looks for the binary of one of these architectures of the program that
// was dumped as path. Either half of a pair may be the one that was dumped, so
// that names are tried from the stem.
func (o *Options) find(path string, machines ...elf.Machine) (*executable, error) {
	names := candidates(path, machines)
	if name, ok := o.Binaries[path]; ok {
		names = []string{name}
	}
	var wanted, seen []string
	for _, m := range machines {
		wanted = append(wanted, ArchName(m))
	}
	for _, name := range names {
		file := name
		if o.Sysroot != "" {
			// The name may be a dump's, and no number of ".." leads out.
			file = filepath.Join(o.Sysroot, filepath.Join("/", name))
		}
		f, err := pair.Open(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			seen = append(seen, file+": no such file")
		case errors.Is(err, pair.ErrNotPair):
			seen = append(seen, err.Error())
		case err != nil:
			return nil, fmt.Errorf("the binary for %s of the program %s: %w", strings.Join(wanted, " or "), path, err)
		case !slices.Contains(machines, f.Machine):
			seen = append(seen, fmt.Sprintf("%s: a binary for %s", file, ArchName(f.Machine)))
		default:
			return &executable{name: name, File: f}, nil
		}
	}
	return nil, fmt.Errorf("no binary for %s of the program %s was found (%s): name it with --bin %s=FILE, or its root directory with --sysroot",
		strings.Join(wanted, " or "), path, strings.Join(seen, "; "), path)
}

// candidates are the paths where the half for one of these machines may be.
func candidates(path string, machines []elf.Machine) []string {
	stem := path
	for _, i := range isas {
		for _, sep := range []string{".", "_"} {
			if s, ok := strings.CutSuffix(path, sep+i.Name()); ok {
				stem = s
			}
		}
	}
	names := []string{path}
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(stem)
	for _, m := range machines {
		add(stem + "." + ArchName(m))
		add(stem + "_" + ArchName(m))
	}
	return names
}

// readSegment reads len(p) bytes at address addr as the loader would put them
// there: from the file, zeros behind it. It reports whether addr is in a
// segment at all.
func (b *executable) readSegment(p []byte, addr uint64) (bool, error) {
	bin, _ := b.Binary(b.Machine)
	for _, s := range bin.Segments {
		if addr < s.Vaddr&^(pageSize-1) || addr >= s.Vaddr+s.Memsz {
			continue
		}
		clear(p)
		// The page that a segment begins or ends in shows the file's bytes
		// beside it too, except behind the end of what is writable.
		fileEnd := s.Vaddr + s.Filesz
		if s.Flags&elf.PF_W == 0 {
			fileEnd = roundUp(fileEnd)
		}
		if addr >= fileEnd {
			return true, nil
		}
		f, err := os.Open(b.Path)
		if err != nil {
			return true, err
		}
		defer f.Close()
		n := min(uint64(len(p)), fileEnd-addr)
		if _, err := f.ReadAt(p[:n], int64(s.Offset+addr-s.Vaddr)); err != nil {
			return true, fmt.Errorf("%s: %w", b.Path, err)
		}
		return true, nil
	}
	return false, nil
}
