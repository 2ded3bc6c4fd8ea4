package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A block is a sequence of instructions that is always run as a whole.
type block struct {
	address      uint64
	instructions uint64
	runs         uint64
}

// count runs an invocation under emulation and returns the blocks that it ran. What was counted before
// of the same binary is not counted again.
func (b *bench) count(isa, title string, v invocation) ([]block, error) {
	var inputs []string
	if v.stdin != "" {
		inputs = []string{v.stdin}
	}
	for _, a := range v.args {
		if _, err := os.Stat(a); err == nil {
			inputs = append(inputs, a)
		}
	}
	id, err := digest(v.args, append(inputs, v.path, b.plugin))
	if err != nil {
		return nil, err
	}
	path := v.path + "." + id + ".blocks"
	if _, err := os.Stat(path); err != nil {
		b.log("counting %s of %s", title, v.path)
		unfinished := path + ".unfinished"
		if _, _, err := v.run("qemu-"+isa, "-plugin", b.plugin+",out="+unfinished); err != nil {
			return nil, err
		}
		if err := os.Rename(unfinished, path); err != nil {
			return nil, err
		}
	}
	return readBlocks(path)
}

func readBlocks(path string) ([]block, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var blocks []block
	for s := bufio.NewScanner(f); s.Scan(); {
		var k block
		if _, err := fmt.Sscanf(s.Text(), "%x %d %d", &k.address, &k.instructions, &k.runs); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, s.Text(), err)
		}
		blocks = append(blocks, k)
	}
	return blocks, nil
}

// total is how many instructions were executed.
func total(blocks []block) (n uint64) {
	for _, k := range blocks {
		n += k.instructions * k.runs
	}
	return n
}

// buildPlugin compiles what counts.
func buildPlugin(work string) (string, error) {
	path := filepath.Join(work, "count.so")
	source := filepath.Join(here, "plugin/count.c")
	is, err := os.Stat(path)
	was, sourceErr := os.Stat(source)
	if err == nil && sourceErr == nil && is.ModTime().After(was.ModTime()) {
		return path, nil
	}
	_, err = output(exec.Command("clang-19", "-O2", "-Wall", "-shared", "-fPIC", "-fvisibility=hidden", "-o", path, source))
	return path, err
}
