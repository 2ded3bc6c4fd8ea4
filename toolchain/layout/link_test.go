package layout

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A runtime for a program without a libc: start, and two system calls.
const startSource = `
	.section .text._start,"ax"
	.globl _start
	.type _start, @function
_start:
#ifdef __x86_64__
	xor %ebp, %ebp
	mov %rsp, %rdi
	and $-16, %rsp
	call start
	ud2
#else
	mov x29, #0
	mov x0, sp
	bl start
	brk #1
#endif
	.size _start, . - _start

	.section .text.sys_write,"ax"
	.globl sys_write
	.type sys_write, @function
sys_write:
#ifdef __x86_64__
	mov $1, %eax
	syscall
	ret
#else
	mov x8, #64
	svc #0
	ret
#endif
	.size sys_write, . - sys_write

	.section .text.sys_exit,"ax"
	.globl sys_exit
	.type sys_exit, @function
sys_exit:
#ifdef __x86_64__
	mov $231, %eax
	syscall
#else
	mov x8, #94
	svc #0
#endif
	.size sys_exit, . - sys_exit
`

// A program that prints what depends on the layout: addresses of everything.
const mainSource = `
typedef unsigned long u64;
long sys_write(int, const void *, u64);
void sys_exit(int);
int counted(int);
extern char __start_tptls[], __stop_tptls[], end[];
extern void absent(void) __attribute__((weak));

static char line[64];
static void hex(const char *name, u64 v) {
	int n = 0;
	while (*name) line[n++] = *name++;
	line[n++] = ' ';
	for (int i = 60; i >= 0; i -= 4) line[n++] = "0123456789abcdef"[v >> i & 15];
	line[n++] = '\n';
	sys_write(1, line, n);
}
static const double table[4] = {1, 2.5, 3, 4};
int value = 7, zero;
const char *text = "text";
struct { const char *name; int *p; void (*f)(const char *, u64); } list[] = {{"x", &value, hex}, {"y", &zero, 0}};
__attribute__((section("tptls"))) int local = 3;
__attribute__((section("mine"))) int first = 4;
extern int __start_mine[], __stop_mine[];
static int ready;
__attribute__((constructor)) static void construct(void) { ready = 1; }
typedef void fn(void);
extern fn *__init_array_start[], *__init_array_end[];
const char *choose(int x) {
	switch (x) {
	case 0: hex("zero", zero); return "null";
	case 1: return text;
	case 2: hex("two", value); return "deux";
	case 3: sys_write(1, "three\n", 6); return "trois";
	case 4: return "quatre";
	case 5: hex("five", counted(5)); return "cinq";
	}
	return "?";
}
double scale(int i) { return table[i & 3] * 3.25; }
void start(u64 *sp) {
	for (fn **f = __init_array_start; f < __init_array_end; f++) (*f)();
	hex("main", (u64)start); hex("hex", (u64)hex); hex("table", (u64)table); hex("text", (u64)text);
	hex("list", (u64)list); hex("name", (u64)list[1].name); hex("local", (u64)&local); hex("tls", __stop_tptls - __start_tptls);
	hex("mine", (u64)__start_mine); hex("size", (char *)__stop_mine - (char *)__start_mine); hex("end", (u64)end);
	hex("ready", ready); hex("write", (u64)sys_write); hex("absent", (u64)absent); hex("scale", scale(*sp) * 100);
	for (int i = 0; i < 7; i++) { const char *s = choose(i + zero); hex(s, (u64)s); }
	sys_exit(0);
}
`

const counterSource = `
static int count;
int other(void) { return 1; }
int counted(int x) { return count += x; }
`

const unusedSource = `int unused = 1;`

// sampleFiles makes the files of the test's program: two objects and an archive of
// two, of which one is needed.
func sampleFiles(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	counter := joined(t, dir, "counter.o", compileC(t, counterSource), Unit{})
	unused := joined(t, dir, "unused.o", compileC(t, unusedSource), Unit{})
	archive := filepath.Join(dir, "libcount.a")
	run(t, "", "llvm-ar-19", "rcs", archive, unused, counter)
	return []string{
		joined(t, dir, "start.o", assemble(t, startSource), Unit{}),
		joined(t, dir, "main.o", compileC(t, mainSource), Unit{Functions: []Function{
			{Name: "start", Frame: 16, Sites: []Site{{ID: 0x123, Callee: "hex"}}},
			{Name: "choose", Reason: "for the test"},
			{Name: "never", Reason: "the object does not have it"},
		}}),
		archive,
	}
}

