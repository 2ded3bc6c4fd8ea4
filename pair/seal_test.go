package pair

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sealing is what Seal is given: the tiny pair, for tests to change it.
type sealing struct {
	files map[elf.Machine][]byte
	Description
}

func newSealing() *sealing {
	s := &sealing{files: map[elf.Machine][]byte{}, Description: tinyDescription()}
	for _, m := range machines {
		s.files[m] = tinyLinked(m)
	}
	return s
}

func (s *sealing) seal() (x, a []byte, err error) {
	return Seal(s.files[elf.EM_X86_64], s.files[elf.EM_AARCH64], s.Description)
}

// edit changes the headers of the files of the given ISAs.
func (s *sealing) edit(change func(h *headers), ms ...elf.Machine) {
	for _, m := range ms {
		s.files[m] = edit(s.files[m], change)
	}
}

// function finds a function of the description.
func (s *sealing) function(name string) *Function {
	i := slices.IndexFunc(s.Functions, func(f Function) bool { return f.Name == name })
	return &s.Functions[i]
}

// points changes the points of one ISA.
func (s *sealing) points(m elf.Machine, change func(p *Points)) {
	b := s.Binaries[m]
	change(&b.Points)
	s.Binaries[m] = b
}

func TestSeal(t *testing.T) {
	s := newSealing()
	x, a, err := s.seal()
	if err != nil {
		t.Fatal(err)
	}
	if len(x) != len(a) {
		t.Errorf("files of %d and %d bytes", len(x), len(a))
	}
	if want := newSealing(); !reflect.DeepEqual(s, want) {
		t.Error("Seal changed what it was given")
	}
	var first *File
	for m, data := range map[elf.Machine][]byte{elf.EM_X86_64: x, elf.EM_AARCH64: a} {
		f, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = f
		}
		want := tinyDescription()
		slices.SortFunc(want.Functions, func(a, b Function) int { return int(a.Addr) - int(b.Addr) })
		if f.Machine != m || f.Path != "the file" || f.Size != int64(len(data)) || f.Mode != 0 ||
			f.Thread != want.Thread || !slices.Equal(f.Reset, want.Reset) || !reflect.DeepEqual(f.Functions, want.Functions) {
			t.Errorf("%v: %+v", m, f)
		}
		if !reflect.DeepEqual(f.Pair, first.Pair) {
			t.Error("the two files tell of different pairs")
		}
		for _, m := range machines {
			b, ok := f.Binary(m)
			if !ok || !reflect.DeepEqual(b.Points, want.Binaries[m].Points) || b.Entry != 0x400200 {
				t.Errorf("%v: %+v", m, b)
			}
			// The build-id is that of the linked file; see also TestGoldenAgainstELF.
			if !bytes.Equal(b.BuildID, content(tinyLinked(m), sectionBuildID)[16:]) {
				t.Errorf("%v: build-id %x", m, b.BuildID)
			}
			loaded := sha256.New()
			for _, seg := range b.Segments {
				loaded.Write(tinyLinked(m)[seg.Offset:][:seg.Filesz])
			}
			if b.Loaded != [32]byte(loaded.Sum(nil)) {
				t.Errorf("%v: not the digest of what the linked file loads", m)
			}
		}
	}
}

// TestSealID pins the format: a change of it is a change of the version.
func TestSealID(t *testing.T) {
	const want = "2a590da8121fc597936a25277b0ae82fb39c0f121f49a5d3238dbda88e8af7b3"
	if id := fmt.Sprintf("%x", tinyBinary(elf.EM_X86_64).pair.ID); id != want {
		t.Errorf("the tiny pair has the ID %s, not %s", id, want)
	}
}

