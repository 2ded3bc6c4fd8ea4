package criuimg

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// page is the content of a page in tests: it tells which dump and page it is of.
func page(dump string, addr uint64) string {
	s := fmt.Sprintf("%s@%x.", dump, addr)
	return strings.Repeat(s, PageSize/len(s)+1)[:PageSize]
}

// writeDump makes a dump of one task, pid 1, with the content page() gives.
func writeDump(t testing.TB, path, dump string, extents ...Extent) {
	t.Helper()
	dir := filepath.Join(path, dump)
	check(t, os.MkdirAll(dir, 0o700))
	img, err := (&Pagemap{PagesID: 3, Extents: extents}).Image("pagemap-1.img")
	check(t, err)
	var pages strings.Builder
	for _, e := range extents {
		for a := e.Addr; e.Flags&PEPresent != 0 && a < e.End(); a += PageSize {
			pages.WriteString(page(dump, a))
		}
	}
	writeFile(t, filepath.Join(dir, "pagemap-1.img"), string(img))
	writeFile(t, filepath.Join(dir, "pages-3.img"), pages.String())
}

func linkParent(t testing.TB, path, child, parent string) {
	t.Helper()
	check(t, os.Symlink("../"+parent, filepath.Join(path, child, "parent")))
}

func openStore(t testing.TB, dir string) *PageStore {
	t.Helper()
	s, err := OpenPages(openTestDir(t, dir), Task, 1)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// chain makes three dumps, each the parent of the next, with the memory
//
//	page     1  2  3  4  5  6  7  8  9  a
//	first    f  f  f  f  f  f  .  .  f  .
//	second   <  s  s  <  <  .  s  .  <  .
//	third    <  <  t  <  <  .  <  t  .  lazy
//
// where < is in the parent and . is not there.
func chain(t testing.TB) string {
	path := t.TempDir()
	const p = PageSize
	writeDump(t, path, "first", Extent{1 * p, 6, PEPresent}, Extent{9 * p, 1, PEPresent})
	writeDump(t, path, "second", Extent{1 * p, 1, PEParent}, Extent{2 * p, 2, PEPresent}, Extent{4 * p, 2, PEParent},
		Extent{7 * p, 1, PEPresent | PELazy}, Extent{9 * p, 1, PEParent})
	writeDump(t, path, "third", Extent{1 * p, 2, PEParent}, Extent{3 * p, 1, PEPresent}, Extent{4 * p, 2, PEParent},
		Extent{7 * p, 1, PEParent}, Extent{8 * p, 1, PEPresent}, Extent{10 * p, 1, PELazy})
	linkParent(t, path, "second", "first")
	linkParent(t, path, "third", "second")
	return path
}

// chainWant is which dump a page of the chain's last dump comes from.
var chainWant = map[uint64]string{1: "first", 2: "second", 3: "third", 4: "first", 5: "first", 7: "second", 8: "third"}

func TestPageStore(t *testing.T) {
	s := openStore(t, filepath.Join(chain(t), "third"))
	check(t, s.Check())
	if s.PagesID() != 3 || len(s.Extents()) != 6 {
		t.Errorf("pages id %d, extents %x", s.PagesID(), s.Extents())
	}
	memory := ""
	for n := uint64(0); n < 12; n++ {
		want, there := chainWant[n]
		if got := s.Present(n*PageSize + 1); got != there {
			t.Errorf("page %d: present %v, want %v", n, got, there)
		}
		if there {
			memory += page(want, n*PageSize)
		} else {
			memory += strings.Repeat("\x00", PageSize)
		}
	}
	missing := func(from, to int) int { // first address of [from, to) that is not there; to if all are
		for a := from; a < to; a++ {
			if _, ok := chainWant[uint64(a/PageSize)]; !ok {
				return a
			}
		}
		return to
	}
	var points []int
	for n := range 12 {
		points = append(points, n*PageSize-1, n*PageSize, n*PageSize+1, n*PageSize+2048)
	}
	for _, from := range points[1:] {
		for _, to := range points[1:] {
			if to < from {
				continue
			}
			p := make([]byte, to-from)
			n, err := s.ReadAt(p, int64(from))
			end := missing(from, to)
			if n != end-from || string(p[:n]) != memory[from:end] {
				t.Fatalf("[%x, %x): read %d bytes, want %d, or the wrong ones", from, to, n, end-from)
			}
			if (err == nil) != (end == to) {
				t.Fatalf("[%x, %x): %v", from, to, err)
			}
			if err != nil {
				none, ok := errors.AsType[*NoPageError](err)
				if !ok || !errors.Is(err, ErrNoPage) || none.Addr != uint64(end/PageSize*PageSize) {
					t.Fatalf("[%x, %x): %v, want ErrNoPage at %x", from, to, err, end/PageSize*PageSize)
				}
			}
		}
	}
	for _, addr := range []int64{-1, math.MinInt64, math.MaxInt64} {
		if n, err := s.ReadAt(make([]byte, 2), addr); n != 0 || !errors.Is(err, ErrNoPage) {
			t.Errorf("read at %x: %d, %v", addr, n, err)
		}
	}
	if n, err := s.ReadAt(nil, 0); n != 0 || err != nil {
		t.Errorf("read of nothing: %d, %v", n, err)
	}
}

// What is not needed is not opened: a dump may be looked at while a part of it
// is still elsewhere.
func TestPageStoreOpensWhenNeeded(t *testing.T) {
	path := chain(t)
	check(t, os.Remove(filepath.Join(path, "third", "pages-3.img")))
	check(t, os.Remove(filepath.Join(path, "first", "pagemap-1.img")))
	s := openStore(t, filepath.Join(path, "third"))
	p := make([]byte, PageSize)
	if _, err := s.ReadAt(p, 7*PageSize); err != nil || string(p) != page("second", 7*PageSize) {
		t.Errorf("a page of the parent: %v", err)
	}
	if _, err := s.ReadAt(p, 3*PageSize); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a page of the missing pages file: %v", err)
	}
	if err := s.Check(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("check: %v", err)
	}
	// Mended meanwhile, it works: failures are not remembered.
	writeFile(t, filepath.Join(path, "third", "pages-3.img"), page("third", 3*PageSize)+page("third", 8*PageSize))
	if _, err := s.ReadAt(p, 3*PageSize); err != nil {
		t.Errorf("a page of the pages file that is back: %v", err)
	}
}

