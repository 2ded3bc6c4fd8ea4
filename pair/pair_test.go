package pair

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// golden opens both files of the example's pair.
func golden(t *testing.T) map[elf.Machine]*File {
	t.Helper()
	files := map[elf.Machine]*File{}
	for _, path := range []string{goldenX86, goldenARM} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Machine] = f
	}
	return files
}

func TestOpenGolden(t *testing.T) {
	files := golden(t)
	x, a := files[elf.EM_X86_64], files[elf.EM_AARCH64]
	if x == nil || a == nil {
		t.Fatal("not one file of each ISA")
	}
	if !reflect.DeepEqual(x.Pair, a.Pair) {
		t.Error("the two files tell of different pairs")
	}
	if x.Size != a.Size || x.Path != goldenX86 || x.Mode != 0o755 || bytes.Equal(x.BuildID, a.BuildID) {
		t.Errorf("%+v and %+v", x, a)
	}
	if _, ok := x.Binary(elf.EM_RISCV); ok {
		t.Error("a binary for RISC-V")
	}
}

// TestGoldenAgainstELF compares what Open says with what the files say to
// debug/elf: headers, build-id, and the symbols of the runtime.
func TestGoldenAgainstELF(t *testing.T) {
	for m, file := range golden(t) {
		b, _ := file.Binary(m)
		f, err := elf.Open(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var segments []Segment
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD {
				segments = append(segments, Segment{p.Vaddr, p.Memsz, p.Off, p.Filesz, p.Flags})
			}
		}
		note, err := f.Section(sectionBuildID).Data()
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != m || f.Entry != b.Entry || !slices.Equal(segments, b.Segments) || !bytes.Equal(note[16:], b.BuildID) || !bytes.Equal(b.BuildID, file.BuildID) {
			t.Errorf("%s: %+v", file.Path, b)
		}

		symbols, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]elf.Symbol{}
		for _, s := range symbols {
			byName[s.Name] = s
		}
		value := func(name string) uint64 {
			if _, ok := byName[name]; !ok {
				t.Fatalf("%s: no symbol %s", file.Path, name)
			}
			return byName[name].Value
		}
		want := Points{
			Roots:    []uint64{value("__tp_root")},
			ParkWait: value("__tp_park_wait"), ParkEnd: value("__tp_park_end"),
			SysResume: value("__tp_sys_resume"), SysInsn: value("__tp_sys_insn"), SysEnd: value("__tp_sys_end"), SysFrame: value("__tp_sys_frame"),
			Restorer: value("__tp_restorer"), PauseWord: value("__tp_pause"),
		}
		if !reflect.DeepEqual(b.Points, want) {
			t.Errorf("%s: %+v, not %+v", file.Path, b.Points, want)
		}
		for _, fn := range file.Functions {
			if s := byName[fn.Name]; s.Value != fn.Addr || s.Size > fn.Size {
				t.Errorf("%s: %+v, and the symbol %+v", file.Path, fn, s)
			}
		}
	}
}

