// Package pair reads what a pair of binaries says of itself: one program,
// built for two architectures that agree on every address and on the layout
// of all data. Each of the two files carries the metadata of both, so either
// one is enough. Seal writes that metadata. docs/pair-format.md has the format.
//
// Files are hostile input: the metadata of one file is bounded (32 MiB per
// section, 2^19 call sites, 2^18 functions), and reading it takes at most
// 1 GiB of memory, for a file that really is that large, and time linear in
// its size but for sorting. Code and data of the program are never read,
// save by Seal.
package pair

import (
	"cmp"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// ErrNotPair is the error, in the sense of errors.Is, for a file that has none
// of our metadata: another kind of file, or a program that was not sealed.
var ErrNotPair = errors.New("not a program of a pair")

// Names of the sections; see docs/pair-format.md.
const (
	sectionStackmaps = ".llvm_stackmaps"
	sectionEHFrame   = ".eh_frame"
	sectionNote      = ".note.tpfs"
	sectionTables    = ".tpfs.pair"
	sectionOther     = ".tpfs." // and the name of the ISA
	sectionBuildID   = ".note.gnu.build-id"
)

// A Pair is what both files of a pair say. It is never changed once read and
// may be used from many goroutines.
type Pair struct {
	// ID is equal in the files of one pair and differs between pairs. It
	// covers all of the metadata and, by digests taken when the pair was
	// sealed, the loaded content of both files.
	ID        [32]byte
	Thread    ThreadWords
	Reset     []Range    // memory to fill with zeros on arrival
	Functions []Function // ascending by Addr, apart from each other

	binaries map[elf.Machine]*Binary
}

// A File is an ELF file of a pair.
type File struct {
	Path    string
	Size    int64
	Mode    fs.FileMode // as of Open; 0 after Read
	Machine elf.Machine
	BuildID []byte // desc of the GNU build-id note that CRIU records; nil if there is none
	*Pair
}

// A Binary is the part of a pair that belongs to one ISA.
type Binary struct {
	Machine  elf.Machine
	Entry    uint64
	Segments []Segment // PT_LOAD, ascending by Vaddr
	BuildID  []byte    // as in File
	Points   Points
	Loaded   [32]byte // SHA-256 of the segments' file content, with the ELF header as it was before the pair was sealed

	pair  *Pair
	note  []byte // as it stands in the file: it may have records that we do not know
	sites []Site // ascending by Return
	byID  map[uint64]*Site
}

// A Site is a migratable call on one ISA.
type Site struct {
	ID        uint64
	Return    uint64 // the return address
	FrameSize uint64 // CFA - SP during the call; the callee's CFA is that SP
	CFAFromFP int64  // CFA - FP
	RA, FP    int64  // offsets from the CFA of the return address and the caller's frame pointer
	Context   int64  // offset from the CFA where the function saved its caller's context; 0 if it is still in its register
	Function  *Function
	Callee    string // empty for an indirect call
}

// Open reads the metadata of the ELF file at path. The error is ErrNotPair, in
// the sense of errors.Is, for a file that has none.
func Open(path string) (*File, error) {
	// Not to wait for the other end if a hostile path names a FIFO.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	file, err := Read(path, f, st.Size())
	if err != nil {
		return nil, err
	}
	file.Mode = st.Mode()
	return file, nil
}

// Read is Open for a file that is open already. The name is for messages and
// File.Path.
func Read(name string, r io.ReaderAt, size int64) (*File, error) {
	file, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file.Path = name
	return file, nil
}

func read(r io.ReaderAt, size int64) (*File, error) {
	im, err := openImage(r, size)
	if errors.Is(err, errForeign) {
		return nil, fmt.Errorf("%w: %w", ErrNotPair, err)
	}
	if err != nil {
		return nil, err
	}
	if s, err := im.section(sectionTables); err == nil && s == nil {
		return nil, fmt.Errorf("%w: it has no section %s; build it with tpcc, and strip it with tpcc -s only", ErrNotPair, sectionTables)
	}
	p, digest, err := im.pair()
	if err != nil {
		return nil, err
	}
	if digest != p.ID {
		return nil, fmt.Errorf("the metadata was changed after the pair was sealed: its digest is %x, not %x", digest[:4], p.ID[:4])
	}
	own := p.binaries[im.machine()]
	return &File{Size: size, Machine: own.Machine, BuildID: own.BuildID, Pair: p}, nil
}

// pair reads the metadata, and gives the digest that the pair's ID has to be.
func (im *image) pair() (p *Pair, digest [32]byte, err error) {
	raw, _, err := im.mustData(sectionTables, maxMetadata)
	if err != nil {
		return nil, digest, err
	}
	t, err := decodeTables(raw)
	if err != nil {
		return nil, digest, fmt.Errorf("section %s: %w", sectionTables, err)
	}
	p = newPair(t)
	for _, d := range t.images {
		name := machineName(d.machine)
		if _, ok := isas[d.machine]; !ok {
			return nil, digest, fmt.Errorf("section %s: an architecture that this program does not know: %s", sectionTables, name)
		}
		part := im
		if d.machine != im.machine() {
			if part, err = im.embedded(d.machine); err != nil {
				return nil, digest, fmt.Errorf("section %s: %w", sectionOther+name, err)
			}
		}
		m, err := part.metadata()
		if err == nil {
			m.loaded = d.loaded
			err = p.add(m)
		}
		if err != nil {
			return nil, digest, fmt.Errorf("metadata of %s: %w", name, err)
		}
	}
	if p.binaries[im.machine()] == nil {
		return nil, digest, fmt.Errorf("section %s: does not list the file's own architecture, %s", sectionTables, machineName(im.machine()))
	}
	if err := p.check(); err != nil {
		return nil, digest, err
	}
	p.ID = t.id
	return p, p.digest(raw), nil
}

// embedded opens the ELF file in the section of another ISA.
func (im *image) embedded(m elf.Machine) (*image, error) {
	s, err := im.section(sectionOther + machineName(m))
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("missing")
	}
	if elf.SectionType(s.Type) == elf.SHT_NOBITS || s.Off > uint64(im.size) || s.Size > uint64(im.size)-s.Off {
		return nil, errOutside
	}
	e, err := openImage(io.NewSectionReader(im.r, int64(s.Off), int64(s.Size)), int64(s.Size))
	if err != nil {
		return nil, err
	}
	if e.machine() != m {
		return nil, fmt.Errorf("is for %s", machineName(e.machine()))
	}
	return e, nil
}