func TestPageStoreBrokenChains(t *testing.T) {
	const at = 4 * PageSize // in the first dump, through the second
	tests := []struct {
		name   string
		breakf func(t *testing.T, path string)
		says   []string
	}{
		{"the first dump has no such pagemap", func(t *testing.T, path string) {
			check(t, os.Remove(filepath.Join(path, "first", "pagemap-1.img")))
		}, []string{"third/parent/pagemap-1.img: the page at 0x", "is said to be in the parent dump, but there is no pagemap-1.img"}},
		{"the second dump has no parent", func(t *testing.T, path string) {
			check(t, os.Remove(filepath.Join(path, "second", "parent")))
		}, []string{"third/parent/pagemap-1.img: the page at 0x", "but there is no pagemap-1.img"}},
		{"the link leads nowhere", func(t *testing.T, path string) {
			check(t, os.RemoveAll(filepath.Join(path, "first")))
		}, []string{"third/parent/parent: there is no such directory"}},
		{"the first dump lacks the page", func(t *testing.T, path string) {
			writeDump(t, path, "first", Extent{1 * PageSize, 3, PEPresent})
		}, []string{"third/parent/pagemap-1.img: the page at 0x4000 is said", "third/parent/parent/pagemap-1.img does not have it"}},
		{"the first dump left the page behind", func(t *testing.T, path string) {
			writeDump(t, path, "first", Extent{1 * PageSize, 8, PELazy})
		}, []string{"third/parent/pagemap-1.img: the page at 0x", "third/parent/parent/pagemap-1.img does not have it"}},
		{"the first dump's pages file is too short", func(t *testing.T, path string) {
			check(t, os.Truncate(filepath.Join(path, "first", "pages-3.img"), 7*PageSize-1))
		}, []string{"third/parent/parent/pages-3.img: 28671 bytes, but pagemap-1.img tells of 7 pages"}},
		{"the first dump's pages file is too long", func(t *testing.T, path string) {
			check(t, os.Truncate(filepath.Join(path, "first", "pages-3.img"), 8*PageSize))
		}, []string{"third/parent/parent/pages-3.img: 32768 bytes"}},
		{"the first dump's pagemap is cut", func(t *testing.T, path string) {
			check(t, os.Truncate(filepath.Join(path, "first", "pagemap-1.img"), 20))
		}, []string{"third/parent/parent/pagemap-1.img: entry 1 at byte 14: "}},
		{"the chain is a circle", func(t *testing.T, path string) {
			linkParent(t, path, "first", "third")
			writeDump(t, path, "first", Extent{1 * PageSize, 9, PEParent})
		}, []string{"leads back"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := chain(t)
			test.breakf(t, path)
			s := openStore(t, filepath.Join(path, "third"))
			_, read := s.ReadAt(make([]byte, PageSize), at)
			for what, err := range map[string]error{"read": read, "check": s.Check()} {
				if err == nil {
					t.Errorf("%s: no error", what)
					continue
				}
				if errors.Is(err, ErrNoPage) {
					t.Errorf("%s: %v is taken for memory that was not dumped", what, err)
				}
				for _, says := range test.says {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%s: error %q does not say %q", what, err, says)
					}
				}
			}
			if _, err := s.ReadAt(make([]byte, PageSize), 3*PageSize); err != nil {
				t.Errorf("a page of the third dump itself: %v", err)
			}
		})
	}
}

