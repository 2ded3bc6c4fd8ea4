// Package libc has no Go code but its tests: programs that use every area of
// the C library, and must say the same as with a native one.
package libc

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tpfs/tpfs/integration/lab"
	"github.com/tpfs/tpfs/toolchain/poison"
)

// limit is far more than any of the programs takes on a busy machine.
const limit = 5 * time.Minute

// A program of testdata, compiled by the native compiler and by tpcc.
type program struct {
	name         string
	native, pair string // paths; pair + ".aarch64" is for the other ISA
	want         string // what the native one prints
}

func TestLibc(t *testing.T) {
	programs := build(t)
	t.Run("x86_64", func(t *testing.T) {
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.check(t, here(t, p.pair))
			})
		}
	})
	// As for a kernel with addresses of 39 bits: the initial stack moves, and
	// the runtime chooses the addresses of all mappings.
	t.Run("38 bits", func(t *testing.T) {
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.check(t, here(t, p.pair, "TPFS_ADDRESS_BITS=38"))
			})
		}
	})
	t.Run("poison", func(t *testing.T) {
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				if err := poison.Write(p.pair); err != nil {
					t.Fatal(err)
				}
				p.check(t, here(t, p.pair, "TPFS_POISON=3"))
				table, err := os.ReadFile(p.pair + poison.Suffix)
				if err != nil {
					t.Fatal(err)
				}
				p.checkPoison(t, table)
			})
		}
	})
	addresses := map[string]string{
		"by default": buildAddresses(t),
		"by program": buildAddresses(t, "-DBITS=38"),
	}
	for name, path := range addresses {
		t.Run("addresses "+name, func(t *testing.T) { here(t, path) })
	}
	t.Run("aarch64", func(t *testing.T) {
		g := guest(t)
		for name, path := range addresses {
			t.Run("addresses "+name, func(t *testing.T) { there(t, g, put(t, g, path+".aarch64")) })
		}
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				path := put(t, g, p.pair+".aarch64")
				p.check(t, there(t, g, path))
				if err := poison.Write(p.pair + ".aarch64"); err != nil {
					t.Fatal(err)
				}
				sites := put(t, g, p.pair+".aarch64"+poison.Suffix)
				p.check(t, there(t, g, "TPFS_POISON=3 "+path))
				table, err := g.Get(t.Context(), sites)
				if err != nil {
					t.Fatal(err)
				}
				p.checkPoison(t, table)
			})
		}
	})
}

// build compiles testdata with both compilers, and runs the native programs.
func build(t *testing.T) []program {
	tpcc := compiler(t)
	native, err := exec.LookPath("musl-gcc")
	if err != nil {
		t.Fatalf("%v: apt-get install musl-tools", err)
	}
	sources, err := filepath.Glob("testdata/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no programs in testdata: %v", err)
	}
	dir := t.TempDir()
	programs := make([]program, len(sources))
	t.Run("build", func(t *testing.T) {
		for i, source := range sources {
			name := strings.TrimSuffix(filepath.Base(source), ".c")
			p := &programs[i]
			*p = program{name: name, native: filepath.Join(dir, name+".native"), pair: filepath.Join(dir, name)}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(t, native, "-static", "-O1", "-w", "-o", p.native, source, "-lm")
				run(t, tpcc, "-O2", "-w", "-o", p.pair, source, "-lm")
				p.want = here(t, p.native).stdout
			})
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return programs
}

// buildAddresses compiles the program that looks at its own mappings.
func buildAddresses(t *testing.T, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "addresses")
	run(t, compiler(t), append(options, "-O2", "-o", path, "testdata/addresses/addresses.c")...)
	return path
}

// compiler is the path of tpcc in what `make toolchain` has built; TOOLCHAIN
// says where that is.
func compiler(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(cmp.Or(os.Getenv("TOOLCHAIN"), "../../build/toolchain"), "bin/tpcc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: make toolchain", err)
	}
	return path
}