// metadata is what one ISA's file holds of its own, not yet interpreted.
type metadata struct {
	machine   elf.Machine
	entry     uint64
	segments  []Segment
	buildID   []byte
	loaded    [32]byte
	note      []byte
	stackmaps []byte
	ehFrame   []byte
	ehFrameAt uint64
}

func (im *image) metadata() (m metadata, err error) {
	m.machine, m.entry = im.machine(), im.header.Entry
	if elf.Type(im.header.Type) != elf.ET_EXEC {
		return m, fmt.Errorf("its type is %v, not ET_EXEC", elf.Type(im.header.Type))
	}
	if m.segments, err = im.segments(); err != nil {
		return m, err
	}
	if m.buildID, err = im.buildID(); err != nil {
		return m, err
	}
	if m.note, _, err = im.mustData(sectionNote, maxNote); err != nil {
		return m, err
	}
	if m.stackmaps, _, err = im.mustData(sectionStackmaps, maxMetadata); err != nil {
		return m, err
	}
	var s *elf.Section64
	if m.ehFrame, s, err = im.mustData(sectionEHFrame, maxMetadata); err != nil {
		return m, err
	}
	m.ehFrameAt = s.Addr
	return m, nil
}

func newPair(t *tables) *Pair {
	return &Pair{Thread: t.thread, Reset: t.reset, Functions: t.functions, binaries: map[elf.Machine]*Binary{}}
}

// add interprets one ISA's metadata.
func (p *Pair) add(m metadata) error {
	b := &Binary{Machine: m.machine, Entry: m.entry, Segments: m.segments, BuildID: m.buildID, Loaded: m.loaded, pair: p, note: m.note}
	var err error
	if b.Points, err = decodeNote(m.note); err != nil {
		return fmt.Errorf("section %s: %w", sectionNote, err)
	}
	if err := b.Points.check(m.segments); err != nil {
		return fmt.Errorf("section %s: %w", sectionNote, err)
	}
	records, err := parseStackmaps(m.stackmaps)
	if err != nil {
		return fmt.Errorf("section %s: %w", sectionStackmaps, err)
	}
	frames, err := parseFrames(m.ehFrame, m.ehFrameAt, isas[m.machine])
	if err != nil {
		return fmt.Errorf("section %s: %w", sectionEHFrame, err)
	}
	if b.sites, err = p.sites(records, frames); err != nil {
		return err
	}
	b.byID = make(map[uint64]*Site, len(b.sites))
	for i := range b.sites {
		b.byID[b.sites[i].ID] = &b.sites[i]
	}
	if err := b.checkSites(); err != nil {
		return err
	}
	p.binaries[m.machine] = b
	return nil
}

