package lab

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that cannot outlive this process.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	err    error         // how it ended, once exited is closed
}

// start starts a command whose process the kernel kills when this process
// dies, however it dies. It has a process group of its own, so that ^C in a
// terminal reaches only us, who stop it in an orderly way.
func start(c *exec.Cmd) (*process, error) {
	p := &process{cmd: c, exited: make(chan struct{})}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// To the kernel the parent is the thread that forked, not the process:
		// the signal comes when that thread ends, which Go's scheduler may let
		// happen at any time. So this thread does nothing but wait.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			p.err = c.Wait()
			close(p.exited)
		}
	}()
	return p, <-started
}

// stop asks the process to end by a signal, kills it if it has not after the
// patience given, and returns when it is gone.
func (p *process) stop(sig syscall.Signal, patience time.Duration) {
	p.cmd.Process.Signal(sig) // an error says that it is gone already
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.exited
	}
}
