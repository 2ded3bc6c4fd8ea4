package main

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/fs"
)

var umountCommand = command{
	name:  "umount",
	args:  "DST",
	short: "end a mount, and wait until its server is gone",
	setup: func(flags *pflag.FlagSet) runFunc {
		lazy := flags.BoolP("lazy", "l", false, "detach DST now even if it is in use; do not wait")
		return func(args []string, stdout, stderr io.Writer) error {
			return withCode(exitMount, umount(args[0], *lazy, stderr))
		}
	},
}

// serverGoes is how long the server may take to end after the unmount.
const serverGoes = 10 * time.Second

func umount(dir string, lazy bool, stderr io.Writer) error {
	info, err := fs.MountAt(dir)
	if errors.Is(err, iofs.ErrNotExist) || err == nil && info.Type != fs.Type {
		return fmt.Errorf("%s is no mount of tpfs", dir)
	}
	if err != nil {
		return err
	}
	if lazy {
		return fs.Unmount(info.Dir, unix.MNT_DETACH)
	}
	server, pid := serverOf(info.Dir)
	if server >= 0 {
		defer unix.Close(server)
	}
	err = fs.Unmount(info.Dir, 0)
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%s is in use: end what uses it (fuser -vm %s lists it) and try again, or detach it with --lazy", dir, dir)
	}
	if err != nil {
		return err
	}
	if server < 0 {
		return nil
	}
	if err := waitExit(server, serverGoes); err != nil {
		fmt.Fprintf(stderr, "tpfs: %s is unmounted, but its server, process %d, still runs\n", dir, pid)
	}
	return nil
}

// serverOf opens a pidfd of the mount's server. It is -1 if that cannot be
// known: the mount is dead, or served from another PID namespace.
func serverOf(dir string) (pidfd, pid int) {
	// A server that hangs must not keep us from unmounting.
	text := make(chan []byte, 1)
	go func() {
		b, _ := os.ReadFile(filepath.Join(dir, fs.PidFile))
		text <- b
	}()
	select {
	case b := <-text:
		pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	case <-time.After(2 * time.Second):
	}
	if pid <= 0 {
		return -1, 0
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, 0
	}
	if !servesFuse(pid) {
		unix.Close(pidfd)
		return -1, 0
	}
	return pidfd, pid
}

// servesFuse tells whether a process has /dev/fuse open. Another one may have
// the number in our PID namespace.
func servesFuse(pid int) bool {
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	list, err := os.ReadDir(fds)
	if err != nil {
		return false
	}
	for _, e := range list {
		if target, err := os.Readlink(filepath.Join(fds, e.Name())); err == nil && target == "/dev/fuse" {
			return true
		}
	}
	return false
}

func waitExit(pidfd int, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
}
