package stop

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

// counter is the example, which is kept for the golden dumps; another machine is given one.
var counter = flag.String("counter", "../testdata/root/nfs/bin/"+
	map[string]string{"amd64": "counter", "arm64": "counter.aarch64"}[runtime.GOARCH], "pause this `program`, examples/counter")

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8") // unless told otherwise: they wait most of the time
	flag.Parse()
	os.Exit(m.Run())
}

// rounds is n, or less of it for -test.short on a machine that is emulated.
func rounds(n int) int {
	if testing.Short() {
		return n / 20
	}
	return n
}

// patience is how long a process may take for what takes it no time.
const patience = 30 * time.Second

// A program is a running example that prints to a file.
type program struct {
	t   *testing.T
	cmd *exec.Cmd
	out string
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(*counter, args...)
	cmd.Stdout, cmd.Stderr = out, out
	p := &program{t: t, cmd: cmd, out: out.Name()}
	run(t, cmd)
	p.awaitLines(1)
	return p
}

// run starts a command that is killed when the test ends.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// lines is how many lines the program has printed; their counts must have no gap.
func (p *program) lines() int {
	p.t.Helper()
	text, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	n, err := countLines(string(text))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

func countLines(text string) (n int, err error) {
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		n++
		if !strings.Contains(line, fmt.Sprintf("  count=%d sum=", n)) {
			return n, fmt.Errorf("line %d of the program is %q", n, line)
		}
	}
	return n, nil
}

func (p *program) awaitLines(n int) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("line %d of the program", n), func() bool { return p.lines() >= n })
}

// runsOn checks that a program prints, and that nothing of us is left in it.
func (p *program) runsOn() {
	p.t.Helper()
	if w := pauseWord(p.t, p.pid()); w != 0 {
		p.t.Errorf("the pause word is %d, want 0", w)
	}
	p.awaitLines(p.lines() + 2)
	if tracer, err := tracerOf(p.pid(), p.pid()); tracer != 0 || err != nil {
		p.t.Errorf("traced by %d, %v, want nobody", tracer, err)
	}
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// pause pauses a program at a kind of point. A program that is seen elsewhere
// is let go, to be paused again.
func pause(t *testing.T, pid int, point pair.Point) []Thread {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		threads, err := Pause(ctx, pid, patience)
		if err != nil {
			t.Fatal(err)
		}
		if threads[0].Point == point {
			return threads
		}
		resume(t, pid)
	}
}

func resume(t *testing.T, pid int) {
	t.Helper()
	if err := Resume(pid); err != nil {
		t.Fatal(err)
	}
}

// pauseFor is the error of a pause that does not succeed in time.
func pauseFor(t *testing.T, pid int, d time.Duration) error {
	t.Helper()
	threads, err := Pause(t.Context(), pid, d)
	if err == nil {
		t.Fatalf("paused, at %+v", threads)
	}
	return err
}

// describe is the part of the program's metadata that is for this machine.
func describe(t *testing.T) *pair.Binary {
	t.Helper()
	f, err := pair.Open(*counter)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := f.Binary(f.Machine)
	if !ok {
		t.Fatalf("%s does not describe itself", *counter)
	}
	return b
}

func pauseWord(t *testing.T, pid int) uint32 {
	t.Helper()
	mem := memory(t, pid)
	var b [4]byte
	if _, err := mem.ReadAt(b[:], int64(describe(t).Points.PauseWord)); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint32(b[:])
}

func memory(t *testing.T, pid int) *os.File {
	t.Helper()
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	return mem
}

