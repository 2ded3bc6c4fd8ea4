package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpfs/tpfs/toolchain/layout"
)

// limit is far more than any of the programs takes on a busy machine.
const limit = 2 * time.Minute

var levels = []string{"-O0", "-O1", "-O2", "-O3", "-Os"}

// TestRun compiles each program of run by clang and by tpcc-cg. With polls that
// park, where the runtime makes useless what a move would lose, it must say the
// same as the other. A line "// Stays: FUNCTION, ..." names those that cannot be
// moved.
func TestRun(t *testing.T) {
	sources, err := filepath.Glob("run/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no programs in run: %v", err)
	}
	runtimes := map[string][]string{}
	for _, i := range isas {
		runtimes[i.name] = buildRuntime(t, i)
	}
	for _, source := range sources {
		t.Run(strings.TrimSuffix(filepath.Base(source), ".c"), func(t *testing.T) {
			t.Parallel()
			stays := staying(t, source)
			want := native(t, source, runtimes[isas[0].name])
			for _, level := range levels {
				unit := compile(t, source, level)
				unit.checkReasons(t, stays)
				for _, i := range isas {
					t.Run(level+"/"+i.name, func(t *testing.T) {
						program := filepath.Join(t.TempDir(), "program")
						link(t, i, program, append(runtimes[i.name], unit.objects[i.name])...)
						unit.checkRecords(t, program)
						checkProof(t, program, stays)
						checkRuns(t, i, program, want, len(stays) > 0)
					})
				}
			}
		})
	}
}

var stayingLine = regexp.MustCompile(`(?m)^// Stays: (.*)$`)

// staying reads from a source which of its functions cannot be moved.
func staying(t *testing.T, source string) []string {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	line := stayingLine.FindSubmatch(text)
	if line == nil {
		return nil
	}
	return strings.Split(string(line[1]), ", ")
}

// buildRuntime compiles the runtime of the test programs for an ISA.
func buildRuntime(t *testing.T, i isa) []string {
	t.Helper()
	dir := t.TempDir()
	var objects []string
	for _, name := range []string{"runtime.c", i.name + ".S"} {
		object := filepath.Join(dir, name+".o")
		tool(t, "clang-19", "--target="+i.target, "-O1", "-ffreestanding", "-fno-builtin", "-fno-stack-protector",
			"-fno-pic", "-Wall", "-Wextra", "-c", filepath.Join("runtime", name), "-o", object)
		objects = append(objects, object)
	}
	return objects
}

// native gives the output of a program that clang alone has made.
func native(t *testing.T, source string, runtime []string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "native")
	compileNative(t, source, program, runtime)
	stdout, _ := execute(t, isas[0], program, "0", "0")
	if len(stdout) == 0 {
		t.Fatalf("%s compiled by clang says nothing", source)
	}
	return stdout
}

// compileNative compiles a program by clang alone. The runtime knows nothing of
// its thread-locals, but there is only one thread.
func compileNative(t *testing.T, source, program string, runtime []string) {
	t.Helper()
	i := isas[0]
	tool(t, "clang-19", "--target="+i.target, "-O1", "-ffreestanding", "-nostdlibinc", "-Irandom", "-fno-stack-protector",
		"-fno-pic", "-fno-strict-aliasing", "-ffp-contract=off", "-mlong-double-128", "-D_Thread_local=", "-w", "-c", source, "-o", program+".o")
	link(t, i, program, append(runtime, program+".o")...)
}

// A compiled source is what tpcc-cg made of it.
type compiled struct {
	objects map[string]string // paths, by ISA
	tables  layout.Unit
}

// compile compiles with debug information: LLVM has rules for that, too.
func compile(t *testing.T, source, level string) compiled {
	t.Helper()
	dir := t.TempDir()
	module := filepath.Join(dir, "module.ll")
	frontEnd(t, source, module, level, "-g", "-Irandom")
	return generate(t, source, module, level)
}

