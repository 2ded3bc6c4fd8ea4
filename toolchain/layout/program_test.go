package layout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Which members are linked, and in which order.
func TestSelect(t *testing.T) {
	dir := t.TempDir()
	// object makes one that defines and needs symbols; "arm:x" is for aarch64
	// alone, and "weak:x" a reference that may stay open.
	object := func(name, defines, needs string) Member {
		var b strings.Builder
		for _, s := range strings.Fields(defines) {
			b.WriteString("\t.section .text." + s + ",\"ax\"\n\t.globl " + s + "\n" + s + ":\tnop\n")
		}
		b.WriteString("\t.section .meta,\"\"\n")
		for _, s := range strings.Fields(needs) {
			if w, ok := strings.CutPrefix(s, "weak:"); ok {
				b.WriteString("\t.weak " + w + "\n\t.quad " + w + "\n")
			} else if arm, ok := strings.CutPrefix(s, "arm:"); ok {
				b.WriteString("#ifdef __aarch64__\n\t.quad " + arm + "\n#endif\n")
			} else {
				b.WriteString("\t.quad " + s + "\n")
			}
		}
		return Member{name, mustRead(t, joined(t, dir, name, assemble(t, b.String()), Unit{}))}
	}
	members := []Member{
		object("main.o", "_start", "f"),
		object("f.o", "f", "h"),
		object("g.o", "g", ""),
		object("h.o", "h", "arm:g weak:w"),
		object("w.o", "w", ""),
		object("f2.o", "f", ""),
		object("cycle.o", "a", "b"),
		object("cycle2.o", "b", "a"),
		object("wrapped.o", "__wrap_f", "f"),
	}
	by := map[string]Member{}
	for _, m := range members {
		by[m.Name] = m
	}
	n := 0
	file := func(names ...string) *File {
		if len(names) == 1 {
			f, err := Read(filepath.Join(dir, names[0]))
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		var list []Member
		for _, name := range names {
			if name != "" {
				list = append(list, by[name])
			}
		}
		n++
		path := filepath.Join(dir, "lib"+string(rune('a'+n))+".a")
		if err := os.WriteFile(path, WriteArchive(list), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	whole := func(f *File) *File { f.Whole = true; return f }
	for _, test := range []struct {
		name   string
		files  []*File
		roots  []string
		rename func(string) string
		want   string
	}{
		{"objects alone", []*File{file("main.o"), file("w.o")}, nil, nil, "main.o w.o"},
		{"what one ISA needs, both link", []*File{file("main.o"), file("w.o", "h.o", "g.o", "f.o")}, nil, nil, "main.o h.o g.o f.o"},
		{"in the order of the files", []*File{file("f.o", "g.o", "h.o"), file("main.o")}, nil, nil, "f.o g.o h.o main.o"},
		{"two archives that need each other", []*File{file("main.o"), file("f.o", ""), file("g.o", "h.o")}, nil, nil, "main.o f.o g.o h.o"},
		{"the first archive wins", []*File{file("main.o"), file("f2.o", ""), file("f.o", "")}, nil, nil, "main.o f2.o"},
		{"an object wins over an archive", []*File{file("f.o", "g.o", "h.o"), file("main.o"), file("f2.o")}, nil, nil, "main.o f2.o"},
		{"a root", []*File{file("w.o", "g.o")}, []string{"w"}, nil, "w.o"},
		{"a cycle", []*File{file("cycle.o", "cycle2.o")}, []string{"b"}, nil, "cycle.o cycle2.o"},
		{"the whole archive", []*File{whole(file("w.o", "g.o"))}, nil, nil, "w.o g.o"},
		{"nothing", []*File{file("w.o", "g.o")}, []string{"nowhere"}, nil, ""},
		{"another name", []*File{file("main.o"), file("wrapped.o", "f2.o")}, nil, func(name string) string {
			if name == "f" {
				return "__wrap_f"
			}
			return name
		}, "main.o wrapped.o"},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := Select(test.files, test.roots, test.rename)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, o := range list {
				name := o.Member
				if !o.File.Archive {
					name = filepath.Base(o.File.Path)
				}
				names = append(names, name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if o := file("w.o", "").Objects[0]; o.String() != o.File.Path+"(w.o)" {
		t.Errorf("an object is called %v", o)
	}
}

// A private range of any size on one ISA does not move what is common, and
// sections of any name have their place.
func TestScript(t *testing.T) {
	dir := t.TempDir()
	files := append(sampleFiles(t),
		joined(t, dir, "private.o", assemble(t, `
	.section .tpfs.private.text.big,"ax"
	.globl big
	.type big, @function
big:	.zero PICK(70000, 4)
	.section .tpfs.private.rodata.big,"a"
	.type constants, @object
	.size constants, 4
constants: .zero PICK(4, 140000)
	.section .init,"ax"
	nop
	.section .note.mine,"a",@note
	.long 0, 0, 0
	.section .gcc_except_table,"a"
	.zero PICK(12, 50)
`), Unit{}),
		joined(t, dir, "custom.o", assemble(t, `
	.section mytext,"ax"
	.type f, @function
f:	PICK(ret, nop)
	.section .my-rodata$1,"a"
	.type r, @object
	.size r, 8
r:	.quad f
	.section both,"aw",@nobits
	.zero 8
	.section mybss,"aw",@nobits
	.type b, @object
	.size b, 8
b:	.zero 8
	.section tpreset,"aw"
	.type reset, @object
	.size reset, 8
reset:	.quad 0
	.section .fini_array,"aw",@fini_array
	.quad f
	.section .init_array.101,"aw",@init_array
	.section .debug_mine,""
	.long 1
	.globl weakly
	.weak weakly
	.text
	.type got, @function
got:
#ifdef __x86_64__
	mov weakly@GOTPCREL(%rip), %rax
	mov f@GOTPCREL(%rip), %rax
#else
	adrp x0, :got:weakly
	ldr x0, [x0, :got_lo12:weakly]
	nop
	nop
#endif
`), Unit{}),
		joined(t, dir, "both.o", assemble(t, "\t.section both,\"aw\",@progbits\n\t.type d, @object\n\t.size d, 8\nd:\t.quad 5\n"), Unit{}))
	linked := link(t, files...)
	c, err := Compare(linked[0], linked[1])
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, e := range c.Exceptions {
		reasons[e.Name] = e.Reason
	}
	if reasons["big"] != ReasonPrivate || reasons["constants"] != ReasonPrivate {
		t.Errorf("exceptions %v", reasons)
	}
	if out := execute(t, X86_64, linked[X86_64]); out != execute(t, AArch64, linked[AArch64]) {
		t.Errorf("the ISAs print different things:\n%s", out)
	}
	f := openELF(t, linked[AArch64])
	var reset [2]uint64
	for _, s := range mustSymbols(t, f) {
		switch s.Name {
		case "__start_tpreset":
			reset[0] = s.Value
		case "__stop_tpreset":
			reset[1] = s.Value
		}
	}
	if reset[0] == 0 || reset[1] != reset[0]+8 {
		t.Errorf("variables to reset at %#x", reset)
	}
	for _, name := range []string{"mytext", ".my-rodata$1", "both", "mybss", "tpreset", ".fini_array", ".debug_mine"} {
		if f.Section(name) == nil {
			t.Errorf("no section %s", name)
		}
	}
	if f.Section(".note.mine") != nil {
		t.Error("a note of assembly was linked in")
	}
}

// A program of code alone: the segments are alike nevertheless.
func TestScriptOfNothing(t *testing.T) {
	path := joined(t, t.TempDir(), "start.o", assemble(t, startSource+`
	.section .text.start,"ax"
	.globl start
	.type start, @function
start:	PICK(jmp sys_exit, b sys_exit)
	.section .tpfs.private.rodata,"a"
	.zero PICK(1, 100)
`), Unit{})
	linked := link(t, path)
	if _, err := Compare(linked[0], linked[1]); err != nil {
		t.Fatal(err)
	}
}

func TestScriptRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ source, want string }{
		{".section \"a b\",\"aw\"\n.quad 0\n", `x86_64: section "a b": use letters`},
		{".section .ctors,\"aw\"\n.quad 0\n", "section .ctors: functions to call at the start and the end must be in .init_array"},
		{".section tptls,\"aw\"\n.balign 128\n.quad 0\n", "a thread-local variable is aligned to 128 bytes; at most 64"},
	} {
		f, err := Read(joined(t, dir, "a.o", assemble(t, test.source), Unit{}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewScript(f.Objects)
		wantError(t, err, test.want)
		wantError(t, err, "a.o: ")
	}
	a, err := Read(joined(t, dir, "a.o", assemble(t, ".section mixed,\"aw\"\n.quad 0\n"), Unit{}))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(joined(t, dir, "b.o", assemble(t, ".section mixed,\"ax\"\n.quad 0\n"), Unit{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewScript(slices.Concat(a.Objects, b.Objects))
	wantError(t, err, "b.o: x86_64: section mixed: holds another kind of thing than in the objects before")
}
