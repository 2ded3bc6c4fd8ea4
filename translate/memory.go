package translate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/tpfs/tpfs/criuimg"
)

// pageSize is the only one that CRIU's images can have here: Open refuses a
// process whose auxiliary vector says otherwise.
const pageSize = criuimg.PageSize

// maxChanged bounds the pages that a translation of a process may change: 256
// MiB. They are its threads' native stacks, of which a thread has one or two
// pages in use; only a dump that was made up has more.
const maxChanged = 1 << 16

func roundUp(a uint64) uint64 { return (a + pageSize - 1) &^ (pageSize - 1) }

// span is a range of addresses.
type span struct{ start, end uint64 }

func contains(spans []span, addr uint64) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.start <= addr && addr < s.end })
}

// memory is the memory of a process: what the dump has, less what does not go
// over, with the pages that change on top.
type memory struct {
	// name is that of the pagemap image, for errors.
	name string
	dump *criuimg.PageStore
	// dropped ranges of the dump are not there any more.
	dropped []span
	// changed pages by address.
	changed map[uint64]*[pageSize]byte
	// initial fills a page that the dump does not have with what the process
	// would find in it, if it can have pages at that address.
	initial func(page []byte, addr uint64) error
}

// ReadAt reads the memory as the dump has it, changed or not. Pages that the
// dump does not have are an error: criuimg.ErrNoPage.
func (m *memory) ReadAt(p []byte, addr int64) (int, error) {
	n := 0
	for n < len(p) {
		a := uint64(addr) + uint64(n)
		base, off := a&^(pageSize-1), a&(pageSize-1)
		chunk := p[n:min(len(p), n+int(pageSize-off))]
		if page, ok := m.changed[base]; ok {
			copy(chunk, page[off:])
		} else if contains(m.dropped, a) {
			return n, fmt.Errorf("%s: %w: %#x", m.name, criuimg.ErrNoPage, base)
		} else if _, err := m.dump.ReadAt(chunk, int64(a)); err != nil {
			return n, fmt.Errorf("%s: %w", m.name, err)
		}
		n += len(chunk)
	}
	return n, nil
}

// page is the page at addr, to be changed.
func (m *memory) page(addr uint64) (*[pageSize]byte, error) {
	if p, ok := m.changed[addr]; ok {
		return p, nil
	}
	if len(m.changed) == maxChanged {
		return nil, fmt.Errorf("%s: more than %d pages of the process would have to be changed", m.name, maxChanged)
	}
	p := new([pageSize]byte)
	if m.dump.Present(addr) && !contains(m.dropped, addr) {
		if _, err := m.dump.ReadAt(p[:], int64(addr)); err != nil {
			return nil, err
		}
	} else if err := m.initial(p[:], addr); err != nil {
		return nil, err
	}
	m.changed[addr] = p
	return p, nil
}

// write changes the memory at addr.
func (m *memory) write(addr uint64, b []byte) error {
	for len(b) > 0 {
		p, err := m.page(addr &^ (pageSize - 1))
		if err != nil {
			return err
		}
		n := copy(p[addr&(pageSize-1):], b)
		addr, b = addr+uint64(n), b[n:]
	}
	return nil
}

// fill writes a word over and over again, up to end, which may be far away.
func (m *memory) fill(start, end, word uint64) error {
	words := binary.LittleEndian.AppendUint64(nil, word)
	words = bytes.Repeat(words, pageSize/len(words))
	for start < end {
		n := min(end-start, pageSize)
		if err := m.write(start, words[:n]); err != nil {
			return err
		}
		start += n
	}
	return nil
}

// word reads a word.
func (m *memory) word(addr uint64) (uint64, error) {
	var b [8]byte
	if _, err := m.ReadAt(b[:], int64(addr)); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// setWord writes a word.
func (m *memory) setWord(addr, v uint64) error {
	return m.write(addr, binary.LittleEndian.AppendUint64(nil, v))
}

// pagemap lists the pages of the top layer: those that changed, and as the
// parent's those that did not. With flat, all of them are in the top layer.
func (m *memory) pagemap(flat bool) []criuimg.Extent {
	var out []criuimg.Extent
	add := func(addr, pages uint64, flags uint32) {
		if pages == 0 {
			return
		}
		if n := len(out); n > 0 && out[n-1].Flags == flags && out[n-1].Addr+out[n-1].Pages*pageSize == addr {
			out[n-1].Pages += pages
			return
		}
		out = append(out, criuimg.Extent{Addr: addr, Pages: pages, Flags: flags})
	}
	// The marks at which the list may change: changed pages and dropped ranges.
	type mark struct {
		span
		changed bool
	}
	marks := make([]mark, 0, len(m.changed)+len(m.dropped))
	for a := range m.changed {
		marks = append(marks, mark{span{a, a + pageSize}, true})
	}
	for _, d := range m.dropped {
		marks = append(marks, mark{d, false})
	}
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.start, b.start) })
	emit := func(k mark) {
		if k.changed {
			add(k.start, 1, criuimg.PEPresent)
		}
	}
	for _, e := range m.dump.Extents() {
		flags := uint32(criuimg.PEParent)
		if flat {
			flags = criuimg.PEPresent
		}
		flags |= e.Flags & criuimg.PELazy
		at, end := e.Addr, e.Addr+e.Pages*pageSize
		for len(marks) > 0 && marks[0].start < end {
			k := marks[0]
			if k.start > at {
				add(at, (k.start-at)/pageSize, flags)
			}
			at = max(at, min(k.end, end))
			if k.end > end {
				break // it reaches into the next extent
			}
			emit(k)
			marks = marks[1:]
		}
		if at < end {
			add(at, (end-at)/pageSize, flags)
		}
	}
	for _, k := range marks {
		emit(k)
	}
	return out
}

// pagesFile is the pages image that goes with a pagemap: its present pages one
// after the other, read from the memory when they are asked for.
type pagesFile struct {
	m       *memory
	present []criuimg.Extent
	// starts holds the offset in the file of each extent, and the file's size.
	starts []int64
}

func newPagesFile(m *memory, pagemap []criuimg.Extent) *pagesFile {
	f := &pagesFile{m: m, starts: []int64{0}}
	for _, e := range pagemap {
		if e.Flags&criuimg.PEPresent != 0 {
			f.present = append(f.present, e)
			f.starts = append(f.starts, f.Size()+int64(e.Pages*pageSize))
		}
	}
	return f
}

// Size is the length of the file in bytes.
func (f *pagesFile) Size() int64 { return f.starts[len(f.starts)-1] }

func (f *pagesFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("negative offset %d", off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		i := sort.Search(len(f.present), func(i int) bool { return f.starts[i+1] > at })
		if i == len(f.present) {
			return n, io.EOF
		}
		chunk := p[n:min(len(p), n+int(f.starts[i+1]-at))]
		got, err := f.m.ReadAt(chunk, int64(f.present[i].Addr)+at-f.starts[i])
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