// checkSites sees to it that a program counter or a return address cannot mean
// two things to Unwind: a call of the program and a place of the runtime.
func (b *Binary) checkSites() error {
	p := &b.Points
	for _, ret := range p.ends() {
		if s, ok := b.SiteAt(ret); ok {
			return fmt.Errorf("function %s: call site %#x returns to %s, %#x", s.Function.Name, s.ID, b.Describe(ret), ret)
		}
	}
	for i := range b.sites {
		s := &b.sites[i]
		f := s.Function
		overlaps := func(start, end uint64) bool {
			return f.Addr < end && (start <= f.Addr || start-f.Addr < f.Size)
		}
		if overlaps(p.ParkWait, p.ParkEnd) || overlaps(p.SysResume, p.SysEnd) || p.inSys(s.Return) {
			return fmt.Errorf("function %s: has call sites and overlaps a stub of the runtime", f.Name)
		}
	}
	return nil
}

// check judges what concerns more than one ISA.
func (p *Pair) check() error {
	if len(p.binaries) < 2 {
		return errors.New("the metadata of only one architecture")
	}
	for _, off := range []int64{p.Thread.NativeLow, p.Thread.NativeHigh} {
		if off%8 != 0 || off < -1<<20 || off > 1<<20 {
			return fmt.Errorf("thread word at offset %d from the thread pointer: not aligned to 8 or too far", off)
		}
	}
	var first *Binary
	for _, m := range p.machines() {
		b := p.binaries[m]
		if first == nil {
			first = b
			continue
		}
		switch {
		case !slices.Equal(b.Segments, first.Segments):
			return fmt.Errorf("PT_LOAD segments differ between %s and %s: %s", machineName(first.Machine), machineName(m), firstDifference(first.Segments, b.Segments))
		case len(b.Points.Roots) != len(first.Points.Roots):
			return fmt.Errorf("%s has %d roots, %s has %d", machineName(first.Machine), len(first.Points.Roots), machineName(m), len(b.Points.Roots))
		case b.Points.PauseWord != first.Points.PauseWord:
			return fmt.Errorf("the pause word is at %#x on %s and at %#x on %s", first.Points.PauseWord, machineName(first.Machine), b.Points.PauseWord, machineName(m))
		}
	}
	for _, r := range p.Reset {
		if r.Size == 0 || !within(first.Segments, r.Addr, r.Size, writable) {
			return fmt.Errorf("range to reset, %#x bytes at %#x: not within a writable segment", r.Size, r.Addr)
		}
	}
	var end uint64
	for i := range p.Functions {
		f := &p.Functions[i]
		switch {
		case f.Name == "":
			return fmt.Errorf("the function at %#x has no name", f.Addr)
		case i > 0 && f.Addr < end:
			return fmt.Errorf("function %s at %#x: overlaps %s or is out of order", f.Name, f.Addr, p.Functions[i-1].Name)
		case f.Size == 0 || !within(first.Segments, f.Addr, f.Size, executable):
			return fmt.Errorf("function %s, %#x bytes at %#x: not within the file's part of an executable segment", f.Name, f.Size, f.Addr)
		case f.Reason != "" && len(f.Sites) > 0:
			return fmt.Errorf("function %s: has migratable call sites though it is not migratable: %s", f.Name, f.Reason)
		case f.PortableFrame%8 != 0 || f.PortableFrame > 1<<30:
			return fmt.Errorf("function %s: portable frame of %d bytes", f.Name, f.PortableFrame)
		}
		end = f.Addr + f.Size
	}
	return nil
}

func firstDifference(a, b []Segment) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%+v and %+v", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d and %d of them", len(a), len(b))
}

// digest computes the pair's ID. raw is the section .tpfs.pair, whose own ID
// field counts as zeros.
func (p *Pair) digest(raw []byte) [32]byte {
	h := sha256.New()
	io.WriteString(h, "tpfs pair 1\n")
	h.Write(raw[:tablesIDOffset])
	h.Write(make([]byte, 32))
	h.Write(raw[tablesIDOffset+32:])
	for _, m := range p.machines() {
		p.binaries[m].digest(h)
	}
	return [32]byte(h.Sum(nil))
}

