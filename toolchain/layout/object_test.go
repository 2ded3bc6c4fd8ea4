package layout

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"
)

// Objects of many kinds: with groups, debug information, common symbols,
// sections without content and sections that follow others.
func sampleObjects(t testing.TB) map[string][2][]byte {
	return map[string][2][]byte{
		"C":        compileC(t, mainSource),
		"debug":    compileC(t, mainSource, "-g"),
		"common":   compileC(t, "int b, a; long c; int use(void) { return a + b; }", "-fcommon"),
		"empty":    compileC(t, ""),
		"assembly": assemble(t, startSource),
		"group": assemble(t, `
	.section .text.f,"axG",@progbits,f,comdat
	.weak f
	.type f, @function
f:	ret
	.section .data.g,"awG",@progbits,f,comdat
	.quad f
	.section .meta,"ao",@progbits,.text.f
	.quad .text.f
	.section .bss.big,"aw",@nobits
	.zero 0x100000
`),
	}
}

func TestObjectRoundTrip(t *testing.T) {
	for name, objects := range sampleObjects(t) {
		for _, isa := range ISAs {
			t.Run(name+"/"+isa.String(), func(t *testing.T) {
				o, err := decodeObject(objects[isa])
				if err != nil {
					t.Fatal(err)
				}
				data, err := o.encode()
				if err != nil {
					t.Fatal(err)
				}
				sameObject(t, objects[isa], data)
				again, err := decodeObject(data)
				if err != nil {
					t.Fatal(err)
				}
				if third, err := again.encode(); err != nil || !bytes.Equal(third, data) {
					t.Errorf("not written the same way again (%v)", err)
				}
			})
		}
	}
}

// sameObject compares two objects by another reader's eyes. Numbers of
// sections and symbols may differ.
func sameObject(t *testing.T, a, b []byte) {
	t.Helper()
	type reloc struct {
		off    uint64
		typ    uint32
		symbol string
		addend int64
	}
	type content struct {
		header elf.SectionHeader
		data   string
		relocs []reloc
		order  string
		group  string
	}
	type sym struct {
		elf.Symbol
		section string
	}
	read := func(file []byte) (sections []content, symbols []sym) {
		f := openELF(t, file)
		list, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		name := func(i elf.SectionIndex) string {
			if int(i) < len(f.Sections) {
				return f.Sections[i].Name
			}
			return i.String()
		}
		of := func(n uint32) string {
			if n == 0 {
				return ""
			}
			s := list[n-1]
			return s.Name + " in " + name(s.Section)
		}
		groups := map[int]string{}
		at := map[int]int{}
		for i, s := range f.Sections {
			data, err := s.Data()
			if err != nil && s.Type != elf.SHT_NOBITS {
				t.Fatal(err)
			}
			le := binary.LittleEndian
			switch s.Type {
			case elf.SHT_NULL, elf.SHT_SYMTAB, elf.SHT_STRTAB, shtLLVMAddrsig:
			case elf.SHT_GROUP:
				for e := data[4:]; len(e) > 0; e = e[4:] {
					groups[int(le.Uint32(e))] = of(s.Info)
				}
			case elf.SHT_RELA:
				c := &sections[at[int(s.Info)]]
				for ; len(data) > 0; data = data[relaSize:] {
					info := le.Uint64(data[8:])
					c.relocs = append(c.relocs, reloc{le.Uint64(data), elf.R_TYPE64(info), of(elf.R_SYM64(info)), int64(le.Uint64(data[16:]))})
				}
			default:
				h := s.SectionHeader
				h.Offset, h.Link = 0, 0
				h.Addralign = max(h.Addralign, 1)
				c := content{header: h, data: string(data)}
				if s.Flags&elf.SHF_LINK_ORDER != 0 {
					c.order = f.Sections[s.Link].Name
				}
				at[i] = len(sections)
				sections = append(sections, c)
			}
		}
		for i, g := range groups {
			if n, ok := at[i]; ok {
				sections[n].group = g
			}
		}
		for _, s := range list {
			x := sym{s, name(s.Section)}
			x.Section = 0
			symbols = append(symbols, x)
		}
		return sections, symbols
	}
	sa, ya := read(a)
	sb, yb := read(b)
	if len(sa) != len(sb) || len(ya) != len(yb) {
		t.Fatalf("%d sections and %d symbols became %d and %d", len(sa), len(ya), len(sb), len(yb))
	}
	for i := range sa {
		x, y := sa[i], sb[i]
		if x.header != y.header || x.data != y.data || x.order != y.order || x.group != y.group || !slices.Equal(x.relocs, y.relocs) {
			t.Errorf("section %+v became %+v", x, y)
		}
	}
	for i := range ya {
		if ya[i] != yb[i] {
			t.Errorf("symbol %+v became %+v", ya[i], yb[i])
		}
	}
}

