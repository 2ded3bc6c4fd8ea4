package criuimg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sort"
	"sync"
)

// PagesKind says whose pages a pagemap lists.
type PagesKind int

const (
	Task  PagesKind = iota // of a process; the id is its pid
	Shmem                  // of a shared memory object; the id is that of the mapping's shmid
)

// ErrNoPage is, in the sense of errors.Is, the error of reading memory that no
// dump of the chain has. It comes as a *NoPageError.
var ErrNoPage = errors.New("no such page in the dump")

// NoPageError names the first page that is missing.
type NoPageError struct {
	Addr uint64
}

func (e *NoPageError) Error() string {
	return fmt.Sprintf("the page at 0x%x is not in the dump", e.Addr)
}

func (e *NoPageError) Is(target error) bool { return target == ErrNoPage }

// PageStore is the memory of a process, or of a shared memory object, as a
// dump and its parents have it. It may be used by several goroutines.
type PageStore struct {
	top *layer
}

// layer is what one dump of the chain has.
type layer struct {
	label string // for errors: the pagemap's name, in parents its path
	dir   *Dir
	name  string // of the pagemap image
	pm    *Pagemap
	// first is, for each extent, the number of pages in the pages file before
	// those of the extent.
	first []uint64
	total uint64 // pages in the pages file

	mu      sync.Mutex // guards what is opened when first needed
	closed  bool
	pages   *File
	parent  *layer
	orphan  bool // there is no parent, or it has no such pagemap
	ownsDir bool
}

// OpenPages opens the pagemap of a process or a shared memory object. The
// error is fs.ErrNotExist, in the sense of errors.Is, if the dump has none. d
// must stay open as long as the store: the pages file and the parents are
// opened when first needed. The length of a pages file must be exactly what its
// pagemap says.
func OpenPages(d *Dir, kind PagesKind, id uint64) (*PageStore, error) {
	name := fmt.Sprintf("pagemap-%d.img", id)
	if kind == Shmem {
		name = fmt.Sprintf("pagemap-shmem-%d.img", id)
	}
	l, err := openLayer(d, name, name)
	if err != nil {
		return nil, err
	}
	return &PageStore{top: l}, nil
}

func openLayer(d *Dir, name, label string) (*layer, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pm, err := readPagemap(label, name, f, f.Size())
	if err != nil {
		return nil, err
	}
	l := &layer{label: label, dir: d, name: name, pm: pm, first: make([]uint64, len(pm.Extents))}
	for i, e := range pm.Extents {
		l.first[i] = l.total
		if e.Flags&PEPresent != 0 {
			l.total += e.Pages // cannot overflow: the extents are disjoint
		}
	}
	return l, nil
}

// Extents lists the top layer's extents. The slice must not be changed.
func (s *PageStore) Extents() []Extent { return s.top.pm.Extents }

// PagesID is the number of the top layer's pages file.
func (s *PageStore) PagesID() uint32 { return s.top.pm.PagesID }

// ReadAt reads memory at an address, across extents and from whichever dump of
// the chain has it. It gives the number of bytes read before an error. Where
// nothing was dumped the error is a *NoPageError; where a dump promises a page
// that its parent does not have, it is an *Error that names them.
func (s *PageStore) ReadAt(p []byte, addr int64) (int, error) {
	if addr < 0 {
		return 0, &NoPageError{Addr: uint64(addr) &^ (PageSize - 1)}
	}
	return s.top.readAt(p, uint64(addr))
}

// Present says whether some dump of the chain holds the page with this address.
// It is false as well if the chain cannot be read; ReadAt tells why.
func (s *PageStore) Present(addr uint64) bool {
	for l := s.top; l != nil; {
		i, ok := l.find(addr)
		if !ok {
			return false
		}
		flags := l.pm.Extents[i].Flags
		if flags&PEParent == 0 {
			return flags&PEPresent != 0
		}
		parent, err := l.openParent()
		if err != nil {
			return false
		}
		l = parent
	}
	return false
}

// Check makes sure that every page the store's dumps promise can be read: the
// pages files are as long as they must be, and every page that is said to be in
// a parent is there. It reads no page. CRIU, given a pages file that is too
// short, tries for ever.
func (s *PageStore) Check() error {
	for l := s.top; l != nil; {
		parent, err := l.check()
		if err != nil {
			return err
		}
		l = parent
	}
	return nil
}

