package stop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// state is what a thread does, as far as the kernel tells.
type state int

const (
	running state = iota
	asleep        // in a system call
	held          // asleep elsewhere: stopped by a signal or a debugger (on aarch64 also in a call), or waiting for a page
	ended         // and not yet removed
)

// whereabouts is where a thread is. A running one cannot be located.
type whereabouts struct {
	state  state
	sp, pc uint64 // of the program, if asleep or held
}

// locate reads /proc/PID/task/TID/syscall.
func locate(pid, tid int) (whereabouts, error) {
	path := fmt.Sprintf("/proc/%d/task/%d/syscall", pid, tid)
	text, err := os.ReadFile(path)
	if isGone(err) {
		return whereabouts{state: ended}, nil
	}
	if err != nil {
		return whereabouts{}, err
	}
	w, err := parseSyscall(string(text))
	if err != nil {
		return w, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// parseSyscall parses such a file (proc_pid_syscall(5)), which is one of
//
//	running
//	NUMBER ARG1 ... ARG6 SP PC
//	-1 SP PC
//
// the last for a thread that is blocked, but not in a system call. One that has
// ended has no stack: both are zero.
func parseSyscall(text string) (whereabouts, error) {
	unexpected := func() (whereabouts, error) {
		return whereabouts{}, fmt.Errorf("unexpected content %.200q", text)
	}
	fields := strings.Fields(text)
	if len(fields) == 1 && fields[0] == "running" {
		return whereabouts{state: running}, nil
	}
	if len(fields) != 3 && len(fields) != 9 {
		return unexpected()
	}
	number, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || (number == -1) != (len(fields) == 3) {
		return unexpected()
	}
	var words []uint64
	for _, f := range fields[1:] {
		hex, ok := strings.CutPrefix(f, "0x")
		word, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil {
			return unexpected()
		}
		words = append(words, word)
	}
	w := whereabouts{state: asleep, sp: words[len(words)-2], pc: words[len(words)-1]}
	if number == -1 {
		w.state = held
		if w.sp == 0 && w.pc == 0 {
			w.state = ended
		}
	}
	return w, nil
}

// tracerOf reads which process traces a thread; 0 is none.
func tracerOf(pid, tid int) (int, error) {
	path := fmt.Sprintf("/proc/%d/task/%d/status", pid, tid)
	text, err := os.ReadFile(path)
	if isGone(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	tracer, err := parseTracer(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return tracer, nil
}

// parseTracer finds the TracerPid in such a file (proc_pid_status(5)).
func parseTracer(text string) (int, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "TracerPid:"); ok {
			tracer, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			if err != nil {
				return 0, fmt.Errorf("TracerPid: %w", err)
			}
			return int(tracer), nil
		}
	}
	return 0, errors.New("has no TracerPid")
}

// threads lists the threads of a process; none if there is no such process.
func threads(pid int) ([]int, error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return nil, err
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