func TestOpenPages(t *testing.T) {
	path := t.TempDir()
	writeDump(t, path, "dump", Extent{0x1000, 1, PEPresent})
	d := openTestDir(t, filepath.Join(path, "dump"))
	if _, err := OpenPages(d, Task, 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another task: %v", err)
	}
	if _, err := OpenPages(d, Shmem, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("shared memory: %v", err)
	}
	check(t, os.Rename(filepath.Join(path, "dump", "pagemap-1.img"), filepath.Join(path, "dump", "pagemap-shmem-1.img")))
	s, err := OpenPages(d, Shmem, 1)
	check(t, err)
	p := make([]byte, PageSize)
	if _, err := s.ReadAt(p, 0x1000); err != nil || string(p) != page("dump", 0x1000) {
		t.Errorf("shared memory: %v", err)
	}
	check(t, s.Close())
	if _, err := s.ReadAt(p, 0x1000); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
	check(t, s.Close())
}

// A dump without pages needs no pages file.
func TestNoPagesFile(t *testing.T) {
	path := t.TempDir()
	writeDump(t, path, "dump", Extent{0x1000, 1, PELazy})
	check(t, os.Remove(filepath.Join(path, "dump", "pages-3.img")))
	s := openStore(t, filepath.Join(path, "dump"))
	check(t, s.Check())
	if _, err := s.ReadAt(make([]byte, 1), 0x1000); !errors.Is(err, ErrNoPage) {
		t.Errorf("a page that was left behind: %v", err)
	}
}

