package layout

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"
)

func TestJoinNative(t *testing.T) {
	f := assemble(t, "\t.section .text.f,\"ax\"\n\t.globl f\n\t.type f, @function\nf:\tPICK(ret, ret)\n")
	data, err := JoinNative("a.o", f[0], "b.o", f[1], false, "native")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, isa := range ISAs {
		if s := openELF(t, parts[isa]).Section(".text.f"); s == nil || s.Size != 4 {
			t.Errorf("%v: %+v", isa, s)
		}
	}
	line, _ := openELF(t, data).Section(sectionUnit).Data()
	units, err := ParseUnits(line)
	if err != nil || len(units) != 1 || len(units[0].Functions) != 1 || units[0].Functions[0].Reason != "native" {
		t.Errorf("%+v (%v)", units, err)
	}
}

// With private, sections need not be alike, and their functions are no
// functions of the pair.
func TestJoinNativePrivate(t *testing.T) {
	f := assemble(t, `
	.text
	.globl f
	.type f, @function
f:	PICK(ret, nop)
	.globl PICK(g, h)
	.type PICK(g, h), @function
PICK(g, h): nop
	.section .rodata.str1.1,"aMS",@progbits,1
	.asciz PICK("x", "longer")
`)
	data, err := JoinNative("a.o", f[0], "b.o", f[1], true, "native")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Split(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, isa := range ISAs {
		var names []string
		for _, s := range openELF(t, parts[isa]).Sections {
			if s.Flags&elf.SHF_ALLOC != 0 {
				names = append(names, s.Name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != ".tpfs.private.rodata.str1.1 .tpfs.private.text." {
			t.Errorf("%v: sections %s", isa, got)
		}
	}
	line, _ := openELF(t, data).Section(sectionUnit).Data()
	if units, err := ParseUnits(line); err != nil || len(units[0].Functions) != 0 {
		t.Errorf("%+v (%v)", units, err)
	}
}

func TestJoinNativeArchives(t *testing.T) {
	one := func(name string) [2][]byte {
		return assemble(t, "\t.section .text."+name+",\"ax\"\n\t.globl "+name+"\n\t.type "+name+", @function\n"+name+":\tnop\n")
	}
	a, b, c := one("a"), one("b"), one("c")
	x86 := WriteArchive([]Member{{"a.o", a[0]}, {"b.o", b[0]}})
	arm := WriteArchive([]Member{{"c.o", c[1]}, {"a.o", a[1]}})
	data, err := JoinNative("x.a", x86, "y.a", arm, true, "native")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("out.a", data)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, o := range f.Objects {
		var names [2]string
		for _, isa := range ISAs {
			g, err := o.globals(isa)
			if err != nil {
				t.Fatal(err)
			}
			names[isa] = strings.Join(g.defined, " ")
		}
		got[o.Member] = names
	}
	for name, want := range map[string][2]string{"a.o": {"a", "a"}, "b.o": {"b", ""}, "c.o": {"", "c"}} {
		if got[name] != want {
			t.Errorf("%s defines %q, want %q", name, got[name], want)
		}
	}
}

func TestJoinNativeRefuses(t *testing.T) {
	f := assemble(t, "\tnop\n")
	written := assemble(t, "\t.data\n\t.quad 0\n")
	differ := assemble(t, "\t.data\n\t.quad PICK(0, 1)\n")
	for _, test := range []struct {
		x86, arm []byte
		private  bool
		want     string
	}{
		{WriteArchive(nil), f[1], false, "x and y: one is an archive and the other is not"},
		{f[1], f[1], false, "x: an object for aarch64 where one for x86_64 is expected"},
		{f[0], f[0], false, "x: an object for x86_64 where one for aarch64 is expected"},
		{[]byte("text"), f[1], false, "x: x86_64: not an object file"},
		{written[0], written[1], true, "x: x86_64: section .data: can be written, so it cannot be private to an ISA"},
		{differ[0], differ[1], false, "x: the initial value of .data+0x0 is not the same"},
		{WriteArchive([]Member{{"m.o", differ[0]}}), WriteArchive([]Member{{"m.o", differ[1]}}), false, "x(m.o): the initial value of .data+0x0"},
		{[]byte(arThin), []byte(arMagic + "x"), false, "y: archive member at 0x8: bad header"},
		{[]byte(arThin + "a.o/                                            3         `\n"), WriteArchive(nil), false, "x: a thin archive"},
	} {
		_, err := JoinNative("x", test.x86, "y", test.arm, test.private, "native")
		wantError(t, err, test.want)
	}
}
