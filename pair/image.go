package pair

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Bounds on what a file may make us read. A pair's file is hostile input, as
// the dump that names it is; debug/elf's own reader disclaims such input, so
// only its constants and header types are used here.
const (
	maxProgs       = 64
	maxSections    = 1 << 14
	maxNameTable   = 1 << 20
	maxNoteSegment = 64 << 10
	maxBuildID     = 512 // CRIU ignores a longer one
	maxMetadata    = 32 << 20
)

const (
	elfHeaderSize     = 64
	progHeaderSize    = 56
	sectionHeaderSize = 64
)

// A Segment is a PT_LOAD program header.
type Segment struct {
	Vaddr, Memsz   uint64
	Offset, Filesz uint64
	Flags          elf.ProgFlag
}

// image is an ELF64 little-endian file of which only the headers were read.
type image struct {
	r        io.ReaderAt
	size     int64
	header   elf.Header64
	progs    []elf.Prog64
	sections []elf.Section64
	names    []byte // .shstrtab
}

// openImage reads the headers. The error is errForeign, in the sense of
// errors.Is, for a file of a kind that no pair is made of.
func openImage(r io.ReaderAt, size int64) (*image, error) {
	if size < 0 {
		return nil, fmt.Errorf("a file of %d bytes", size)
	}
	im := &image{r: r, size: size}
	head, err := im.read(0, elfHeaderSize)
	if err != nil || !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		if err != nil && !errors.Is(err, errOutside) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: not an ELF file", errForeign)
	}
	if elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(head[elf.EI_DATA]) != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("%w: not 64-bit little-endian", errForeign)
	}
	h := &im.header
	if err := decode(head, h); err != nil {
		return nil, err
	}
	if elf.Type(h.Type) != elf.ET_EXEC && elf.Type(h.Type) != elf.ET_DYN {
		return nil, fmt.Errorf("%w: its type is %v", errForeign, elf.Type(h.Type))
	}
	if h.Phnum > 0 {
		if h.Phentsize != progHeaderSize || h.Phnum > maxProgs {
			return nil, fmt.Errorf("%d program headers of %d bytes, where at most %d of %d are expected", h.Phnum, h.Phentsize, maxProgs, progHeaderSize)
		}
		raw, err := im.read(h.Phoff, uint64(h.Phnum)*progHeaderSize)
		if err != nil {
			return nil, fmt.Errorf("program headers: %w", err)
		}
		im.progs = make([]elf.Prog64, h.Phnum)
		if err := decode(raw, im.progs); err != nil {
			return nil, err
		}
	}
	if h.Shnum > 0 {
		if h.Shentsize != sectionHeaderSize || h.Shnum > maxSections || h.Shstrndx >= h.Shnum {
			return nil, fmt.Errorf("%d section headers of %d bytes with names in number %d, where at most %d of %d are expected", h.Shnum, h.Shentsize, h.Shstrndx, maxSections, sectionHeaderSize)
		}
		raw, err := im.read(h.Shoff, uint64(h.Shnum)*sectionHeaderSize)
		if err != nil {
			return nil, fmt.Errorf("section headers: %w", err)
		}
		im.sections = make([]elf.Section64, h.Shnum)
		if err := decode(raw, im.sections); err != nil {
			return nil, err
		}
		if im.names, err = im.data(&im.sections[h.Shstrndx], maxNameTable); err != nil {
			return nil, fmt.Errorf("section names: %w", err)
		}
	}
	return im, nil
}

var (
	errForeign = errors.New("another kind of file")
	errOutside = errors.New("lies outside of the file")
)

func decode(raw []byte, to any) error {
	_, err := binary.Decode(raw, binary.LittleEndian, to)
	return err
}

func (im *image) machine() elf.Machine { return elf.Machine(im.header.Machine) }