func TestLink(t *testing.T) {
	linked := link(t, sampleFiles(t)...)
	out := execute(t, X86_64, linked[X86_64])
	if other := execute(t, AArch64, linked[AArch64]); other != out {
		t.Errorf("the ISAs print different things:\n%s%s", out, other)
	}
	for _, want := range []string{"ready 0000000000000001\n", "absent 0000000000000000\n", "three\n", "tls 0000000000000004\n", "size 0000000000000004\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no line %q in the program's output:\n%s", want, out)
		}
	}

	c, err := Compare(linked[AArch64], linked[X86_64])
	if err != nil {
		t.Fatal(err)
	}
	if c.Functions < 9 || c.Variables < 8 {
		t.Errorf("only %d functions and %d variables compared", c.Functions, c.Variables)
	}
	for _, e := range c.Exceptions {
		if e.Reason != ReasonPrivate {
			t.Errorf("exception %+v", e)
		}
	}
	if f := openELF(t, linked[X86_64]); slices.ContainsFunc(mustSymbols(t, f), func(s elf.Symbol) bool { return s.Name == "unused" }) {
		t.Error("an archive member that nobody needs was linked")
	}

	// The same segments, at addresses that the text says.
	for _, isa := range ISAs {
		f := openELF(t, linked[isa])
		var loads []elf.ProgHeader
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD {
				loads = append(loads, p.ProgHeader)
			}
		}
		if len(loads) != 3 || loads[0].Vaddr != base || loads[0].Off != 0 || loads[1].Vaddr%pageSize != 0 || loads[2].Flags != elf.PF_R|elf.PF_W {
			t.Errorf("%v: segments %+v", isa, loads)
		}
		if f.Section(sectionAArch64) != nil {
			t.Errorf("%v: the other ISA's object was linked in", isa)
		}
	}
}

func mustSymbols(t testing.TB, f *elf.File) []elf.Symbol {
	t.Helper()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}

func TestFunctions(t *testing.T) {
	linked := link(t, sampleFiles(t)...)
	list, err := Functions(linked[X86_64])
	if err != nil {
		t.Fatal(err)
	}
	symbols := map[string]uint64{}
	for _, s := range mustSymbols(t, openELF(t, linked[X86_64])) {
		symbols[s.Name] = s.Value
	}
	found := map[string]Placed{}
	for _, f := range list {
		if f.Addr != symbols[f.Name] || f.Size == 0 {
			t.Errorf("%s is at %#x with %d bytes, its symbol says %#x", f.Name, f.Addr, f.Size, symbols[f.Name])
		}
		found[f.Name] = f
	}
	for name, want := range map[string]Placed{
		"_start":  {Unit: "start.o", Function: Function{Reason: "assembly"}},
		"start":   {Unit: "main.o", Function: Function{Frame: 16}},
		"choose":  {Unit: "main.o", Function: Function{Reason: "for the test"}},
		"counted": {Unit: "counter.o", Function: Function{Reason: "assembly"}},
	} {
		f, ok := found[name]
		if !ok || f.Unit != want.Unit || f.Reason != want.Reason || f.Frame != want.Frame {
			t.Errorf("function %s: %+v", name, f)
		}
	}
	if s := found["start"].Sites; len(s) != 1 || s[0].ID != 0x123 || s[0].Callee != "hex" {
		t.Errorf("sites of start: %+v", s)
	}
	if _, ok := found["never"]; ok {
		t.Error("a function that no object has")
	}
}

func TestStrip(t *testing.T) {
	linked := link(t, sampleFiles(t)...)
	for _, isa := range ISAs {
		before := openELF(t, linked[isa])
		for _, drop := range []func(string) bool{Tables, Symbols, Debug, func(string) bool { return true }} {
			data, err := Strip(slices.Clone(linked[isa]), drop)
			if err != nil {
				t.Fatal(err)
			}
			after := openELF(t, data)
			for _, s := range before.Sections {
				kept := s.Flags&elf.SHF_ALLOC != 0 || s.Type == elf.SHT_NULL || s.Name == ".shstrtab" || !drop(s.Name)
				u := after.Section(s.Name)
				if (u != nil) != kept {
					t.Errorf("%v: section %q: kept %v, want %v", isa, s.Name, u != nil, kept)
				}
				if u == nil || s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL || s.Name == ".shstrtab" || s.Name == ".symtab" {
					continue
				}
				x, _ := s.Data()
				y, err := u.Data()
				if err != nil || string(x) != string(y) || u.Addr != s.Addr {
					t.Errorf("%v: section %s changed (%v)", isa, s.Name, err)
				}
			}
			if after.Section(".symtab") != nil && len(mustSymbols(t, after)) != len(mustSymbols(t, before)) {
				t.Errorf("%v: symbols were lost", isa)
			}
			if out := execute(t, isa, data); out != execute(t, isa, linked[isa]) {
				t.Errorf("%v: the stripped program does something else", isa)
			}
		}
	}
}