// TestSealDeterministic: nothing depends on the order of the arguments, of the
// functions or of maps, and what was read of a pair seals to equal files.
func TestSealDeterministic(t *testing.T) {
	wantX, wantA, err := newSealing().seal()
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		s := newSealing()
		rnd.Shuffle(len(s.Functions), func(i, j int) { s.Functions[i], s.Functions[j] = s.Functions[j], s.Functions[i] })
		x, a, err := s.seal()
		if err != nil || !bytes.Equal(x, wantX) || !bytes.Equal(a, wantA) {
			t.Fatalf("files differ: %v", err)
		}
	}
	s := newSealing()
	a, x, err := Seal(s.files[elf.EM_AARCH64], s.files[elf.EM_X86_64], s.Description)
	if err != nil || !bytes.Equal(x, wantX) || !bytes.Equal(a, wantA) {
		t.Errorf("in the other order the files differ: %v", err)
	}

	f, err := readBytes(wantA)
	if err != nil {
		t.Fatal(err)
	}
	d := Description{Thread: f.Thread, Reset: f.Reset, Functions: f.Functions, Binaries: map[elf.Machine]BinaryDescription{}}
	for _, m := range machines {
		b, _ := f.Binary(m)
		d.Binaries[m] = BinaryDescription{Points: b.Points}
	}
	x, a, err = Seal(s.files[elf.EM_X86_64], s.files[elf.EM_AARCH64], d)
	if err != nil || !bytes.Equal(x, wantX) || !bytes.Equal(a, wantA) {
		t.Errorf("described as it was read, the files differ: %v", err)
	}
}

// TestSealedFile compares a sealed file with the linked one by debug/elf: what
// it had is there as it was, and the new sections are not loaded.
func TestSealedFile(t *testing.T) {
	for _, m := range machines {
		before, after := tinyLinked(m), tinySealed(m)
		// Of the ELF header, only what it says of section headers changes.
		const shoff, flags, shentsize = 40, 48, 58
		if !bytes.Equal(after[:shoff], before[:shoff]) || !bytes.Equal(after[flags:shentsize], before[flags:shentsize]) ||
			!bytes.Equal(after[elfHeaderSize:len(before)], before[elfHeaderSize:]) {
			t.Errorf("%v: what the file had was changed", m)
		}
		old, err := elf.NewFile(bytes.NewReader(before))
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(after))
		if err != nil {
			t.Fatal(err)
		}
		var added []string
		for i, s := range f.Sections {
			if i >= len(old.Sections) {
				added = append(added, s.Name)
				if s.Flags != 0 || s.Addr != 0 || s.Offset%s.Addralign != 0 {
					t.Errorf("%v: %+v", m, s)
				}
				continue
			}
			if s.Name == ".shstrtab" {
				s.Offset, s.Size, s.FileSize = old.Sections[i].Offset, old.Sections[i].Size, old.Sections[i].FileSize
			}
			if s.SectionHeader != old.Sections[i].SectionHeader {
				t.Errorf("%v: %+v was %+v", m, s.SectionHeader, old.Sections[i].SectionHeader)
			}
		}
		other := map[elf.Machine]string{elf.EM_X86_64: ".tpfs.aarch64", elf.EM_AARCH64: ".tpfs.x86_64"}[m]
		if want := []string{".note.tpfs", ".tpfs.pair", other}; !slices.Equal(added, want) {
			t.Errorf("%v: new sections %s, not %s", m, added, want)
		}

		// The file within is an ELF file too, and has the other one's metadata.
		inner, err := elf.NewFile(bytes.NewReader(content(after, other)))
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]uint64{}
		for _, s := range inner.Sections {
			names[s.Name] = s.Addr
		}
		want := map[string]uint64{"": 0, ".shstrtab": 0, ".note.gnu.build-id": 0, ".llvm_stackmaps": 0, ".eh_frame": 0x401200, ".note.tpfs": 0}
		if inner.Machine == m || inner.Entry != 0x400200 || !reflect.DeepEqual(names, want) {
			t.Errorf("%v: within it %+v, sections %v", m, inner.FileHeader, names)
		}
	}
}

