package layout

import (
	"bytes"
	"debug/elf"
	"testing"
)

// seeds are small objects, so that fuzzing is fast: with code, data, a jump
// table, a group, a common variable and relocations.
func seeds(t testing.TB) [2][]byte {
	var out [2][]byte
	for _, isa := range ISAs {
		code := []byte{0xc3}
		if isa == AArch64 {
			code = []byte{0xc0, 0x03, 0x5f, 0xd6, 0xc0, 0x03, 0x5f, 0xd6}
		}
		text := &section{name: ".text.f", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, align: 4, data: code, size: uint64(len(code))}
		data := &section{name: ".data.x", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, align: 8, data: make([]byte, 16), size: 16}
		bss := &section{name: ".bss.y", typ: elf.SHT_NOBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, align: 8, size: 32}
		table := &section{name: ".rodata.f", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, align: 4, data: make([]byte, 8), size: 8}
		after := &section{name: ".meta", typ: elf.SHT_PROGBITS, flags: elf.SHF_LINK_ORDER, align: 1, data: []byte{1}, size: 1, order: text}
		f := &symbol{name: "f", info: elf.ST_INFO(elf.STB_WEAK, elf.STT_FUNC), section: text, size: 1}
		local := &symbol{info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_SECTION), section: text}
		text.group = &group{name: ".group", flags: 1, signature: f}
		address := func(off uint64, s *symbol) rela { return rela{off: off, typ: isaTable[isa].abs64, sym: s, addend: 4} }
		data.relas = []rela{address(0, f), address(8, local)}
		table.relas = []rela{address(0, local)}
		o := &object{isa: isa, sections: []*section{text, data, bss, table, after}, symbols: []*symbol{
			{name: "a.c", info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_FILE), special: elf.SHN_ABS}, local, f,
			{name: "x", info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), section: data, size: 16},
			{name: "c", info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), special: elf.SHN_COMMON, size: 8, value: 8},
		}}
		copy(o.ident[:], "\x7fELF\x02\x01\x01")
		var err error
		if out[isa], err = o.encode(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// FuzzSplit reads objects from anywhere: what can be read at all can be
// written, and reads back.
func FuzzSplit(f *testing.F) {
	objects := seeds(f)
	f.Add(objects[0])
	f.Add(objects[1])
	f.Add(mustJoin(f, objects[0], objects[1]))
	f.Fuzz(func(t *testing.T, file []byte) {
		if parts, err := Split(file); err == nil {
			o := &Object{File: &File{Path: "x"}, Parts: parts}
			for _, isa := range ISAs {
				o.globals(isa)
			}
			if script, err := NewScript([]*Object{o}); err == nil && !bytes.HasSuffix(script, []byte("}\n")) {
				t.Errorf("script %q", script)
			}
		}
		o, err := decodeObject(file)
		if err != nil {
			return
		}
		data, err := o.encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 10*len(file)+1<<12 {
			t.Fatalf("%d bytes became %d", len(file), len(data))
		}
		again, err := decodeObject(data)
		if err != nil {
			t.Fatalf("does not read back: %v", err)
		}
		if third, err := again.encode(); err != nil || !bytes.Equal(third, data) {
			t.Fatalf("not written the same way again (%v)", err)
		}
	})
}

// FuzzEqualise makes two objects alike that are not of one unit.
func FuzzEqualise(f *testing.F) {
	objects := seeds(f)
	f.Add(objects[0], objects[1])
	equal := equalised(f, objects) // the seed is a valid one
	f.Add(equal[1], equal[0])
	f.Fuzz(func(t *testing.T, a, b []byte) {
		a2, b2, err := Equalise(a, b)
		if err != nil {
			return
		}
		if n := len(a) + len(b); len(a2)+len(b2) > 20*n+1<<12 {
			t.Fatalf("%d bytes became %d", n, len(a2)+len(b2))
		}
		a3, b3, err := Equalise(a2, b2)
		if err != nil {
			t.Fatalf("not alike: %v", err)
		}
		if !bytes.Equal(a2, a3) || !bytes.Equal(b2, b3) {
			t.Fatal("changed again when alike already")
		}
		if _, err := Join(a2, b2, Unit{Name: "a.c"}, "assembly"); err != nil {
			t.Logf("not joined: %v", err)
		}
	})
}

// FuzzArchive reads archives: what can be read can be written and reads back.
func FuzzArchive(f *testing.F) {
	f.Add(WriteArchive([]Member{{"a.o", []byte("odd")}, {"a-name-of-more-than-sixteen-bytes.o", []byte("even")}}))
	f.Add([]byte(arThin + "a.o/                                            3         `\n"))
	f.Add([]byte(arMagic + "#1/4            0           0     0     644     7         `\na.o\x00odd\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		members, err := ReadArchive(file, "dir", func(path string) ([]byte, error) { return []byte(path), nil })
		if err != nil {
			return
		}
		again, err := ReadArchive(WriteArchive(members), "", nil)
		if err != nil {
			t.Fatalf("does not read back: %v", err)
		}
		if len(again) != len(members) {
			t.Fatalf("%d members became %d", len(members), len(again))
		}
		for i, m := range members {
			if again[i].Name != m.Name || !bytes.Equal(again[i].Data, m.Data) {
				t.Fatalf("member %q became %q", m, again[i])
			}
		}
	})
}
