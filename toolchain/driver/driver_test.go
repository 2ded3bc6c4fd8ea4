package driver

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// The tests compile, link and run programs with what `make toolchain` has
// built; TOOLCHAIN says where that is.

// tree makes an install tree with the built tools and libraries in it, and
// returns the path of tpcc in it.
func tree(t *testing.T) string {
	t.Helper()
	built := os.Getenv("TOOLCHAIN")
	if built == "" {
		built = "../../build/toolchain"
	}
	built, err := filepath.Abs(built)
	if err != nil {
		t.Fatal(err)
	}
	prefix := t.TempDir()
	if err := os.Mkdir(filepath.Join(prefix, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin/tpcc-cg", "bin/tpcc-verify", "lib"} {
		if _, err := os.Stat(filepath.Join(built, name)); err != nil {
			t.Fatalf("%v: make toolchain", err)
		}
		if err := os.Symlink(filepath.Join(built, name), filepath.Join(prefix, name)); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(prefix, "bin/tpcc")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

// A compiler runs tpcc in a folder of its own, with the test's sources in it.
type compiler struct {
	*testing.T
	program string
	stdin   io.Reader
}

func newCompiler(t *testing.T) *compiler {
	t.Helper()
	c := &compiler{T: t, program: tree(t)}
	dir := t.TempDir()
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return c
}

func (c *compiler) write(path, text string) {
	c.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

func (c *compiler) read(path string) string {
	c.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	return string(data)
}

// try runs tpcc and returns its exit status and what it says.
func (c *compiler) try(line string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	stdin := c.stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	status = Run(c.program, words(line), stdin, &out, &err)
	return status, out.String(), err.String()
}

// ok runs tpcc, which must succeed and have nothing to say on stderr.
func (c *compiler) ok(line string) string {
	c.Helper()
	status, stdout, stderr := c.try(line)
	if status != 0 || stderr != "" {
		c.Fatalf("tpcc %s: status %d\n%s", line, status, stderr)
	}
	return stdout
}

// fails runs tpcc, which must fail and say something.
func (c *compiler) fails(line, want string) {
	c.Helper()
	status, stdout, stderr := c.try(line)
	if status != 1 || !strings.Contains(stderr, want) || stdout != "" {
		c.Fatalf("tpcc %s: status %d, %q, %q\nwant status 1 and %q", line, status, stdout, stderr, want)
	}
}

// execute runs both programs of a pair, which must say the same.
func (c *compiler) execute(path string, args ...string) string {
	c.Helper()
	var said string
	for _, isa := range layout.ISAs {
		cmd := exec.Command("./"+isaFile(path, isa), args...)
		if isa != layout.X86_64 {
			cmd = exec.Command("qemu-"+isa.String()+"-static", append([]string{isaFile(path, isa)}, args...)...)
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			c.Fatalf("%v: %v\n%s", cmd, err, out)
		}
		if isa == layout.X86_64 {
			said = string(out)
		} else if said != string(out) {
			c.Fatalf("%s says\n%son %v\n%s", path, said, isa, out)
		}
	}
	return said
}

func TestProgramWithoutLibrary(t *testing.T) {
	c := newCompiler(t)
	c.ok("-nostdlib -fno-portable-frames -O2 start.S main.c counter.c -o prog")
	if out := c.execute("prog"); out != "one line\n" {
		t.Errorf("it says %q", out)
	}
	if out := c.ok("--compare prog"); !regexp.MustCompile(`^prog: \d+ functions and \d+ variables at the same addresses`).MatchString(out) {
		t.Errorf("--compare says %q", out)
	}
	if _, err := pair.Open("prog"); !errors.Is(err, pair.ErrNotPair) {
		t.Errorf("without a runtime it is a pair nevertheless: %v", err)
	}
	// With -v it says so.
	if _, _, stderr := c.try("-v -nostdlib -fno-portable-frames -O2 start.S main.c counter.c"); !strings.Contains(stderr, "tpcc: a.out cannot be moved: it is linked without tpcc's runtime\n") {
		t.Errorf("-v says %s", stderr)
	}
	if out := c.execute("a.out"); out != "one line\n" {
		t.Errorf("a.out says %q", out)
	}
}

func TestProgram(t *testing.T) {
	for _, flags := range []string{"-O0", "-O2", "-Os -g", "-O3 -s"} {
		t.Run(flags, func(t *testing.T) {
			c := newCompiler(t)
			c.ok(flags + " hello.c -lm -pthread -o hello")
			out := c.execute("hello", "an argument")
			if !regexp.MustCompile(`^123 1\.732 No such file or directory 0x[0-9a-f]+\n7 5 an argument\n$`).MatchString(out) {
				t.Errorf("it says %q", out)
			}
			for _, isa := range layout.ISAs {
				p, err := pair.Open(isaFile("hello", isa))
				if err != nil {
					t.Fatal(err)
				}
				if p.Machine != isa.Machine() || p.BuildID == nil {
					t.Errorf("%v: machine %v, build-id %x", isa, p.Machine, p.BuildID)
				}
				names := map[string]pair.Function{}
				for _, f := range p.Functions {
					names[f.Name] = f
				}
				if f := names["main"]; f.Reason != "" || len(f.Sites) == 0 {
					t.Errorf("%v: main is %+v", isa, f)
				}
				if f := names["_start"]; f.Reason == "" {
					t.Errorf("%v: _start is %+v", isa, f)
				}
				if len(p.Reset) != 1 {
					t.Errorf("%v: to reset: %v", isa, p.Reset)
				}
			}
			st0, _ := os.Stat("hello")
			st1, err := os.Stat("hello.aarch64")
			if err != nil || st0.Size() != st1.Size() || st0.Mode()&0o111 == 0 || st1.Mode()&0o111 == 0 {
				t.Errorf("files %+v and %+v (%v)", st0, st1, err)
			}
			f, err := elf.Open("hello")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Section(".tpfs.unit") != nil || f.Section(".tpfs.functions") != nil {
				t.Error("tables of the units are left over")
			}
			if stripped := strings.Contains(flags, "-s"); (f.Section(".symtab") == nil) != stripped {
				t.Errorf("has symbols: %v", f.Section(".symtab") != nil)
			}
			if f.Section(".debug_info") == nil == strings.Contains(flags, "-g") {
				t.Error("debug information is not as asked for")
			}
			if !strings.Contains(flags, "-s") {
				c.ok("--compare hello")
			}
			if out := c.ok("--explain hello"); !strings.Contains(out, "):\n  _") || !strings.Contains(out, "  _start\n") ||
				!regexp.MustCompile(`\nhello, tpcc's libraries: \d+ of \d+ functions cannot be moved: a thread waits until it has left them\nhello: 0 of \d+ functions cannot be moved\n$`).MatchString(out) {
				t.Errorf("--explain says %s", out)
			}
		})
	}
}

// The functions of the program that cannot be moved are counted, those of the
// libraries are not.
func TestSummary(t *testing.T) {
	c := newCompiler(t)
	c.ok("-O2 -c hello.c")
	c.ok("-O2 -fno-portable-frames -c counter.c")
	_, _, stderr := c.try("hello.o counter.o -o hello")
	if !regexp.MustCompile(`^tpcc: hello: 2 of \d functions cannot be moved \(tpcc --explain hello\)\n$`).MatchString(stderr) {
		t.Errorf("it says %q", stderr)
	}
	if out := c.ok("--explain hello"); !strings.Contains(out, reasonNoFrames+" (") || !strings.Contains(out, "  counted\n") ||
		!strings.HasSuffix(out, "\nhello"+strings.TrimPrefix(strings.Split(stderr, " (")[0], "tpcc: hello")+": a thread waits until it has left them\n") {
		t.Errorf("--explain says %s", out)
	}
}

// Objects of which -r makes one are in the program as they would be by
// themselves.
func TestRelocatable(t *testing.T) {
	c := newCompiler(t)
	c.ok("-O2 -c hello.c")
	c.ok("-O2 -fno-portable-frames -c counter.c")
	c.try("hello.o counter.o -o direct")
	want := c.execute("direct")
	for _, r := range []string{"-r -nostdlib", "-Wl,--relocatable"} {
		c.ok(r + " -o all.o hello.o counter.o")
		_, _, stderr := c.try("all.o -o hello")
		if !strings.HasPrefix(stderr, "tpcc: hello: 2 of ") {
			t.Errorf("%s: it says %q", r, stderr)
		}
		c.ok("--compare hello")
		if got := c.execute("hello"); got != want {
			t.Errorf("%s: the program says %q, want %q", r, got, want)
		}
	}
}

// A program that was installed alone gets its other file from where it was
// built, whatever its name.
func TestComplete(t *testing.T) {
	c := newCompiler(t)
	for _, dir := range []string{"built", "installed/bin"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	c.ok("-O2 hello.c counter.c -o built/hello")
	run := words("install -s -m 755 built/hello installed/bin/other")
	if out, err := exec.Command(run[0], run[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	c.ok("--complete built installed")
	if got, want := c.execute("installed/bin/other"), c.execute("built/hello"); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if err := os.Remove("built/hello.aarch64"); err != nil {
		t.Fatal(err)
	}
	c.ok("--complete built installed") // it has one
	os.Remove("installed/bin/other.aarch64")
	c.fails("--complete built installed", "installed/bin/other: no file below built is the other one of its pair")
}

func TestObjectsAndArchives(t *testing.T) {
	c := newCompiler(t)
	c.write("unused.c", "extern int nowhere; int unused(void) { return nowhere; }\n")
	c.ok("-fno-portable-frames -c start.S main.c counter.c unused.c")
	for _, ar := range []string{"ar rcs libcount.a", "llvm-ar-19 rcs --thin libcount.a"} {
		os.Remove("libcount.a")
		run := words(ar + " unused.o counter.o")
		if out, err := exec.Command(run[0], run[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", ar, err, out)
		}
		for _, line := range []string{
			"start.o main.o -L. -lcount", "-L . -l count main.o start.o", "main.o libcount.a start.o",
			"-Wl,--start-group,main.o,-lcount,--end-group start.o -L.", "@args",
		} {
			c.write("args", "start.o\n'main.o' libcount.a")
			c.ok("-nostdlib -o prog " + line)
			if out := c.execute("prog"); out != "one line\n" {
				t.Errorf("%s: it says %q", line, out)
			}
		}
		c.fails("-nostdlib -o prog2 start.o main.o -Wl,--whole-archive libcount.a", "undefined symbol: nowhere")
	}
	if exists("prog2") || exists("prog2.aarch64") {
		t.Error("a failed link left something")
	}
}

func TestOutputs(t *testing.T) {
	c := newCompiler(t)
	c.write("a.c", "#include \"a.h\"\nint f(void) { return X; }\n")
	c.write("a.h", "#define X 5\n")
	if out := c.ok("-E a.c"); !strings.Contains(out, "return 5;") {
		t.Errorf("-E: %s", out)
	}
	c.ok("-E a.c -o a.i")
	c.ok("-c a.i -o ai.o")
	if out := c.ok("-MM a.c"); out != "a.o: a.c a.h\n" {
		t.Errorf("-MM: %q", out)
	}
	c.ok("-fsyntax-only a.c")

	// -S writes what -c takes.
	c.ok("-S a.c")
	if text := c.read("a.s"); !strings.Contains(text, "define") {
		t.Errorf("-S: %s", text)
	}
	c.ok("-c a.s -o as.o")
	os.Rename("a.s", "a.ll")
	c.ok("-c a.ll -o all.o")
	c.ok("-c a.c")
	for _, name := range []string{"ai.o", "as.o", "all.o"} {
		if f, err := layout.Read(name); err != nil || len(f.Objects) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}

	for line, want := range map[string]string{
		"-c -MD a.c":                                 "a.d a.o: a.c a.h\n",
		"-c -MMD a.c -o sub/x.o":                     "sub/x.d sub/x.o: a.c a.h\n",
		"-c -MMD -MF y.dep a.c":                      "y.dep a.o: a.c a.h\n",
		"-c -MMD -MT z -MP a.c":                      "a.d z: a.c a.h\na.h:\n",
		"-S -MMD a.c -o q.s":                         "q.d q.s: a.c a.h\n",
		"-E -MMD -MF e.d a.c -o e.i":                 "e.d e.o: a.c a.h\n",
		"-c -MMD -x assembler-with-cpp a.h -o as2.o": "as2.d as2.o: a.h\n",
	} {
		os.Mkdir("sub", 0o755)
		c.ok(line)
		file, want, _ := strings.Cut(want, " ")
		text := strings.ReplaceAll(c.read(file), " \\\n ", "")
		if file == "e.d" {
			_, text, _ = strings.Cut(text, ":")
			_, want, _ = strings.Cut(want, ":")
		}
		if strings.Join(words(text), " ") != strings.Join(words(want), " ") {
			t.Errorf("%s: %q, want %q", line, text, want)
		}
	}

	// Standard input, and what is no file.
	c.stdin = strings.NewReader("int g;")
	c.ok("-c -x c - -o -")
	if f, err := layout.Read("-"); err != nil || len(f.Objects) != 1 {
		t.Errorf("- : %v", err)
	}
	c.stdin = strings.NewReader("PI")
	if out := c.ok("-E -DPI=3 -"); !strings.Contains(out, "\n3") {
		t.Errorf("-E -: %q", out)
	}
	c.stdin = strings.NewReader("\t.globl x\nx:\n")
	c.ok("-c -x assembler - -o x.o")
	c.ok("-c -xc /dev/null -o /dev/null")
	c.ok("-nostdlib -fno-portable-frames start.S main.c counter.c -o /dev/null")
	if st, err := os.Stat("/dev/null"); err != nil || st.Mode().IsRegular() || exists("/dev/null.aarch64") {
		t.Errorf("/dev/null is %v (%v)", st.Mode(), err)
	}
}

func TestMessages(t *testing.T) {
	c := newCompiler(t)
	c.write("bad.c", "int f( {\n")
	c.write("bad.S", "\tnonsense\n")
	c.write("two.S", "\t.text\n\t.globl f\n\t.type f, @function\n#ifdef __x86_64__\n\tnop\n#endif\nf:\tnop\n")
	c.write("open.c", "int h(void); int g(void) { return h(); }\n")
	c.write("shared.so", "")
	c.write("x.cc", "")
	if err := exec.Command("gcc", "-c", "counter.c", "-o", "native.o").Run(); err != nil {
		t.Fatal(err)
	}
	c.ok("-fno-portable-frames -c open.c start.S main.c counter.c")
	if out, err := exec.Command("ar", "rc", "libopen.a", "open.o").CombinedOutput(); err != nil {
		t.Fatalf("ar: %s", out)
	}
	for line, want := range map[string]string{
		"":                             "tpcc: error: no input files\n",
		"-c absent.c":                  "absent.c",
		"-c bad.c":                     "bad.c:1:8: error: expected parameter declarator",
		"-c bad.S":                     "bad.S:1:2: error: ",
		"-c two.S":                     "tpcc: error: two.S: f is at .text+0x1 on x86_64, but at .text+0x0 on aarch64; give it a section of its own",
		"-c -fnot-an-option counter.c": "unknown argument: '-fnot-an-option'",
		"-c counter.c main.c -o x":     "tpcc: error: -o names one file, but there is more than one to write",
		"-c x.cc":                      "tpcc: error: x.cc: tpcc does not compile C++, only C and assembly\n",
		"-c -":                         "tpcc: error: -: say what standard input is with -x",
		"-nostdlib native.o":           "tpcc: error: native.o: not made by tpcc; compile its source with tpcc (CC=tpcc)\n",
		"-nostdlib shared.so":          "tpcc: error: shared.so: a shared library; a pair is static",
		"-nostdlib absent.o":           "tpcc: error: open absent.o: no such file or directory\n",
		"-nostdlib start.o -lq -L.":    "tpcc: error: -lq: no libq.a (not in .)",
		"-nostdlib start.o main.o":     "undefined symbol: counted\n>>> referenced by main.c\n>>>               main.o:(",
		"-nostdlib start.o main.o counter.o -Wl,-u,g libopen.a":             "open.o:(g) in archive libopen.a\n",
		"-nostdlib -fno-portable-frames start.o main.o counter.c counter.o": "duplicate symbol: counted",
		"-O2 -c hello.c -o no/such/folder.o":                                "tpcc: error: open no/such/folder.o: no such file or directory\n",
		"--explain native.o":                                                "native.o: not a program of a pair",
		"--explain":                                                         "tpcc: error: --explain: want a program of tpcc's\n",
		"--compare native.o":                                                "open native.o.aarch64: no such file",
	} {
		c.fails(line, want)
	}
	// What is wrong on both ISAs is said once.
	if _, _, stderr := c.try("-nostdlib start.o main.o"); strings.Count(stderr, "undefined symbol: counted") != 1 || strings.Contains(stderr, os.TempDir()+"/tpcc") {
		t.Errorf("it says %s", stderr)
	}
	// Warnings are no errors.
	c.write("warn.c", "int f(void) { int x; return x; }\n")
	status, _, stderr := c.try("-Wall -c warn.c")
	if status != 0 || !strings.Contains(stderr, "warn.c:1:29: warning: variable 'x' is uninitialized") {
		t.Errorf("status %d: %s", status, stderr)
	}
	c.fails("-Wall -Werror -c warn.c", "error: variable 'x' is uninitialized")
}

func TestMissingTools(t *testing.T) {
	c := newCompiler(t)
	t.Setenv("PATH", "/nowhere")
	c.fails("-c counter.c", "tpcc: error: clang-19 is not installed: apt-get install clang-19\n")
	empty := t.TempDir()
	os.Mkdir(filepath.Join(empty, "bin"), 0o755)
	c.program = filepath.Join(empty, "bin/tpcc")
	c.write(c.program, "")
	t.Setenv("PATH", "/usr/bin:/bin")
	c.fails("-c counter.c", "tpcc: error: tpcc-cg is neither in "+empty+"/bin nor in PATH: make toolchain\n")
	c.fails("counter.o", "lib/tpcc/crt1.o: no such file or directory: make toolchain, or link with -nostdlib\n")
}

func TestQuestions(t *testing.T) {
	c := newCompiler(t)
	for line, want := range map[string]string{
		"--version":                  `^clang version 19\.\d+\.\d+ \(tpcc\)\nTarget: x86_64-linux-musl\n`,
		"-v":                         `^clang version 19\.`,
		"-dumpversion":               `^19\.\d+\.\d+\n$`,
		"-dumpmachine":               `^x86_64-linux-musl\n$`,
		"-print-prog-name=ld":        `^/.*/ld\.lld-19\n$`,
		"-print-prog-name=ranlib":    `^ranlib\n$`,
		"-print-file-name=libc.a":    `^/.*/lib/tpcc/libc\.a\n$`,
		"-print-file-name=libnope.a": `^libnope\.a\n$`,
		"-print-libgcc-file-name":    `^/.*/libbuiltins\.a\n$`,
		"-print-search-dirs":         `^programs: =/.*/bin\nlibraries: =/.*/lib/tpcc\n$`,
		"-print-multi-os-directory":  `^\.\n$`,
		"--print-resource-dir":       `^/.*/clang/19\n$`,
		"-Wl,--version":              `^.*LLD 19\..*\(compatible with GNU linkers\)`,
		"--help":                     `^usage: tpcc `,
	} {
		if out := c.ok(line); !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("tpcc %s: %q", line, out)
		}
	}
	if _, _, stderr := c.try("-E -v -xc /dev/null"); !strings.Contains(stderr, "/lib/tpcc/include\n") {
		t.Errorf("-v does not say where headers are: %s", stderr)
	}
	status, _, stderr := c.try("-### -c counter.c -o never.o")
	if status != 0 || !strings.Contains(stderr, "clang-19 ") || !strings.Contains(stderr, "tpcc-cg ") || exists("never.o") {
		t.Errorf("-###: status %d, %s", status, stderr)
	}
}

// No program shall see which front end serves all ISAs.
func TestFrontEndIsNeutral(t *testing.T) {
	c := newCompiler(t)
	macros := c.ok("-E -dM -xc /dev/null")
	for _, line := range strings.Split(macros, "\n") {
		if strings.Contains(line, "riscv") || strings.Contains(line, "RISCV") {
			t.Errorf("macro %s", line)
		}
	}
	for _, want := range []string{"#define __tp__ 1\n", "#define __linux__ 1\n", "#define __LP64__ 1\n", "#define __LDBL_MANT_DIG__ 113\n"} {
		if !strings.Contains(macros, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(macros, "__OPTIMIZE__") || strings.Contains(macros, "__CHAR_UNSIGNED__") {
		t.Error("optimised, or char without a sign")
	}
	if !strings.Contains(c.ok("-O2 -E -dM -xc /dev/null"), "#define __OPTIMIZE__ 1\n") {
		t.Error("-O2 is not to be seen")
	}
	// Assembly is each ISA's own.
	c.write("isa.S", "#ifndef __tp__\n#error\n#endif\n#ifdef __x86_64__\n\tud2\n#elif defined __aarch64__\n\tbrk #1\n#else\n#error\n#endif\n")
	c.ok("-c isa.S")
}

func TestMapAndWrap(t *testing.T) {
	c := newCompiler(t)
	c.write("wrap.c", "int __real_counted(int); int __wrap_counted(int x) { return __real_counted(x); }\n")
	c.ok("-nostdlib -fno-portable-frames start.S main.c counter.c wrap.c -Wl,--wrap=counted,-Map=prog.map,--defsym=other=start -o prog")
	if out := c.execute("prog"); out != "one line\n" {
		t.Errorf("it says %q", out)
	}
	for _, path := range []string{"prog.map", "prog.map.aarch64"} {
		if !strings.Contains(c.read(path), "__wrap_counted") {
			t.Errorf("%s does not have it", path)
		}
	}
	c.ok("--compare prog")
}

// What C programs rely on that is the linker's work: constructors in their
// order, tables made of sections, common variables, aliases.
func TestLinkerFeatures(t *testing.T) {
	c := newCompiler(t)
	c.write("a.c", `
#include <stdio.h>
int x, y;
long big[100];
extern _Thread_local int tl;
_Thread_local int tz;
int real(int a) { return a + 1; }
extern int other(int) __attribute__((alias("real")));
int weakly(int) __attribute__((weak, alias("real")));
__attribute__((constructor(102))) static void second(void) { y = x + 1; }
__attribute__((constructor(101))) static void first(void) { x = 1; }
__attribute__((destructor)) static void last(void) { puts("bye"); }
struct entry { const char *name; int (*f)(int); };
#define ENTRY __attribute__((section("entries"), used)) static struct entry
ENTRY one = {"one", real};
ENTRY two = {"two", other};
extern struct entry __start_entries[], __stop_entries[];
int main(void)
{
	for (struct entry *e = __start_entries; e < __stop_entries; e++)
		printf("%s %d\n", e->name, e->f(3));
	tz += tl;
	printf("%d %d %d %d %d\n", x, y, tl, tz, weakly(2));
}
`)
	c.write("b.c", "int y, x; long big[200]; _Thread_local int tl = 7;\n")
	c.ok("-O2 -fcommon a.c b.c -o prog")
	if out, want := c.execute("prog"), "one 4\ntwo 4\n1 2 7 7 3\nbye\n"; out != want {
		t.Errorf("it says %q, want %q", out, want)
	}
	c.ok("--compare prog")
}

// Two units may have one name, and functions of one name in them.
func TestUnitsOfOneName(t *testing.T) {
	c := newCompiler(t)
	const unit = "int puts(const char *);\n__attribute__((noinline)) static void say(void) { puts(\"%s\"); }\nvoid %s(void) { say(); puts(\"\"); }\n"
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		os.Mkdir(name, 0o755)
		c.write(name+"/unit.c", strings.ReplaceAll(unit, "%s", name))
		t.Chdir(filepath.Join(top, name))
		c.ok("-O2 -c unit.c")
		t.Chdir(top)
	}
	c.write("main.c", "void one(void), two(void);\nint main(void) { one(); two(); }\n")
	c.ok("-O2 main.c one/unit.o two/unit.o -o prog")
	if out := c.execute("prog"); out != "one\n\ntwo\n\n" {
		t.Errorf("it says %q", out)
	}
	p, err := pair.Open("prog")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]string{}
	said := 0
	for _, f := range p.Functions {
		for _, s := range f.Sites {
			if seen[s.ID] != "" {
				t.Errorf("site %#x is in %s and in %s", s.ID, seen[s.ID], f.Name)
			}
			seen[s.ID] = f.Name
		}
		if f.Name == "say" && len(f.Sites) == 1 {
			said++
		}
	}
	if said != 2 {
		t.Errorf("%d functions say", said)
	}
}

// The same sources give the same bytes.
func TestReproducible(t *testing.T) {
	c := newCompiler(t)
	c.ok("-O2 -g hello.c counter.c -o hello")
	a, b := c.read("hello"), c.read("hello.aarch64")
	c.ok("-O2 -g hello.c counter.c -o hello")
	if c.read("hello") != a || c.read("hello.aarch64") != b {
		t.Error("built twice, and not the same")
	}
}

// A signal leaves no temporary files.
func TestSignal(t *testing.T) {
	built := filepath.Join(t.TempDir(), "tpcc")
	if out, err := exec.Command("go", "build", "-o", built, "github.com/tpfs/tpfs/cmd/tpcc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := newCompiler(t)
	if err := os.Rename(built, c.program); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	cmd := exec.Command(c.program, "-c", "-x", "c", "-", "-o", "never.o")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	source, err := cmd.StdinPipe() // the front end waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	left := func() []os.DirEntry {
		entries, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	for len(left()) == 0 {
		time.Sleep(time.Millisecond)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGTERM) {
		t.Errorf("it ended with %v", err)
	}
	if n := left(); len(n) != 0 {
		t.Errorf("it left %v", n)
	}
}

// A tool that crashes is named with the file that it was at.
func TestCrash(t *testing.T) {
	c := newCompiler(t)
	bin := filepath.Dir(c.program)
	os.Remove(filepath.Join(bin, "tpcc-cg"))
	if err := os.WriteFile(filepath.Join(bin, "tpcc-cg"), []byte("#!/bin/sh\nkill -SEGV $$\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.fails("-c counter.c", "tpcc: error: counter.c: tpcc-cg crashed: signal: segmentation fault")
}
