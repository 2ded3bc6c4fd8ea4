package stop

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
)

// errGone is the error of a thread that ended.
var errGone = errors.New("the thread has ended")

// registersOf stops a thread for a moment and reads its registers. A system
// call it was asleep in is interrupted, and begun anew by the kernel.
func registersOf(tid int) (regs pair.Registers, err error) {
	// The kernel knows the tracer as a thread, not as a process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := ptrace(unix.PtraceSeize(tid), "attaching"); err != nil {
		return regs, err
	}
	if err := ptrace(unix.PtraceInterrupt(tid), "interrupting"); err != nil {
		return regs, err
	}
	var status unix.WaitStatus
	for {
		_, err = unix.Wait4(tid, &status, unix.WALL, nil)
		if err != unix.EINTR {
			break
		}
	}
	if err := ptrace(err, "waiting"); err != nil {
		return regs, err
	}
	if !status.Stopped() {
		return regs, errGone
	}
	regs, err = readRegisters(tid)
	// A signal that arrived first is delivered by the detaching.
	deliver := 0
	if status.TrapCause() != unix.PTRACE_EVENT_STOP && status.StopSignal() != unix.SIGTRAP {
		deliver = int(status.StopSignal())
	}
	return regs, errors.Join(ptrace(err, "reading the registers"), ptrace(detach(tid, deliver), "detaching"))
}

func ptrace(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ECHILD):
		return errGone
	}
	return errors.New(what + ": " + err.Error())
}

// detach is PTRACE_DETACH with a signal to deliver, which x/sys does not offer.
func detach(tid, signal int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(signal), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
