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
				objects := generate(t, source, level, stays)
				for _, i := range isas {
					t.Run(level+"/"+i.name, func(t *testing.T) {
						program := filepath.Join(t.TempDir(), "program")
						link(t, i, program, append(runtimes[i.name], objects[i.name])...)
						checkRuns(t, i, program, want, len(stays) > 0)
						checkProof(t, program, stays)
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

// native gives the output of a program that clang alone has made. The runtime
// knows nothing of its thread-locals, but there is only one thread.
func native(t *testing.T, source string, runtime []string) string {
	t.Helper()
	i := isas[0]
	program := filepath.Join(t.TempDir(), "native")
	tool(t, "clang-19", "--target="+i.target, "-O1", "-ffreestanding", "-fno-stack-protector", "-fno-pic",
		"-fno-strict-aliasing", "-ffp-contract=off", "-mlong-double-128", "-D_Thread_local=", "-w", "-c", source, "-o", program+".o")
	link(t, i, program, append(runtime, program+".o")...)
	stdout, _ := execute(t, i, program, "0", "0")
	if len(stdout) == 0 {
		t.Fatalf("%s compiled by clang says nothing", source)
	}
	return stdout
}

// generate compiles a source by tpcc-cg, for all ISAs. All of its functions must
// be movable but those in stays.
func generate(t *testing.T, source, level string, stays []string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	module := filepath.Join(dir, "module.ll")
	frontEnd(t, source, module, level)
	tables := filepath.Join(dir, "tables")
	args := []string{level, "--unit=" + source, "--tables=" + tables}
	objects := map[string]string{}
	for _, i := range isas {
		objects[i.name] = filepath.Join(dir, i.name+".o")
		args = append(args, "--object="+i.name+"="+objects[i.name])
	}
	tool(t, codegen, append(args, module)...)
	for _, f := range readTables(t, tables).Functions {
		if stay := slices.Contains(stays, f.Name); stay != (f.Reason != "") {
			t.Errorf("%s: %s stays: %v, want %v (%s)", level, f.Name, !stay, stay, f.Reason)
		}
	}
	return objects
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
	output, err := exec.CommandContext(t.Context(), verifier, "--json", program).Output()
	if exit := (&exec.ExitError{}); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Fatalf("tpcc-verify: %v", err)
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
