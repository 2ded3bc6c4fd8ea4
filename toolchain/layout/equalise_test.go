package layout

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
	"testing"
)

func TestEqualise(t *testing.T) {
	for name, objects := range sampleObjects(t) {
		t.Run(name, func(t *testing.T) {
			before := objects
			objects = equalised(t, objects)
			var common [2][]*section
			for _, isa := range ISAs {
				o, err := decodeObject(objects[isa])
				if err != nil {
					t.Fatal(err)
				}
				if common[isa], err = o.sort(); err != nil {
					t.Fatal(err)
				}
			}
			if len(common[0]) != len(common[1]) {
				t.Fatalf("%d common sections and %d", len(common[0]), len(common[1]))
			}
			for i, a := range common[0] {
				b := common[1][i]
				if a.name != b.name || a.typ != b.typ || a.flags != b.flags || a.size != b.size || a.align != b.align || a.entsize != b.entsize {
					t.Errorf("%+v\n%+v", *a, *b)
				}
				if a.flags&elf.SHF_MERGE != 0 {
					t.Errorf("the linker may merge %s", a.name)
				}
			}
			// What was in a section is still there, then come traps.
			for _, isa := range ISAs {
				was, is := openELF(t, before[isa]), openELF(t, objects[isa])
				for _, s := range was.Sections {
					if s.Flags&elf.SHF_EXECINSTR == 0 {
						continue
					}
					x, _ := s.Data()
					y, err := is.Section(s.Name).Data()
					if err != nil || !bytes.HasPrefix(y, x) {
						t.Errorf("%v: section %s changed (%v)", isa, s.Name, err)
					}
					if isa == X86_64 && len(bytes.Trim(y[len(x):], "\xcc")) != 0 {
						t.Errorf("section %s is padded with % x", s.Name, y[len(x):])
					}
				}
			}
			// The order of arguments is that of results, and alike is alike.
			b, a, err := Equalise(objects[1], objects[0])
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, objects[0]) || !bytes.Equal(b, objects[1]) {
				t.Error("changed again when alike already")
			}
		})
	}
}

// What is private is so by name or by what is in it.
func TestPrivateSections(t *testing.T) {
	objects := equalised(t, compileC(t, mainSource))
	f := openELF(t, objects[X86_64])
	for _, name := range []string{".tpfs.private.rodata.choose", ".tpfs.private.rodata.cst8", ".rodata.table", ".data.value", ".text.choose"} {
		if f.Section(name) == nil {
			t.Errorf("no section %s", name)
		}
	}
	if s := f.Section(".rodata.choose"); s != nil {
		t.Errorf("the jump table is common: %+v", s)
	}
}

// LLVM makes a pointer to the personality of landing pads on aarch64 alone.
func TestPersonalityPointer(t *testing.T) {
	objects := equalised(t, assemble(t, `
#ifdef __aarch64__
	.hidden DW.ref.personality
	.weak DW.ref.personality
	.section .data.DW.ref.personality,"awG",@progbits,DW.ref.personality,comdat
	.balign 8
	.type DW.ref.personality,@object
	.size DW.ref.personality, 8
DW.ref.personality:
	.xword personality
#endif
`))
	s := openELF(t, objects[AArch64]).Section(".tpfs.private.rodata.DW.ref.personality")
	if s == nil || s.Flags != elf.SHF_ALLOC|elf.SHF_GROUP {
		t.Errorf("%+v", s)
	}
	if f := openELF(t, objects[X86_64]); f.Section(".data.DW.ref.personality") != nil {
		t.Error("x86-64 has a place for it")
	}
}

func TestStackmapsAreNotLoaded(t *testing.T) {
	objects := equalised(t, assemble(t, "\t.section .llvm_stackmaps,\"a\",@progbits\n\t.quad 3, 0\n"))
	for _, isa := range ISAs {
		if s := openELF(t, objects[isa]).Section(sectionStackmaps); s == nil || s.Flags != 0 {
			t.Errorf("%v: %+v", isa, s)
		}
	}
}

func TestFiller(t *testing.T) {
	objects := equalised(t, assemble(t, `
	.section .text.common,"ax",@progbits
	nop
#ifdef __aarch64__
	.section .text.only,"ax",@progbits
	nop
	.section .data.only,"aw",@progbits
	.quad 0
	.section .bss.only,"aw",@nobits
	.zero 100
#endif
`))
	f := openELF(t, objects[X86_64])
	for name, want := range map[string]string{
		".text.common": "\x90\xcc\xcc\xcc",
		".text.only":   "\xcc\xcc\xcc\xcc",
		".data.only":   strings.Repeat("\x00", 8),
	} {
		s := f.Section(name)
		if s == nil {
			t.Fatalf("no section %s", name)
		}
		if data, err := s.Data(); err != nil || string(data) != want {
			t.Errorf("section %s: % x (%v)", name, data, err)
		}
	}
	if s := f.Section(".bss.only"); s.Size != 100 || s.Type != elf.SHT_NOBITS {
		t.Errorf("%+v", s)
	}
	g := openELF(t, equalised(t, assemble(t, "\t.text\n#ifdef __x86_64__\n\t.zero 10\n#else\n\tnop\n#endif\n"))[AArch64])
	if data, _ := g.Section(".text").Data(); fmt.Sprintf("%x", data[4:]) != "200020d4200020d4" {
		t.Errorf("padded with % x", data[4:])
	}
}

