package main

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	here  = "integration/benchtpcc" // from the top of the tree, where all this runs
	x8664 = "x86_64"
	arm64 = "aarch64"
)

var isas = []string{x8664, arm64}

// A compiler makes programs for one ISA or for both.
type compiler struct {
	name    string
	command []string
	isas    []string
	parts   []string // files and directories of which it consists
}

// compilers are clang with a native musl for each ISA, and tpcc.
func compilers(native, toolchain string) (clang []*compiler, tpcc *compiler) {
	for _, isa := range isas {
		config := filepath.Join(native, isa+".cfg")
		clang = append(clang, &compiler{
			name: "clang-" + isa, command: []string{"clang-19", "--config=" + config}, isas: []string{isa}, parts: []string{config},
		})
	}
	tpcc = &compiler{
		name: "tpcc", command: []string{filepath.Join(toolchain, "bin/tpcc")}, isas: isas,
		parts: []string{filepath.Join(toolchain, "bin"), filepath.Join(toolchain, "lib")},
	}
	return clang, tpcc
}

// A binary is a program as one compiler has made it.
type binary struct {
	path    map[string]string // by ISA
	Text    map[string]uint64 // bytes of code, by ISA
	Seconds float64           // of the processor, that building took
}

// build compiles a program, unless that is done already with the same compiler and sources.
func (b *bench) build(c *compiler, p *program) (*binary, error) {
	dir, err := b.fetch(p.source)
	if err != nil {
		return nil, err
	}
	sources, err := p.paths(dir)
	if err != nil {
		return nil, err
	}
	command := append(append([]string{}, c.command...), "-O2")
	command = append(append(command, p.flags...), sources...)
	id, err := digest(command, append(sources, c.parts...))
	if err != nil {
		return nil, err
	}
	out := filepath.Join(b.work, "bin", c.name+"-"+id, filepath.Base(p.name))
	made := &binary{path: map[string]string{}, Text: map[string]uint64{}}
	for _, isa := range c.isas {
		made.path[isa] = out
		if len(c.isas) > 1 && isa != x8664 {
			made.path[isa] = out + "." + isa
		}
	}
	record := out + ".json"
	if j, err := os.ReadFile(record); err == nil {
		return made, json.Unmarshal(j, made)
	}

	b.log("building %s by %s", p.name, c.name)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], append(command[1:], "-lm", "-o", out)...)
	if _, err := output(cmd); err != nil {
		return nil, err
	}
	made.Seconds = processorTime(cmd).Seconds()
	for isa, path := range made.path {
		if made.Text[isa], err = textSize(path); err != nil {
			return nil, err
		}
	}
	j, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	return made, os.WriteFile(record, j, 0o644)
}

// fetch returns the directory of a source.
func (b *bench) fetch(s source) (string, error) {
	if s.pkg == "" {
		return filepath.Join(here, s.dir), nil
	}
	sources := filepath.Join(b.work, "source")
	dir := filepath.Join(sources, s.dir)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	b.log("fetching %s", s.pkg)
	_, err := output(exec.Command("integration/programs/fetch.sh", s.pkg, s.tarball, s.sha256, sources))
	return dir, err
}

// digest stands for a command and the files that it depends on.
func digest(command, files []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, command)
	for _, file := range files {
		err := filepath.WalkDir(file, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() {
				fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}

// textSize is the size of all code of a file.
func textSize(path string) (n uint64, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_EXECINSTR != 0 {
			n += s.Size
		}
	}
	return n, nil
}

// output runs a command and returns what it wrote; an error has the end of what it complained of.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, exit.Stderr)
	}
	return out, err
}

// processorTime is what a finished command and its children took.
func processorTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