// check checks one layer against the one below it, and gives that, if it is
// needed.
func (l *layer) check() (parent *layer, err error) {
	if _, err := l.openPages(); err != nil && (l.total > 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	for _, e := range l.pm.Extents {
		if e.Flags&PEParent == 0 {
			continue
		}
		if parent, err = l.openParent(); err != nil {
			return nil, err
		}
		for addr := e.Addr; addr < e.End(); {
			if parent == nil {
				return nil, l.noParentError(addr)
			}
			i, ok := parent.find(addr)
			if !ok || parent.pm.Extents[i].Flags&(PEParent|PEPresent) == 0 {
				return nil, l.notInParentError(addr, parent)
			}
			addr = parent.pm.Extents[i].End()
		}
	}
	return parent, nil
}

func (l *layer) noParentError(addr uint64) error {
	return imageErrorf(l.label, "the page at 0x%x is said to be in the parent dump, but there is no %s in a directory %q beside it", addr&^(PageSize-1), l.name, parentName)
}

func (l *layer) notInParentError(addr uint64, parent *layer) error {
	return imageErrorf(l.label, "the page at 0x%x is said to be in the parent dump, but %s does not have it", addr&^(PageSize-1), parent.label)
}

// Close closes all files of the store, but not the Dir it was opened with.
func (s *PageStore) Close() error { return s.top.close() }

func (l *layer) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	if l.pages != nil {
		errs = append(errs, l.pages.Close())
	}
	if l.parent != nil {
		errs = append(errs, l.parent.close())
	}
	if l.ownsDir {
		errs = append(errs, l.dir.Close())
	}
	return errors.Join(errs...)
}

// find gives the index of the extent with this address.
func (l *layer) find(addr uint64) (int, bool) {
	ext := l.pm.Extents
	i := sort.Search(len(ext), func(i int) bool { return addr < ext[i].End() })
	return i, i < len(ext) && addr >= ext[i].Addr
}

func (l *layer) readAt(p []byte, addr uint64) (int, error) {
	done := 0
	for done < len(p) {
		i, ok := l.find(addr)
		if !ok {
			return done, &NoPageError{Addr: addr &^ (PageSize - 1)}
		}
		e := l.pm.Extents[i]
		part := p[done:]
		if left := e.End() - addr; uint64(len(part)) > left {
			part = part[:left]
		}
		var n int
		var err error
		switch {
		case e.Flags&PEParent != 0:
			n, err = l.readParent(part, addr)
		case e.Flags&PEPresent != 0:
			n, err = l.readPages(part, int64(l.first[i]*PageSize+addr-e.Addr))
		default: // lazy: left behind with the process
			err = &NoPageError{Addr: addr &^ (PageSize - 1)}
		}
		done += n
		addr += uint64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (l *layer) readParent(p []byte, addr uint64) (int, error) {
	parent, err := l.openParent()
	if err != nil {
		return 0, err
	}
	if parent == nil {
		return 0, l.noParentError(addr)
	}
	n, err := parent.readAt(p, addr)
	if missing, ok := err.(*NoPageError); ok {
		err = l.notInParentError(missing.Addr, parent)
	}
	return n, err
}

func (l *layer) readPages(p []byte, off int64) (int, error) {
	f, err := l.openPages()
	if err != nil {
		return 0, err
	}
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return n, nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF // the file was cut since its size was checked
	}
	return n, imageErrorf(l.pagesLabel(), "cannot be read at byte %d: %v", off+int64(n), err)
}

func (l *layer) pagesName() string { return fmt.Sprintf("pages-%d.img", l.pm.PagesID) }

func (l *layer) pagesLabel() string { return filepath.Join(filepath.Dir(l.label), l.pagesName()) }

// openPages gives the pages file, the same each time.
func (l *layer) openPages() (*File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fs.ErrClosed
	}
	if l.pages != nil {
		return l.pages, nil
	}
	f, err := l.dir.Open(l.pagesName())
	if err != nil {
		return nil, err
	}
	if want := int64(l.total * PageSize); f.Size() != want {
		f.Close()
		return nil, imageErrorf(l.pagesLabel(), "%d bytes, but %s tells of %d pages of %d bytes, which are %d", f.Size(), l.name, l.total, PageSize, want)
	}
	l.pages = f
	return f, nil
}

// openParent gives the layer below, the same each time; nil if there is none.
func (l *layer) openParent() (*layer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fs.ErrClosed
	}
	if l.parent != nil || l.orphan {
		return l.parent, nil
	}
	d, err := l.dir.Parent()
	if err != nil {
		return nil, err
	}
	if d == nil {
		l.orphan = true
		return nil, nil
	}
	parent, err := openLayer(d, l.name, filepath.Join(d.Path(), l.name))
	if err != nil {
		d.Close()
		if errors.Is(err, fs.ErrNotExist) {
			l.orphan = true
			return nil, nil
		}
		return nil, err
	}
	parent.ownsDir = true
	l.parent = parent
	return parent, nil
}