// A process that is paused stays so, whether it was computing or asleep and
// however often it is paused, until it is resumed. Then it goes on.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  string
		point pair.Point
		stack string
	}{
		{"busy", pair.Parked, "work compute step measure main"},
		{"sleepy", pair.Blocked, "nap step measure main"},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			p := start(t, tt.mode)
			parked := &process{binary: describe(t)}
			want := []Thread{{TID: p.pid(), Point: tt.point, Stack: strings.Fields(tt.stack)}}
			equal := func(a, b Thread) bool { return a.TID == b.TID && a.Point == b.Point && slices.Equal(a.Stack, b.Stack) }
			// It may be caught in its few other calls.
			first := pause(t, p.pid(), tt.point)
			for !slices.EqualFunc(first, want, equal) {
				t.Logf("paused at %+v", first)
				resume(t, p.pid())
				first = pause(t, p.pid(), tt.point)
			}
			printed := p.lines()
			p.signal(syscall.SIGUSR1) // does not make it run
			time.Sleep(600 * time.Millisecond)
			// What was asleep has woken up, and is parked in the system-call stub.
			await(t, "the thread to park", func() bool {
				w, err := locate(p.pid(), p.pid())
				return err == nil && w.state == asleep && parked.parked(w.pc)
			})
			if again := pause(t, p.pid(), tt.point); !slices.EqualFunc(again, want, equal) {
				t.Errorf("paused again it is at %+v, want %+v", again, want)
			}
			if now := p.lines(); now != printed {
				t.Errorf("%d lines were printed after the pause", now-printed)
			}
			resume(t, p.pid())
			p.runsOn()
		})
	}
}

// fullPipe gives a pipe that takes nothing more, and how much is in it.
func fullPipe(t *testing.T) (r, w *os.File, size int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if size, err = unix.FcntlInt(w.Fd(), unix.F_GETPIPE_SZ, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	return r, w, size
}

// awaitWrite waits until the program is asleep in its call of write.
func awaitWrite(t *testing.T, pid int) {
	t.Helper()
	p := &process{pid: pid, binary: describe(t), mem: memory(t, pid)}
	await(t, "the program to write", func() bool {
		at, err := locate(pid, pid)
		return err == nil && at.state == asleep && strings.HasPrefix(p.caller(at), "write_all+")
	})
}

// A call that ends while the process is paused has its result afterwards.
func TestPauseInWrite(t *testing.T) {
	t.Parallel()
	r, w, size := fullPipe(t)
	cmd := exec.Command(*counter, "sleepy")
	cmd.Stdout = w
	run(t, cmd)
	pid := cmd.Process.Pid
	awaitWrite(t, pid)
	stack := []string{"write_all", "report", "measure", "main"}
	if got := pause(t, pid, pair.Blocked)[0].Stack; !slices.Equal(got, stack) {
		t.Errorf("paused at %v, want %v", got, stack)
	}
	parked := func() bool {
		at, err := locate(pid, pid)
		b := describe(t).Points
		return err == nil && at.state == asleep && at.pc >= b.ParkWait && at.pc < b.ParkEnd
	}
	if parked() {
		t.Error("parked before the pipe is read")
	}
	if _, err := r.Read(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	await(t, "the writing thread to park", parked)
	if got := pause(t, pid, pair.Blocked)[0].Stack; !slices.Equal(got, stack) {
		t.Errorf("paused again it is at %v, want %v", got, stack)
	}
	resume(t, pid)
	text, buf := "", make([]byte, 4096)
	for n := 0; n < 3; {
		got, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text += string(buf[:got])
		if n, err = countLines(text); err != nil {
			t.Fatal(err)
		}
	}
}

// A thread whose stack cannot be walked, as while a handler runs on it, is
// looked at again.
func TestPauseLooksAgain(t *testing.T) {
	t.Parallel()
	r, w, _ := fullPipe(t)
	cmd := exec.Command(*counter, "sleepy")
	cmd.Stdout = w
	run(t, cmd)
	pid := cmd.Process.Pid
	awaitWrite(t, pid)
	at, err := locate(pid, pid)
	if err != nil {
		t.Fatal(err)
	}
	mem, phase := memory(t, pid), int64(at.sp+describe(t).Points.SysFrame-8)
	setPhase := func(v byte) {
		if _, err := mem.WriteAt([]byte{v}, phase); err != nil {
			t.Fatal(err)
		}
	}
	setPhase(7)
	p := &process{pid: pid, binary: describe(t), mem: mem}
	want := fmt.Sprintf("thread %d cannot be moved from where it is: in the system-call stub with phase 7, neither 0 nor 1", pid)
	await(t, "a look at the stack", func() bool {
		_, away, err := p.look(t.Context())
		if err != nil || len(away) != 1 {
			t.Fatalf("a look gives %+v, %v, want one thread", away, err)
		}
		return p.describe(away[0]) == want
	})
	done := make(chan error)
	go func() {
		_, err := Pause(t.Context(), pid, patience)
		done <- err
	}()
	await(t, "the pause to begin", func() bool { return pauseWord(t, pid) == 1 })
	setPhase(0)
	if err := <-done; err != nil {
		t.Error(err)
	}
	resume(t, pid)
	r.Close()
}

// Resume does nothing to a process that is not paused: not even a system call
// is interrupted.
func TestResumeNotPaused(t *testing.T) {
	t.Parallel()
	_, w, _ := fullPipe(t)
	cmd := exec.Command(*counter, "sleepy")
	cmd.Stdout = w
	run(t, cmd)
	pid := cmd.Process.Pid
	switches := func() string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, n, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		return strings.Fields(n)[0]
	}
	awaitWrite(t, pid)
	before := switches()
	resume(t, pid)
	if after := switches(); after != before {
		t.Errorf("the thread was asleep %s times, and %s times after Resume", before, after)
	}

	computing := start(t, "busy")
	for range 20 {
		resume(t, computing.pid())
	}
	computing.runsOn()
}

// A process may be stopped by a signal while it is paused, or the other way round.
func TestPauseStopped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  string
		point pair.Point
	}{{"busy", pair.Parked}, {"sleepy", pair.Blocked}} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			testPauseStopped(t, tt.mode, tt.point)
		})
	}
}

