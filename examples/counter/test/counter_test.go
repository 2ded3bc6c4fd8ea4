// Package test runs the example as it is, unmodified.
package test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the example for this machine; a guest, which has no compiler, is given one.
var program = flag.String("counter", "", "test the `program` instead of building it")

// built is where TestMain has built both programs; empty if it was given one.
var built string

var archNames = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8") // unless told otherwise: they wait most of the time
	flag.Parse()
	os.Exit(func() int {
		if *program == "" {
			var err error
			if built, err = build(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(built)
			*program = filepath.Join(built, map[string]string{"amd64": "counter", "arm64": "counter.aarch64"}[runtime.GOARCH])
		}
		return m.Run()
	}())
}

func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "counter"); err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // for ordinary users
		return dir, err
	}
	if out, err := exec.Command("make", "-s", "-C", "..", "OUT="+dir).CombinedOutput(); err != nil {
		return dir, fmt.Errorf("make: %w\n%s", err, out)
	}
	return dir, nil
}

// line is what the program prints.
type line struct {
	arch    string
	count   int
	sum     string
	signals int
	pid     int
}

var linePattern = regexp.MustCompile(`^(\w+)  count=(\d+) sum=([0-9.]+) signals=(\d+) pid=(\d+)$`)

func parseLine(text string) (l line, err error) {
	m := linePattern.FindStringSubmatch(text)
	if m == nil {
		return l, fmt.Errorf("unexpected line %q", text)
	}
	l.arch, l.sum = m[1], m[3]
	for i, to := range map[int]*int{2: &l.count, 4: &l.signals, 5: &l.pid} {
		if *to, err = strconv.Atoi(m[i]); err != nil {
			return l, err
		}
	}
	return l, nil
}

// run is a running program whose lines are checked one by one.
type run struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *os.File
	lines *bufio.Scanner
	count int
	sum   float64
}

func start(t *testing.T, args ...string) *run {
	t.Helper()
	cmd := exec.Command(*program, args...)
	cmd.Stderr = os.Stderr
	return startCommand(t, cmd)
}

func startCommand(t *testing.T, cmd *exec.Cmd) *run {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	cmd.Stdout = in
	err = cmd.Start()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return &run{t: t, cmd: cmd, out: out, lines: bufio.NewScanner(out)}
}

// patience is how long a line may take, of which there are four a second.
const patience = time.Minute

func (r *run) pid() int { return r.cmd.Process.Pid }

// maxLines is more than any test needs: what a test waits for does not come.
const maxLines = 1000

// next reads a line and checks all of it but the number of signals, which it returns.
func (r *run) next() int {
	r.t.Helper()
	if r.count == maxLines {
		r.t.Fatalf("what is awaited is not in the first %d lines", r.count)
	}
	if err := r.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			r.t.Fatalf("no line after the first %d: %v", r.count, err)
		}
		r.t.Fatalf("the program ended after %d lines: %v", r.count, r.cmd.Wait())
	}
	l, err := parseLine(r.lines.Text())
	if err != nil {
		r.t.Fatal(err)
	}
	r.count++
	r.sum += 1 / float64(r.count)
	micros := int64(r.sum*1e6 + 0.5)
	want := line{archNames[runtime.GOARCH], r.count, fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6), l.signals, r.pid()}
	if l != want {
		r.t.Fatalf("printed %+v, want %+v", l, want)
	}
	return l.signals
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"5"}, {"busy", "3"}, {"sleepy", "3"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := start(t, args...)
			n, err := strconv.Atoi(args[len(args)-1])
			if err != nil {
				t.Fatal(err)
			}
			for range n {
				if got := r.next(); got != 0 {
					t.Errorf("%d signals, want none", got)
				}
			}
			if r.lines.Scan() {
				t.Errorf("a line too much: %s", r.lines.Text())
			}
			if err := r.cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, arg := range []string{"lazy", "3x", ""} {
		out, err := exec.Command(*program, arg).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.HasPrefix(out, []byte("usage: ")) {
			t.Errorf("counter %q: %v, %q; want exit status 2 and how it is used", arg, err, out)
		}
	}
}

