// Package verify tests tpcc-verify. Its sources are in src.
package verify

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// isas are the folders of testdata, and clang's names.
var isas = map[string]string{
	"x86_64":  "x86_64-linux-musl",
	"aarch64": "aarch64-linux-musl",
}

// verifier is the path of tpcc-verify, built by TestMain.
var verifier string

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "tpcc-verify cannot be built:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func build() error {
	out, err := filepath.Abs("../../build/toolchain/bin")
	if err != nil {
		return err
	}
	verifier = filepath.Join(out, "tpcc-verify")
	output, err := exec.Command("make", "-s", "OUT="+out).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make: %w\n%s", err, output)
	}
	return nil
}

// A violation is one object of --json.
type violation struct {
	File, Function, Site, Kind, Register, Slot, At, Text, Why string
}

// String is what the tests compare: all but the words.
func (v violation) String() string {
	s := fmt.Sprintf("%s site=%s kind=%s", v.Function, v.Site, v.Kind)
	if v.Register != "" {
		s += " register=" + v.Register
	}
	if v.Slot != "" {
		s += " slot=" + v.Slot
	}
	return s + " at=" + v.At
}

// run verifies files and gives the violations and the exit status.
func run(t *testing.T, files ...string) ([]violation, int) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(verifier, append([]string{"--json"}, files...)...)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Fatalf("tpcc-verify %s: %s", strings.Join(files, " "), &stderr)
	}
	var found []violation
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v violation
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("%v in line %q", err, lines.Text())
		}
		if v.Text == "" || v.Why == "" {
			t.Errorf("%v: no text of the instruction, or no reason", v)
		}
		found = append(found, v)
	}
	return found, cmd.ProcessState.ExitCode()
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
}

// link makes a static program of objects. Nothing is left out.
func link(t *testing.T, program string, objects ...string) {
	t.Helper()
	tool(t, "ld.lld-19", append([]string{"-static", "--no-gc-sections", "-e", "0", "-o", program}, objects...)...)
}

// TestAssembly verifies functions in assembly. What is to be found in them is
// in lines "want: FUNCTION site=ID kind=K [register=R | slot=S] at=LABEL"; it
// has to be found, and nothing else.
func TestAssembly(t *testing.T) {
	for isa, target := range isas {
		dir := filepath.Join("testdata", isa)
		sources, err := filepath.Glob(filepath.Join(dir, "*.s"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sources) < 5 {
			t.Fatalf("%s: only %d files", dir, len(sources))
		}
		callees := filepath.Join(t.TempDir(), "callees.o")
		tool(t, "clang-19", "--target="+target, "-c", filepath.Join(dir, "callees.s"), "-o", callees)
		for _, source := range sources {
			name := strings.TrimSuffix(filepath.Base(source), ".s")
			if name == "callees" {
				continue
			}
			t.Run(isa+"/"+name, func(t *testing.T) {
				program := filepath.Join(t.TempDir(), name)
				tool(t, "clang-19", "--target="+target, "-I", dir, "-c", source, "-o", program+".o")
				link(t, program, program+".o", callees)
				checkWanted(t, source, program)
			})
		}
	}
}

func checkWanted(t *testing.T, source, program string) {
	t.Helper()
	symbols := symbolsOf(t, program)
	want := wanted(t, source, symbols)
	found, status := run(t, program)
	var got []string
	why := map[string]string{}
	for _, v := range found {
		got = append(got, v.String())
		why[v.String()] = v.Why + ": " + v.Text
	}
	slices.Sort(got)
	names := map[string]string{}
	for name, at := range symbols {
		names[at] += " " + name
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("not found: %s", named(line, names))
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("found what is none: %s (%s)", named(line, names), why[line])
		}
	}
	if len(got) != len(slices.Compact(slices.Clone(got))) {
		t.Error("something was reported twice")
	}
	if wantStatus := min(len(want), 1); status != wantStatus {
		t.Errorf("exit status %d, not %d", status, wantStatus)
	}
}

// named adds the names of addresses to a violation.
func named(line string, names map[string]string) string {
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '=' }) {
		if n, ok := names[word]; ok {
			line += " [" + word + n + "]"
		}
	}
	return line
}

// wanted reads the lines of a source and puts addresses in the place of IDs
// and labels.
func wanted(t *testing.T, source string, symbols map[string]string) []string {
	t.Helper()
	data, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	address := func(name string) string {
		at, ok := symbols[name]
		if !ok {
			t.Fatalf("%s: no label %s", source, name)
		}
		return at
	}
	var want []string
	for line := range strings.Lines(string(data)) {
		_, line, ok := strings.Cut(line, "want: ")
		if !ok {
			continue
		}
		words := strings.Fields(line)
		for i, word := range words {
			if key, value, _ := strings.Cut(word, "="); key == "site" {
				words[i] = "site=" + address("site_"+value)
			} else if key == "at" {
				words[i] = "at=" + address(value)
			} else if name, ok := strings.CutPrefix(word, "@"); ok {
				words[i] = address(name) // a function without a name
			}
		}
		want = append(want, strings.Join(words, " "))
	}
	slices.Sort(want)
	return want
}

// symbolsOf gives the addresses of a program's symbols, as the verifier
// writes them.
func symbolsOf(t *testing.T, program string) map[string]string {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	symbols := map[string]string{}
	for _, s := range list {
		symbols[s.Name] = fmt.Sprintf("%#x", s.Value)
	}
	return symbols
}