func testPauseStopped(t *testing.T, mode string, point pair.Point) {
	p := start(t, mode)
	pause(t, p.pid(), point)
	stopped := func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid()))
		return err == nil && strings.Contains(string(text), ") T ")
	}
	p.signal(syscall.SIGSTOP)
	await(t, "SIGSTOP to work", stopped)
	pause(t, p.pid(), point)
	resume(t, p.pid())
	await(t, "it to be stopped again after it was looked at", stopped)
	p.signal(syscall.SIGCONT)
	p.runsOn()
}

// A thread that does not get to an equivalence point is named, with the
// function it is in, and runs on.
func TestPauseExpires(t *testing.T) {
	t.Parallel()
	t.Run("held", func(t *testing.T) {
		t.Parallel()
		p := start(t, "busy")
		b := &process{binary: describe(t)}
		for at := (whereabouts{}); at.state != held || b.blocked(at.pc); {
			p.signal(syscall.SIGCONT)
			p.signal(syscall.SIGSTOP)
			await(t, "SIGSTOP to work", func() (done bool) {
				var err error
				if at, err = locate(p.pid(), p.pid()); err != nil {
					t.Fatal(err)
				}
				return at.state != running
			})
		}
		want := fmt.Sprintf(`^process %d: not paused, and running on: thread %[1]d is held in \w+\+0x[0-9a-f]+, `, p.pid())
		if err := pauseFor(t, p.pid(), 50*time.Millisecond); !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("the error is %q, want %q", err, want)
		}
		p.signal(syscall.SIGCONT)
		p.runsOn()
	})
	t.Run("computing", func(t *testing.T) {
		t.Parallel()
		p := start(t, "busy")
		release := spin(t, p.pid(), "now")
		want := fmt.Sprintf("process %d: not paused, and running on: thread %[1]d computes in now+0x0 and reaches no poll", p.pid())
		if err := pauseFor(t, p.pid(), 50*time.Millisecond); err.Error() != want {
			t.Errorf("the error is %q, want %q", err, want)
		}
		release()
		p.runsOn()
	})
	t.Run("in a call outside of the stub", func(t *testing.T) {
		t.Parallel()
		// The start code cannot open a file, and cannot complain about it.
		r, w, size := fullPipe(t)
		cmd := exec.Command("sh", "-c", `ulimit -n 3; exec "$0"`, *counter)
		cmd.Stderr = w
		run(t, cmd)
		w.Close()
		pid := cmd.Process.Pid
		await(t, "the program to complain", func() bool {
			exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
			at, err := locate(pid, pid)
			return err == nil && at.state == asleep && filepath.Base(exe) == filepath.Base(*counter)
		})
		want := fmt.Sprintf(`^process %d: not paused, and running on: thread %[1]d waits in the kernel, called from __tp_raw_syscall\+0x`, pid)
		if err := pauseFor(t, pid, 50*time.Millisecond); !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("the error is %q, want %q", err, want)
		}
		// It finishes its sentence.
		text := make([]byte, size+1024)
		n := 0
		for {
			got, err := r.Read(text[n:])
			if n += got; err != nil {
				break
			}
		}
		if got := string(text[size:n]); !strings.HasPrefix(got, "start: ") || !strings.HasSuffix(got, "\n") {
			t.Errorf("it ended with %q, want an error of the start code", got)
		}
	})
	t.Run("in a call that is not interrupted", func(t *testing.T) {
		t.Parallel()
		server := serveGate(t)
		// The shell opens the file: this process must not use its own server.
		cmd := exec.Command("sh", "-c", `exec "$0" sleepy >> "$1"`, *counter, server.path)
		run(t, cmd)
		pid := cmd.Process.Pid
		await(t, "the program to write", server.waiting)
		want := fmt.Sprintf(
			`^process %d: not paused, and running on: thread %[1]d: did not stop in time: it waits in the kernel, called from write_all\+0x`, pid)
		if err := pauseFor(t, pid, 50*time.Millisecond); !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("the error is %q, want %q", err, want)
		}
		if w := pauseWord(t, pid); w != 0 {
			t.Errorf("the pause word is %d, want 0", w)
		}
		server.open()
		await(t, "lines of the program", func() bool {
			n, err := countLines(server.text())
			if err != nil {
				t.Fatal(err)
			}
			return n >= 3
		})
	})
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		p := start(t, "busy")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		want := regexp.MustCompile(fmt.Sprintf(`^process %d: not paused, and running on: thread %[1]d.* \w+\+0x`, p.pid()))
		for range 20 {
			if _, err := Pause(ctx, p.pid(), patience); err == nil || !want.MatchString(err.Error()) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		p.runsOn()
	})
}