// TestLookups finds each function and call site from each side.
func TestLookups(t *testing.T) {
	pairs := []*Pair{tinyBinary(elf.EM_X86_64).pair, golden(t)[elf.EM_AARCH64].Pair}
	for _, p := range pairs {
		sites := 0
		for i := range p.Functions {
			f := &p.Functions[i]
			for pc, want := range map[uint64]bool{f.Addr: true, f.Addr + f.Size - 1: true} {
				if got, ok := p.FunctionAt(pc); ok != want || got != f {
					t.Errorf("%#x: %+v, not %+v", pc, got, f)
				}
			}
			if got, ok := p.FunctionAt(f.Addr + f.Size); ok && got == f {
				t.Errorf("%s goes on behind its end", f.Name)
			}
			sites += len(f.Sites)
			for _, s := range f.Sites {
				for _, m := range machines {
					b, _ := p.Binary(m)
					byID, ok := b.SiteByID(s.ID)
					if !ok || byID.Function != f || byID.Callee != s.Callee {
						t.Fatalf("%v: site %#x: %+v", m, s.ID, byID)
					}
					if at, ok := b.SiteAt(byID.Return); !ok || at != byID {
						t.Errorf("%v: return address %#x: %+v", m, byID.Return, at)
					}
					if got, ok := p.FunctionAt(byID.Return - 1); !ok || got != f {
						t.Errorf("%v: the call before %#x is in %+v", m, byID.Return, got)
					}
				}
			}
		}
		if sites == 0 {
			t.Error("a pair without call sites")
		}
		for _, m := range machines {
			b, _ := p.Binary(m)
			if len(b.sites) != sites {
				t.Errorf("%v: %d sites, not %d", m, len(b.sites), sites)
			}
			for _, pc := range []uint64{0, b.sites[0].Return - 1, b.sites[sites-1].Return + 1, math.MaxUint64} {
				if s, ok := b.SiteAt(pc); ok && s.Return != pc {
					t.Errorf("%v: %#x: %+v", m, pc, s)
				}
			}
			if _, ok := b.SiteByID(0xdead); ok {
				t.Error("a site that is not there")
			}
		}
		for _, pc := range []uint64{0, p.Functions[0].Addr - 1, math.MaxUint64} {
			if f, ok := p.FunctionAt(pc); ok {
				t.Errorf("%#x: %+v", pc, f)
			}
		}
	}
	if f, ok := (&Pair{}).FunctionAt(5); ok {
		t.Errorf("in a pair of nothing: %+v", f)
	}
}

// TestOpenRefuses: what is no file of a pair. Each error names the path, and
// is ErrNotPair where the file is whole but of another kind.
func TestOpenRefuses(t *testing.T) {
	linked := tinyLinked(elf.EM_X86_64)
	header := func(change func(h *elf.Header64)) []byte {
		return edit(linked, func(h *headers) { change(&h.Header64) })
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	const (
		notPair = true
		foreign = "not a program of a pair: another kind of file: "
	)
	for _, tt := range []struct {
		name    string
		content []byte
		notPair bool
		err     string
	}{
		{"empty", nil, notPair, foreign + "not an ELF file"},
		{"one byte", []byte{0x7f}, notPair, foreign + "not an ELF file"},
		{"a script", []byte("#!/bin/sh\n" + strings.Repeat("exec counter.$(uname -m)\n", 10)), notPair, foreign + "not an ELF file"},
		{"the beginning of an ELF file", linked[:63], notPair, foreign + "not an ELF file"},
		{"not sealed", linked, notPair, "not a program of a pair: it has no section .tpfs.pair; build it with tpcc, and strip it with tpcc -s only"},
		{"another program", self, notPair, "not a program of a pair: it has no section .tpfs.pair"},
		{"32-bit", header(func(h *elf.Header64) { h.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS32) }), notPair, foreign + "not 64-bit little-endian"},
		{"big-endian", header(func(h *elf.Header64) { h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB) }), notPair, foreign + "not 64-bit little-endian"},
		{"an object", header(func(h *elf.Header64) { h.Type = uint16(elf.ET_REL) }), notPair, foreign + "its type is ET_REL"},
		{"a core file", header(func(h *elf.Header64) { h.Type = uint16(elf.ET_CORE) }), notPair, foreign + "its type is ET_CORE"},
		{"no sections", header(func(h *elf.Header64) { h.Shoff, h.Shnum, h.Shstrndx = 0, 0, 0 }), notPair, "not a program of a pair: it has no section .tpfs.pair"},

		{"truncated", linked[:len(linked)-1], !notPair, "section headers: 0x240 bytes at 0x2470: lies outside of the file of 0x26af bytes"},
	} {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, tt.content, 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, err, path+": "+tt.err)
			if f != nil || errors.Is(err, ErrNotPair) != tt.notPair {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}

	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, fifo, "/dev/null"} {
		f, err := Open(path)
		wantError(t, err, path+": not a regular file")
		if f != nil || errors.Is(err, ErrNotPair) {
			t.Errorf("%+v, %v", f, err)
		}
	}
	missing := filepath.Join(dir, "missing")
	if _, err := Open(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Error(err)
	}
}