// read returns n bytes at off. Callers bound n.
func (im *image) read(off, n uint64) ([]byte, error) {
	if off > uint64(im.size) || n > uint64(im.size)-off {
		return nil, fmt.Errorf("%#x bytes at %#x: %w of %#x bytes", n, off, errOutside, im.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(im.r, int64(off), int64(n)), b); err != nil {
		return nil, err
	}
	return b, nil
}

// section finds the section of a name. Two of one name are an error.
func (im *image) section(name string) (*elf.Section64, error) {
	var found *elf.Section64
	want := append([]byte(name), 0)
	for i := range im.sections {
		s := &im.sections[i]
		if uint64(s.Name) < uint64(len(im.names)) && bytes.HasPrefix(im.names[s.Name:], want) {
			if found != nil {
				return nil, fmt.Errorf("two sections %s", name)
			}
			found = s
		}
	}
	return found, nil
}

// data reads the content of a section of at most limit bytes.
func (im *image) data(s *elf.Section64, limit uint64) ([]byte, error) {
	if elf.SectionType(s.Type) == elf.SHT_NOBITS || elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0 {
		return nil, errors.New("has no plain content")
	}
	if s.Size > limit {
		return nil, fmt.Errorf("has %#x bytes, more than the %#x allowed", s.Size, limit)
	}
	return im.read(s.Off, s.Size)
}

// mustData reads a section that has to be there.
func (im *image) mustData(name string, limit uint64) ([]byte, *elf.Section64, error) {
	s, err := im.section(name)
	if err != nil {
		return nil, nil, err
	}
	if s == nil {
		return nil, nil, fmt.Errorf("section %s: missing", name)
	}
	b, err := im.data(s, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("section %s: %w", name, err)
	}
	return b, s, nil
}

// segments returns the PT_LOAD headers: ascending, apart from each other, and
// within user space.
func (im *image) segments() ([]Segment, error) {
	var segments []Segment
	var end uint64
	for _, p := range im.progs {
		if elf.ProgType(p.Type) != elf.PT_LOAD {
			continue
		}
		s := Segment{Vaddr: p.Vaddr, Memsz: p.Memsz, Offset: p.Off, Filesz: p.Filesz, Flags: elf.ProgFlag(p.Flags)}
		if s.Filesz > s.Memsz || s.Vaddr < end || s.Vaddr > maxAddress || s.Memsz > maxAddress-s.Vaddr {
			return nil, fmt.Errorf("PT_LOAD segment at %#x: bad bounds", s.Vaddr)
		}
		end = s.Vaddr + s.Memsz
		segments = append(segments, s)
	}
	if len(segments) == 0 {
		return nil, errors.New("no PT_LOAD segment")
	}
	return segments, nil
}

// buildID finds the GNU build-id in the PT_NOTE segments, where CRIU looks for
// it (criu/files-reg.c, get_build_id_64). It returns nil if there is none.
func (im *image) buildID() ([]byte, error) {
	for _, p := range im.progs {
		if elf.ProgType(p.Type) != elf.PT_NOTE {
			continue
		}
		if p.Filesz > maxNoteSegment {
			return nil, fmt.Errorf("PT_NOTE segment of %#x bytes, more than the %#x allowed", p.Filesz, maxNoteSegment)
		}
		raw, err := im.read(p.Off, p.Filesz)
		if err != nil {
			return nil, fmt.Errorf("PT_NOTE segment: %w", err)
		}
		c := cursor{data: raw}
		for c.left() > 0 {
			name, desc, typ := readNote(&c)
			if c.short {
				return nil, errors.New("PT_NOTE segment: truncated note")
			}
			if string(name) == "GNU\x00" && typ == ntGNUBuildID {
				if len(desc) == 0 || len(desc) > maxBuildID {
					return nil, fmt.Errorf("build-id of %d bytes", len(desc))
				}
				return desc, nil
			}
		}
	}
	return nil, nil
}

const ntGNUBuildID = 3

// readNote reads one ELF note with the 4-byte alignment that Linux uses.
func readNote(c *cursor) (name, desc []byte, typ uint32) {
	namesz, descsz := c.u32(), c.u32()
	typ = c.u32()
	name = c.bytes(uint64(namesz))
	c.align(4)
	desc = c.bytes(uint64(descsz))
	if c.left() > 0 { // the last note need not be padded
		c.align(4)
	}
	return name, desc, typ
}

// loadedDigest is the SHA-256 of the file content of all PT_LOAD segments, in
// their order.
func (im *image) loadedDigest(segments []Segment) ([32]byte, error) {
	h := sha256.New()
	for _, s := range segments {
		if s.Offset > uint64(im.size) || s.Filesz > uint64(im.size)-s.Offset {
			return [32]byte{}, fmt.Errorf("PT_LOAD segment at %#x: %w", s.Vaddr, errOutside)
		}
		if _, err := io.Copy(h, io.NewSectionReader(im.r, int64(s.Offset), int64(s.Filesz))); err != nil {
			return [32]byte{}, err
		}
	}
	return [32]byte(h.Sum(nil)), nil
}