// spin lets the process go round in circles where a function begins, until
// release puts back the instruction that was there.
func spin(t *testing.T, pid int, function string) (release func()) {
	t.Helper()
	loop := map[string][]byte{"amd64": {0xeb, 0xfe}, "arm64": {0x00, 0x00, 0x00, 0x14}}[runtime.GOARCH]
	f, err := pair.Open(*counter)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(f.Functions, func(f pair.Function) bool { return f.Name == function })
	if i < 0 {
		t.Fatalf("%s has no function %s", *counter, function)
	}
	at, mem, was := int64(f.Functions[i].Addr), memory(t, pid), make([]byte, len(loop))
	if _, err := mem.ReadAt(was, at); err != nil {
		t.Fatal(err)
	}
	put := func(code []byte) {
		if _, err := mem.WriteAt(code, at); err != nil {
			t.Fatal(err)
		}
	}
	put(loop)
	await(t, function+" to be called", func() bool {
		regs, err := trace(pid)
		if err != nil {
			t.Fatal(err)
		}
		return regs.PC == f.Functions[i].Addr
	})
	return func() { put(was) }
}

// A process that dies is not waited for.
func TestPauseKilled(t *testing.T) {
	t.Parallel()
	p := start(t, "busy")
	spin(t, p.pid(), "now")
	done := make(chan error)
	go func() {
		_, err := Pause(t.Context(), p.pid(), patience)
		done <- err
	}()
	await(t, "the pause to begin", func() bool { return pauseWord(t, p.pid()) == 1 })
	p.signal(syscall.SIGKILL)
	// We are its parent and have not waited for it: it is a zombie.
	if err, want := <-done, fmt.Sprintf("process %d has ended", p.pid()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Handlers run at any time, also while threads are looked at.
func TestPauseWithSignals(t *testing.T) {
	t.Parallel()
	p := start(t)
	stop := make(chan struct{})
	var storm sync.WaitGroup
	storm.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				p.cmd.Process.Signal(syscall.SIGUSR1)
			}
		}
	})
	for range rounds(200) {
		if _, err := Pause(t.Context(), p.pid(), patience); err != nil {
			t.Error(err)
		}
		resume(t, p.pid())
	}
	close(stop)
	storm.Wait()
	p.runsOn()
}

