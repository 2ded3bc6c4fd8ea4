package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An invocation is a run of one binary.
type invocation struct {
	path  string
	args  []string
	stdin string // empty: none
}

func (b *bench) invocation(path string, p *program, r *run) (invocation, error) {
	v := invocation{path: path}
	for _, s := range r.scripts {
		v.args = append(v.args, filepath.Join(here, s))
	}
	v.args = append(v.args, r.args...)
	var err error
	switch {
	case r.input.text:
		v.stdin, err = b.text()
	case r.input.output != "":
		v.stdin = b.outputFile(p.name + "/" + r.input.output)
	}
	return v, err
}

// command makes a command of an invocation, with words before it.
func (v invocation) command(before ...string) (cmd *exec.Cmd, done func(), err error) {
	words := append(append(before, v.path), v.args...)
	cmd = exec.Command(words[0], words[1:]...)
	if v.stdin == "" {
		return cmd, func() {}, nil
	}
	f, err := os.Open(v.stdin)
	cmd.Stdin = f
	return cmd, func() { f.Close() }, err
}

// check runs an invocation and returns what it writes, and the seconds of the processor that it took.
func (v invocation) run(before ...string) ([]byte, float64, error) {
	cmd, done, err := v.command(before...)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	out, err := output(cmd)
	if err != nil {
		return nil, 0, err
	}
	return out, processorTime(cmd).Seconds(), nil
}

// compare runs what clang and tpcc made in turns, and returns the least seconds of each.
// Both must write the same.
func (b *bench) compare(title string, clang, tpcc invocation) (best pair, err error) {
	var want []byte
	for i := range b.times {
		for j, v := range []invocation{clang, tpcc} {
			out, seconds, err := v.run()
			if err != nil {
				return best, err
			}
			if want == nil {
				want = out
				if err := os.WriteFile(b.outputFile(title), want, 0o644); err != nil {
					return best, err
				}
			}
			if !bytes.Equal(out, want) {
				return best, fmt.Errorf("%s: %s does not write what %s writes", title, tpcc.path, clang.path)
			}
			if at := [...]*float64{&best.Clang, &best.TPCC}[j]; i == 0 || seconds < *at {
				*at = seconds
			}
		}
	}
	return best, nil
}

// outputFile has what a run wrote.
func (b *bench) outputFile(title string) string {
	return filepath.Join(b.work, "output", strings.ReplaceAll(title, "/", "-"))
}

// text is a file of about a megabyte: the source of Lua and its manual.
func (b *bench) text() (string, error) {
	path := b.outputFile("text")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	dir, err := b.fetch(lua)
	if err != nil {
		return "", err
	}
	var all []byte
	for _, pattern := range []string{"src/*.c", "src/*.h", "doc/*.html"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return "", err
			}
			all = append(all, content...)
		}
	}
	return path, os.WriteFile(path, all, 0o644)
}
