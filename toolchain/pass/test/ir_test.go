package test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A file of ir has lines "RUN: STAGE OPTION..." for what tpcc-cg is to do with
// it, with options for it and for the front end. The module at that stage, or
// the unit's tables, are compared by FileCheck with the lines STAGE: of the file.
var runLine = regexp.MustCompile(`(?m)^(?://|;) RUN: ([A-Z]+)( .*)?$`)

// stages are tpcc-cg's options for what the tests look at.
var stages = map[string]string{
	"CANONICAL": "--emit-canonical=",
	"FRAMES":    "--emit-frames=",
	"TABLES":    "--tables=",
}

func TestIR(t *testing.T) {
	sources, err := filepath.Glob("ir/*")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no files in ir: %v", err)
	}
	for _, source := range sources {
		t.Run(filepath.Base(source), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			lines := runLine.FindAllStringSubmatch(string(text), -1)
			if lines == nil {
				t.Fatal("it has no line RUN:")
			}
			for _, line := range lines {
				output := filepath.Join(t.TempDir(), "output")
				runStage(t, source, line[1], strings.Fields(line[2]), output)
				tool(t, "FileCheck-19", "--check-prefix="+line[1], "--dump-input-context=5", "--input-file="+output, source)
			}
		})
	}
}

// runStage compiles a source and writes what a stage makes of it.
func runStage(t *testing.T, source, stage string, options []string, output string) {
	t.Helper()
	if stages[stage] == "" {
		t.Fatalf("RUN: %s is no stage", stage)
	}
	module := source
	var front, back []string
	for _, option := range options {
		if level := strings.HasPrefix(option, "-O"); level || !strings.HasPrefix(option, "--") {
			front = append(front, option)
			if !level {
				continue
			}
		}
		back = append(back, option)
	}
	if filepath.Ext(source) == ".c" {
		module = filepath.Join(t.TempDir(), "module.ll")
		frontEnd(t, source, module, append(front, "-fno-discard-value-names")...)
	}
	args := append(back, "--unit="+source, stages[stage]+output)
	for _, i := range isas { // the code generators must take it
		args = append(args, "--object="+i.name+"="+filepath.Join(t.TempDir(), i.name+".o"))
	}
	tool(t, codegen, append(args, module)...)
	if stage == "TABLES" {
		indent(t, output)
	}
}

// indent gives each value of a file of JSON a line of its own.
func indent(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", " "); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, lines.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