func TestCompareRefuses(t *testing.T) {
	linked := link(t, sampleFiles(t)...)
	section := func(file []byte, name string) []byte {
		s := openELF(t, file).Section(name)
		return file[s.Offset : s.Offset+s.Size]
	}
	symtab := func(file []byte, name string, change func(entry []byte)) {
		f := openELF(t, file)
		for i, s := range mustSymbols(t, f) {
			if s.Name == name {
				change(section(file, ".symtab")[(i+1)*symbolSize:])
			}
		}
	}
	for _, test := range []struct {
		name   string
		change func(*[2][]byte)
		want   string
	}{
		{"a function elsewhere", func(l *[2][]byte) { symtab(l[1], "counted", func(e []byte) { e[8] ^= 4 }) }, "counted is at 0x"},
		{"a variable elsewhere", func(l *[2][]byte) { symtab(l[0], "value", func(e []byte) { e[8] ^= 4 }) }, "value is at 0x"},
		{"a variable of another size", func(l *[2][]byte) { symtab(l[0], "table", func(e []byte) { e[16]++ }) }, "table has 33 bytes on x86_64, but 32 on aarch64"},
		{"another initial value", func(l *[2][]byte) { section(l[1], ".data")[0]++ }, "the initial value of value is not the same"},
		{"one ISA twice", func(l *[2][]byte) { l[1] = l[0] }, "both programs are for x86_64"},
		{"no symbols", func(l *[2][]byte) { l[1], _ = Strip(l[1], Symbols) }, "has no symbol table; link it without -s"},
		{"another segment", func(l *[2][]byte) { l[0][elfHeaderSize+40]++ }, "the segments differ"},
		{"an object", func(l *[2][]byte) { l[0] = compileC(t, counterSource)[0] }, "not ET_EXEC"},
		{"no ELF file", func(l *[2][]byte) { l[0] = []byte("#!/bin/sh\nexec cc\n") }, "bad magic number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			changed := [2][]byte{slices.Clone(linked[0]), slices.Clone(linked[1])}
			test.change(&changed)
			_, err := Compare(changed[0], changed[1])
			wantError(t, err, test.want)
		})
	}

	// Read-only data may differ, but that is said.
	changed := slices.Clone(linked[1])
	f := openELF(t, changed)
	for _, s := range mustSymbols(t, f) {
		if s.Name == "table" {
			ro := f.Section(".rodata")
			changed[ro.Offset+s.Value-ro.Addr]++
		}
	}
	c, err := Compare(linked[0], changed)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(c.Exceptions, func(e Exception) bool { return e.Name == "table" && e.Reason == ReasonContent }) {
		t.Errorf("exceptions: %+v", c.Exceptions)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	native := compileC(t, counterSource)
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain.o", native[0])
	archive := write("libplain.a", WriteArchive([]Member{{"README", []byte("no object")}, {"plain.o", native[0]}}))
	for path, want := range map[string]string{
		plain:                               "plain.o: not made by tpcc; compile its source with tpcc (CC=tpcc)",
		write("arm.o", native[1]):           "arm.o: an object for EM_AARCH64: not made by tpcc",
		archive:                             "libplain.a(plain.o): not made by tpcc",
		write("text.o", []byte("text")):     "text.o: not an object file",
		write("bad.a", []byte(arMagic+"x")): "bad.a: archive member at 0x8: bad header",
	} {
		_, err := Read(path)
		wantError(t, err, want)
	}
	f, err := Read(write("libtext.a", WriteArchive([]Member{{"README", []byte("no object")}})))
	if err != nil || len(f.Objects) != 0 {
		t.Errorf("an archive of text: %v, %v", f, err)
	}
}
