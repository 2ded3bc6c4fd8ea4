package driver

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// unproved assembles unproved.S for each ISA.
func (c *compiler) unproved() (x86, arm []byte) {
	c.Helper()
	var objects [len(layout.ISAs)][]byte
	for _, isa := range layout.ISAs {
		out := isa.String() + ".o"
		if text, err := exec.Command("clang-19", "--target="+assemblyTargets[isa], "-c", "unproved.S", "-o", out).CombinedOutput(); err != nil {
			c.Fatalf("%v\n%s", err, text)
		}
		objects[isa] = []byte(c.read(out))
	}
	x86, arm, err := layout.Equalise(objects[0], objects[1])
	if err != nil {
		c.Fatal(err)
	}
	return x86, arm
}

// reasons are those why functions of a pair cannot be moved, by their names.
func (c *compiler) reasons(path string) map[string]string {
	c.Helper()
	p, err := pair.Open(path)
	if err != nil {
		c.Fatal(err)
	}
	m := map[string]string{}
	for _, f := range p.Functions {
		if m[f.Name] = f.Reason; f.Reason != "" && len(f.Sites) > 0 {
			c.Errorf("%s: %s, but it has sites", f.Name, f.Reason)
		}
	}
	return m
}

// A function whose code breaks the rules, or has not the calls that its tables
// say, cannot be moved.
func TestFunctionsWithoutProof(t *testing.T) {
	c := newCompiler(t)
	a, b := c.unproved()
	object := func(sites ...layout.Site) string {
		data, err := layout.Join(a, b, layout.Unit{Name: "unproved.S", Functions: []layout.Function{
			{Name: "unproved", Sites: []layout.Site{{ID: 0x1001, Callee: "__tp_park"}}},
			{Name: "proved", Frame: 32, Sites: sites},
		}}, reasonAssembly)
		if err != nil {
			t.Fatal(err)
		}
		c.write("unproved.o", string(data))
		c.write("main.c", "#include <stdio.h>\nint proved(void), unproved(void);\nint main(void) { printf(\"%d\\n\", proved() + unproved()); }\n")
		status, _, stderr := c.try("-O2 main.c unproved.o -o prog")
		if status != 0 {
			t.Fatal(stderr)
		}
		if out := c.execute("prog"); out != "10\n" {
			t.Errorf("it says %q", out)
		}
		return stderr
	}

	said := object(layout.Site{ID: 0x1002, Callee: "__tp_park"})
	if want := "tpcc: prog: 1 of 3 functions cannot be moved (tpcc --explain prog)\n"; said != want {
		t.Errorf("it says %q, want %q", said, want)
	}
	r := c.reasons("prog")
	if want := "not proved: register: a callee-saved register is read after the site before it is written"; r["unproved"] != want {
		t.Errorf("unproved: %q, want %q", r["unproved"], want)
	}
	if r["proved"] != "" || r["main"] != "" {
		t.Errorf("proved: %q, main: %q", r["proved"], r["main"])
	}

	object(layout.Site{ID: 0x1002, Callee: "__tp_park"}, layout.Site{ID: 0x1003, Callee: "f"})
	if want := "the code for x86_64 has the call of f 0 times"; c.reasons("prog")["proved"] != want {
		t.Errorf("proved: %q, want %q", c.reasons("prog")["proved"], want)
	}
}

// Where there is no proof, the object is generated anew from the module in it,
// carefully for the functions in doubt only.
func TestGeneratedAgain(t *testing.T) {
	c := newCompiler(t)
	a, b := c.unproved()
	c.write("twin.c", "int rest(int);\nint unproved(void) { return rest(0) + 5; }\nint proved(void) { return rest(0) + 5; }\n")
	c.ok("-O2 -S twin.c -o twin.ll")
	object, err := layout.Join(a, b, layout.Unit{
		Name: "unproved.S",
		Functions: []layout.Function{
			{Name: "unproved", Sites: []layout.Site{{ID: 0x1001, Callee: "__tp_park"}}},
			{Name: "proved", Sites: []layout.Site{{ID: 0x1002, Callee: "__tp_park"}}},
		},
		Module: &layout.Module{Options: []string{"-O2"}, IR: []byte(c.read("twin.ll"))},
	}, reasonAssembly)
	if err != nil {
		t.Fatal(err)
	}
	c.write("unproved.o", string(object))
	if out, err := exec.Command("ar", "rc", "libunproved.a", "unproved.o").CombinedOutput(); err != nil {
		t.Fatalf("ar: %s", out)
	}
	c.write("main.c", "#include <stdio.h>\nint proved(void), unproved(void);\nint rest(int x) { return x; }\nint main(void) { printf(\"%d\\n\", proved() + unproved()); }\n")
	c.ok("-O2 -c main.c")
	for _, file := range []string{"unproved.o", "libunproved.a"} {
		said := c.ok("main.o " + file + " -o prog")
		if said != "" {
			t.Errorf("%s: it says %q", file, said)
		}
		if out := c.execute("prog"); out != "10\n" {
			t.Errorf("%s: the program says %q", file, out)
		}
		if r := c.reasons("prog"); r["unproved"] != "" || r["proved"] != "" {
			t.Errorf("%s: unproved: %q, proved: %q", file, r["unproved"], r["proved"])
		}
		first := c.read("prog") + c.read("prog.aarch64")
		_, _, verbose := c.try("-v main.o " + file + " -o prog")
		if c.read("prog")+c.read("prog.aarch64") != first {
			t.Errorf("%s: linked twice, and not the same", file)
		}
		if strings.Count(verbose, "tpcc-cg") != 1 || !strings.Contains(verbose, "--careful=unproved ") || strings.Contains(verbose, "--careful=proved ") ||
			!strings.Contains(verbose, ": unproved: not proved: register: ") {
			t.Errorf("%s: with -v it says %s", file, verbose)
		}
	}
}