// generate runs tpcc-cg for all ISAs.
func generate(t *testing.T, unit, module, level string) compiled {
	t.Helper()
	dir := t.TempDir()
	tables := filepath.Join(dir, "tables")
	args := []string{level, "--unit=" + unit, "--tables=" + tables}
	c := compiled{objects: map[string]string{}}
	for _, i := range isas {
		c.objects[i.name] = filepath.Join(dir, i.name+".o")
		args = append(args, "--object="+i.name+"="+c.objects[i.name])
	}
	tool(t, codegen, append(args, module)...)
	c.tables = readTables(t, tables)
	return c
}

// checkReasons checks that just the functions in stays cannot be moved.
func (c compiled) checkReasons(t *testing.T, stays []string) {
	t.Helper()
	for _, f := range c.tables.Functions {
		if stay := slices.Contains(stays, f.Name); stay != (f.Reason != "") {
			t.Errorf("%s stays: %v, want %v (%s)", f.Name, !stay, stay, f.Reason)
		}
	}
}

// checkRecords checks that each site is once in a program.
func (c compiled) checkRecords(t *testing.T, program string) {
	t.Helper()
	file, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	records, err := layout.SiteRecords(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.tables.Functions {
		for _, site := range f.Sites {
			if n := records[site.ID]; n != 1 {
				t.Errorf("%s: the call of %q is there %d times", f.Name, site.Callee, n)
			}
		}
	}
}

func link(t *testing.T, i isa, program string, objects ...string) {
	t.Helper()
	tool(t, "ld.lld-19", append(append([]string{"-static", "-o", program}, objects...), builtins(i))...)
}

// execute runs a program, which must end with status 0.
func execute(t *testing.T, i isa, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	words := append(append([]string{}, i.emulator...), append([]string{program}, args...)...)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := errors.Join(c.Run(), ctx.Err()); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(words, " "), err, &out, &said)
	}
	return out.String(), said.String()
}

// checkRuns runs a program with polls that park and with such that do not. Only
// one in which some functions stay may park where it cannot be moved.
func checkRuns(t *testing.T, i isa, program, want string, stays bool) {
	t.Helper()
	for _, pause := range []string{"0", "1"} {
		stdout, stderr := execute(t, i, program, "0", pause)
		if line, got, wanted := firstDifference(stdout, want); line != 0 {
			t.Errorf("with pause %s line %d is %q, want %q", pause, line, got, wanted)
		}
		var parks, refused int
		if _, err := fmt.Sscanf(stderr, "parks %d\nrefused %d\n", &parks, &refused); err != nil {
			t.Fatalf("it says %q: %v", stderr, err)
		}
		if pause == "1" && parks == 0 {
			t.Error("it never parked")
		}
		if refused != 0 && !stays {
			t.Errorf("at %d of %d parks a caller was at no site", refused, parks)
		}
	}
}

// firstDifference compares two texts line by line; line is 0 if they are equal.
func firstDifference(got, want string) (line int, gotLine, wantLine string) {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if gotLine, wantLine = at(a, i), at(b, i); gotLine != wantLine {
			return i + 1, gotLine, wantLine
		}
	}
	return 0, "", ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}

// checkProof verifies a program. There is no proof for functions that stay.
func checkProof(t *testing.T, program string, stays []string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), verifier, "--json", program)
	var said bytes.Buffer
	c.Stderr = &said
	output, err := c.Output()
	if said.Len() > 0 || (err != nil && c.ProcessState.ExitCode() != 1) {
		t.Fatalf("tpcc-verify: %v\n%s", err, &said)
	}
	for line := range strings.Lines(string(output)) {
		var violation struct{ Function string }
		if err := json.Unmarshal([]byte(line), &violation); err != nil {
			t.Fatalf("tpcc-verify says %q: %v", line, err)
		}
		if !slices.Contains(stays, violation.Function) {
			t.Errorf("tpcc-verify: %s", line)
		}
	}
}