// TestSealVariants: files that lack what not every program has.
func TestSealVariants(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(s *sealing)
		check  func(b *Binary) bool
	}{
		{"no build-id", func(s *sealing) {
			s.edit(func(h *headers) { h.progs[3].Type = uint32(elf.PT_NULL) }, machines...)
		}, func(b *Binary) bool { return b.BuildID == nil }},
		{"a build-id on one ISA", func(s *sealing) {
			s.edit(func(h *headers) { h.progs[3].Type = uint32(elf.PT_NULL) }, elf.EM_AARCH64)
		}, func(b *Binary) bool { return (b.BuildID == nil) == (b.Machine == elf.EM_AARCH64) }},
		{"no restorer", func(s *sealing) {
			for _, m := range machines {
				s.points(m, func(p *Points) { p.Restorer = 0 })
			}
		}, func(b *Binary) bool { return b.Points.Restorer == 0 }},
		{"thread words as far as can be", func(s *sealing) {
			s.Thread = ThreadWords{NativeLow: 1 << 20, NativeHigh: -1 << 20}
		}, func(b *Binary) bool { return b.pair.Thread.NativeLow == 1<<20 }},
		{"stubs right before and behind a function with calls", func(s *sealing) {
			s.function("_start").Size, s.function("leaf").Size = 0x20, 0x20
			for _, m := range machines {
				s.points(m, func(p *Points) {
					p.ParkWait, p.ParkEnd = 0x400230, 0x400240
					p.SysResume, p.SysInsn, p.SysEnd = 0x400260, 0x400260, 0x400280
				})
			}
		}, func(b *Binary) bool { return b.Points.ParkEnd == 0x400240 }},
		{"the largest portable frame", func(s *sealing) { s.function("main").PortableFrame = 1 << 30 }, func(b *Binary) bool { return b.sites[2].Function.PortableFrame == 1<<30 }},
		{"nothing to reset", func(s *sealing) { s.Reset = nil }, func(b *Binary) bool { return b.pair.Reset == nil }},
		{"no functions", func(s *sealing) { s.Functions = nil }, func(b *Binary) bool { return len(b.sites) == 0 }},
		{"stack maps of the description", func(s *sealing) {
			s.edit(func(h *headers) { h.section(sectionStackmaps).Name = 0 }, machines...)
			for _, m := range machines {
				b := s.Binaries[m]
				pushed := isas[m].pushed
				for _, site := range tinyBinary(m).sites {
					b.Stackmaps = append(b.Stackmaps, StackmapFunction{
						Addr: site.Function.Addr, StackSize: site.FrameSize - pushed,
						Records: []StackmapRecord{{site.ID, uint32(site.Return - site.Function.Addr)}},
					})
				}
				s.Binaries[m] = b
			}
		}, func(b *Binary) bool {
			return slices.EqualFunc(b.sites, tinyBinary(b.Machine).sites, func(x, y Site) bool {
				x.Function, y.Function = nil, nil
				return x == y
			})
		}},
	} {
		s := newSealing()
		tt.change(s)
		x, a, err := s.seal()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var pairs []*Pair
		for _, data := range [][]byte{x, a} {
			f, err := readBytes(data)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			pairs = append(pairs, f.Pair)
			for _, m := range machines {
				if b, _ := f.Binary(m); !tt.check(b) {
					t.Errorf("%s: %+v", tt.name, b)
				}
			}
		}
		if !reflect.DeepEqual(pairs[0], pairs[1]) {
			t.Errorf("%s: the two files tell of different pairs", tt.name)
		}
	}
}

