package criuimg

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// PageSize is the size of the pages of a dump, in bytes. CRIU stores it
	// nowhere in the images read here: who opens a dump has to make sure.
	PageSize = 4096

	// MaxExtents bounds the extents of one pagemap, after joining those that
	// touch, and the entries of one that is written.
	MaxExtents = 1 << 23
)

// Flags of an extent (CRIU: criu/include/pagemap.h).
const (
	PEParent  = 1 << 0 // the pages are in the parent dump
	PELazy    = 1 << 1 // the pages may be fetched when first touched
	PEPresent = 1 << 2 // the pages are in the pages file

	peKnown = PEParent | PELazy | PEPresent
)

// Extent is a run of pages of the same sort.
type Extent struct {
	Addr  uint64 // address of the first page; in shared memory its offset; multiple of PageSize
	Pages uint64 // number of pages, not 0
	Flags uint32 // PE flags; never PEParent and PEPresent together, never neither without PELazy
}

// End is the address behind the last page, at most 1<<63.
func (e Extent) End() uint64 { return e.Addr + e.Pages*PageSize }

// Pagemap says which pages of an address space, or of a shared memory object,
// a dump has. The pages of all its PEPresent extents lie in the file
// pages-<PagesID>.img, in order and with nothing between them.
type Pagemap struct {
	PagesID uint32
	Extents []Extent // sorted by address, not overlapping
}

// Numbers of the fields of pagemap_entry (CRIU: images/pagemap.proto). CRIU up
// to 4.1 knows nr_pages by number 2, a uint32, and writes nothing else. CRIU
// 4.2 renamed it to compat_nr_pages, requires it, sets it to 0 and writes a
// uint64 nr_pages of number 5, which it prefers over 2 when reading.
const (
	fieldVaddr    = 1
	fieldNrPages  = 2
	fieldInParent = 3
	fieldFlags    = 4
	fieldNrPages5 = 5

	fieldPagesID = 1 // of pagemap_head
)

// ReadPagemap reads a pagemap image of the given size in bytes. Extents that
// touch and are of the same sort are joined. It fails unless the extents are
// sorted, aligned and disjoint, and if the image has anything this package does
// not understand: pages might then be stored otherwise than it believes, for
// instance compressed, as CRIU can do since 2026.
func ReadPagemap(name string, r io.ReaderAt, size int64) (*Pagemap, error) {
	return readPagemap(name, name, r, size)
}

// ReadPagesID is what ReadPagemap gives as PagesID, which is in the first entry:
// no other is read.
func ReadPagesID(name string, r io.ReaderAt, size int64) (uint32, error) {
	_, id, err := readHead(name, name, r, size)
	return id, err
}

// readHead gives the number of the pages image, and what follows it.
func readHead(label, name string, r io.ReaderAt, size int64) (*frames, uint32, error) {
	k, _ := KindOf(name)
	if k.Magic != "PAGEMAP" {
		return nil, 0, imageErrorf(label, "is not the name of a pagemap image")
	}
	start, err := checkHeader(label, k, r, size)
	if err != nil {
		return nil, 0, err
	}
	f := newFrames(label, r, size, start)
	buf, err := f.read(nil)
	if err == io.EOF {
		return nil, 0, imageErrorf(label, "has no pagemap_head")
	}
	if err != nil {
		return nil, 0, err
	}
	id, err := parseHead(buf)
	if err != nil {
		return nil, 0, entryErrorf(label, 0, start, "%v", err)
	}
	return f, id, nil
}

// readPagemap reads the pagemap image of the given name and calls it label in
// errors.
func readPagemap(label, name string, r io.ReaderAt, size int64) (*Pagemap, error) {
	f, id, err := readHead(label, name, r, size)
	if err != nil {
		return nil, err
	}
	p := &Pagemap{PagesID: id}
	var buf []byte
	for {
		index, off := f.next, f.off
		if buf, err = f.read(buf); err == io.EOF {
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		e, err := parseExtent(buf)
		if err == nil {
			err = p.add(e)
		}
		if err != nil {
			return nil, entryErrorf(label, index, off, "%v", err)
		}
	}
}

// add appends an extent, joining it with the last one if it continues it.
func (p *Pagemap) add(e Extent) error {
	n := len(p.Extents)
	var last *Extent
	if n > 0 {
		last = &p.Extents[n-1]
	}
	if err := e.check(last); err != nil {
		return err
	}
	if last != nil && last.End() == e.Addr && last.Flags == e.Flags {
		last.Pages += e.Pages
		return nil
	}
	if n == MaxExtents {
		return fmt.Errorf("more than %d extents", MaxExtents)
	}
	p.Extents = append(p.Extents, e)
	return nil
}

// check checks an extent by itself and against the one before it, if any.
func (e Extent) check(last *Extent) error {
	switch {
	case e.Addr%PageSize != 0:
		return fmt.Errorf("address 0x%x is not a multiple of the page size, %d", e.Addr, PageSize)
	case e.Pages == 0:
		return fmt.Errorf("no pages at 0x%x", e.Addr)
	// Addresses fit an int64 so that memory can be read through io.ReaderAt.
	case e.Addr > 1<<63 || e.Pages > (1<<63-e.Addr)/PageSize:
		return fmt.Errorf("%d pages at 0x%x are beyond any address space", e.Pages, e.Addr)
	case e.Flags&^peKnown != 0:
		return fmt.Errorf("flags 0x%x at 0x%x: a newer CRIU wrote this dump in a way tpfs does not know, perhaps with compressed pages; dump without compression", e.Flags, e.Addr)
	case e.Flags&PEParent != 0 && e.Flags&PEPresent != 0:
		return fmt.Errorf("the pages at 0x%x are said to be both in the parent and present", e.Addr)
	case e.Flags == 0:
		return fmt.Errorf("the pages at 0x%x are neither in the parent nor present nor lazy", e.Addr)
	case last != nil && e.Addr < last.End():
		return fmt.Errorf("address 0x%x lies before 0x%x, where the entry before it ends", e.Addr, last.End())
	}
	return nil
}

var errWire = errors.New("is not protobuf")

// eachField calls fn for each field of a message whose fields are all numbers.
func eachField(b []byte, fn func(num protowire.Number, v uint64) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if typ != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return errWire
			}
			return unknownField(num)
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := fn(num, v); err != nil {
			return err
		}
	}
	return nil
}

