package stop

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

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

// A tracing is a look at a thread that is under way.
type tracing chan traced

type traced struct {
	regs pair.Registers
	err  error
}

// startTracing stops a thread for a moment and reads its registers. A system
// call it was asleep in is interrupted, and begun anew by the kernel. Nobody
// needs to wait for the result.
func startTracing(tid int) tracing {
	t := make(tracing, 1)
	go func() {
		regs, err := trace(tid)
		t <- traced{regs, err}
	}()
	return t
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