// Code that takes the address of its native frame cannot be moved, however it
// is generated.
func TestUnprovable(t *testing.T) {
	c := newCompiler(t)
	c.write("frame.c", `
#include <stdio.h>
void *top;
__attribute__((noinline)) static void here(void) { top = __builtin_frame_address(0); puts("here"); }
int main(void) { here(); puts(top ? "there" : ""); }
`)
	_, _, said := c.try("-v -O2 frame.c -o frame")
	if strings.Count(said, "tpcc-cg") != 2 || strings.Count(said, "--careful=here ") != 1 ||
		!strings.HasSuffix(said, "tpcc: frame: 1 of 2 functions cannot be moved (tpcc --explain frame)\n") {
		t.Errorf("it says %s", said)
	}
	if out := c.execute("frame"); out != "here\nthere\n" {
		t.Errorf("the program says %q", out)
	}
	want := "not proved: escape: an address in the native frame is stored outside of it"
	if r := c.reasons("frame"); r["here"] != want || r["main"] != "" {
		t.Errorf("here: %q, main: %q", r["here"], r["main"])
	}
}

// All of the C library is proved, as it was first generated.
func TestLibraryIsProved(t *testing.T) {
	c := newCompiler(t)
	prefix := filepath.Dir(filepath.Dir(c.program))
	c.write("main.c", "int main(void) { return 0; }\n")
	status, _, said := c.try("-v main.c -Wl,--whole-archive " + filepath.Join(prefix, libraryFolder, "libc.a") + " -Wl,--no-whole-archive -o whole")
	if status != 0 {
		t.Fatal(said)
	}
	if n := strings.Count(said, "tpcc-cg"); n != 1 {
		t.Errorf("%d runs of tpcc-cg: %s", n, said)
	}
	for name, reason := range c.reasons("whole") {
		if strings.HasPrefix(reason, "not proved") || strings.HasPrefix(reason, "the code for") {
			t.Errorf("%s: %s", name, reason)
		}
	}
	const enough = 4000
	for _, isa := range layout.ISAs {
		out, err := exec.Command(filepath.Join(prefix, "bin/tpcc-verify"), isaFile("whole", isa)).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", isa, err, out)
			continue
		}
		var functions, sites, violations int
		if n, err := fmt.Sscanf(string(out), isaFile("whole", isa)+": %d functions, %d sites, %d violations\n", &functions, &sites, &violations); n != 3 || violations != 0 || sites < enough {
			t.Errorf("%v: it says %q (%v)", isa, out, err)
		}
	}
}

// Careful code reads the context after each site before something else comes
// into its register, though it may have no use for it.
func TestCarefulContext(t *testing.T) {
	c := newCompiler(t)
	c.write("socket.c", `
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
__attribute__((noinline)) static int socketError(int *fd)
{
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
		error = getppid() > 0 ? EBADF : 0;
	return error;
}
int main(void) { printf("%d\n", socketError(&(int){-1}) == EBADF); }
`)
	if status, _, said := c.try("-O2 socket.c -o socket"); status != 0 || said != "" {
		t.Errorf("it says %s", said)
	}
	if out := c.execute("socket"); out != "1\n" {
		t.Errorf("the program says %q", out)
	}
	c.ok("-O2 -S socket.c -o socket.ll")
	for _, careful := range []bool{false, true} {
		args := []string{"-O2", "--unit=socket.c", "--emit-frames=frames.ll", "socket.ll"}
		if careful {
			args = append(args, "--careful=socketError")
		}
		if out, err := exec.Command(filepath.Join(filepath.Dir(c.program), "tpcc-cg"), args...).CombinedOutput(); err != nil {
			t.Fatalf("tpcc-cg: %v\n%s", err, out)
		}
		if got := strings.Contains(c.read("frames.ll"), "store volatile ptr %passed"); got != careful {
			t.Errorf("careful: %v, and it keeps a context that is not needed: %v", careful, got)
		}
	}
}
