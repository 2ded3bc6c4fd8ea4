package criuimg

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/pagemap"
	"google.golang.org/protobuf/encoding/protowire"
)

// numbers encodes a message of number fields: number, value, number, value...
func numbers(fields ...uint64) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		b = protowire.AppendTag(b, protowire.Number(fields[i]), protowire.VarintType)
		b = protowire.AppendVarint(b, fields[i+1])
	}
	return b
}

// pagemapOf makes a pagemap image of a head and encoded entries.
func pagemapOf(pagesID uint64, entries ...[]byte) []byte {
	pieces := []piece{{raw: numbers(1, pagesID)}}
	for _, e := range entries {
		pieces = append(pieces, piece{raw: e})
	}
	b, _ := synthetic{header: []uint32{testCommon, 0x56084025}, pieces: pieces}.bytes()
	return b
}

func parsePagemap(data []byte) (*Pagemap, error) {
	return ReadPagemap("pagemap-1.img", bytes.NewReader(data), int64(len(data)))
}

func TestReadPagemap(t *testing.T) {
	const present, parent, lazy = PEPresent, PEParent, PELazy
	tests := []struct {
		name    string
		entries [][]byte
		want    []Extent
	}{
		{"nothing", nil, nil},
		{"CRIU up to 4.1", [][]byte{numbers(1, 0x1000, 2, 3, 4, present)}, []Extent{{0x1000, 3, present}}},
		{"CRIU 4.2", [][]byte{numbers(1, 0x1000, 2, 0, 4, present, 5, 3)}, []Extent{{0x1000, 3, present}}},
		{"only the new field", [][]byte{numbers(1, 0x1000, 4, present, 5, 3)}, []Extent{{0x1000, 3, present}}},
		{"both fields", [][]byte{numbers(1, 0x1000, 2, 3, 4, present, 5, 3)}, []Extent{{0x1000, 3, present}}},
		{"more pages than a uint32", [][]byte{numbers(1, 0x1000, 4, parent, 5, 1<<33)}, []Extent{{0x1000, 1 << 33, parent}}},
		{"fields in another order", [][]byte{numbers(5, 3, 4, present, 1, 0x1000)}, []Extent{{0x1000, 3, present}}},
		{"before the flags: present", [][]byte{numbers(1, 0x1000, 2, 3)}, []Extent{{0x1000, 3, present}}},
		{"before the flags: not in the parent", [][]byte{numbers(1, 0x1000, 2, 3, 3, 0)}, []Extent{{0x1000, 3, present}}},
		{"before the flags: in the parent", [][]byte{numbers(1, 0x1000, 2, 3, 3, 1)}, []Extent{{0x1000, 3, parent}}},
		{"both ways of being in the parent", [][]byte{numbers(1, 0x1000, 2, 3, 3, 1, 4, parent)}, []Extent{{0x1000, 3, parent}}},
		{"lazy", [][]byte{numbers(1, 0x1000, 2, 1, 4, lazy), numbers(1, 0x2000, 2, 1, 4, lazy|present)}, []Extent{{0x1000, 1, lazy}, {0x2000, 1, lazy | present}}},
		{"joined", [][]byte{numbers(1, 0x1000, 2, 1, 4, present), numbers(1, 0x2000, 2, 2, 4, present), numbers(1, 0x4000, 2, 1, 4, parent), numbers(1, 0x6000, 2, 1, 4, parent)},
			[]Extent{{0x1000, 3, present}, {0x4000, 1, parent}, {0x6000, 1, parent}}},
		{"up to the end", [][]byte{numbers(1, 0, 4, parent, 5, 1<<51)}, []Extent{{0, 1 << 51, parent}}},
		{"address 0 is left out", [][]byte{numbers(2, 1, 4, present)}, []Extent{{0, 1, present}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parsePagemap(pagemapOf(9, test.entries...))
			check(t, err)
			if p.PagesID != 9 || !slices.Equal(p.Extents, test.want) {
				t.Errorf("%d %x, want 9 %x", p.PagesID, p.Extents, test.want)
			}
		})
	}
}