// failingReader is a file on a broken disk.
type failingReader struct{ io.ReaderAt }

var errDisk = errors.New("input/output error")

func (f failingReader) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	data := tinySealed(elf.EM_X86_64)
	_, err := Read("a name", failingReader{bytes.NewReader(data)}, int64(len(data)))
	if !errors.Is(err, errDisk) || errors.Is(err, ErrNotPair) {
		t.Error(err)
	}
	wantError(t, err, "a name: program headers: ")
	// A file that shrank since its size was asked for.
	_, err = Read("a name", bytes.NewReader(data[:100]), int64(len(data)))
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrNotPair) {
		t.Error(err)
	}
	_, err = Read("a name", bytes.NewReader(data[:10]), int64(len(data)))
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrNotPair) {
		t.Error(err)
	}
	_, err = Read("a name", bytes.NewReader(nil), -1)
	wantError(t, err, "a name: a file of -1 bytes")
}

// same reports whether a damaged file still tells what the whole one does.
func same(damaged, whole *File) bool {
	return damaged.Machine == whole.Machine && bytes.Equal(damaged.BuildID, whole.BuildID) && reflect.DeepEqual(damaged.Pair, whole.Pair)
}

// harmless checks that a damaged file is refused with its name, or that the
// damage changes nothing. It reports which.
func harmless(t *testing.T, what string, data []byte, whole *File) (refused bool) {
	t.Helper()
	f, err := readBytes(data)
	switch {
	case err != nil:
		if !strings.HasPrefix(err.Error(), "the file: ") {
			t.Errorf("%s: %v", what, err)
		}
		return true
	case !same(f, whole):
		t.Errorf("%s: read as another pair: %+v", what, f)
	}
	return false
}

// TestDamagedBits flips a bit of each byte of a sealed file.
func TestDamagedBits(t *testing.T) {
	for _, m := range machines {
		data := tinySealed(m)
		whole, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for i := range data {
			data[i] ^= 1 << (i % 8)
			if harmless(t, fmt.Sprintf("%v: bit %d of byte %#x", m, i%8, i), data, whole) {
				refused++
			}
			data[i] ^= 1 << (i % 8)
		}
		// Most of a file is code and data, which are not read.
		if refused < 1000 {
			t.Errorf("%v: only %d of %d changes were refused", m, refused, len(data))
		}
	}
}

// TestDamagedFields sets each field of each header to values of all kinds, and
// so does for each word of the metadata.
func TestDamagedFields(t *testing.T) {
	for _, m := range machines {
		data := tinySealed(m)
		whole, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		var ranges [][2]uint64
		edit(data, func(h *headers) {
			ranges = append(ranges, [2]uint64{0, elfHeaderSize}, [2]uint64{h.Phoff, uint64(h.Phnum) * progHeaderSize}, [2]uint64{h.Shoff, uint64(h.Shnum) * sectionHeaderSize})
			for i := range h.sections {
				if s := &h.sections[i]; slices.Contains(metadataSections, sectionName(h, s)) {
					ranges = append(ranges, [2]uint64{s.Off, s.Size})
				}
			}
		})
		if len(ranges) != 3+len(metadataSections)-1 { // without the other ISA of itself
			t.Fatalf("%v: %d ranges", m, len(ranges))
		}
		refused := 0
		for _, r := range ranges {
			for _, width := range []uint64{2, 4, 8} { // of single bytes see TestDamagedBits
				for at := r[0]; at+width <= r[0]+r[1]; at += width {
					field := data[at : at+width]
					old := bytes.Clone(field)
					value := uint64(0)
					for i, b := range old {
						value |= uint64(b) << (8 * i)
					}
					for _, v := range []uint64{0, value + 1, value - 1, 1 << (8*width - 1), math.MaxUint64, uint64(len(data))} {
						for i := range field {
							field[i] = byte(v >> (8 * i))
						}
						if bytes.Equal(field, old) {
							continue
						}
						if harmless(t, fmt.Sprintf("%v: %d bytes at %#x: %x", m, width, at, field), data, whole) {
							refused++
						}
					}
					copy(field, old)
				}
			}
		}
		if refused < 5000 {
			t.Errorf("%v: only %d changes were refused", m, refused)
		}
	}
}

