// Package stop brings a live process to equivalence points, where a dump of it
// can be translated, and lets it go again.
//
// The process does the stopping itself: its runtime has a pause word that every
// poll looks at (docs/pair-format.md). A thread that sleeps in the kernel below
// the runtime's system-call stub is at an equivalence point already, and parks
// when it comes out.
package stop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tpfs/tpfs/pair"
)

// Thread is a thread that stands at an equivalence point.
type Thread struct {
	TID int
	// Point is Parked or Blocked.
	Point pair.Point
	// Stack names the functions on the call stack, innermost first.
	Stack []string
}

// Pause stops a process, and gives its threads. If they are not all at
// equivalence points when ctx ends, the process runs on as if nothing had
// been, and the error names the threads that were not.
func Pause(ctx context.Context, pid int) ([]Thread, error) {
	p, err := open(pid)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := p.setPause(1); err != nil {
		return nil, err
	}
	threads, err := p.settle(ctx)
	if err != nil {
		return nil, errors.Join(err, p.resume())
	}
	return threads, nil
}

// Resume lets a paused process run on. It does nothing to one that is not paused.
func Resume(pid int) error {
	p, err := open(pid)
	if err != nil {
		return err
	}
	defer p.close()
	return p.resume()
}

// process is a live process of a pair.
type process struct {
	pid    int
	binary *pair.Binary
	mem    *os.File
}

func open(pid int) (*process, error) {
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	path, err := os.Readlink(exe)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no process %d", pid)
	}
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	f, err := pair.Open(exe)
	if err != nil {
		return nil, fmt.Errorf("process %d (%s): %w", pid, path, err)
	}
	b, ok := f.Binary(f.Machine)
	if !ok {
		return nil, fmt.Errorf("process %d (%s): the pair does not describe its own architecture", pid, path)
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("process %d (%s): %w", pid, path, err)
	}
	return &process{pid: pid, binary: b, mem: mem}, nil
}

func (p *process) close() { p.mem.Close() }

func (p *process) setPause(v byte) error {
	if _, err := p.mem.WriteAt([]byte{v, 0, 0, 0}, int64(p.binary.Points.PauseWord)); err != nil {
		return fmt.Errorf("process %d: writing its pause word: %w", p.pid, err)
	}
	return nil
}

// resume clears the pause word and makes parked threads look at it: a futex
// cannot be woken from outside of the process, but a wait that is interrupted
// is begun anew by the kernel, and then sees that the word has changed.
func (p *process) resume() error {
	if err := p.setPause(0); err != nil {
		return err
	}
	tids, err := p.threads()
	if err != nil {
		return err
	}
	for _, tid := range tids {
		if _, err := registersOf(tid); err != nil && !errors.Is(err, errGone) {
			return fmt.Errorf("process %d: thread %d: %w", p.pid, tid, err)
		}
	}
	return nil
}

// poll is how often a thread is looked at that is not at an equivalence point
// yet. The kernel tells no one when a thread falls asleep.
const poll = time.Millisecond

// settle waits until all threads are at equivalence points.
func (p *process) settle(ctx context.Context) ([]Thread, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		away, err := p.away()
		if err != nil {
			return nil, err
		}
		if len(away) == 0 {
			return p.inspect()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("process %d: not paused, and running on: %s", p.pid, strings.Join(away, "; "))
		case <-tick.C:
		}
	}
}

// away describes the threads that are not asleep in one of the runtime's stubs.
func (p *process) away() ([]string, error) {
	tids, err := p.threads()
	if err != nil {
		return nil, err
	}
	var away []string
	for _, tid := range tids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", p.pid, tid))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it ended
		}
		if err != nil {
			return nil, fmt.Errorf("process %d: thread %d: %w", p.pid, tid, err)
		}
		pc, asleep := parseSyscall(string(text))
		switch {
		case !asleep:
			away = append(away, fmt.Sprintf("thread %d computes and reaches no poll", tid))
		case !p.atPoint(pc):
			away = append(away, fmt.Sprintf("thread %d waits in the kernel, called from %s, which is not an equivalence point", tid, p.binary.Describe(pc)))
		}
	}
	return away, nil
}

// parseSyscall reads /proc/PID/task/TID/syscall (proc_pid_syscall(5)): the
// program counter of a thread asleep in a system call.
func parseSyscall(text string) (pc uint64, asleep bool) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return 0, false // "running"
	}
	pc, err := strconv.ParseUint(fields[len(fields)-1], 0, 64)
	return pc, err == nil && fields[0] != "-1"
}

func (p *process) atPoint(pc uint64) bool {
	pts := p.binary.Points
	return pc >= pts.ParkWait && pc < pts.ParkEnd || pc >= pts.SysResume && pc < pts.SysEnd
}

// inspect walks the stacks of the threads, which a dump would have to move.
func (p *process) inspect() ([]Thread, error) {
	tids, err := p.threads()
	if err != nil {
		return nil, err
	}
	var threads []Thread
	for _, tid := range tids {
		regs, err := registersOf(tid)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("process %d: thread %d: %w", p.pid, tid, err)
		}
		st, err := p.binary.Unwind(regs, p.mem)
		if err != nil {
			return nil, fmt.Errorf("process %d: thread %d cannot be moved from where it is: %w", p.pid, tid, err)
		}
		t := Thread{TID: tid, Point: st.Point}
		for _, f := range st.Frames {
			t.Stack = append(t.Stack, f.Site.Function.Name)
		}
		threads = append(threads, t)
	}
	if len(threads) == 0 {
		return nil, fmt.Errorf("process %d has ended", p.pid)
	}
	return threads, nil
}

func (p *process) threads() ([]int, error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.pid))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("process %d has ended", p.pid)
	}
	var tids []int
	for _, n := range names {
		tid, err := strconv.Atoi(filepath.Base(n))
		if err != nil {
			return nil, err
		}
		tids = append(tids, tid)
	}
	return tids, nil
}
