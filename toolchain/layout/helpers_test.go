package layout

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// run runs a command and returns what it prints.
func run(t testing.TB, stdin string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// compileC makes the two objects of a C source: one front end, as tpcc has it,
// and LLVM's own code generators.
func compileC(t testing.TB, source string, flags ...string) [2][]byte {
	t.Helper()
	return once(source+strings.Join(flags, " "), func() [2][]byte { return compileAnew(t, source, flags...) })
}

// compiled are results of compileC and assemble: many tests want the same.
var compiled = map[string][2][]byte{}

func once(key string, make func() [2][]byte) [2][]byte {
	objects, ok := compiled[key]
	if !ok {
		objects = make()
		compiled[key] = objects
	}
	return [2][]byte{bytes.Clone(objects[0]), bytes.Clone(objects[1])}
}

func compileAnew(t testing.TB, source string, flags ...string) [2][]byte {
	t.Helper()
	dir := t.TempDir()
	module := filepath.Join(dir, "unit.ll")
	run(t, source, "clang-19", append([]string{
		"--target=riscv64-linux-musl", "-mabi=lp64", "-O1", "-fno-pic", "-ffreestanding", "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-S", "-x", "c", "-", "-o", module,
	}, flags...)...)
	text := regexp.MustCompile(`"(target-cpu|target-features|tune-cpu)"="[^"]*"`).ReplaceAll(mustRead(t, module), nil)
	if err := os.WriteFile(module, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var objects [2][]byte
	for _, isa := range ISAs {
		out := filepath.Join(dir, isa.String()+".o")
		run(t, "", "clang-19", "--target="+isa.String()+"-linux-musl", "-w", "-O2", "-fno-pic", "-ffunction-sections", "-fdata-sections", "-c", "-x", "ir", module, "-o", out)
		objects[isa] = mustRead(t, out)
	}
	return objects
}

// assemble makes the two objects of an assembly source, which is preprocessed:
// PICK(x86, arm) is what stands for the ISA.
func assemble(t testing.TB, source string) [2][]byte {
	t.Helper()
	return once("assembly"+source, func() [2][]byte { return assembleAnew(t, source) })
}

func assembleAnew(t testing.TB, source string) [2][]byte {
	t.Helper()
	var objects [2][]byte
	for _, isa := range ISAs {
		out := filepath.Join(t.TempDir(), isa.String()+".o")
		pick := "-DPICK(x86,arm)=" + [...]string{"x86", "arm"}[isa]
		run(t, source, "clang-19", "--target="+isa.String()+"-linux-musl", pick, "-c", "-x", "assembler-with-cpp", "-", "-o", out)
		objects[isa] = mustRead(t, out)
	}
	return objects
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// equalised is Equalise, which must not fail.
func equalised(t testing.TB, objects [2][]byte) [2][]byte {
	t.Helper()
	a, b, err := Equalise(objects[0], objects[1])
	if err != nil {
		t.Fatal(err)
	}
	return [2][]byte{a, b}
}

// joined makes a tpcc object in a file.
func joined(t testing.TB, dir, name string, objects [2][]byte, u Unit) string {
	t.Helper()
	objects = equalised(t, objects)
	u.Name = name
	data, err := Join(objects[0], objects[1], u, "assembly")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// link links a program of files, with its roots in _start.
func link(t testing.TB, paths ...string) [2][]byte {
	t.Helper()
	var files []*File
	for _, path := range paths {
		f, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	objects, err := Select(files, []string{"_start"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	script, err := NewScript(objects)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scriptPath := filepath.Join(dir, "script.ld")
	if err := os.WriteFile(scriptPath, script, 0o644); err != nil {
		t.Fatal(err)
	}
	var linked [2][]byte
	for _, isa := range ISAs {
		out := filepath.Join(dir, isa.String())
		args := append(LinkerFlags(), "-T", scriptPath, "-o", out)
		for i, o := range objects {
			path := filepath.Join(dir, isa.String()+"."+string(rune('a'+i))+".o")
			if err := os.WriteFile(path, o.Parts[isa], 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		run(t, "", "ld.lld-19", args...)
		linked[isa] = mustRead(t, out)
	}
	return linked
}

// execute runs a linked program on its ISA and returns its output.
func execute(t testing.TB, isa ISA, program []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if isa == X86_64 {
		return run(t, "", path)
	}
	return run(t, "", "qemu-"+isa.String()+"-static", path)
}

func openELF(t testing.TB, file []byte) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// wantError checks that an error says something.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Fatalf("error %q, want %q in it", err, want)
	}
}