func TestReadPagemapRefuses(t *testing.T) {
	good := numbers(1, 0x1000, 2, 1, 4, PEPresent)
	tests := []struct {
		name    string
		entries [][]byte
		says    string
	}{
		{"two numbers of pages", [][]byte{numbers(1, 0x1000, 2, 1, 5, 2)}, "entry 1 at byte 14: two numbers of pages"},
		{"no pages", [][]byte{numbers(1, 0x1000, 2, 0, 4, PEPresent)}, "no pages"},
		{"no number of pages", [][]byte{numbers(1, 0x1000)}, "no pages"},
		{"unaligned", [][]byte{numbers(1, 0x1001, 2, 1)}, "multiple of the page size"},
		{"unsorted", [][]byte{numbers(1, 0x2000, 2, 1), good}, "entry 2 at byte 23: address 0x1000 lies before 0x3000"},
		{"twice", [][]byte{good, good}, "lies before"},
		{"overlapping", [][]byte{numbers(1, 0x1000, 2, 2), numbers(1, 0x2000, 2, 1)}, "lies before"},
		{"overlapping one that was joined", [][]byte{good, numbers(1, 0x2000, 2, 1, 4, PEPresent), numbers(1, 0x2000, 2, 1)}, "lies before"},
		{"too many pages", [][]byte{numbers(1, 0, 5, 1<<51+1)}, "beyond any address space"},
		{"overflowing", [][]byte{numbers(1, 0x1000, 5, math.MaxUint64)}, "beyond any address space"},
		{"too high", [][]byte{numbers(1, 1<<63, 2, 1)}, "beyond any address space"},
		{"higher still", [][]byte{numbers(1, math.MaxUint64-4095, 2, 1)}, "beyond any address space"},
		{"in the parent and present", [][]byte{numbers(1, 0x1000, 2, 1, 4, PEParent|PEPresent)}, "both in the parent and present"},
		{"flagged as in the parent and present", [][]byte{numbers(1, 0x1000, 2, 1, 3, 1, 4, PEPresent)}, "both in the parent and present"},
		{"nowhere", [][]byte{numbers(1, 0x1000, 2, 1, 4, 0)}, "neither"},
		{"an unknown flag", [][]byte{numbers(1, 0x1000, 2, 1, 4, PEPresent|8)}, "newer CRIU"},
		{"an unknown field", [][]byte{numbers(1, 0x1000, 2, 1, 6, 1)}, "has field 6: a newer CRIU"},
		{"compressed sizes", [][]byte{protowire.AppendBytes(protowire.AppendTag(numbers(1, 0x1000, 5, 1), 7, protowire.BytesType), []byte{1, 2})}, "has field 7: a newer CRIU"},
		{"a known field of another type", [][]byte{protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), []byte{1})}, "has field 5"},
		{"no protobuf", [][]byte{{0xff}}, "is not protobuf"},
		{"a value that is cut", [][]byte{{0x08, 0x80}}, "is not protobuf"},
		{"a string that is cut", [][]byte{{0x3a, 0x05, 1}}, "is not protobuf"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parsePagemap(pagemapOf(1, test.entries...))
			if err == nil {
				t.Fatalf("read as %x", p.Extents)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), "pagemap-1.img: entry ") {
				t.Errorf("error %q, want one that says %q", err, test.says)
			}
		})
	}

	whole := pagemapOf(1, good, numbers(1, 0x3000, 2, 1))
	for n := range whole {
		if _, err := parsePagemap(whole[:n]); (err == nil) != (n == 14 || n == 25) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	for n := range whole {
		id, err := ReadPagesID("pagemap-1.img", bytes.NewReader(whole[:n]), int64(n))
		if _, all := parsePagemap(whole[:n]); n < 14 && (err == nil || err.Error() != all.Error()) || n >= 14 && (id != 1 || err != nil) {
			t.Errorf("cut to %d bytes: the head tells of pages-%d.img, %v", n, id, err)
		}
	}
	head, _ := synthetic{header: []uint32{testCommon, 0x56084025}, pieces: []piece{{raw: numbers(1, 1, 2, 1)}}}.bytes()
	if _, err := parsePagemap(head); err == nil || !strings.Contains(err.Error(), "entry 0 at byte 8: has field 2: a newer CRIU") {
		t.Errorf("unknown field in the head: %v", err)
	}
	if _, err := ReadPagemap("core-1.img", bytes.NewReader(whole), int64(len(whole))); err == nil {
		t.Error("a core image is read as a pagemap")
	}
}

// Every reader there is must see the same pages in what is written: those that
// know field 2 (go-criu, CRIU up to 4.1) and those that prefer field 5.
func TestPagemapImage(t *testing.T) {
	want := &Pagemap{PagesID: 77, Extents: []Extent{
		{0x1000, 3, PEPresent},
		{0x4000, 2, PEParent},
		{0x7000, 1, PEPresent | PELazy},
		{1 << 40, 1<<33 + 5, PEParent},
	}}
	data, err := want.Image("pagemap-shmem-5.img")
	check(t, err)
	p, err := ReadPagemap("pagemap-shmem-5.img", bytes.NewReader(data), int64(len(data)))
	check(t, err)
	if p.PagesID != want.PagesID || !slices.Equal(p.Extents, want.Extents) {
		t.Errorf("read back as %d %x, want %x", p.PagesID, p.Extents, want.Extents)
	}

	img, err := Read("pagemap-shmem-5.img", bytes.NewReader(data), int64(len(data)))
	check(t, err)
	head, err := As[*pagemap.PagemapHead](img.Entries[0])
	check(t, err)
	if head.GetPagesId() != 77 {
		t.Errorf("head %v", head)
	}
	old := &Pagemap{}
	for _, e := range img.Entries[1:] {
		m, err := As[*pagemap.PagemapEntry](e)
		check(t, err)
		if m.GetNrPages() > maxRun {
			t.Errorf("an entry of %d pages", m.GetNrPages())
		}
		if want := numbers(5, uint64(m.GetNrPages())); !bytes.Equal(m.ProtoReflect().GetUnknown(), want) {
			t.Errorf("%v: field 5 is %x, want %x", m, m.ProtoReflect().GetUnknown(), want)
		}
		check(t, old.add(Extent{m.GetVaddr(), uint64(m.GetNrPages()), m.GetFlags()}))
	}
	if !slices.Equal(old.Extents, want.Extents) {
		t.Errorf("old readers see %x, want %x", old.Extents, want.Extents)
	}

	for _, bad := range [][]Extent{{{1, 1, PEPresent}}, {{0, 0, PEPresent}}, {{0, 1, 0}}, {{0, 1, 8}}, {{0x1000, 1, PEPresent}, {0, 1, PEPresent}}, {{0, MaxExtents*maxRun + 1, PEParent}}} {
		if _, err := (&Pagemap{Extents: bad}).Image("pagemap-1.img"); err == nil {
			t.Errorf("%x is written", bad)
		}
	}
	if _, err := want.Image("pages-1.img"); err == nil {
		t.Error("written as a pages image")
	}
}