// metadataSections are those that are read; each file has all but one.
var metadataSections = []string{sectionStackmaps, sectionEHFrame, sectionNote, sectionTables, sectionOther + "x86_64", sectionOther + "aarch64", sectionBuildID, ".shstrtab"}

func sectionName(h *headers, s *elf.Section64) string {
	name, _, _ := bytes.Cut(h.names[s.Name:], []byte{0})
	return string(name)
}

// TestTruncatedFile cuts a sealed file at each byte.
func TestTruncatedFile(t *testing.T) {
	for _, m := range machines {
		data := tinySealed(m)
		whole, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		var end int // of the section headers; behind them is only padding
		edit(data, func(h *headers) { end = int(h.Shoff) + int(h.Shnum)*sectionHeaderSize })
		for n := range len(data) {
			if refused := harmless(t, fmt.Sprintf("%v: %d bytes", m, n), data[:n], whole); refused != (n < end) {
				t.Errorf("%v: %d of %d bytes are refused: %v", m, n, len(data), refused)
			}
		}
	}
}

// TestTruncatedSections shortens each section of metadata, byte by byte.
func TestTruncatedSections(t *testing.T) {
	for _, m := range machines {
		data := tinySealed(m)
		whole, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metadataSections {
			if name == sectionOther+machineName(m) || name == sectionBuildID { // found by its program header
				continue
			}
			var size uint64
			edit(data, func(h *headers) { size = h.section(name).Size })
			for n := range size {
				short := edit(data, func(h *headers) { h.section(name).Size = n })
				refused := harmless(t, fmt.Sprintf("%v: %d bytes of %s", m, n, name), short, whole)
				switch {
				case name == sectionEHFrame && n >= size-4: // its terminator
				case name == ".shstrtab":
				case !refused:
					t.Errorf("%v: %d of the %d bytes of %s: not refused", m, n, size, name)
				}
			}
		}
	}
}