// What cannot be written ends the program, with a status that says so.
func TestWriteError(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := exec.Command(*program, "sleepy")
	cmd.Stdout = full
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"busy", "sleepy"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := start(t, mode)
			r.next()
			for i := range 4 {
				if err := r.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
					t.Fatal(err)
				}
				// Lines that were made before the signal may be under way.
				got := r.next()
				for got == i {
					got = r.next()
				}
				if got != i+1 {
					t.Fatalf("%d signals are counted, want %d", got, i+1)
				}
			}
		})
	}
}

// All of the process but what the kernel maps for itself fits below 2^38, the
// smallest address space of all; and what the kernel tells others about the
// process is right.
func TestLowLayout(t *testing.T) {
	t.Parallel()
	ordinary := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		ordinary.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	long := strings.Repeat("x", 100<<10) // the kernel takes 128 KiB for one
	for _, tt := range []struct {
		name string
		attr *syscall.SysProcAttr
		env  []string
	}{
		{"plain", nil, []string{"A=1", "B=2"}},
		{"no environment", nil, []string{}},
		{"large environment", nil, []string{"A=" + long, "B=" + long, "C=" + long, "D=" + long, "E=" + long, "F=" + long}},
		{"ordinary user", ordinary, []string{"A=1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(*program, "sleepy", "1000")
			cmd.Env, cmd.SysProcAttr = tt.env, tt.attr
			stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			cmd.Stderr = stderr
			r := startCommand(t, cmd)
			r.next()
			proc := func(name string) string {
				b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.pid(), name))
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			for l := range strings.Lines(proc("maps")) {
				_, end, _ := strings.Cut(strings.Fields(l)[0], "-")
				addr, err := strconv.ParseUint(end, 16, 64)
				if err != nil {
					t.Fatal(err)
				}
				if addr > 1<<38 && !strings.Contains(l, "[v") { // [vdso], [vvar], [vsyscall] ...
					t.Errorf("beyond 2^38: %s", l)
				}
			}
			if got, want := proc("cmdline"), strings.Join(cmd.Args, "\x00")+"\x00"; got != want {
				t.Errorf("cmdline is %q, want %q", got, want)
			}
			want := ""
			for _, e := range tt.env {
				want += e + "\x00"
			}
			if got := proc("environ"); got != want {
				t.Errorf("the environment has %d bytes, want %d", len(got), len(want))
			}
			if text, err := os.ReadFile(stderr.Name()); len(text) > 0 || err != nil {
				t.Errorf("complains: %s, %v", text, err)
			}
		})
	}
}

// The stacks have guards: what lies below them cannot be touched.
func TestGuards(t *testing.T) {
	t.Parallel()
	r := start(t, "sleepy")
	r.next()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", r.pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, stack := range []string{"__tp_native_stack", "__tp_portable_stack"} {
		guard := regexp.MustCompile(fmt.Sprintf(`(?m)^%08x-[0-9a-f]+ ---p `, symbol(t, stack)))
		if !guard.Match(maps) {
			t.Errorf("%s does not begin with a guard, %q:\n%s", stack, guard, maps)
		}
	}
}

// symbol is the address of a symbol of the program.
func symbol(t *testing.T, name string) uint64 {
	t.Helper()
	f, err := elf.Open(*program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name == name {
			return s.Value
		}
	}
	t.Fatalf("%s has no symbol %s", *program, name)
	return 0
}

// Two builds give the same bytes, whatever folder they go to.
func TestReproducible(t *testing.T) {
	t.Parallel()
	if built == "" {
		t.Skip("testing a program that was given")
	}
	again, err := build()
	defer os.RemoveAll(again)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"counter", "counter.aarch64"} {
		var content [2][]byte
		for i, dir := range []string{built, again} {
			if content[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(content[0], content[1]) {
			t.Errorf("%s is not the same twice", name)
		}
	}
}
