package translate

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	criu_core "github.com/checkpoint-restore/go-criu/v7/crit/images/criu-core"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/translate/isa"
)

// Report is what a person wants to know of a dump first. Its JSON form is part
// of the interface of the command.
type Report struct {
	Source string       `json:"source"`
	Arch   string       `json:"arch"`
	Images int          `json:"images"`
	Bytes  int64        `json:"bytes"` // of all images
	Tasks  []TaskReport `json:"tasks"`
}

// TaskReport is one process.
type TaskReport struct {
	PID        uint32 `json:"pid"`
	Command    string `json:"command"`
	Zombie     bool   `json:"zombie,omitempty"`
	Executable string `json:"executable,omitempty"`
	// Mapped and Dumped are in bytes: the size of all mappings, and of the
	// pages that this dump, without its parents, holds of them.
	Mapped uint64 `json:"mapped"`
	Dumped uint64 `json:"dumped"`
	// Problem stands in the way of the whole process.
	Problem string         `json:"problem,omitempty"`
	Threads []ThreadReport `json:"threads"`
}

// ThreadReport is one thread.
type ThreadReport struct {
	TID uint32 `json:"tid"`
	// State is "parked", "in" a system call, or empty if it cannot be told.
	State string `json:"state,omitempty"`
	// Stack names the functions on the call stack, innermost first. Of a
	// thread that is not at an equivalence point, without State, it begins
	// with the place where the thread stands, and goes as far as its frame
	// pointers can be followed: a function that has not made its frame yet
	// hides its caller.
	Stack   []string `json:"stack,omitempty"`
	Movable bool     `json:"movable"`
	Reason  string   `json:"reason,omitempty"` // why it is not
}

// Movable says whether every thread of the dump can be moved.
func (r *Report) Movable() bool {
	for _, t := range r.Tasks {
		if t.Problem != "" {
			return false
		}
		for _, th := range t.Threads {
			if !th.Movable {
				return false
			}
		}
	}
	return true
}

// Inspect looks at a dump without translating it. Of the options it uses
// Source, and to find either half of each pair, Binaries and Sysroot.
func Inspect(o Options) (*Report, error) {
	d, err := openDump(o.Source)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r := &Report{Source: o.Source, Arch: d.isa.Name()}
	for name, s := range d.stamps {
		if shown(name) {
			r.Images++
			r.Bytes += s.Size
		}
	}
	for _, t := range d.tasks {
		r.Tasks = append(r.Tasks, o.inspectTask(d, t))
	}
	return r, nil
}

func (o *Options) inspectTask(d *dump, t *task) TaskReport {
	r := TaskReport{PID: t.pid, Command: t.comm, Zombie: t.dead, Executable: t.exe, Threads: []ThreadReport{}}
	if t.dead {
		return r
	}
	for _, v := range t.mm.GetVmas() {
		r.Mapped += v.GetEnd() - v.GetStart()
	}
	x := &translation{dump: d}
	var problems []error
	var from *pair.Binary // nil if the program is not known
	var err error
	either := []elf.Machine{d.isa.Machine()} // the dumped one first
	for _, i := range isas {
		if i != d.isa {
			either = append(either, i.Machine())
		}
	}
	if x.exe, err = o.find(t.exe, either...); err == nil {
		from, err = x.source(t)
	}
	if err != nil {
		problems = append(problems, err)
	}
	m, err := x.memory(t)
	if err != nil {
		problems = append(problems, err)
	} else {
		defer m.dump.Close()
		for _, e := range m.dump.Extents() {
			if e.Flags&criuimg.PEPresent != 0 {
				r.Dumped += e.Pages * pageSize
			}
		}
	}
	if len(problems) > 0 {
		r.Problem = errors.Join(problems...).Error()
	}
	for _, tid := range t.threads {
		r.Threads = append(r.Threads, x.inspectThread(tid, from, m))
	}
	return r
}

// inspectThread looks at a thread; from and m are nil if they are not known.
func (x *translation) inspectThread(tid uint32, from *pair.Binary, m *memory) ThreadReport {
	r := ThreadReport{TID: tid}
	name := coreName(tid)
	core, err := criuimg.One[*criu_core.CoreEntry](x.dump.Dir, name)
	if err != nil {
		r.Reason = err.Error()
		return r
	}
	state, err := x.dump.isa.ReadThread(core)
	if err != nil {
		r.Reason = fmt.Sprintf("%s: %v", name, err)
		return r
	}
	if from == nil || m == nil {
		r.Reason, r.Stack = "its process cannot be moved", x.followFrames(from, state, m)
		return r
	}
	st, err := from.Unwind(registers(state), m)
	if err != nil {
		r.Stack = x.followFrames(from, state, m)
	} else {
		r.State, r.Stack = stateOf(st), frames(st.Frames)
	}
	if refused := refuse(core); refused != nil {
		err = refused
	}
	if err != nil {
		r.Reason = fmt.Sprintf("%s: %v", name, err)
	}
	r.Movable = err == nil
	return r
}

// followFrames names the functions on the stack of a thread that is not where
// the pair's metadata tells about: the place where it stands, and then those
// that the chain of frame records leads to, as long as it leads up the stack
// and back into the program.
func (x *translation) followFrames(from *pair.Binary, t isa.Thread, m *memory) []string {
	if from == nil {
		return []string{fmt.Sprintf("%#x", t.PC)}
	}
	names := []string{from.Describe(t.PC)}
	if m == nil {
		return names
	}
	const enough = 256 // frames, of a stack that nobody vouches for
	for fp := t.FP; len(names) < enough; {
		var record struct{ FP, Return uint64 }
		if err := binary.Read(io.NewSectionReader(m, int64(fp), 16), binary.LittleEndian, &record); err != nil {
			break
		}
		// The return address is behind the call, which may end its function.
		f, ok := x.exe.FunctionAt(record.Return - 1)
		if !ok || slices.Contains(from.Points.Roots, record.Return) {
			break
		}
		names = append(names, f.Name)
		if record.FP <= fp {
			break
		}
		fp = record.FP
	}
	return names
}

func frames(fs []pair.Frame) []string {
	var names []string
	for _, f := range fs {
		names = append(names, f.Site.Function.Name)
	}
	return names
}

func stateOf(st *pair.Stack) string {
	switch {
	case st.Call == nil:
		return "parked"
	case st.Call.Done:
		return fmt.Sprintf("returning from %s", callName(st.Call.Number))
	}
	return "in " + callName(st.Call.Number)
}

// callName names those system calls in which programs sleep, by the numbers of
// include/uapi/asm-generic/unistd.h. Above a number of 32 bits there are flags
// of the stub's own.
func callName(n uint64) string {
	n = uint64(uint32(n))
	names := map[uint64]string{
		22: "epoll_pwait", 25: "fcntl", 29: "ioctl", 32: "flock", 63: "read", 64: "write",
		65: "readv", 66: "writev", 67: "pread64", 68: "pwrite64", 72: "pselect6", 73: "ppoll",
		76: "splice", 82: "fsync", 95: "waitid", 98: "futex", 101: "nanosleep",
		115: "clock_nanosleep", 133: "rt_sigsuspend", 137: "rt_sigtimedwait", 188: "msgrcv",
		189: "msgsnd", 192: "semtimedop", 193: "semop", 202: "accept", 203: "connect",
		206: "sendto", 207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 242: "accept4",
		260: "wait4",
	}
	if name, ok := names[n]; ok {
		return name
	}
	if n > math.MaxInt32 {
		return "an unknown system call"
	}
	return fmt.Sprintf("system call %d", n)
}