func TestPageStoreConcurrently(t *testing.T) {
	s := openStore(t, filepath.Join(chain(t), "third"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			p := make([]byte, PageSize)
			for n, dump := range chainWant {
				if _, err := s.ReadAt(p, int64(n*PageSize)); err != nil || string(p) != page(dump, n*PageSize) || !s.Present(n*PageSize) {
					t.Errorf("page %d: %v", n, err)
				}
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// Closing while others read gives them an error, no wrong bytes and no leak.
func TestPageStoreClosedConcurrently(t *testing.T) {
	d := openTestDir(t, filepath.Join(chain(t), "third"))
	for range 20 {
		s, err := OpenPages(d, Task, 1)
		check(t, err)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				p := make([]byte, PageSize)
				for n, dump := range chainWant {
					if _, err := s.ReadAt(p, int64(n*PageSize)); err == nil && string(p) != page(dump, n*PageSize) {
						t.Errorf("page %d is wrong", n)
					}
				}
			})
		}
		check(t, s.Close())
		group.Wait()
	}
}

// A pages file that is cut after its length was found right.
func TestPagesFileCutMeanwhile(t *testing.T) {
	path := t.TempDir()
	writeDump(t, path, "dump", Extent{0x1000, 2, PEPresent})
	s := openStore(t, filepath.Join(path, "dump"))
	check(t, s.Check())
	check(t, os.Truncate(filepath.Join(path, "dump", "pages-3.img"), PageSize+10))
	n, err := s.ReadAt(make([]byte, 2*PageSize), 0x1000)
	if n != PageSize+10 || err == nil || err.Error() != "pages-3.img: cannot be read at byte 4106: unexpected EOF" {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Every open descriptor is closed again.
func TestPageStoreLeavesNothingOpen(t *testing.T) {
	path := chain(t)
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		check(t, err)
		return len(fds)
	}
	before := count()
	for range 3 {
		d, err := OpenDir(filepath.Join(path, "third"))
		check(t, err)
		s, err := OpenPages(d, Task, 1)
		check(t, err)
		check(t, s.Check())
		check(t, s.Close())
		check(t, d.Close())
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

func BenchmarkReadAtManyExtents(b *testing.B) {
	var extents []Extent
	for i := range uint64(1 << 16) {
		extents = append(extents, Extent{i * 2 * PageSize, 1, PEPresent})
	}
	path := b.TempDir()
	writeDump(b, path, "dump", extents...)
	s := openStore(b, filepath.Join(path, "dump"))
	p := make([]byte, 8)
	for i := 0; b.Loop(); i++ {
		if _, err := s.ReadAt(p, int64(extents[i*7919%len(extents)].Addr)); err != nil {
			b.Fatal(err)
		}
	}
}

// oneTask opens the page store of a dump with just these images.
func oneTask(t testing.TB, top, parent, topPages, parentPages []byte) (*PageStore, error) {
	path := t.TempDir()
	write := func(dir string, pagemap, pages []byte) {
		writeFile(t, filepath.Join(dir, "pagemap-1.img"), string(pagemap))
		p, err := parsePagemap(pagemap)
		if err != nil {
			return
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("pages-%d.img", p.PagesID)), string(pages))
	}
	below := filepath.Join(path, "parent")
	check(t, os.Mkdir(below, 0o700))
	write(path, top, topPages)
	write(below, parent, parentPages)
	d := openTestDir(t, path)
	return OpenPages(d, Task, 1)
}

// FuzzPageStore compares a store of two dumps with what a simple-minded reader
// sees in them.
func FuzzPageStore(f *testing.F) {
	top := pagemapOf(3, numbers(1, 0x1000, 2, 1, 4, PEParent), numbers(1, 0x2000, 2, 2, 4, PEPresent))
	parent := pagemapOf(4, numbers(1, 0x1000, 2, 2, 4, PEPresent))
	f.Add(top, parent, 2, 2, uint64(0x1ffe), 10)
	f.Add(top, parent, 2, 1, uint64(0x1000), 1)
	f.Add(top, top, 2, 2, uint64(0x1000), 4096)
	f.Fuzz(func(t *testing.T, top, parent []byte, topPages, parentPages int, addr uint64, length int) {
		const most = 16 // pages in a file
		if topPages < 0 || topPages > most || parentPages < 0 || parentPages > most || length < 0 || length > most*PageSize {
			return
		}
		fill := func(dump byte, pages int) []byte {
			b := make([]byte, pages*PageSize)
			for i := range b {
				b[i] = dump + byte(i/PageSize)
			}
			return b
		}
		files := [][]byte{fill('A', topPages), fill('a', parentPages)}
		s, err := oneTask(t, top, parent, files[0], files[1])
		if err != nil {
			return
		}
		defer s.Close()
		got := make([]byte, length)
		n, err := s.ReadAt(got, int64(addr))
		if (n == length) != (err == nil) {
			t.Fatalf("read %d of %d bytes: %v", n, length, err)
		}
		maps := []*Pagemap{{Extents: s.Extents()}, {}}
		if p, err := parsePagemap(parent); err == nil {
			maps[1] = p
		}
		if s.Check() == nil && err != nil && !errors.Is(err, ErrNoPage) {
			t.Fatalf("the chain is in order, but: %v", err)
		}
		for i, b := range got[:n] {
			if want, ok := slowly(maps, files, addr+uint64(i)); !ok || b != want {
				t.Fatalf("at %x: %q, want %q, %v", addr+uint64(i), b, want, ok)
			}
		}
		if n > 0 && !s.Present(addr) {
			t.Fatalf("%x can be read and is not present", addr)
		}
		if errors.Is(err, ErrNoPage) {
			if b, ok := slowly(maps, files, addr+uint64(n)); ok {
				t.Fatalf("at %x: %v, want %q", addr+uint64(n), err, b)
			}
		}
	})
}

// slowly finds the byte at an address by walking through all extents.
func slowly(maps []*Pagemap, files [][]byte, addr uint64) (byte, bool) {
	for i, m := range maps {
		off := uint64(0)
		inParent := false
		for _, e := range m.Extents {
			if addr >= e.Addr && addr < e.End() {
				if e.Flags&PEPresent != 0 {
					return files[i][off+addr-e.Addr], true
				}
				inParent = e.Flags&PEParent != 0
			}
			if e.Flags&PEPresent != 0 {
				off += e.Pages * PageSize
			}
		}
		if !inParent {
			return 0, false
		}
	}
	return 0, false
}

func FuzzPagemap(f *testing.F) {
	f.Add(pagemapOf(3))
	f.Add(pagemapOf(3, numbers(1, 0x1000, 2, 1, 4, PEParent), numbers(1, 0x2000, 2, 0, 4, PEPresent, 5, 3)))
	f.Add(pagemapOf(1<<31, numbers(1, 0, 4, PEParent, 5, 1<<51)))
	f.Add(pagemapOf(3, numbers(1, 0x1000, 2, 1, 3, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, headErr := ReadPagesID("pagemap-1.img", bytes.NewReader(data), int64(len(data)))
		p, err := parsePagemap(data)
		if err != nil {
			return
		}
		if headErr != nil || id != p.PagesID {
			t.Fatalf("the head alone: %d, %v, want %d", id, headErr, p.PagesID)
		}
		var last uint64
		pages := uint64(0)
		for _, e := range p.Extents {
			if e.Addr < last || e.Addr%PageSize != 0 || e.End() <= e.Addr || e.End() > 1<<63 {
				t.Fatalf("extents %x", p.Extents)
			}
			last = e.End()
			pages += e.Pages
		}
		if pages > 1<<34 {
			return // written as an image of many entries: right, but slow
		}
		img, err := p.Image("pagemap-1.img")
		if err != nil {
			t.Fatal(err)
		}
		q, err := parsePagemap(img)
		if err != nil || q.PagesID != p.PagesID || !slices.Equal(q.Extents, p.Extents) {
			t.Fatalf("%x became %x, %v", p, q, err)
		}
		if again, err := q.Image("pagemap-1.img"); err != nil || !bytes.Equal(again, img) {
			t.Fatalf("written twice: %x and %x, %v", img, again, err)
		}
	})
}
