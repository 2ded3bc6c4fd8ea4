package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// starterEnv tells a server in the background the descriptor on which whoever
// started it waits.
const starterEnv = "_TPFS_STARTER_FD"

const readyText = "ready"

// startServer runs this program again, with the same arguments, as a session of
// its own, and returns when the mount at dir answers. If it does not come to
// that, the server has said why on our stderr.
func startServer(dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	// A descriptor which this process happened to inherit, and which the
	// server kept, would make somebody wait for its end.
	unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	server := exec.Command(exe)
	server.Args = os.Args
	server.Env = append(os.Environ(), starterEnv+"=3")
	server.ExtraFiles = []*os.File{w}
	server.Stderr = os.Stderr // until it is ready
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = server.Start()
	w.Close()
	if err != nil {
		return err
	}
	word, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if string(word) == readyText {
		// Ask it something, to be sure.
		if _, err := os.Stat(dir); err != nil {
			return withCode(exitMount, fmt.Errorf("the mount does not answer: %w", err))
		}
		return server.Process.Release()
	}
	err = server.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exitSilently(exit.ExitCode())
	}
	return fmt.Errorf("the server in the background ended: %v", err)
}

// starter is the process that started this one in the background.
type starter struct{ pipe *os.File }

// startedBy is nil if this process was not started by startServer.
func startedBy() *starter {
	fd, err := strconv.Atoi(os.Getenv(starterEnv))
	if err != nil {
		return nil
	}
	os.Unsetenv(starterEnv)
	unix.CloseOnExec(fd)
	return &starter{os.NewFile(uintptr(fd), "starter")}
}

// ready leaves the terminal and the working directory, then tells the starter
// that all is well. What the runtime may have to say later, about a crash, goes
// to the log.
func (s *starter) ready(logs io.Writer) error {
	defer s.pipe.Close()
	if err := os.Chdir("/"); err != nil {
		return err
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	out, ok := logs.(*os.File)
	if !ok {
		out = null
	}
	for fd, f := range []*os.File{null, out, out} {
		if err := unix.Dup3(int(f.Fd()), fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	if _, err := s.pipe.WriteString(readyText); err != nil {
		return fmt.Errorf("whoever started this server is gone: %w", err)
	}
	return nil
}
