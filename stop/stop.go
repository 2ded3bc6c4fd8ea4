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
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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
// equivalence points within the time given, or when ctx ends, the process runs
// on as if nothing had been, and the error names the threads that were not, and
// where they were. The time begins when the process is told to stop.
func Pause(ctx context.Context, pid int, patience time.Duration) ([]Thread, error) {
	p, err := open(pid)
	if err != nil {
		return nil, err
	}
	defer p.close()
	// A thread that we cannot interrupt could not be let go once it is parked.
	if err := p.untraced(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	threads, err := p.settle(ctx)
	if err == nil {
		return threads, nil
	}
	if e := p.resume(); !errors.Is(e, errGone) {
		err = errors.Join(err, e)
	}
	return nil, err
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
	dir := fmt.Sprintf("/proc/%d", pid)
	path, err := os.Readlink(dir + "/exe")
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("there is no process %d", pid)
		}
		return nil, fmt.Errorf("process %d runs no program: it has ended and waits for its parent, or is a part of the kernel", pid)
	}
	if err != nil {
		return nil, refused(pid, err)
	}
	f, err := pair.Open(dir + "/exe")
	if err != nil {
		return nil, fmt.Errorf("process %d (%s): %w", pid, path, err)
	}
	b, ok := f.Binary(f.Machine)
	if !ok {
		return nil, fmt.Errorf("process %d (%s): the pair does not describe its own architecture", pid, path)
	}
	mem, err := os.OpenFile(dir+"/mem", os.O_RDWR, 0)
	if err != nil {
		return nil, refused(pid, err)
	}
	return &process{pid: pid, binary: b, mem: mem}, nil
}

// refused words the kernel's refusal to let us touch a process.
func refused(pid int, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("process %d: %w: do it as the user who runs it, or as root", pid, err)
	}
	return fmt.Errorf("process %d: %w", pid, err)
}

func (p *process) close() { p.mem.Close() }

// gone is the error of a process that ended while we had to do with it.
func (p *process) gone() error { return fmt.Errorf("process %d %w", p.pid, errGone) }

// untraced refuses a process that a debugger holds: a thread has one tracer.
func (p *process) untraced() error {
	tids, err := threads(p.pid)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.pid, err)
	}
	for _, tid := range tids {
		if beingTraced(tid) {
			continue // by ourselves, and not for long
		}
		tracer, err := tracerOf(p.pid, tid)
		if err != nil {
			return fmt.Errorf("process %d: %w", p.pid, err)
		}
		if tracer != 0 {
			return fmt.Errorf("process %d: thread %d is traced by process %d, a debugger: let it detach first", p.pid, tid, tracer)
		}
	}
	return nil
}

func (p *process) setPause(v byte) error {
	_, err := p.mem.WriteAt([]byte{v, 0, 0, 0}, int64(p.binary.Points.PauseWord))
	if errors.Is(err, io.ErrUnexpectedEOF) { // its memory is no more
		return p.gone()
	}
	if err != nil {
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
	tids, err := threads(p.pid)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.pid, err)
	}
	var errs []error
	for _, tid := range tids {
		if _, err := p.catch(tid); err != nil {
			errs = append(errs, fmt.Errorf("process %d: its pause word is cleared, but a thread may sleep on: %w", p.pid, err))
		}
	}
	return errors.Join(errs...)
}