func TestDecodeObjectRefuses(t *testing.T) {
	good := compileC(t, counterSource)[X86_64]
	f := openELF(t, good)
	var h elf.Header64
	if _, err := binary.Decode(good, binary.LittleEndian, &h); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	// header is the header of the first section that has the name.
	header := func(b []byte, name string) []byte {
		for i, s := range f.Sections {
			if s.Name == name {
				return b[int(h.Shoff)+i*sectionHeaderSize:]
			}
		}
		t.Fatalf("no section %s", name)
		return nil
	}
	content := func(b []byte, name string) []byte {
		s := f.Section(name)
		return b[s.Offset : s.Offset+s.Size]
	}
	for _, test := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"empty", func(b []byte) []byte { return nil }, "not an object file"},
		{"a script", func(b []byte) []byte { return []byte("#!/bin/sh") }, "not an object file"},
		{"of 32 bits", func(b []byte) []byte { b[elf.EI_CLASS] = 1; return b }, "not an object file of 64 bits"},
		{"a program", func(b []byte) []byte { b[16] = byte(elf.ET_EXEC); return b }, "its type is ET_EXEC"},
		{"another machine", func(b []byte) []byte { b[18] = byte(elf.EM_386); return b }, "an object for EM_386, which tpcc does not make programs for"},
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }, "outside of the file"},
		{"too many sections", func(b []byte) []byte { le.PutUint16(b[60:], 0); return b }, "split the source file"},
		{"names nowhere", func(b []byte) []byte { le.PutUint16(b[62:], 999); return b }, "with names in number 999"},
		{"section without a name", func(b []byte) []byte { le.PutUint32(header(b, ".text.counted"), 1<<30); return b }, "name at 0x40000000"},
		{"section outside", func(b []byte) []byte { le.PutUint64(header(b, ".text.counted")[24:], 1<<40); return b }, `".text.counted": 0x`},
		{"odd alignment", func(b []byte) []byte { le.PutUint64(header(b, ".text.counted")[48:], 24); return b }, "aligned to 24"},
		{"large alignment", func(b []byte) []byte { le.PutUint64(header(b, ".text.counted")[48:], 1<<20); return b }, "aligned to 1048576"},
		{"large bss", func(b []byte) []byte { le.PutUint64(header(b, ".bss.count")[32:], 1<<50); return b }, "has 0x4000000000000 bytes"},
		{"REL", func(b []byte) []byte { le.PutUint32(header(b, ".comment")[4:], uint32(elf.SHT_REL)); return b }, "is of type SHT_REL"},
		{"two symbol tables", func(b []byte) []byte {
			copy(header(b, ".comment")[4:], header(b, ".symtab")[4:sectionHeaderSize])
			return b
		}, "two symbol tables"},
		{"relocation outside", func(b []byte) []byte { le.PutUint64(content(b, ".rela.text.counted"), 1<<20); return b }, "relocation at 0x100000: outside"},
		{"relocation of no symbol", func(b []byte) []byte { le.PutUint32(content(b, ".rela.text.counted")[12:], 9999); return b }, "symbol 9999"},
		{"relocations of nothing", func(b []byte) []byte { le.PutUint32(header(b, ".rela.text.counted")[44:], 99); return b }, "number 99 is no section"},
		{"symbol of no section", func(b []byte) []byte {
			le.PutUint16(content(b, ".symtab")[len(content(b, ".symtab"))-18:], 999)
			return b
		}, "number 999 is no section"},
		{"overlap", func(b []byte) []byte {
			for _, name := range []string{".text.counted", ".text.other", ".comment"} {
				le.PutUint64(header(b, name)[24:], 0)
				le.PutUint64(header(b, name)[32:], uint64(len(b)-100))
			}
			return b
		}, "sections that overlap"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeObject(test.change(slices.Clone(good)))
			wantError(t, err, test.want)
		})
	}
}

// Whatever byte is wrong, reading ends with an error or with an object that
// can be written and read again.
func TestDamagedObjects(t *testing.T) {
	objects := seeds(t)
	good := mustJoin(t, objects[0], objects[1])
	read := 0
	for i := range good {
		for _, v := range []byte{0, 1, 2, 0x7f, 0x80, 0xff, good[i] + 1, good[i] - 1} {
			bad := slices.Clone(good)
			bad[i] = v
			if parts, err := Split(bad); err == nil {
				if _, _, err := Equalise(parts[0], parts[1]); err != nil && err.Error() == "" {
					t.Fatal("an error without a word")
				}
				NewScript([]*Object{{File: &File{Path: "x"}, Parts: parts}})
			}
			o, err := decodeObject(bad)
			if err != nil {
				continue
			}
			read++
			data, err := o.encode()
			if err != nil {
				t.Fatalf("byte %#x as %#x: not written: %v", i, v, err)
			}
			if _, err := decodeObject(data); err != nil {
				t.Fatalf("byte %#x as %#x: does not read back: %v", i, v, err)
			}
		}
	}
	if read == 0 || read == 8*len(good) {
		t.Errorf("%d of %d could be read", read, 8*len(good))
	}
}
