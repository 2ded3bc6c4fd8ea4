package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/pair"
)

// targets are as in the example's Makefile.
var targets = map[string]string{
	"x86_64":  "--target=x86_64-linux-gnu -mno-red-zone -fcf-protection=none",
	"aarch64": "--target=aarch64-linux-gnu -mno-outline-atomics -mbranch-protection=none -fno-global-isel",
}

const flags = "-O0 -std=c11 -ffreestanding -fno-pic -fno-common -fno-omit-frame-pointer " +
	"-mno-omit-leaf-frame-pointer -fasynchronous-unwind-tables -fno-addrsig -fno-ident -fno-jump-tables " +
	"-mllvm -fast-isel-abort=1 -fstack-size-section -ffunction-sections -fdata-sections"

// compile makes the objects of a source for each ISA, in folders of dir.
func compile(t *testing.T, dir, source string, more ...string) (objects []string) {
	t.Helper()
	for isa, target := range targets {
		out := filepath.Join(dir, isa, filepath.Base(source)+".o")
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			t.Fatal(err)
		}
		args := append(strings.Fields(target+" "+flags+" -I ../rt"), more...)
		c := exec.Command("clang-19", append(args, "-c", "-o", out, strings.ReplaceAll(source, "ISA", isa))...)
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, text)
		}
		objects = append(objects, out)
	}
	return objects
}

// TestPair makes pairs of small programs and the example's runtime, or refuses
// to with what is to be changed.
func TestPair(t *testing.T) {
	dir := t.TempDir()
	rt := append(compile(t, dir, "../rt/start.c"), compile(t, dir, "../rt/ISA.S")...)
	const head = `
#include "frame.h"
struct frame { long n, result; };
`
	const poll = "int main(void) { ENTER(struct frame); POLL(); RETURN(0); }\n"
	for _, tt := range []struct {
		name, source string
		flags        []string
		want         string // in the error; none if empty
	}{
		{name: "smallest", source: poll},
		{name: "variables and constants", source: poll + `
static const char text[] = "text";
const char *pointer = text;
int zero[100], ones[3] = {1, 1, 1};
double half(double x) { return x * 0.5; }
`},
		{name: "recursion", source: `
long sum(long n) {
	ENTER(struct frame);
	F->n = n;
	POLL();
	if (F->n == 0)
		RETURN(0L);
	F->result = sum(F->n - 1);
	RETURN(F->result + F->n);
}
int main(void) { ENTER(struct frame); F->result = sum(4); RETURN(0); }
`},
		{name: "recursion of a static function", source: `
static long sum(long n) {
	ENTER(struct frame);
	F->n = n;
	POLL();
	if (F->n == 0)
		RETURN(0L);
	F->result = sum(F->n - 1);
	RETURN(F->result + F->n);
}
int main(void) { ENTER(struct frame); F->result = sum(4); RETURN(0); }
`, want: "sum calls itself, which the assembler leaves no trace of in a static function: make it not static"},
		{name: "string literal", source: poll + `const char *text = "text";`,
			want: "string literals have no name: make them named arrays"},
		{name: "size of a variable", source: poll + "#ifdef __x86_64__\nint v[2];\n#else\nint v[3];\n#endif\n",
			want: "section .bss.v: its size is not the same on each architecture"},
		{name: "value of a variable", source: poll + "#ifdef __x86_64__\nint v = 1;\n#else\nint v = 2;\n#endif\n",
			want: ".data differs between the architectures"},
		{name: "value of a constant", source: poll + "#ifdef __x86_64__\nconst int v = 1;\n#else\nconst int v = 2;\n#endif\n"},
		{name: "function of one architecture", source: poll + "#ifdef __x86_64__\nvoid f(void) {}\n#endif\n",
			want: "section .text.f: one architecture has none of that name"},
		{name: "call of one architecture", source: poll + "void f(void) {\n#ifdef __x86_64__\n\t__tp_park();\n#endif\n}\n",
			want: "function f: 1 migratable calls on EM_X86_64, 0 on EM_AARCH64"},
		{name: "order of calls", source: poll + `
void a(void) { __tp_park(); }
void b(void) { __tp_park(); }
void f(void) {
#ifdef __x86_64__
	a(); b();
#else
	b(); a();
#endif
}
`, want: "function f: migratable call 0 is of a on EM_X86_64 and of b on EM_AARCH64"},
		{name: "no sections", source: poll + "int v = 1;", flags: []string{"-fno-data-sections"},
			want: "section .data: what is in it? Build with -ffunction-sections and -fdata-sections"},
		{name: "shared section", source: poll + "void f(void) {}\n", flags: []string{"-fno-function-sections"},
			want: "shares its section: build with -ffunction-sections"},
		{name: "name of the runtime", source: poll + "char __tp_main_thread[512];\n",
			want: "duplicate symbol: __tp_main_thread"},
		{name: "function of the runtime", source: poll + "static void complain(void) {}\nvoid (*v)(void) = complain;\n",
			want: "function complain: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(dir, "program.c")
			if err := os.WriteFile(source, []byte(head+tt.source), 0o644); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, "program")
			err := run(out, "ld.lld-19", append(compile(t, dir, source, tt.flags...), rt...))
			switch {
			case tt.want != "":
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if _, err := os.Stat(out); err == nil {
					t.Error("a file is left")
				}
			case err != nil:
				t.Error(err)
			default:
				checkPair(t, out)
			}
		})
	}
}

// checkPair checks that both files can be read, and say the same.
func checkPair(t *testing.T, path string) {
	t.Helper()
	a, err := pair.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pair.Open(path + ".aarch64")
	if err != nil {
		t.Fatal(err)
	}
	if a.Machine != elf.EM_X86_64 || b.Machine != elf.EM_AARCH64 || a.ID != b.ID {
		t.Errorf("%v %x and %v %x, want one pair", a.Machine, a.ID, b.Machine, b.ID)
	}
	if out, err := exec.Command(path).CombinedOutput(); machines[0] == hostMachine(t) && err != nil {
		t.Errorf("the program fails: %v\n%s", err, out)
	}
}

func hostMachine(t *testing.T) elf.Machine {
	t.Helper()
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Machine
}

// What is not an object of both architectures is refused by its name.
func TestObjects(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not ELF"), 0o644); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "f.c")
	if err := os.WriteFile(source, []byte("void f(void) {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	compile(t, dir, source)
	x86, arm := filepath.Join(dir, "x86_64/f.c.o"), filepath.Join(dir, "aarch64/f.c.o")
	for _, tt := range []struct {
		name    string
		objects []string
		want    string
	}{
		{"missing", []string{filepath.Join(dir, "none.o")}, "none.o: no such file"},
		{"text", []string{text}, text + ": not an object file: "},
		{"program", []string{"/proc/self/exe"}, "/proc/self/exe: not an object file of x86-64 or aarch64"},
		{"only x86-64", []string{x86}, "no objects for EM_AARCH64"},
		{"only aarch64", []string{arm}, "no objects for EM_X86_64"},
		{"twice", []string{x86, x86, arm}, "function f: " + x86 + " has one of that name"},
		{"no runtime", []string{x86, arm}, "cannot find entry symbol _start"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(filepath.Join(dir, "out"), "ld.lld-19", tt.objects)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
