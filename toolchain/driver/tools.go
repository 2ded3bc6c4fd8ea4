package driver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// A tool is a program that the driver runs.
type tool struct {
	name   string
	debian string // the package that brings it; empty: it is tpcc's own
}

var (
	clang    = tool{name: "clang-19", debian: "clang-19"}
	lld      = tool{name: "ld.lld-19", debian: "lld-19"}
	codegen  = tool{name: "tpcc-cg"}
	verifier = tool{name: "tpcc-verify"}
)

// Places in the install tree, from its top.
const (
	libraryFolder = "lib/tpcc"
	includeFolder = "lib/tpcc/include"
)

// A failure is the end of a tool that has said why itself.
type failure struct{ tool string }

func (f failure) Error() string { return f.tool + " failed" }

// crashed is the end of a tool by a signal.
type crashed struct {
	tool string
	how  error
}

func (c crashed) Error() string { return fmt.Sprintf("%s crashed: %v", c.tool, c.how) }

// driver is one run of tpcc.
type driver struct {
	prefix         string // top of the install tree
	stdin          io.Reader
	stdout, stderr io.Writer
	verbose, dry   bool

	lock sync.Mutex
	dir  string // for temporary files, made by temp
}

// prefixOf finds the install tree by the program's own place, PREFIX/bin/tpcc.
func prefixOf(program string) (string, error) {
	path, err := filepath.EvalSymlinks(program)
	if err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(path)), nil
}

// find looks for a tool beside tpcc, then in PATH.
func (d *driver) find(t tool) (string, error) {
	if path := filepath.Join(d.prefix, "bin", t.name); t.debian == "" {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(t.name)
	switch {
	case err == nil:
		return path, nil
	case t.debian != "":
		return "", fmt.Errorf("%s is not installed: apt-get install %s", t.name, t.debian)
	}
	return "", fmt.Errorf("%s is neither in %s nor in PATH: make toolchain", t.name, filepath.Join(d.prefix, "bin"))
}

// command prepares a run of a tool, and shows it if asked to.
func (d *driver) command(t tool, args ...string) (*exec.Cmd, error) {
	path, err := d.find(t)
	if err != nil {
		return nil, err
	}
	if d.verbose || d.dry {
		fmt.Fprintln(d.stderr, " "+quoteWords(append([]string{path}, args...)))
	}
	return exec.Command(path, args...), nil
}

// finish runs a command. If the tool says no, the error is a failure.
func (d *driver) finish(cmd *exec.Cmd) error {
	if d.dry {
		return nil
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch name := filepath.Base(cmd.Path); {
	case errors.As(err, &exit) && exit.Exited():
		return failure{name}
	case errors.As(err, &exit):
		return crashed{name, exit}
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// run runs a tool with the driver's own input and output.
func (d *driver) run(t tool, args ...string) error {
	cmd, err := d.command(t, args...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.stdin, d.stdout, d.stderr
	return d.finish(cmd)
}

func quoteWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w != "" && strings.IndexFunc(w, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$`|&;<>()*?[]#~!{}", r) }) < 0 {
			b.WriteString(w)
		} else {
			b.WriteString("'" + strings.ReplaceAll(w, "'", `'\''`) + "'")
		}
	}
	return b.String()
}

// temp names a temporary file. All go at the end of the run.
func (d *driver) temp(name string) (string, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "tpcc")
		if err != nil {
			return "", err
		}
		d.dir = dir
	}
	dir, err := os.MkdirTemp(d.dir, "")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// clean removes the temporary files.
func (d *driver) clean() {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.dir != "" {
		os.RemoveAll(d.dir)
	}
}

// writeOutput writes a result. One that could not be written to its end is
// removed; what is no regular file, as /dev/null, is written as it is.
func writeOutput(path string, data []byte, mode os.FileMode) error {
	if !isRegular(path) {
		return os.WriteFile(path, data, mode)
	}
	// A new file: the old one may be running.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// isRegular tells whether path is a regular file, or can become one.
func isRegular(path string) bool {
	st, err := os.Stat(path)
	return err != nil || st.Mode().IsRegular()
}
