package pair

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"reflect"
	"slices"
	"testing"
)

func load(vaddr, memsz, off, filesz uint64, flags elf.ProgFlag) elf.Prog64 {
	return elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Off: off, Vaddr: vaddr, Filesz: filesz, Memsz: memsz}
}

func TestSegments(t *testing.T) {
	for _, tt := range []struct {
		name  string
		progs []elf.Prog64
		err   string
	}{
		{"one", []elf.Prog64{load(0x1000, 0x100, 0, 0x100, elf.PF_R)}, ""},
		{"side by side", []elf.Prog64{load(0x1000, 0x100, 0, 0x100, elf.PF_R), load(0x1100, 1, 0, 0, elf.PF_W)}, ""},
		{"others between", []elf.Prog64{{Type: uint32(elf.PT_TLS), Vaddr: 5}, load(0, 0, 0, 0, 0), {Type: uint32(elf.PT_GNU_STACK)}}, ""},
		{"at the end of user space", []elf.Prog64{load(maxAddress-8, 8, 0, 0, 0), load(maxAddress, 0, 0, 0, 0)}, ""},

		{"none", nil, "no PT_LOAD segment"},
		{"overlap", []elf.Prog64{load(0x1000, 0x100, 0, 0, 0), load(0x10ff, 1, 0, 0, 0)}, "PT_LOAD segment at 0x10ff: bad bounds"},
		{"not in order", []elf.Prog64{load(0x1000, 0x100, 0, 0, 0), load(0x500, 1, 0, 0, 0)}, "PT_LOAD segment at 0x500: bad bounds"},
		{"more in the file", []elf.Prog64{load(0x1000, 0x100, 0, 0x101, 0)}, "PT_LOAD segment at 0x1000: bad bounds"},
		{"behind user space", []elf.Prog64{load(maxAddress+1, 0, 0, 0, 0)}, "PT_LOAD segment at 0x100000000000001: bad bounds"},
		{"beyond user space", []elf.Prog64{load(maxAddress-8, 9, 0, 0, 0)}, "PT_LOAD segment at 0xfffffffffffff8: bad bounds"},
	} {
		got, err := (&image{progs: tt.progs}).segments()
		if tt.err != "" {
			t.Run(tt.name, func(t *testing.T) { wantError(t, err, tt.err) })
			continue
		}
		var want []Segment
		for _, p := range tt.progs {
			if p.Type == uint32(elf.PT_LOAD) {
				want = append(want, Segment{p.Vaddr, p.Memsz, p.Off, p.Filesz, elf.ProgFlag(p.Flags)})
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

func TestWithin(t *testing.T) {
	segments := []Segment{
		{Vaddr: 0x1000, Memsz: 0x200, Filesz: 0x100, Flags: elf.PF_R | elf.PF_X},
		{Vaddr: 0x2000, Memsz: 0x200, Filesz: 0x100, Flags: elf.PF_R | elf.PF_W},
	}
	for _, tt := range []struct {
		addr, size uint64
		a          access
		want       bool
	}{
		{0x1000, 0x100, executable, true},
		{0x10ff, 1, executable, true},
		{0x1000, 0x101, executable, false}, // code comes from the file
		{0x1100, 1, executable, false},
		{0xfff, 2, executable, false},
		{0x1000, ^uint64(0), executable, false},
		{^uint64(0), 2, executable, false},
		{0x1000, 1, writable, false},
		{0x2000, 1, executable, false},
		{0x2000, 0x200, writable, true},
		{0x21ff, 1, writable, true},
		{0x21ff, 2, writable, false},
	} {
		if got := within(segments, tt.addr, tt.size, tt.a); got != tt.want {
			t.Errorf("%#x bytes at %#x: %v", tt.size, tt.addr, got)
		}
	}
}

// TestHeaderBounds: as many headers as are allowed, and none.
func TestHeaderBounds(t *testing.T) {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Phoff: elfHeaderSize, Phentsize: progHeaderSize, Phnum: maxProgs}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	h.Shoff, h.Shentsize, h.Shnum = elfHeaderSize+maxProgs*progHeaderSize, sectionHeaderSize, maxSections
	names := make([]byte, maxNameTable)
	sections := make([]elf.Section64, maxSections)
	sections[0] = elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: h.Shoff + maxSections*sectionHeaderSize, Size: maxNameTable}
	file := slices.Concat(encode(encode(encode(nil, h), make([]elf.Prog64, maxProgs)), sections), names)
	im, err := openImage(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(im.progs) != maxProgs || len(im.sections) != maxSections || len(im.names) != maxNameTable {
		t.Errorf("%v", err)
	}

	h.Phnum, h.Phentsize, h.Shnum, h.Shentsize = 0, 0, 0, 0
	file = encode(nil, h)
	im, err = openImage(bytes.NewReader(file), int64(len(file)))
	if err != nil || im.progs != nil || im.sections != nil {
		t.Errorf("%+v, %v", im, err)
	}
	if s, err := im.section(".text"); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSectionNames(t *testing.T) {
	im := image{names: []byte("\x00.eh_frame\x00.eh_frame_hdr\x00.note"), sections: []elf.Section64{{}, {Name: 11}, {Name: 1}, {Name: 25}, {Name: 1 << 31}}}
	for name, want := range map[string]*elf.Section64{
		".eh_frame":     &im.sections[2],
		".eh_frame_hdr": &im.sections[1],
		"eh_frame":      nil,
		".note":         nil, // its name has no end
		".no":           nil,
	} {
		if got, err := im.section(name); got != want || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	im.sections[0].Name = 1
	_, err := im.section(".eh_frame")
	wantError(t, err, "two sections .eh_frame")
}

func TestLoadedDigest(t *testing.T) {
	im := image{r: bytes.NewReader([]byte("0123456789")), size: 10}
	got, err := im.loadedDigest([]Segment{{Offset: 8, Filesz: 2, Memsz: 9}, {Offset: 10}, {Offset: 0, Filesz: 3}})
	if err != nil || got != sha256.Sum256([]byte("89012")) {
		t.Errorf("%x, %v", got, err)
	}
	for _, s := range []Segment{{Vaddr: 5, Offset: 11}, {Vaddr: 5, Offset: 8, Filesz: 3}, {Vaddr: 5, Offset: 1, Filesz: ^uint64(0)}} {
		_, err := im.loadedDigest([]Segment{s})
		wantError(t, err, "PT_LOAD segment at 0x5: lies outside of the file")
	}
	im.r = failingReader{im.r}
	if _, err := im.loadedDigest([]Segment{{Offset: 8, Filesz: 2}}); err != errDisk {
		t.Error(err)
	}
}

// TestImageRead: a read may end where the file ends.
func TestImageRead(t *testing.T) {
	im := image{r: bytes.NewReader([]byte("0123")), size: 4}
	for _, tt := range []struct {
		off, n uint64
		want   string
		ok     bool
	}{
		{0, 4, "0123", true}, {3, 1, "3", true}, {4, 0, "", true},
		{3, 2, "", false}, {5, 0, "", false}, {0, ^uint64(0), "", false}, {^uint64(0), 2, "", false},
	} {
		got, err := im.read(tt.off, tt.n)
		if (err == nil) != tt.ok || string(got) != tt.want {
			t.Errorf("%d bytes at %d: %q, %v", tt.n, tt.off, got, err)
		}
	}
	full := elf.Section64{Size: 4}
	if got, err := im.data(&full, 4); err != nil || !reflect.DeepEqual(got, []byte("0123")) {
		t.Errorf("%q, %v", got, err)
	}
	_, err := im.data(&full, 3)
	wantError(t, err, "has 0x4 bytes, more than the 0x3 allowed")
}
