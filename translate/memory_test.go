package translate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/criuimg"
)

const testPID = 7

// testDump writes a pagemap of present pages, each filled with the low byte of
// its page number.
func testDump(t *testing.T, extents ...criuimg.Extent) *criuimg.PageStore {
	t.Helper()
	dir := t.TempDir()
	pm := criuimg.Pagemap{PagesID: 3, Extents: extents}
	b, err := pm.Image(pagemapName(testPID))
	if err != nil {
		t.Fatal(err)
	}
	var pages []byte
	for _, e := range extents {
		for i := range e.Pages {
			pages = append(pages, bytes.Repeat([]byte{byte(e.Addr/pageSize + i)}, pageSize)...)
		}
	}
	for name, content := range map[string][]byte{pagemapName(testPID): b, pagesName(3): pages} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := criuimg.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := criuimg.OpenPages(d, criuimg.Task, testPID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); d.Close() })
	return s
}

func present(page, pages uint64) criuimg.Extent {
	return criuimg.Extent{Addr: page * pageSize, Pages: pages, Flags: criuimg.PEPresent}
}

func parent(page, pages uint64) criuimg.Extent {
	return criuimg.Extent{Addr: page * pageSize, Pages: pages, Flags: criuimg.PEParent}
}

func pages(start, end uint64) span { return span{start * pageSize, end * pageSize} }

func TestPagemap(t *testing.T) {
	dumped := []criuimg.Extent{present(10, 10), present(30, 2)}
	for _, tt := range []struct {
		name    string
		changed []uint64
		dropped []span
		want    []criuimg.Extent
		flat    []criuimg.Extent
	}{
		{"untouched", nil, nil, []criuimg.Extent{parent(10, 10), parent(30, 2)}, dumped},
		{
			"changed inside", []uint64{12}, nil,
			[]criuimg.Extent{parent(10, 2), present(12, 1), parent(13, 7), parent(30, 2)}, dumped,
		},
		{
			"changed at both ends", []uint64{10, 19}, nil,
			[]criuimg.Extent{present(10, 1), parent(11, 8), present(19, 1), parent(30, 2)}, dumped,
		},
		{
			"changed where nothing was dumped", []uint64{5, 20, 25, 40}, nil,
			[]criuimg.Extent{present(5, 1), parent(10, 10), present(20, 1), present(25, 1), parent(30, 2), present(40, 1)},
			[]criuimg.Extent{present(5, 1), present(10, 11), present(25, 1), present(30, 2), present(40, 1)},
		},
		{
			"dropped inside", nil, []span{pages(11, 13)},
			[]criuimg.Extent{parent(10, 1), parent(13, 7), parent(30, 2)},
			[]criuimg.Extent{present(10, 1), present(13, 7), present(30, 2)},
		},
		{
			"dropped over two extents and the hole", nil, []span{pages(18, 31)},
			[]criuimg.Extent{parent(10, 8), parent(31, 1)},
			[]criuimg.Extent{present(10, 8), present(31, 1)},
		},
		{
			"dropped everything", nil, []span{pages(0, 15), pages(15, 100)}, nil, nil,
		},
		{
			"dropped one, changed beside it", []uint64{13}, []span{pages(10, 13), pages(0, 2)},
			[]criuimg.Extent{present(13, 1), parent(14, 6), parent(30, 2)},
			[]criuimg.Extent{present(13, 7), present(30, 2)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &memory{dump: testDump(t, dumped...), dropped: tt.dropped, changed: map[uint64]*[pageSize]byte{}}
			for _, p := range tt.changed {
				m.changed[p*pageSize] = new([pageSize]byte)
			}
			if got := m.pagemap(false); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("layered: %+v, want %+v", got, tt.want)
			}
			if got := m.pagemap(true); !reflect.DeepEqual(got, tt.flat) {
				t.Errorf("flat: %+v, want %+v", got, tt.flat)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	m := &memory{
		dump:    testDump(t, present(10, 3)),
		dropped: []span{pages(12, 13)},
		changed: map[uint64]*[pageSize]byte{},
		initial: func(page []byte, addr uint64) error {
			if addr != 13*pageSize {
				return fmt.Errorf("no page at %#x", addr)
			}
			page[0] = 0xee
			return nil
		},
	}
	// A write over the end of one page into the next, of which the rest stays.
	if err := m.write(11*pageSize-2, []byte{1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if _, err := m.ReadAt(b, 11*pageSize-4); err != nil {
		t.Fatal(err)
	}
	if want := []byte{10, 10, 1, 2, 3, 4, 11, 11}; !bytes.Equal(b, want) {
		t.Errorf("read %v, want %v", b, want)
	}
	// A page that the dump does not have begins as the process would see it.
	if err := m.write(13*pageSize+1, []byte{7}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.ReadAt(b[:3], 13*pageSize); err != nil || !bytes.Equal(b[:3], []byte{0xee, 7, 0}) {
		t.Errorf("read %v, %v", b[:3], err)
	}
	// What was dropped is neither read nor written.
	if _, err := m.ReadAt(b, 12*pageSize); !errors.Is(err, criuimg.ErrNoPage) {
		t.Errorf("reading a dropped page: %v", err)
	}
	if err := m.write(12*pageSize, b); err == nil {
		t.Error("writing a dropped page succeeded")
	}

	f := newPagesFile(m, m.pagemap(false))
	if f.Size() != 3*pageSize {
		t.Fatalf("pages file of %d bytes, want the 3 changed pages", f.Size())
	}
	whole, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, p := range []uint64{10, 11, 13} {
		want = append(want, m.changed[p*pageSize][:]...)
	}
	if !bytes.Equal(whole, want) {
		t.Error("the pages file is not the changed pages in order")
	}
	// Reads that cross extents, and the end.
	at := make([]byte, pageSize)
	if n, err := f.ReadAt(at, 2*pageSize+100); n != pageSize-100 || err != io.EOF || !bytes.Equal(at[:n], want[2*pageSize+100:]) {
		t.Errorf("read %d bytes at the end, %v", n, err)
	}
	if _, err := f.ReadAt(at, 3*pageSize); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
}

func TestFill(t *testing.T) {
	m := &memory{name: "pagemap-7.img", dump: testDump(t, present(10, 3)), changed: map[uint64]*[pageSize]byte{}}
	m.initial = func([]byte, uint64) error { return nil }
	const word = 0x0123456789abcdef
	if err := m.fill(10*pageSize+8, 11*pageSize+16, word); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[int64]uint64{
		10 * pageSize: 0x0a0a0a0a0a0a0a0a, 10*pageSize + 8: word, 11*pageSize - 8: word,
		11 * pageSize: word, 11*pageSize + 8: word, 11*pageSize + 16: 0x0b0b0b0b0b0b0b0b,
	} {
		b := make([]byte, 8)
		if _, err := m.ReadAt(b, addr); err != nil || binary.LittleEndian.Uint64(b) != want {
			t.Errorf("at %#x: %x, %v, want %x", addr, b, err, want)
		}
	}
	// What a made-up dump asks for does not take all memory.
	err := m.fill(0, 1<<46, word)
	if err == nil || !strings.Contains(err.Error(), "pagemap-7.img: more than") || len(m.changed) != maxChanged {
		t.Errorf("%d pages are changed, %v", len(m.changed), err)
	}
}