// TestSealRefuses: two files that are no pair, or not as described.
func TestSealRefuses(t *testing.T) {
	const x, a = elf.EM_X86_64, elf.EM_AARCH64
	type test struct {
		name  string
		spoil func(s *sealing)
		err   string
	}
	tests := []test{
		// Files that cannot be of a pair.
		{"not an ELF file", func(s *sealing) { s.files[x] = []byte("#!/bin/sh\n") }, "first file: another kind of file: not an ELF file"},
		{"an empty file", func(s *sealing) { s.files[a] = nil }, "second file: another kind of file: not an ELF file"},
		{"an object", func(s *sealing) { s.edit(func(h *headers) { h.Type = uint16(elf.ET_REL) }, a) }, "second file: another kind of file: its type is ET_REL"},
		{"one file twice", func(s *sealing) { s.files[a] = s.files[x] }, "both files are for x86_64"},
		{"an architecture that is not known", func(s *sealing) {
			s.edit(func(h *headers) { h.Machine = uint16(elf.EM_RISCV) }, a)
			s.Binaries[elf.EM_RISCV] = s.Binaries[a]
		}, "machine 243: not described, or an architecture that this program does not know"},
		{"not described", func(s *sealing) { delete(s.Binaries, a) }, "aarch64: not described"},
		{"position-independent", func(s *sealing) { s.edit(func(h *headers) { h.Type = uint16(elf.ET_DYN) }, x) }, "x86_64: not linked at fixed addresses; link with -static -no-pie"},
		{"an interpreter", func(s *sealing) { s.edit(func(h *headers) { h.progs[3].Type = uint32(elf.PT_INTERP) }, x) }, "x86_64: linked dynamically; link with -static -no-pie"},
		{"a dynamic segment", func(s *sealing) { s.edit(func(h *headers) { h.progs[3].Type = uint32(elf.PT_DYNAMIC) }, a) }, "aarch64: linked dynamically"},
		{"sealed already", func(s *sealing) { s.files[x] = tinySealed(x) }, "x86_64: has a section .note.tpfs already"},
		{"tables already", func(s *sealing) {
			s.files[x] = edit(tinySealed(x), func(h *headers) { h.section(sectionNote).Name = 0 })
		}, "x86_64: has a section .tpfs.pair already"},
		{"the other file already", func(s *sealing) {
			s.files[x] = edit(tinySealed(x), func(h *headers) { h.section(sectionNote).Name, h.section(sectionTables).Name = 0, 0 })
		}, "section .tpfs.aarch64: two sections .tpfs.aarch64"},
		{"no segment", func(s *sealing) { s.edit(func(h *headers) { clear(h.progs) }, x) }, "x86_64: no PT_LOAD segment"},
		{"a segment outside of the file", func(s *sealing) { s.edit(func(h *headers) { h.progs[0].Off = math.MaxUint64 }, a) }, "aarch64: PT_LOAD segment at 0x400000: lies outside of the file"},
		{"a segment across the end of the file", func(s *sealing) { s.edit(func(h *headers) { h.progs[0].Off = uint64(len(s.files[a])) - 0x43f }, a) }, "aarch64: PT_LOAD segment at 0x400000: lies outside of the file"},
		{"a bad build-id", func(s *sealing) { s.edit(func(h *headers) { h.progs[3].Filesz-- }, x) }, "x86_64: PT_NOTE segment: truncated note"},
		{"stack maps twice", func(s *sealing) {
			s.edit(func(h *headers) { h.section(".pad").Name = h.section(sectionStackmaps).Name }, x)
		}, "x86_64: two sections .llvm_stackmaps"},
		{"stack maps without content", func(s *sealing) {
			s.edit(func(h *headers) { h.section(sectionStackmaps).Type = uint32(elf.SHT_NOBITS) }, x)
		}, "x86_64: section .llvm_stackmaps: has no plain content"},
		{"stack maps in the description too", func(s *sealing) {
			s.Binaries[x] = BinaryDescription{Points: s.Binaries[x].Points, Stackmaps: []StackmapFunction{{}}}
		}, "x86_64: has a section .llvm_stackmaps, and the description has stack maps too"},
		{"no stack maps", func(s *sealing) { s.edit(func(h *headers) { h.section(sectionStackmaps).Name = 0 }, a) }, "aarch64: function leaf: call site 0x1001: section .llvm_stackmaps has no record of it"},
		{"bad stack maps", func(s *sealing) { content(s.files[a], sectionStackmaps)[0] = 2 }, "aarch64: section .llvm_stackmaps: at 0x0: stack map of version 2, not 3"},
		{"no unwind information", func(s *sealing) { s.edit(func(h *headers) { h.section(sectionEHFrame).Name = 0 }, a) }, "aarch64: section .eh_frame: missing; compile with -fasynchronous-unwind-tables"},
		{"bad unwind information", func(s *sealing) { content(s.files[x], sectionEHFrame)[8] = 9 }, "x86_64: section .eh_frame: CIE at 0x0: version 9 is not supported"},
		{"section names in no section", func(s *sealing) { s.edit(func(h *headers) { h.Shstrndx = 0 }, x) }, "x86_64: section .eh_frame: missing"},
		{"as many sections as can be", func(s *sealing) {
			// A table of that many headers behind the file, most of them empty.
			s.edit(func(h *headers) { h.Shoff, h.Shnum = uint64(len(s.files[x])), maxSections }, x)
			im, _ := openImage(bytes.NewReader(tinyLinked(x)), int64(len(tinyLinked(x))))
			table := encode(nil, im.sections)
			s.files[x] = append(s.files[x], append(table, make([]byte, maxSections*sectionHeaderSize-len(table))...)...)
		}, "x86_64: more than 16384 sections"},

		// Files that disagree.
		{"a segment of another size", func(s *sealing) { s.edit(func(h *headers) { h.progs[2].Memsz += 16 }, a) }, "PT_LOAD segments differ between x86_64 and aarch64: {Vaddr:4203520 Memsz:96 Offset:9216 Filesz:32 Flags:PF_W+PF_R} and {Vaddr:4203520 Memsz:112 "},
		{"a segment at another place in the file", func(s *sealing) { s.edit(func(h *headers) { h.progs[1].Off -= 16 }, a) }, "PT_LOAD segments differ"},
		{"a segment of other rights", func(s *sealing) { s.edit(func(h *headers) { h.progs[1].Flags = uint32(elf.PF_R | elf.PF_X) }, a) }, "PT_LOAD segments differ"},
		{"a segment less", func(s *sealing) { s.edit(func(h *headers) { h.progs[2].Type = uint32(elf.PT_NULL) }, a) }, "PT_LOAD segments differ between x86_64 and aarch64: 3 and 2 of them"},
		{"initial data", func(s *sealing) { content(s.files[a], ".data")[31] ^= 1 }, "initial data differs at 0x40241f: 0x0 on x86_64, 0x1 on aarch64"},
		{"another number of roots", func(s *sealing) { s.points(a, func(p *Points) { p.Roots = append(p.Roots, 0x400200) }) }, "x86_64 has 1 roots, aarch64 has 2"},
		{"another pause word", func(s *sealing) { s.points(a, func(p *Points) { p.PauseWord += 4 }) }, "the pause word is at 0x402400 on x86_64 and at 0x402404 on aarch64"},

		{"a call that returns to a root", func(s *sealing) { s.points(x, func(p *Points) { p.Roots[0] = 0x400249 }) }, "x86_64: function leaf: call site 0x1001 returns to the root of the stack, 0x400249"},
		{"a call that returns to the restorer", func(s *sealing) { s.points(x, func(p *Points) { p.Restorer = 0x400249 }) }, "x86_64: function leaf: call site 0x1001 returns to the signal restorer, 0x400249"},
		{"park stub in a function with calls", func(s *sealing) { s.points(x, func(p *Points) { p.ParkWait, p.ParkEnd = 0x400200, 0x400241 }) }, "x86_64: function leaf: has call sites and overlaps a stub"},
		{"park stub at the start of a function with calls", func(s *sealing) { s.points(a, func(p *Points) { p.ParkWait, p.ParkEnd = 0x400240, 0x400244 }) }, "aarch64: function leaf: has call sites and overlaps a stub"},
		{"system-call stub at the end of a function with calls", func(s *sealing) {
			s.points(x, func(p *Points) { p.SysResume, p.SysInsn, p.SysEnd = 0x40027f, 0x40027f, 0x400280 })
		}, "x86_64: function leaf: has call sites and overlaps a stub"},
		{"a call that returns to the system-call stub", func(s *sealing) {
			s.function("leaf").Size = 12 // on aarch64 its end is the call
			s.points(x, func(p *Points) { p.SysResume, p.SysInsn, p.SysEnd = 0x400250, 0x400250, 0x400251 })
			s.points(a, func(p *Points) { p.SysResume, p.SysInsn, p.SysEnd = 0x40024c, 0x40024c, 0x400250 })
		}, "aarch64: function leaf: has call sites and overlaps a stub"},

		// Descriptions that cannot be.
		{"no points", func(s *sealing) { s.Binaries[x] = BinaryDescription{} }, "x86_64: section .note.tpfs: no root"},
		{"too many roots", func(s *sealing) { s.points(x, func(p *Points) { p.Roots = make([]uint64, maxRoots+1) }) }, "x86_64: section .note.tpfs: more than 64 roots"},
		{"thread word not aligned", func(s *sealing) { s.Thread.NativeLow = 44 }, "thread word at offset 44 from the thread pointer: not aligned to 8 or too far"},
		{"stack bound too far", func(s *sealing) { s.Thread.NativeLow = 1<<20 + 8 }, "thread word at offset 1048584 from the thread pointer"},
		{"stack bound too far down", func(s *sealing) { s.Thread.NativeHigh = -1<<20 - 8 }, "thread word at offset -1048584 from the thread pointer"},
		{"empty range", func(s *sealing) { s.Reset[0].Size = 0 }, "range to reset, 0x0 bytes at 0x402420: not within a writable segment"},
		{"range in the text", func(s *sealing) { s.Reset[0].Addr = 0x400200 }, "range to reset, 0x40 bytes at 0x400200: not within a writable segment"},
		{"range beyond the data", func(s *sealing) { s.Reset[0].Size++ }, "range to reset, 0x41 bytes at 0x402420: not within"},
		{"range that wraps", func(s *sealing) { s.Reset[0].Size = math.MaxUint64 }, "range to reset, 0xffffffffffffffff bytes at 0x402420: not within"},
		{"too many ranges", func(s *sealing) { s.Reset = slices.Repeat(s.Reset, maxResets+1) }, "ranges to reset: 4097 entries"},

		{"function without a name", func(s *sealing) { s.function("leaf").Name = "" }, "the function at 0x400240 has no name"},
		{"name too long", func(s *sealing) { s.function("leaf").Name = strings.Repeat("x", maxName+1) }, "string of 4097 bytes"},
		{"name that is not UTF-8", func(s *sealing) { s.function("leaf").Name = "\xff" }, "strings: not UTF-8"},
		{"reason of two lines", func(s *sealing) { s.function("_start").Reason = "one\ntwo" }, "strings: U+000A is not printable"},
		{"functions that overlap", func(s *sealing) { s.function("_start").Size++ }, "function leaf at 0x400240: overlaps _start or is out of order"},
		{"two functions at one address", func(s *sealing) { s.function("_start").Addr = 0x400240 }, "at 0x400240: overlaps "},
		{"function of nothing", func(s *sealing) { s.function("_start").Size = 0 }, "function _start, 0x0 bytes at 0x400200: not within the file's part of an executable segment"},
		{"function in the data", func(s *sealing) { s.function("_start").Addr = 0x402400 }, "function _start, 0x40 bytes at 0x402400: not within"},
		{"function beyond the text", func(s *sealing) {
			s.Functions = append(s.Functions, Function{Name: "last", Addr: 0x400420, Size: 0x21})
		}, "function last, 0x21 bytes at 0x400420: not within"},
		{"function that wraps", func(s *sealing) {
			s.Functions = append(s.Functions, Function{Name: "last", Addr: 0x400420, Size: math.MaxUint64})
		}, "function last, 0xffffffffffffffff bytes at 0x400420: not within"},
		{"a reason and call sites", func(s *sealing) { s.function("leaf").Reason = "inline asm" }, "function leaf: has migratable call sites though it is not migratable: inline asm"},
		{"portable frame not aligned", func(s *sealing) { s.function("main").PortableFrame = 12 }, "function main: portable frame of 12 bytes"},
		{"portable frame too large", func(s *sealing) { s.function("main").PortableFrame = 1<<30 + 8 }, "function main: portable frame of 1073741832 bytes"},
		{"a call site of no record", func(s *sealing) { s.function("main").Sites[0].ID = 5 }, "function main: call site 0x5: section .llvm_stackmaps has no record of it"},
		{"a call site of another function", func(s *sealing) { s.function("main").Sites[0].ID = leafParks }, "call site 0x1001: "},
	}
	for _, tt := range tests {
		s := newSealing()
		tt.spoil(s)
		outX, outA, err := s.seal()
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, err, tt.err)
			if outX != nil || outA != nil {
				t.Error("files with an error")
			}
		})
	}
}

// TestSealDamaged: a linked file with a bit flipped either seals to what reads
// back, or is refused.
func TestSealDamaged(t *testing.T) {
	s := newSealing()
	for _, m := range machines {
		data := s.files[m]
		for i := range data {
			if i >= 0x200 && i < 0x1000 || i >= 0x1400 && i < 0x2400 {
				continue // code and padding, which are not read
			}
			if i >= 0x1000 && i < 0x1400 && i%4 != 0 {
				continue // metadata, which TestDamagedBits reads
			}
			data[i] ^= 1 << (i % 8)
			x, a, err := s.seal()
			if err == nil {
				if _, err := readBytes(x); err != nil {
					t.Errorf("%v: byte %#x: %v", m, i, err)
				}
				if _, err := readBytes(a); err != nil {
					t.Errorf("%v: byte %#x: %v", m, i, err)
				}
			}
			data[i] ^= 1 << (i % 8)
		}
	}
}
