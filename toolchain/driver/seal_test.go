package driver

import (
	"os/exec"
	"testing"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// A function whose code breaks the rules, or has not the calls that its tables
// say, cannot be moved.
func TestFunctionsWithoutProof(t *testing.T) {
	c := newCompiler(t)
	var objects [len(layout.ISAs)][]byte
	for _, isa := range layout.ISAs {
		out := isa.String() + ".o"
		if text, err := exec.Command("clang-19", "--target="+assemblyTargets[isa], "-c", "unproved.S", "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		objects[isa] = []byte(c.read(out))
	}
	a, b, err := layout.Equalise(objects[0], objects[1])
	if err != nil {
		t.Fatal(err)
	}
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
	reasons := func() map[string]string {
		p, err := pair.Open("prog")
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, f := range p.Functions {
			if m[f.Name] = f.Reason; f.Reason != "" && len(f.Sites) > 0 {
				t.Errorf("%s: %s, but it has sites", f.Name, f.Reason)
			}
		}
		return m
	}

	said := object(layout.Site{ID: 0x1002, Callee: "__tp_park"})
	if want := "tpcc: prog: 1 of 3 functions cannot be moved (tpcc --explain prog)\n"; said != want {
		t.Errorf("it says %q, want %q", said, want)
	}
	r := reasons()
	if want := "not proved: register: a callee-saved register is read after the site before it is written"; r["unproved"] != want {
		t.Errorf("unproved: %q, want %q", r["unproved"], want)
	}
	if r["proved"] != "" || r["main"] != "" {
		t.Errorf("proved: %q, main: %q", r["proved"], r["main"])
	}

	object(layout.Site{ID: 0x1002, Callee: "__tp_park"}, layout.Site{ID: 0x1003, Callee: "f"})
	if want := "the code for x86_64 has the call of f 0 times"; reasons()["proved"] != want {
		t.Errorf("proved: %q, want %q", reasons()["proved"], want)
	}
}
