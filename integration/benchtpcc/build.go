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
	dir     string
	path    map[string]string // by ISA
	Text    map[string]uint64 // bytes of code, by ISA
	Seconds float64           // of the processor, that building took
}

// build builds a program, unless that is done already by the same compiler of the same source.
func (b *bench) build(c *compiler, p *program) (*binary, error) {
	source, err := b.fetch(p.source)
	if err != nil {
		return nil, err
	}
	id, err := digest(append(c.command, p.build), append(c.parts, p.source.description()))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.work, "bin", p.name+"-"+c.name+"-"+id)
	made := &binary{dir: dir, path: map[string]string{}, Text: map[string]uint64{}}
	for _, isa := range c.isas {
		made.path[isa] = filepath.Join(dir, p.file())
		if len(c.isas) > 1 && isa != x8664 {
			made.path[isa] += "." + isa
		}
	}
	record := filepath.Join(dir, "record.json")
	if j, err := os.ReadFile(record); err == nil {
		return made, json.Unmarshal(j, made)
	}

	b.log("building %s by %s", p.name, c.name)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-ec", p.build)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CC="+strings.Join(c.command, " ")+" -O2", "DIR="+dir)
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

// fetch returns the directory of a source, and makes it if it is not there.
func (b *bench) fetch(s source) (string, error) {
	if s.folder != "" {
		return filepath.Join(here, s.folder), nil
	}
	tarball, sha256, err := s.tarball()
	if err != nil {
		return "", err
	}
	store := filepath.Join(b.work, "source")
	dir := filepath.Join(store, s.program+"-"+sha256[:8])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	b.log("fetching %s", tarball)
	unfinished := dir + ".unfinished"
	if _, err := output(exec.Command("integration/programs/fetch.sh", tarball, sha256, store, unfinished)); err != nil {
		return "", err
	}
	prepare := exec.Command("sh", "-ec", s.prepare)
	prepare.Dir = unfinished
	if _, err := output(prepare); err != nil {
		return "", err
	}
	return dir, os.Rename(unfinished, dir)
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