// catch interrupts a thread that runs or is parked, so that it looks at the
// pause word again, and tells where it was. It leaves one alone that is asleep
// elsewhere: that sees the pause word when it wakes up, and may never do so.
func (p *process) catch(tid int) (whereabouts, error) {
	for patience := firstPoll; ; patience *= 2 {
		w, err := locate(p.pid, tid)
		if err != nil || w.state != running && !p.parked(w.pc) {
			return w, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		regs, err := p.registers(ctx, tid)
		cancel()
		switch {
		case err == nil:
			return whereabouts{running, regs.SP, regs.PC}, nil
		case errors.Is(err, errGone):
			return whereabouts{state: ended}, nil
		case !errors.Is(err, errBusy):
			return whereabouts{}, err
		}
	}
}

// How often threads are looked at that are not at equivalence points yet: the
// kernel tells no one when a thread falls asleep. Each look at one that is
// asleep interrupts it, so they become rarer.
const (
	firstPoll = time.Millisecond
	lastPoll  = 50 * time.Millisecond
)

// settle makes all threads stop at equivalence points, and waits until they
// have. One that has stopped below a function that cannot be moved, or in a
// signal handler, stays there as long as it is to pause: it is let go, to be
// stopped elsewhere.
func (p *process) settle(ctx context.Context) ([]Thread, error) {
	var away []straggler
	for poll := firstPoll; ; poll = min(2*poll, lastPoll) {
		if err := p.setPause(1); err != nil {
			return nil, err
		}
		threads, now, err := p.look(ctx)
		if err != nil {
			return nil, err
		}
		if len(now) == 0 {
			return threads, nil
		}
		// A look that ends with ctx says less of a thread than the one before.
		for i, s := range now {
			before := slices.IndexFunc(away, func(b straggler) bool { return b.tid == s.tid && b.err != nil })
			if errors.Is(s.err, errBusy) && before >= 0 {
				now[i] = away[before]
			}
		}
		away = now
		if slices.ContainsFunc(away, straggler.stuck) {
			if err := p.resume(); err != nil {
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			var reasons []string
			for _, s := range away {
				reasons = append(reasons, p.describe(s))
			}
			return nil, fmt.Errorf("process %d: not paused, and running on: %s", p.pid, strings.Join(reasons, "; "))
		case <-time.After(poll):
		}
	}
}

// A straggler is a thread that is not at an equivalence point.
type straggler struct {
	tid int
	whereabouts
	err error // if it is in one of the stubs: what is wrong with it
}

// stuck tells whether the thread stands where it cannot be moved from, whatever
// one waits for.
func (s straggler) stuck() bool {
	var elsewhere *pair.NotMovable
	return errors.As(s.err, &elsewhere)
}

// look finds the threads that are at equivalence points and those that are not.
func (p *process) look(ctx context.Context) (at []Thread, away []straggler, err error) {
	tids, err := threads(p.pid)
	if err != nil {
		return nil, nil, fmt.Errorf("process %d: %w", p.pid, err)
	}
	for _, tid := range tids {
		w, err := locate(p.pid, tid)
		if err != nil {
			return nil, nil, fmt.Errorf("process %d: %w", p.pid, err)
		}
		if w.state == ended {
			continue
		}
		if w.state == running || !p.parked(w.pc) && !p.blocked(w.pc) {
			away = append(away, straggler{tid: tid, whereabouts: w})
			continue
		}
		t, err := p.inspect(ctx, tid)
		s := straggler{tid, w, err}
		switch {
		case err == nil:
			at = append(at, t)
		case errors.Is(err, errBusy), s.stuck(): // one that was blocked may have come out, and be on its way
			away = append(away, s)
		case !errors.Is(err, errGone):
			return nil, nil, fmt.Errorf("process %d: %w", p.pid, err)
		}
	}
	if len(at)+len(away) == 0 {
		return nil, nil, p.gone()
	}
	// One that ran when we listed them may have made another since.
	now, err := threads(p.pid)
	if err != nil {
		return nil, nil, fmt.Errorf("process %d: %w", p.pid, err)
	}
	for _, tid := range now {
		if !slices.Contains(tids, tid) {
			away = append(away, straggler{tid: tid})
		}
	}
	return at, away, nil
}

// inspect walks the stack of a thread, which a dump would have to move.
func (p *process) inspect(ctx context.Context, tid int) (Thread, error) {
	regs, err := p.registers(ctx, tid)
	if err != nil {
		return Thread{}, err
	}
	st, err := p.binary.Unwind(regs, p.mem)
	if err != nil {
		return Thread{}, fmt.Errorf("thread %d cannot be moved from where it is: %w", tid, err)
	}
	t := Thread{TID: tid, Point: st.Point}
	for _, f := range st.Frames {
		t.Stack = append(t.Stack, f.Site.Function.Name)
	}
	return t, nil
}

// registers interrupts a thread.
func (p *process) registers(ctx context.Context, tid int) (pair.Registers, error) {
	regs, err := registersOf(ctx, tid)
	if err == nil {
		return regs, nil
	}
	if w, e := locate(p.pid, tid); e == nil && w.state == ended {
		err = errGone // the kernel's own error is "not permitted"
	}
	return regs, fmt.Errorf("thread %d: %w", tid, err)
}

// describe words where a thread is.
func (p *process) describe(s straggler) string {
	if s.state == running {
		w, err := p.catch(s.tid)
		if err != nil {
			return err.Error()
		}
		if w.state == held { // by ourselves
			w.state = running
		}
		s.whereabouts = w
	}
	in := p.caller(s.whereabouts)
	switch {
	case errors.Is(s.err, errBusy):
		return fmt.Sprintf("%v: it waits in the kernel, called from %s", s.err, in)
	case s.err != nil:
		return s.err.Error()
	case s.state == ended:
		return fmt.Sprintf("thread %d %v", s.tid, errGone)
	case p.parked(s.pc) || p.blocked(s.pc):
		return fmt.Sprintf("thread %d came to an equivalence point in %s when the time was up", s.tid, in)
	case s.state == asleep:
		return fmt.Sprintf("thread %d waits in the kernel, called from %s, which is not an equivalence point", s.tid, in)
	case s.state == held:
		return fmt.Sprintf("thread %d is held in %s, by a signal or a debugger, and reaches no poll", s.tid, in)
	}
	return fmt.Sprintf("thread %d computes in %s and reaches no poll", s.tid, in)
}

// caller names the function that a thread is in, or that called the stub it is
// in: both stubs keep their frame record at a known place.
func (p *process) caller(w whereabouts) string {
	record := w.sp
	switch {
	case p.blocked(w.pc):
		record += p.binary.Points.SysFrame
	case !p.parked(w.pc):
		return p.binary.Describe(w.pc)
	}
	var ret [8]byte
	if _, err := p.mem.ReadAt(ret[:], int64(record+8)); err != nil {
		return p.binary.Describe(w.pc)
	}
	return p.binary.Describe(binary.LittleEndian.Uint64(ret[:]))
}

func (p *process) parked(pc uint64) bool {
	pts := p.binary.Points
	return pc >= pts.ParkWait && pc < pts.ParkEnd
}

func (p *process) blocked(pc uint64) bool {
	pts := p.binary.Points
	return pc >= pts.SysResume && pc < pts.SysEnd
}