// TestOverflow looks at how a thread ends whose portable stack is used up:
// also if its frames are larger than a page.
func TestOverflow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overflow")
	run(t, compiler(t), "-O2", "-o", path, "testdata/overflow/overflow.c")
	for _, arg := range []string{"small", "large", "small thread", "large thread"} {
		t.Run(arg, func(t *testing.T) {
			t.Parallel()
			err := exec.CommandContext(t.Context(), path, arg).Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGSEGV {
				t.Errorf("ended with %v, want SIGSEGV", err)
			}
		})
	}
}

// TestInterrupted stops and continues a process that is in the kernel. With
// no handler in the program, no call of it may end with EINTR: a pause and a
// dump stop it in the same way.
func TestInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "interrupt")
	run(t, compiler(t), "-O2", "-o", path, "testdata/interrupt/interrupt.c")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"ready", "1  1", "0 "} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the program says %q (%v), want %q", lines.Text(), lines.Err(), want)
		}
		if want == "0 " {
			break
		}
		for range 3 {
			waitForState(t, c.Process.Pid, 'S')
			if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			waitForState(t, c.Process.Pid, 'T')
			if err := c.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		waitForState(t, c.Process.Pid, 'S')
		if _, err := in.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// waitForState waits until a process sleeps (S) or is stopped (T).
func waitForState(t *testing.T, pid int, state byte) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.LastIndexByte(stat, ')'); i >= 0 && i+2 < len(stat) && stat[i+2] == state {
			return
		}
	}
	t.Fatalf("process %d does not come to state %c", pid, state)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// An output is what a program printed. It has ended with status 0.
type output struct{ stdout, stderr string }

// here runs a program on this machine.
func here(t *testing.T, path string, env ...string) output {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, path)
	c.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v %s: %v\n%s%s", env, path, err, tail(stdout.String()), tail(stderr.String()))
	}
	return output{stdout.String(), stderr.String()}
}

// guest starts a virtual machine of the other ISA, with a real kernel, whose
// addresses have 48 bits.
func guest(t *testing.T) *lab.Guest {
	lab.Need(t)
	g, err := lab.Start(t.Context(), lab.Config{Arch: "arm64", LogDir: lab.Logs(t), Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := g.Output(t.Context(), "mkdir -p /test && ip link set lo up"); err != nil {
		t.Fatal(err)
	}
	return g
}

func put(t *testing.T, g *lab.Guest, path string) string {
	t.Helper()
	to := "/test/" + filepath.Base(path)
	if err := g.Put(t.Context(), path, to, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// there runs a command in the guest.
func there(t *testing.T, g *lab.Guest, command string) output {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	stdout, err := g.Output(ctx, command+" 2>/test/stderr </dev/null")
	stderr, getErr := g.Get(t.Context(), "/test/stderr")
	if err = cmp.Or(err, getErr); err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, tail(stdout), tail(string(stderr)))
	}
	return output{stdout, string(stderr)}
}

// check compares what the program printed with what the native one did.
func (p *program) check(t *testing.T, got output) {
	t.Helper()
	if got.stdout == p.want {
		return
	}
	have, want := strings.Split(got.stdout, "\n"), strings.Split(p.want, "\n")
	for i := range max(len(have), len(want)) {
		line := func(lines []string) string {
			if i < len(lines) {
				return strconv.Quote(lines[i])
			}
			return "the end"
		}
		if line(have) != line(want) {
			t.Errorf("line %d is %s, want %s\n%s", i+1, line(have), line(want), tail(got.stderr))
			return
		}
	}
}

func tail(text string) string {
	return text[max(0, len(text)-2000):]
}

// checkPoison looks at what the poison mode has counted: it must have done
// something, and every frame must have been one that can be moved.
func (p *program) checkPoison(t *testing.T, table []byte) {
	t.Helper()
	counts, err := poison.Read(table)
	if err != nil {
		t.Fatal(err)
	}
	if counts.Poisoned == 0 {
		t.Errorf("nothing was poisoned: %v", counts)
	}
	if counts.Refused > 0 && p.name != "process" { // where main calls vfork
		t.Errorf("a frame cannot be moved: %v", counts)
	}
	t.Log(counts)
}
