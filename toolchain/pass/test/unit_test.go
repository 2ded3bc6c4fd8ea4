package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// TestSame compiles sources twice, which must give the same.
func TestSame(t *testing.T) {
	for _, name := range []string{"calls", "chunks", "gotos", "scopes", "vectors"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := filepath.Join(t.TempDir(), "module.ll")
			frontEnd(t, "run/"+name+".c", module, "-O2")
			first, second := generate(t, name, module, "-O2"), generate(t, name, module, "-O2")
			for _, i := range isas {
				a, errA := os.ReadFile(first.objects[i.name])
				b, errB := os.ReadFile(second.objects[i.name])
				if errA != nil || errB != nil {
					t.Fatal(errA, errB)
				}
				if !bytes.Equal(a, b) {
					t.Errorf("the objects for %s differ", i.name)
				}
			}
			if a, b := siteIDs(first.tables), siteIDs(second.tables); len(a) == 0 || !sameIDs(a, b) {
				t.Errorf("the sites are %v, then %v", a, b)
			}
		})
	}
}

// TestIDs changes one function: the IDs of all other functions' sites stay.
func TestIDs(t *testing.T) {
	const common = `
void other(long);
static __attribute__((noinline)) long helper(long x) { other(x); return x; }
long before(long x) { other(x); return helper(x) * 3; }
long after(long x) { while (x--) other(x); return helper(x); }
`
	ids := func(unit, changed string) map[string][]layout.ID {
		source := filepath.Join(t.TempDir(), "source.c")
		if err := os.WriteFile(source, []byte(common+changed), 0o666); err != nil {
			t.Fatal(err)
		}
		module := filepath.Join(t.TempDir(), "module.ll")
		frontEnd(t, source, module, "-O2")
		return siteIDs(generate(t, unit, module, "-O2").tables)
	}
	short := ids("unit", "long change(long x) { other(x); return x; }")
	long := ids("unit", "long added(long x) { return x * 5; }"+
		"long change(long x) { other(x); other(x + 1); return helper(added(x)) + before(x); }")
	if len(short["change"]) == len(long["change"]) {
		t.Errorf("the changed function has %d sites, as before", len(long["change"]))
	}
	for _, name := range []string{"helper", "before", "after"} {
		if len(short[name]) == 0 || !slices.Equal(short[name], long[name]) {
			t.Errorf("%s has the sites %v, then %v", name, short[name], long[name])
		}
	}
	seen := map[layout.ID]string{}
	for unit, functions := range map[string]map[string][]layout.ID{"unit": long, "another": ids("another", "")} {
		for name, sites := range functions {
			for _, id := range sites {
				if where, ok := seen[id]; ok {
					t.Errorf("%s and %s of %s have the same ID %v", where, name, unit, id)
				}
				seen[id] = name + " of " + unit
			}
		}
	}
}

// siteIDs gives the IDs of the sites of each function.
func siteIDs(u layout.Unit) map[string][]layout.ID {
	ids := map[string][]layout.ID{}
	for _, f := range u.Functions {
		for _, s := range f.Sites {
			ids[f.Name] = append(ids[f.Name], s.ID)
		}
	}
	return ids
}

func sameIDs(a, b map[string][]layout.ID) bool {
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestErrors gives tpcc-cg what it does not take.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ name, module, flags, want string }{
		{name: "no module", module: "what is this", want: "expected top-level entity"},
		{name: "indirect function", want: "named.c: 'f': tpcc does not support indirect functions",
			module: "@f = ifunc void (), ptr @resolve\ndefine ptr @resolve() {\n  ret ptr null\n}"},
		{name: "builtin of the front end", want: "named.c: 'llvm.riscv.orc.b.i64': a builtin of the front end's architecture",
			module: "declare i64 @llvm.riscv.orc.b.i64(i64)\ndefine i64 @f(i64 %x) {\n" +
				"  %r = call i64 @llvm.riscv.orc.b.i64(i64 %x)\n  ret i64 %r\n}"},
		{name: "thread-local in data", want: "named.c: 'x': the address of a thread-local variable is no constant",
			module: "@x = thread_local global i32 0\n@p = global ptr @x"},
		{name: "routine that calls", want: "named.c: in function 'memcmp': generated code calls it without a context, so it cannot call 'g'",
			module: "declare i32 @g()\ndefine i32 @memcmp(ptr %a, ptr %b, i64 %n) {\n  %r = call i32 @g()\n  %s = add i32 %r, 1\n  ret i32 %s\n}"},
		{name: "routine that calls a pointer", want: "named.c: in function 'strlen': generated code calls it without a context, so it cannot call a function pointer",
			module: "define i64 @strlen(ptr %f) {\n  %r = call i64 %f()\n  ret i64 %r\n}"},
		{name: "level", flags: "-O7", want: "-O7: use -O0, -O1, -O2, -O3, -Os or -Oz"},
		{name: "ISA", flags: "--object=vax=x.o", want: "--object=vax=x.o: want ISA=FILE, and an ISA of this build"},
		{name: "no file of an ISA", flags: "--object=x86_64", want: "--object=x86_64: want ISA=FILE"},
		{name: "folder for tables", flags: "--tables=/", want: "cannot write /: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			module := filepath.Join(t.TempDir(), "module.ll")
			if err := os.WriteFile(module, []byte("source_filename = \"named.c\"\n"+test.module), 0o666); err != nil {
				t.Fatal(err)
			}
			c := exec.CommandContext(t.Context(), codegen, append(strings.Fields(test.flags), module)...)
			said, err := c.CombinedOutput()
			if err == nil || c.ProcessState.ExitCode() != 1 || !strings.Contains(string(said), test.want) {
				t.Errorf("%v: %s\nwant exit status 1 and %q", err, said, test.want)
			}
		})
	}
}
