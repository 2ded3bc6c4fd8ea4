// Package test tests tpcc-cg: programs that move at every poll (run), and what
// becomes of single constructs (ir).
package test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/toolchain/driver"
	"github.com/tpfs/tpfs/toolchain/layout"
)

// The tests run tpcc's driver for the front end, and the code generator and the
// verifier of what `make toolchain` has built; TOOLCHAIN says where that is.
var toolchain, codegen, verifier string

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// build brings tpcc-cg up to date.
func build() error {
	var err error
	if toolchain, err = filepath.Abs(cmp.Or(os.Getenv("TOOLCHAIN"), "../../../build/toolchain")); err != nil {
		return err
	}
	codegen = filepath.Join(toolchain, "bin/tpcc-cg")
	verifier = filepath.Join(toolchain, "bin/tpcc-verify")
	for _, name := range []string{verifier, builtins(isas[0]), builtins(isas[1])} {
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("%w: make toolchain", err)
		}
	}
	if out, err := exec.Command("make", "-s", "-C", "..", "OUT="+filepath.Dir(codegen), "WORK="+filepath.Join(toolchain, "pass")).CombinedOutput(); err != nil {
		return fmt.Errorf("tpcc-cg cannot be built: %w\n%s", err, out)
	}
	return nil
}

// An isa is one that tpcc-cg generates code for.
type isa struct {
	name, target string
	debian       string   // its name there
	emulator     []string // what runs its programs
}

var isas = []isa{
	{name: "x86_64", target: "x86_64-linux-musl", debian: "amd64"},
	{name: "aarch64", target: "aarch64-linux-musl", debian: "arm64", emulator: []string{"qemu-aarch64-static"}},
}

// builtins is the library of what generated code calls.
func builtins(i isa) string {
	return filepath.Join(toolchain, "libc/source/builtins."+i.debian+".a")
}

// tool runs a tool, which must succeed, and returns what it says.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// frontEnd compiles a source to a module for tpcc-cg, as tpcc does.
func frontEnd(t *testing.T, source, module string, flags ...string) {
	t.Helper()
	var said bytes.Buffer
	args := append(flags, "-w", "-S", source, "-o", module)
	if driver.Run(codegen, args, strings.NewReader(""), &said, &said) != 0 {
		t.Fatalf("tpcc %s: %s", strings.Join(args, " "), &said)
	}
}

// readTables reads the tables that tpcc-cg has written for a unit.
func readTables(t *testing.T, path string) layout.Unit {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	units, err := layout.ParseUnits(data)
	if err != nil || len(units) != 1 {
		t.Fatalf("%s has %d units: %v", path, len(units), err)
	}
	return units[0]
}
