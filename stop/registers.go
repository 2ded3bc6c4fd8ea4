package stop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

var (
	// errGone is the error of a thread or process that is no more.
	errGone = errors.New("has ended")
	// errBusy is the error of a thread that does not stop, as one in a system
	// call that waits for a dead file server does not.
	errBusy = errors.New("did not stop in time")
)

// isGone tells the errors of /proc and ptrace for a thread that is no more.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ECHILD)
}

// A tracing is a look at a thread, which has no more than one at a time.
type tracing struct {
	done chan struct{} // closed when the thread is let go; then the rest is valid
	regs pair.Registers
	err  error
}

// tracings are those under way, by thread.
var tracings = struct {
	sync.Mutex
	of map[int]*tracing
}{of: map[int]*tracing{}}

// startTracing begins a look at a thread. If one is under way it is that: it
// may already have seen the thread.
func startTracing(tid int) (t *tracing, isNew bool) {
	tracings.Lock()
	defer tracings.Unlock()
	if t, ok := tracings.of[tid]; ok {
		return t, false
	}
	t = &tracing{done: make(chan struct{})}
	tracings.of[tid] = t
	go func() {
		t.regs, t.err = trace(tid)
		tracings.Lock()
		delete(tracings.of, tid)
		tracings.Unlock()
		close(t.done)
	}()
	return t, true
}

// beingTraced tells whether we look at a thread.
func beingTraced(tid int) bool {
	tracings.Lock()
	defer tracings.Unlock()
	return tracings.of[tid] != nil
}

// registersOf stops a thread for a moment and reads its registers. A system
// call it was asleep in is interrupted, and begun anew by the kernel. The error
// is errBusy if ctx ends before the thread stops; it is let go when it does.
func registersOf(ctx context.Context, tid int) (pair.Registers, error) {
	for ctx.Err() == nil {
		t, isNew := startTracing(tid)
		select {
		case <-t.done:
			if isNew {
				return t.regs, t.err
			}
		case <-ctx.Done():
		}
	}
	return pair.Registers{}, errBusy
}

func trace(tid int) (regs pair.Registers, err error) {
	// The kernel knows the tracer as a thread, not as a process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := unix.PtraceSeize(tid); err != nil {
		if errors.Is(err, unix.EPERM) {
			return regs, fmt.Errorf("%w: does a debugger hold it?", wrap("attaching", err))
		}
		return regs, wrap("attaching", err)
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		return regs, wrap("interrupting", err)
	}
	var status unix.WaitStatus
	for {
		_, err = unix.Wait4(tid, &status, unix.WALL, nil)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return regs, wrap("waiting", err)
	}
	if !status.Stopped() {
		return regs, errGone
	}
	regs, err = readRegisters(tid)
	// A signal that arrived before our interruption is delivered by the detaching.
	deliver := 0
	if event := status >> 16; event == 0 {
		deliver = int(status.StopSignal())
	}
	if err != nil {
		err = wrap("reading the registers", err)
	}
	if d := detach(tid, deliver); d != nil && err == nil {
		err = wrap("detaching", d)
	}
	return regs, err
}

func wrap(what string, err error) error {
	if isGone(err) {
		return errGone
	}
	return fmt.Errorf("%s: %w", what, err)
}

// detach is PTRACE_DETACH with a signal to deliver, which x/sys does not offer.
func detach(tid, signal int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(signal), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