// A signal that comes while we stop the thread is not lost.
func TestSignalsAreDelivered(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(*counter)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == "signals" })
	if i < 0 {
		t.Fatalf("%s has no variable signals", *counter)
	}
	p := start(t, "busy")
	mem := memory(t, p.pid())
	handled := func() uint64 {
		var b [8]byte
		if _, err := mem.ReadAt(b[:], int64(symbols[i].Value)); err != nil {
			t.Fatal(err)
		}
		return binary.LittleEndian.Uint64(b[:])
	}
	ctx, cancel := context.WithCancel(t.Context())
	var looks sync.WaitGroup
	looks.Go(func() {
		for ctx.Err() == nil {
			if _, err := trace(p.pid()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for n := uint64(1); n <= uint64(rounds(1000)) && !t.Failed(); n++ {
		p.signal(syscall.SIGUSR1)
		for end := time.Now().Add(patience); handled() != n; {
			if time.Now().After(end) {
				t.Errorf("%d signals are handled, want %d", handled(), n)
				break
			}
		}
	}
	cancel()
	looks.Wait()
	p.runsOn()
}

// What cannot be paused is refused with a reason, and left alone.
func TestRefused(t *testing.T) {
	t.Parallel()
	p := start(t, "sleepy")
	zombie := exec.Command(*counter, "no such mode")
	run(t, zombie)
	await(t, "the zombie", func() bool {
		w, err := locate(zombie.Process.Pid, zombie.Process.Pid)
		return err == nil && w.state == ended
	})
	ended := exec.Command(*counter, "no such mode")
	if err := ended.Run(); err == nil {
		t.Fatal("the program takes anything as a mode")
	}
	for _, tt := range []struct {
		name string
		pid  int
		as   func(t *testing.T, pid int, do func())
		want string // %d is the pid
	}{
		{"no such process", ended.Process.Pid, directly, "^there is no process %d$"},
		{"zombie", zombie.Process.Pid, directly, "^process %d runs no program: it has ended"},
		{"no pair", os.Getpid(), directly, `^process %d \(.*\): .*: not a program of a pair: `},
		{"another user's", p.pid(), asNobody, "^process %d: .*permission denied: do it as the user who runs it, or as root$"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := regexp.MustCompile(fmt.Sprintf(tt.want, tt.pid))
			tt.as(t, tt.pid, func() {
				if _, err := Pause(t.Context(), tt.pid, patience); err == nil || !want.MatchString(err.Error()) {
					t.Errorf("Pause: %v, want %q", err, want)
				}
				if err := Resume(tt.pid); err == nil || !want.MatchString(err.Error()) {
					t.Errorf("Resume: %v, want %q", err, want)
				}
			})
		})
	}
	p.runsOn()
}

// A thread that a debugger holds could not be let go: it is not even parked.
func TestPauseTraced(t *testing.T) {
	t.Parallel()
	p := start(t, "busy")
	asTracer(t, p.pid(), func() {
		_, err := Pause(t.Context(), p.pid(), patience)
		want := fmt.Sprintf("process %d: thread %[1]d is traced by process %d, a debugger: let it detach first", p.pid(), unix.Gettid())
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	})
	p.runsOn()

	// One that comes later cannot be helped, but is told of.
	pause(t, p.pid(), pair.Parked)
	asTracer(t, p.pid(), func() {
		want := "not permitted: does a debugger hold it?"
		if err := Resume(p.pid()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	})
	resume(t, p.pid())
	p.runsOn()
}

func directly(_ *testing.T, _ int, do func()) { do() }

// asNobody does something as a user without rights.
func asNobody(t *testing.T, _ int, do func()) {
	const nobody = 65534
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody)
		if errno != 0 {
			done <- errno
			return
		}
		do()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatalf("becoming another user, which takes root: %v", err)
	}
}

// asTracer does something while this thread traces the process.
func asTracer(t *testing.T, pid int, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		t.Fatal(err)
	}
	do()
	// It must be stopped to be let go.
	if err := unix.PtraceInterrupt(pid); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceDetach(pid); err != nil {
		t.Fatal(err)
	}
}