func unknownField(num protowire.Number) error {
	return fmt.Errorf("has field %d: a newer CRIU wrote this dump in a way tpfs does not know, perhaps with compressed pages; dump without compression", num)
}

func parseHead(b []byte) (pagesID uint32, err error) {
	err = eachField(b, func(num protowire.Number, v uint64) error {
		if num != fieldPagesID {
			return unknownField(num)
		}
		pagesID = uint32(v)
		return nil
	})
	return pagesID, err
}

func parseExtent(b []byte) (Extent, error) {
	var e Extent
	var compat, pages uint64
	var inParent, hasFlags bool
	err := eachField(b, func(num protowire.Number, v uint64) error {
		switch num {
		case fieldVaddr:
			e.Addr = v
		case fieldNrPages:
			compat = uint64(uint32(v))
		case fieldInParent:
			inParent = v != 0
		case fieldFlags:
			e.Flags, hasFlags = uint32(v), true
		case fieldNrPages5:
			pages = v
		default:
			return unknownField(num)
		}
		return nil
	})
	if err != nil {
		return Extent{}, err
	}
	switch {
	case compat != 0 && pages != 0 && compat != pages:
		return Extent{}, fmt.Errorf("two numbers of pages at 0x%x: %d and %d", e.Addr, compat, pages)
	case pages == 0:
		pages = compat
	}
	e.Pages = pages
	// What CRIU's init_compat_pagemap_entry does for images older than the flags.
	switch {
	case inParent:
		e.Flags |= PEParent
	case !hasFlags:
		e.Flags = PEPresent
	}
	return e, nil
}

// maxRun is the number of pages an entry is written for at most: 1 GiB, so that
// a reader that counts its bytes in an int counts right.
const maxRun = 1 << 30 / PageSize

// Image encodes the pagemap as the image of the given name. Readers that know
// either of the fields for the number of pages, or both, get it right. An extent
// of more than 1 GiB becomes several entries; it fails if there are more than
// MaxExtents, which take less than MaxImage bytes.
func (p *Pagemap) Image(name string) ([]byte, error) {
	k, _ := KindOf(name)
	if k.Magic != "PAGEMAP" {
		return nil, imageErrorf(name, "is not the name of a pagemap image")
	}
	entries := uint64(0)
	var last *Extent
	for i, e := range p.Extents {
		if err := e.check(last); err != nil {
			return nil, imageErrorf(name, "extent %d: %v", i, err)
		}
		last = &p.Extents[i]
		entries += (e.Pages + maxRun - 1) / maxRun // cannot overflow: the extents are disjoint
	}
	if entries > MaxExtents {
		return nil, imageErrorf(name, "would need %d entries, the limit is %d", entries, MaxExtents)
	}

	img := k.header()
	frame := func(fields ...uint64) {
		start := len(img)
		img = append(img, 0, 0, 0, 0) // the length, when it is known
		for i := 0; i < len(fields); i += 2 {
			img = protowire.AppendTag(img, protowire.Number(fields[i]), protowire.VarintType)
			img = protowire.AppendVarint(img, fields[i+1])
		}
		le.PutUint32(img[start:], uint32(len(img)-start-4))
	}
	frame(fieldPagesID, uint64(p.PagesID))
	for _, e := range p.Extents {
		for e.Pages > 0 {
			n := min(e.Pages, maxRun)
			frame(fieldVaddr, e.Addr, fieldNrPages, n, fieldFlags, uint64(e.Flags), fieldNrPages5, n)
			e.Addr += n * PageSize
			e.Pages -= n
		}
	}
	return img, nil
}