// The linker gives common variables their places in the order of the symbols.
func TestCommonSymbolsHaveOneOrder(t *testing.T) {
	objects := equalised(t, assemble(t, `
#ifdef __x86_64__
	.comm first, 4, 4
	.comm second, 8, 8
#else
	.comm second, 16, 4
	.comm first, 4, 4
#endif
`))
	for _, isa := range ISAs {
		var got string
		for _, s := range mustSymbols(t, openELF(t, objects[isa])) {
			got += fmt.Sprintf("%s %d %d;", s.Name, s.Size, s.Value)
		}
		if got != "first 4 4;second 16 8;" {
			t.Errorf("%v: %s", isa, got)
		}
	}
}

func TestEqualiseRefuses(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"functions of one section", ".text\n.globl f, g\n.type f, @function\nf: PICK(ret, nop)\n.type g, @function\ng: ret\n",
			"g is at .text+0x1 on x86_64, but at .text+0x4 on aarch64; give it a section of its own (.section .text.g)"},
		{"a label in data", ".data\nPICK(.quad 0,)\n.globl x\nx: .quad 0\n", "x is at .data+0x8 on x86_64, but at .data+0x0 on aarch64"},
		{"a variable of another section", ".type x, @object\n.size x, 4\n.section PICK(.data, .data.x),\"aw\"\nx: .long 0\n", "x is at .data+0x0 on x86_64, but at .data.x+0x0 on aarch64"},
		{"values", ".data\n.type x, @object\n.size x, 4\nx: .long PICK(1, 2)\n", "the initial value of x is not the same on x86_64 and aarch64"},
		{"values without a name", ".data\n.long 0\n.long PICK(1, 2)\n", "the initial value of .data+0x4 is not the same"},
		{"pointers", ".data\n.quad PICK(f, g)\n", "the initial value of .data+0x0 is not the same"},
		{"pointers with an offset", ".data\n.quad PICK(f, f+1)\n", "the initial value of .data+0x0 is not the same"},
		{"a pointer on one ISA", ".data\n.quad 0\n.quad PICK(f, 0)\n", "the initial value of .data+0x8 is not the same"},
		{"a pointer on the other ISA", ".data\n.quad 0\n.quad PICK(0, f)\n", "the initial value of .data+0x8 is not the same"},
		{"a pointer to what is private", ".section .tpfs.private.text,\"ax\"\nhidden: nop\n.data\n.type x, @object\n.size x, 8\nx: .quad hidden\n",
			"x points to what is private to x86_64"},
		{"private variables", ".section .tpfs.private.data,\"aw\"\n.quad 0\n", "section .tpfs.private.data: can be written"},
		{"thread-local variables", ".section .tdata,\"awT\"\n.quad 0\n", "section .tdata: thread-local variables must be in section tptls"},
		{"literals", ".section .rodata.str1.1,\"aMS\",@progbits,1\n.asciz PICK(\"a\", \"b\")\n", "section .rodata.str1.1: the ISAs have different literals"},
		{"a constant without a section", ".section .rodata.cst8,\"aM\",@progbits,8\n.type x, @object\nx: .quad 1\n", "section .rodata.cst8: the constant x has no section of its own"},
		{"types", ".section s,\"aw\",PICK(@progbits, @nobits)\n.zero 8\n", "section s: type SHT_PROGBITS"},
		{"flags", ".section s,PICK(\"aw\", \"a\"),@progbits\n.zero 8\n", "section s: type SHT_PROGBITS with flags SHF_WRITE+SHF_ALLOC on x86_64, but SHT_PROGBITS with SHF_ALLOC on aarch64"},
		{"groups", ".section s,\"awG\",@progbits,PICK(g, h),comdat\n.zero 8\n", "section s: the ISAs have it in different groups"},
		{"a member of a group", "#ifdef __x86_64__\n.section .data.x,\"awG\",@progbits,g,comdat\n.quad 0\n#endif\n", "section .data.x: aarch64 has no such member of group g"},
		{"common variables", ".comm PICK(x, y), 4\n", "aarch64 has no common variable x"},
		{"more common variables", "#ifdef __aarch64__\n.comm y, 4\n#endif\n", "the ISAs have different common variables"},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects := assemble(t, test.source)
			_, _, err := Equalise(objects[0], objects[1])
			wantError(t, err, test.want)
		})
	}
	objects := assemble(t, "nop\n")
	_, _, err := Equalise(objects[0], objects[0])
	wantError(t, err, "both objects are for x86_64")
	_, _, err = Equalise(objects[0], []byte("text"))
	wantError(t, err, "not an object file")
}