func (b *Binary) digest(h hash.Hash) {
	var buf []byte
	put := func(values ...uint64) {
		buf = buf[:0]
		for _, v := range values {
			buf = binary.LittleEndian.AppendUint64(buf, v)
		}
		h.Write(buf)
	}
	put(uint64(b.Machine), b.Entry, uint64(len(b.Segments)))
	for _, s := range b.Segments {
		put(s.Vaddr, s.Memsz, s.Offset, s.Filesz, uint64(s.Flags))
	}
	put(uint64(len(b.BuildID)))
	h.Write(b.BuildID)
	put(uint64(len(b.note)))
	h.Write(b.note)
	put(uint64(len(b.sites)))
	for i := range b.sites {
		s := &b.sites[i]
		put(s.ID, s.Return, s.FrameSize, uint64(s.CFAFromFP), uint64(s.RA), uint64(s.FP), uint64(s.Context))
	}
}

// machines lists the pair's ISAs in ascending order of their ELF numbers.
func (p *Pair) machines() []elf.Machine {
	var ms []elf.Machine
	for m := range p.binaries {
		ms = append(ms, m)
	}
	slices.Sort(ms)
	return ms
}

// Binary returns the part of the pair that belongs to an ISA.
func (p *Pair) Binary(m elf.Machine) (*Binary, bool) {
	b, ok := p.binaries[m]
	return b, ok
}

// FunctionAt finds the function whose code contains pc. For a return address,
// ask for the address before it: the call may be the last of its function.
func (p *Pair) FunctionAt(pc uint64) (*Function, bool) {
	i, ok := slices.BinarySearchFunc(p.Functions, pc, func(f Function, pc uint64) int { return cmp.Compare(f.Addr, pc) })
	if !ok {
		i--
	}
	if i < 0 || pc-p.Functions[i].Addr >= p.Functions[i].Size {
		return nil, false
	}
	return &p.Functions[i], true
}

// SiteAt finds the migratable call that returns to ret.
func (b *Binary) SiteAt(ret uint64) (*Site, bool) {
	i, ok := slices.BinarySearchFunc(b.sites, ret, func(s Site, ret uint64) int { return cmp.Compare(s.Return, ret) })
	if !ok {
		return nil, false
	}
	return &b.sites[i], true
}

// SiteByID finds a migratable call by its identity, which the ISAs share.
func (b *Binary) SiteByID(id uint64) (*Site, bool) {
	s, ok := b.byID[id]
	return s, ok
}

// Describe names the place of pc: as "function+0x12", by the runtime's name
// for it, or as "0x..., in no function of the pair".
func (b *Binary) Describe(pc uint64) string { return b.describe(pc, pc) }

// describeReturn is Describe for a return address, which may lie behind the
// last instruction of its function.
func (b *Binary) describeReturn(ret uint64) string { return b.describe(ret, ret-1) }

// describe names pc by the code that contains the address in.
func (b *Binary) describe(pc, in uint64) string {
	p := &b.Points
	if p.Restorer != 0 && pc == p.Restorer {
		return "the signal restorer"
	}
	if slices.Contains(p.Roots, pc) {
		return "the root of the stack"
	}
	for _, stub := range []struct {
		name       string
		start, end uint64
	}{
		{"the park stub", p.ParkWait, p.ParkEnd},
		{"the system-call stub", p.SysResume, p.SysEnd},
	} {
		if in >= stub.start && in < stub.end {
			return fmt.Sprintf("%s+%#x", stub.name, pc-stub.start)
		}
	}
	if f, ok := b.pair.FunctionAt(in); ok {
		return fmt.Sprintf("%s+%#x", f.Name, pc-f.Addr)
	}
	return fmt.Sprintf("%#x, in no function of the pair", pc)
}

type access int

const (
	writable access = iota
	executable
)

// within reports whether size bytes at addr lie in one segment of the given
// access; code must come from the file.
func within(segments []Segment, addr, size uint64, a access) bool {
	for _, s := range segments {
		length, flag := s.Memsz, elf.PF_W
		if a == executable {
			length, flag = s.Filesz, elf.PF_X
		}
		if s.Flags&flag != 0 && addr >= s.Vaddr && addr-s.Vaddr <= length && size <= length-(addr-s.Vaddr) {
			return true
		}
	}
	return false
}
