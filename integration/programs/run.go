package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tpfs/tpfs/toolchain/poison"
)

// A kind of run.
type kind struct {
	emulated bool // the programs of aarch64, by qemu-user
	poison   bool
}

var kinds = []kind{{}, {emulated: true}, {poison: true}, {emulated: true, poison: true}}

func (k kind) String() string {
	s := "x86_64"
	if k.emulated {
		s = "aarch64"
	}
	if k.poison {
		s += " poison"
	}
	return s
}

const (
	// limit is many times what a suite takes.
	limit = time.Hour
	// poisonRate is of how many polls one is poisoned, in the mean.
	poisonRate = 20
)

// inPlace is a script that runs a command, its third argument, in a copy of a
// tree, at the path where the tree was built: its files may know that path.
const inPlace = `mount --bind "$1" "$2" && cd "$2" && exec sh -c "$3"`

// run runs a suite in a copy of the built program, dir/run/PROGRAM.KIND, which
// stays if it fails. What the suite prints stays in any case, beside it. The
// result is in words.
func run(ctx context.Context, dir string, s suite, k kind) (string, error) {
	built := filepath.Join(dir, s.program)
	place := filepath.Join(dir, "run", strings.ReplaceAll(s.program+"."+k.String(), " ", "."))
	tree, err := newTree(ctx, built, place, k)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var output bytes.Buffer
	command := s.command
	if k != (kind{}) {
		command = cmp.Or(s.part, command)
	}
	c := exec.CommandContext(ctx, "unshare", "--mount", "sh", "-c", inPlace, "sh", place, built, command)
	c.Env = environment(k)
	c.Stdout, c.Stderr = &output, &output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	runErr := c.Run()
	if err := os.WriteFile(place+".log", output.Bytes(), 0o666); err != nil {
		return "", err
	}
	if err := errors.Join(runErr, s.check(output.Bytes()), tree.check()); err != nil {
		return "", fmt.Errorf("%w: see %s.log", err, place)
	}
	result := s.summary(output.Bytes())
	if k.poison {
		counts, err := tree.counts()
		if err != nil {
			return "", err
		}
		result += "; " + counts.String()
	}
	return result, os.RemoveAll(place)
}

// environment is this process's, without what a make tells the makes that it
// starts.
func environment(k kind) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}, name)
	})
	env = append(env, "LC_ALL=C.UTF-8")
	if k.poison {
		env = append(env, fmt.Sprintf("TPFS_POISON=%d", poisonRate))
	}
	return env
}

// check looks for what the suite says if all its tests have passed.
func (s suite) check(output []byte) error {
	for _, want := range s.passed {
		if !regexp.MustCompile("(?m)" + want).Match(output) {
			return fmt.Errorf("it does not say %q", want)
		}
	}
	if s.tests == 0 {
		return nil
	}
	passed, failed := s.results(output)
	failed = slices.DeleteFunc(failed, func(name string) bool { return slices.Contains(s.mayFail, name) })
	switch {
	case len(failed) > 0:
		return fmt.Errorf("%d tests failed: %s", len(failed), strings.Join(failed, "; "))
	case passed < s.tests:
		return fmt.Errorf("only %d tests have passed, of %d", passed, s.tests)
	}
	return nil
}

// results reads what the suite says of each test.
func (s suite) results(output []byte) (passed int, failed []string) {
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, s.pass) {
			passed++
		} else if name, ok := strings.CutPrefix(line, s.fail); ok {
			failed = append(failed, strings.TrimSpace(name))
		}
	}
	return passed, failed
}

// summary is what the suite says of its tests, in one line.
func (s suite) summary(output []byte) string {
	if s.tests > 0 {
		passed, failed := s.results(output)
		return fmt.Sprintf("%d passed, %d failed, as they may", passed, len(failed))
	}
	var said []string
	for _, want := range s.passed {
		said = append(said, strings.Join(strings.Fields(string(regexp.MustCompile("(?m)"+want).Find(output))), " "))
	}
	return strings.Join(said, ", ")
}

// counts adds up what the programs of a tree have counted in the poison mode:
// something must have been poisoned.
func (t *tree) counts() (poison.Counts, error) {
	var sum poison.Counts
	for _, program := range t.programs {
		table, err := os.ReadFile(program + poison.Suffix)
		if err != nil {
			return sum, err
		}
		counts, err := poison.Read(table)
		if err != nil {
			return sum, err
		}
		sum.Add(counts)
	}
	if sum.Poisoned == 0 {
		return sum, fmt.Errorf("nothing was poisoned: %v", sum)
	}
	return sum, nil
}