// TestReadRefuses: sections that are missing, twice there or of another kind,
// in the file itself and in the file within it. None of these is ErrNotPair:
// the file is of a pair, and damaged.
func TestReadRefuses(t *testing.T) {
	data := tinySealed(elf.EM_X86_64)
	const other = sectionOther + "aarch64"
	section := func(name string, change func(s *elf.Section64)) []byte {
		return edit(data, func(h *headers) { change(h.section(name)) })
	}
	remove := func(name string) []byte { return section(name, func(s *elf.Section64) { s.Name = 0 }) }
	double := func(name string) []byte { // the section .pad, renamed
		return edit(data, func(h *headers) { h.section(".pad").Name = h.section(name).Name })
	}
	header := func(change func(h *elf.Header64)) []byte {
		return edit(data, func(h *headers) { change(&h.Header64) })
	}
	inner := func(change func(h *headers)) []byte {
		out := bytes.Clone(data)
		within := content(out, other)
		copy(within, edit(within, change))
		return out
	}
	tables := func(change func(raw []byte)) []byte {
		out := bytes.Clone(data)
		change(content(out, sectionTables))
		return out
	}
	for _, tt := range []struct {
		name string
		data []byte
		err  string
	}{
		{"tables twice", double(sectionTables), "two sections .tpfs.pair"},
		{"tables not in the file", section(sectionTables, func(s *elf.Section64) { s.Off = uint64(len(data)) }), "section .tpfs.pair: 0x"},
		{"tables too large", section(sectionTables, func(s *elf.Section64) { s.Size = maxMetadata + 1 }), "section .tpfs.pair: has 0x2000001 bytes, more than the 0x2000000 allowed"},
		{"tables without content", section(sectionTables, func(s *elf.Section64) { s.Type = uint32(elf.SHT_NOBITS) }), "section .tpfs.pair: has no plain content"},
		{"tables compressed", section(sectionTables, func(s *elf.Section64) { s.Flags |= uint64(elf.SHF_COMPRESSED) }), "section .tpfs.pair: has no plain content"},
		{"tables of another version", tables(func(raw []byte) { raw[8] = 2 }), "section .tpfs.pair: version 2.0"},
		{"an unknown architecture", tables(func(raw []byte) { raw[le.Uint64(raw[dirImages:])+40] = 0xf3 }), "section .tpfs.pair: an architecture that this program does not know: machine 243"},
		{"one architecture", tables(func(raw []byte) { raw[dirImages+dirCount] = 1 }), "the metadata of only one architecture"},
		{"the other architecture alone", tables(func(raw []byte) {
			raw[dirImages+dirCount] = 1
			raw[le.Uint64(raw[dirImages:])] = byte(elf.EM_AARCH64)
		}), "section .tpfs.pair: does not list the file's own architecture, x86_64"},
		{"no architecture", tables(func(raw []byte) { raw[dirImages+dirCount] = 0 }), "does not list the file's own architecture"},
		{"another ID", tables(func(raw []byte) { raw[tablesIDOffset]++ }), "the metadata was changed after the pair was sealed: its digest is "},
		{"another thread word", tables(func(raw []byte) { raw[48] += 8 }), "the metadata was changed after the pair was sealed"},

		{"for another machine", header(func(h *elf.Header64) { h.Machine = uint16(elf.EM_RISCV) }), "section .tpfs.x86_64: missing"},
		{"as if of the other ISA", header(func(h *elf.Header64) { h.Machine = uint16(elf.EM_AARCH64) }), "section .tpfs.x86_64: missing"},
		{"relocatable", header(func(h *elf.Header64) { h.Type = uint16(elf.ET_DYN) }), "metadata of x86_64: its type is ET_DYN, not ET_EXEC"},

		{"program headers outside", header(func(h *elf.Header64) { h.Phoff = math.MaxUint64 }), "program headers: 0xe0 bytes at 0xffffffffffffffff: lies outside of the file"},
		{"program headers of another size", header(func(h *elf.Header64) { h.Phentsize = 55 }), "4 program headers of 55 bytes, where at most 64 of 56 are expected"},
		{"too many program headers", header(func(h *elf.Header64) { h.Phnum = maxProgs + 1 }), "65 program headers of 56 bytes"},
		{"section headers of another size", header(func(h *elf.Header64) { h.Shentsize = 40 }), "12 section headers of 40 bytes"},
		{"too many section headers", header(func(h *elf.Header64) { h.Shnum = maxSections + 1 }), "16385 section headers of 64 bytes"},
		{"names in no section", header(func(h *elf.Header64) { h.Shstrndx = h.Shnum }), "with names in number 12"},
		{"names of no content", section(".shstrtab", func(s *elf.Section64) { s.Type = uint32(elf.SHT_NOBITS) }), "section names: has no plain content"},
		{"names too large", section(".shstrtab", func(s *elf.Section64) { s.Size = maxNameTable + 1 }), "section names: has 0x100001 bytes"},

		{"no note", remove(sectionNote), "metadata of x86_64: section .note.tpfs: missing"},
		{"a note too large", section(sectionNote, func(s *elf.Section64) { s.Size = maxNote + 1 }), "metadata of x86_64: section .note.tpfs: has 0x10001 bytes"},
		{"note twice", double(sectionNote), "metadata of x86_64: two sections .note.tpfs"},
		{"no stack maps", remove(sectionStackmaps), "metadata of x86_64: section .llvm_stackmaps: missing"},
		{"no unwind information", remove(sectionEHFrame), "metadata of x86_64: section .eh_frame: missing"},
		{"unwind information elsewhere", section(sectionEHFrame, func(s *elf.Section64) { s.Addr += 0x1000 }), "metadata of x86_64: function leaf: return address 0x400249: no entry of .eh_frame covers it"},
		{"no segment", edit(data, func(h *headers) { clear(h.progs) }), "metadata of x86_64: no PT_LOAD segment"},
		{"a segment larger in the file", edit(data, func(h *headers) { h.progs[0].Filesz = h.progs[0].Memsz + 1 }), "PT_LOAD segment at 0x400000: bad bounds"},
		{"segments that overlap", edit(data, func(h *headers) { h.progs[1].Vaddr = 0x400400 }), "PT_LOAD segment at 0x400400: bad bounds"},
		{"a segment beyond user space", edit(data, func(h *headers) { h.progs[2].Vaddr = maxAddress + 1 }), "PT_LOAD segment at 0x100000000000001: bad bounds"},
		{"a segment that ends beyond user space", edit(data, func(h *headers) { h.progs[2].Memsz = maxAddress }), "PT_LOAD segment at 0x402400: bad bounds"},
		{"a segment of another size", edit(data, func(h *headers) { h.progs[2].Memsz += 8 }), "PT_LOAD segments differ between x86_64 and aarch64: {Vaddr:4203520 Memsz:104 "},
		{"a segment less", edit(data, func(h *headers) { h.progs[1].Type = uint32(elf.PT_NULL) }), "PT_LOAD segments differ between x86_64 and aarch64: "},

		{"build-id outside", edit(data, func(h *headers) { h.progs[3].Off = uint64(len(data)) }), "metadata of x86_64: PT_NOTE segment: 0x24 bytes at 0x"},
		{"build-id cut", edit(data, func(h *headers) { h.progs[3].Filesz-- }), "metadata of x86_64: PT_NOTE segment: truncated note"},
		{"notes too large", edit(data, func(h *headers) { h.progs[3].Filesz = maxNoteSegment + 1 }), "metadata of x86_64: PT_NOTE segment of 0x10001 bytes, more than the 0x10000 allowed"},
		{"another build-id", edit(data, func(h *headers) { h.progs[3].Type = uint32(elf.PT_NULL) }), "the metadata was changed after the pair was sealed"},

		{"no other file", remove(other), "section .tpfs.aarch64: missing"},
		{"two other files", double(other), "section .tpfs.aarch64: two sections .tpfs.aarch64"},
		{"other file without content", section(other, func(s *elf.Section64) { s.Type = uint32(elf.SHT_NOBITS) }), "section .tpfs.aarch64: lies outside of the file"},
		{"other file outside", section(other, func(s *elf.Section64) { s.Off = math.MaxUint64 }), "section .tpfs.aarch64: lies outside of the file"},
		{"other file without end", section(other, func(s *elf.Section64) { s.Size = math.MaxUint64 }), "section .tpfs.aarch64: lies outside of the file"},
		{"other file empty", section(other, func(s *elf.Section64) { s.Size = 0 }), "section .tpfs.aarch64: another kind of file: not an ELF file"},
		{"other file of the same ISA", inner(func(h *headers) { h.Machine = uint16(elf.EM_X86_64) }), "section .tpfs.aarch64: is for x86_64"},
		{"other file of an unknown ISA", inner(func(h *headers) { h.Machine = 7 }), "section .tpfs.aarch64: is for machine 7"},
		{"other file relocatable", inner(func(h *headers) { h.Type = uint16(elf.ET_DYN) }), "metadata of aarch64: its type is ET_DYN"},
		{"other file an object", inner(func(h *headers) { h.Type = uint16(elf.ET_REL) }), "section .tpfs.aarch64: another kind of file: its type is ET_REL"},
		{"other file without a note", inner(func(h *headers) { h.section(sectionNote).Name = 0 }), "metadata of aarch64: section .note.tpfs: missing"},
		{"other file's unwind information elsewhere", inner(func(h *headers) { h.section(sectionEHFrame).Addr += 0x1000 }), "metadata of aarch64: function leaf: return address 0x40024c: no entry of .eh_frame covers it"},
		{"other file's entry point", inner(func(h *headers) { h.Entry++ }), "the metadata was changed after the pair was sealed"},
	} {
		f, err := readBytes(tt.data)
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, err, "the file: ", tt.err)
			if f != nil || errors.Is(err, ErrNotPair) {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

// TestOtherFileAtEnd: the file within may be the last of the file.
func TestOtherFileAtEnd(t *testing.T) {
	const other = sectionOther + "aarch64"
	data := tinySealed(elf.EM_X86_64)
	whole, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	moved := edit(append(data, content(data, other)...), func(h *headers) { h.section(other).Off = uint64(len(data)) })
	if harmless(t, "moved", moved, whole) {
		t.Error("refused")
	}
	_, err = readBytes(edit(data, func(h *headers) { h.section(other).Off, h.section(other).Size = uint64(len(data)), 0 }))
	wantError(t, err, "section .tpfs.aarch64: another kind of file: not an ELF file")
}

// TestBuildID looks for the note as CRIU does.
func TestBuildID(t *testing.T) {
	gnu := func(typ uint32, id string) []byte { return appendNote(nil, "GNU\x00", typ, []byte(id)) }
	for _, tt := range []struct {
		name  string
		notes [][]byte // of a PT_NOTE segment each
		want  string
		err   string
	}{
		{"no notes", nil, "", ""},
		{"an empty segment", [][]byte{{}}, "", ""},
		{"one", [][]byte{gnu(3, "12345")}, "12345", ""},
		{"without padding at the end", [][]byte{gnu(3, "12345")[:21]}, "12345", ""},
		{"other notes before it", [][]byte{slices.Concat(gnu(1, "abi"), appendNote(nil, "Go\x00", 3, []byte("x")), gnu(3, "12"))}, "12", ""},
		{"in the second segment", [][]byte{gnu(5, "12345678"), gnu(3, "12")}, "12", ""},
		{"two", [][]byte{gnu(3, "first"), gnu(3, "second")}, "first", ""},
		{"as long as can be", [][]byte{gnu(3, strings.Repeat("x", maxBuildID))}, strings.Repeat("x", maxBuildID), ""},
		{"too long", [][]byte{gnu(3, strings.Repeat("x", maxBuildID+1))}, "", "build-id of 513 bytes"},
		{"empty", [][]byte{gnu(3, "")}, "", "build-id of 0 bytes"},
		{"as large a segment as can be", [][]byte{slices.Concat(gnu(3, "12"), make([]byte, maxNoteSegment-20))}, "12", ""},
		{"too large a segment", [][]byte{slices.Concat(gnu(3, "12"), make([]byte, maxNoteSegment-19))}, "", "PT_NOTE segment of 0x10001 bytes, more than the 0x10000 allowed"},
		{"a note that is cut", [][]byte{gnu(3, "12345")[:20]}, "", "PT_NOTE segment: truncated note"},
		{"a header that is cut", [][]byte{append(gnu(1, "abi"), 4, 0, 0, 0)}, "", "PT_NOTE segment: truncated note"},
	} {
		var file []byte
		im := image{}
		for _, n := range tt.notes {
			im.progs = append(im.progs, elf.Prog64{Type: uint32(elf.PT_LOAD), Filesz: math.MaxUint64},
				elf.Prog64{Type: uint32(elf.PT_NOTE), Off: uint64(len(file)), Filesz: uint64(len(n))})
			file = append(file, n...)
		}
		im.r, im.size = bytes.NewReader(file), int64(len(file))
		got, err := im.buildID()
		switch {
		case tt.err != "":
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
		case err != nil || string(got) != tt.want || (got == nil) != (tt.want == ""):
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// TestReadMemory: what the headers of a small file claim takes no memory.
func TestReadMemory(t *testing.T) {
	data := tinySealed(elf.EM_X86_64)
	for _, name := range metadataSections {
		if name == sectionOther+"x86_64" {
			continue
		}
		huge := edit(data, func(h *headers) { h.section(name).Size = min(maxMetadata, uint64(len(data))<<10) })
		if n := allocated(func() { readBytes(huge) }); n > 1<<20 {
			t.Errorf("%s: %d bytes for a file of %d", name, n, len(huge))
		}
	}
}
