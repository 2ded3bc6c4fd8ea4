package test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/pair"
	"github.com/tpfs/tpfs/stop"
)

// TestPoison stops the program at random, overwrites all that the runtime's
// contract calls dead, and lets it run on: every register but frame and stack
// pointer, and every word of the native stack but the frame records and the
// system-call stub's own. So a value that the compiler kept in a native frame
// across a call, against the rules of rt/frame.h, comes to light.
func TestPoison(t *testing.T) {
	t.Parallel()
	const stops = 50
	for _, tt := range []struct {
		mode string
		want []place // so many stops at each
	}{
		{"busy", []place{atPoll}},
		{"sleepy", []place{inKernel}},
		{"", []place{atPoll, inKernel}},
	} {
		t.Run("mode "+tt.mode, func(t *testing.T) {
			t.Parallel()
			r := start(t, strings.Fields(tt.mode)...)
			r.next()
			p := openPoisoner(t, r.pid())
			seen, signals := map[place]int{}, 0
			enough := func() bool {
				return !slices.ContainsFunc(tt.want, func(w place) bool { return seen[w] < stops })
			}
			for i := 0; !enough(); i++ {
				if i == 20*stops {
					t.Fatalf("stopped only %v in %d attempts", seen, i)
				}
				time.Sleep(rand.N(30 * time.Millisecond))
				p.pause()
				seen[p.poison(inPlace)]++
				if err := stop.Resume(r.pid()); err != nil {
					t.Fatal(err)
				}
				if i%8 == 0 {
					if err := syscall.Kill(r.pid(), syscall.SIGUSR1); err != nil {
						t.Fatal(err)
					}
					signals++
				}
			}
			for r.next() < signals {
			}
			for range 2 {
				if got := r.next(); got != signals {
					t.Errorf("%d signals are counted, want %d", got, signals)
				}
			}
			t.Logf("%d lines; stopped %v", r.count, seen)
		})
	}
}

// TestPoisonEveryPoll stops the program at each poll and each system call that
// it comes to from its first one on, with the same in mind as TestPoison, which
// hits mostly what takes long.
func TestPoisonEveryPoll(t *testing.T) {
	t.Parallel()
	const lines = 4
	r := startPaused(t, "sleepy")
	p := openPoisoner(t, r.pid())
	seen, functions := map[place]int{}, map[string]int{}
	for functions["write_all"] < 3*lines { // its first poll, its call, and the poll behind
		innermost := p.pause().Stack[0]
		functions[innermost]++
		if innermost == "work" {
			p.hurryWork()
		}
		at := p.poison(onward)
		seen[at]++
		if at == inKernel {
			time.Sleep(10 * time.Millisecond) // it goes on by itself, at the end of its nap
		}
	}
	if err := stop.Resume(r.pid()); err != nil {
		t.Fatal(err)
	}
	for range lines + 2 {
		r.next()
	}
	for _, f := range p.pair.Functions {
		for i, s := range f.Sites {
			if f.Name == "main" && s.Callee == "write_all" {
				continue // how it is used
			}
			if !p.sites[s.ID] {
				t.Errorf("never stopped in call %d of %s, to %s", i, f.Name, s.Callee)
			}
		}
	}
	t.Logf("stopped %v in %v, at %d call sites", seen, functions, len(p.sites))
}

// startPaused starts the program with its pause word set, so that it parks at
// its first poll.
func startPaused(t *testing.T, args ...string) *run {
	t.Helper()
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command(*program, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true} // stops when it is loaded
	r := startCommand(t, cmd)
	var status unix.WaitStatus
	if _, err := unix.Wait4(r.pid(), &status, unix.WALL, nil); err != nil || !status.Stopped() {
		t.Fatalf("the program did not stop: %#x, %v", status, err)
	}
	p := openPoisoner(t, r.pid())
	if _, err := p.mem.WriteAt([]byte{1, 0, 0, 0}, int64(p.points.PauseWord)); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceDetach(r.pid()); err != nil {
		t.Fatal(err)
	}
	return r
}

// place is where a thread can be stopped.
type place int

const (
	atPoll      place = iota
	inKernel          // asleep in a system call
	outOfKernel       // parked with the result of one
)

func (p place) String() string {
	return [...]string{"at a poll", "in the kernel", "out of the kernel"}[p]
}

// A poisoner destroys what is dead in a stopped process.
type poisoner struct {
	t         *testing.T
	pid       int
	pair      *pair.File
	binary    *pair.Binary
	points    pair.Points
	portable  uint64 // where the portable stack pointer is
	low, high uint64 // of the native stack
	mem       *os.File
	sites     map[uint64]bool // IDs of those that were on the stack
}

func openPoisoner(t *testing.T, pid int) *poisoner {
	t.Helper()
	f, err := pair.Open(*program)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := f.Binary(f.Machine)
	if !ok {
		t.Fatalf("%s does not describe itself", *program)
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	p := &poisoner{t: t, pid: pid, pair: f, binary: b, points: b.Points, mem: mem, sites: map[uint64]bool{}}
	tp := symbol(t, "__tp_main_thread")
	p.portable = tp + 40 // struct tp_thread, portable_sp
	p.low, p.high = p.word(tp+uint64(f.Thread.NativeLow)), p.word(tp+uint64(f.Thread.NativeHigh))
	return p
}

// pause waits until the thread is at a point, with the pause word set.
func (p *poisoner) pause() stop.Thread {
	p.t.Helper()
	threads, err := stop.Pause(p.t.Context(), p.pid, time.Minute)
	if err != nil {
		p.t.Fatal(err)
	}
	return threads[0]
}

func (p *poisoner) word(addr uint64) uint64 {
	p.t.Helper()
	var b [8]byte
	if _, err := p.mem.ReadAt(b[:], int64(addr)); err != nil {
		p.t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
}

func (p *poisoner) setWord(addr, v uint64) {
	p.t.Helper()
	if _, err := p.mem.WriteAt(binary.LittleEndian.AppendUint64(nil, v), int64(addr)); err != nil {
		p.t.Fatal(err)
	}
}

// hurryWork does all rounds but the last for the program's function work, in
// its struct work_frame.
func (p *poisoner) hurryWork() {
	p.t.Helper()
	frame := p.word(p.portable)
	if i := p.word(frame); i > 1 {
		done := math.Float64frombits(p.word(frame + 8))
		p.setWord(frame, 1)
		p.setWord(frame+8, math.Float64bits(done+float64(i-1)))
	}
}

// fill poisons [from, to).
func (p *poisoner) fill(from, to uint64) {
	p.t.Helper()
	if from > to || from < p.low || to > p.high {
		p.t.Fatalf("frames out of order: [%#x, %#x) of the stack [%#x, %#x)", from, to, p.low, p.high)
	}
	if _, err := p.mem.WriteAt(bytes.Repeat([]byte{poisonByte}, int(to-from)), int64(from)); err != nil {
		p.t.Fatal(err)
	}
}

const (
	poisonByte = 0x5a
	poisonWord = 0x5a5a5a5a5a5a5a5a

	stubWords = 9 * 8 // bytes that the system-call stub keeps below its frame pointer
)

// how a thread goes on.
type how int

const (
	inPlace how = iota // where the contract says that it can
	// Out of the stub, although the pause word is set: it parks at the next
	// poll. A thread in the kernel has no result yet, and goes on in place.
	onward
)

// errMoving is the error for a thread that is between its points, having just
// come out of the kernel. It is about to park.
var errMoving = errors.New("not at a point")

// poison does it once the thread is at a point, and tells at which.
func (p *poisoner) poison(h how) place {
	p.t.Helper()
	for {
		at, err := p.try(h)
		if err == nil {
			return at
		}
		if !errors.Is(err, errMoving) {
			p.t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// try stops the thread and, if it is at a point, leaves nothing of it but what
// the contract says.
func (p *poisoner) try(h how) (at place, err error) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(p.pid); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.PtraceDetach(p.pid)) }()
	if err := unix.PtraceInterrupt(p.pid); err != nil {
		return 0, err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.pid, &status, unix.WALL, nil); err != nil {
		return 0, err
	}
	if status.TrapCause() != unix.PTRACE_EVENT_STOP {
		return 0, fmt.Errorf("stopped by %v", status.StopSignal())
	}
	pc, fp, err := where(p.pid, p.points)
	if err != nil {
		return 0, err
	}
	switch {
	case p.parked(pc) && p.inStub(p.word(fp+8)):
		at, fp = outOfKernel, p.word(fp) // the park stub's own frame is not needed
	case p.parked(pc):
		at = atPoll
	case pc == p.points.SysInsn:
		at = inKernel
	default:
		return 0, fmt.Errorf("pc=%#x: %w", pc, errMoving)
	}
	if at == atPoll {
		p.frames(fp, fp)
		to := map[how]uint64{inPlace: p.points.ParkWait, onward: p.points.ParkEnd}[h]
		return at, poisonRegisters(p.pid, to, fp, fp)
	}
	p.frames(fp, fp-stubWords)
	to := p.points.SysResume
	if at == outOfKernel && h == onward {
		to = p.points.SysEnd
	}
	return at, poisonRegisters(p.pid, to, fp-p.points.SysFrame, fp)
}

func (p *poisoner) parked(pc uint64) bool { return pc >= p.points.ParkWait && pc < p.points.ParkEnd }

func (p *poisoner) inStub(pc uint64) bool { return pc >= p.points.SysResume && pc < p.points.SysEnd }

// frames poisons the native stack. fp is the innermost frame record, and lives
// is where the lowest live word below it is.
func (p *poisoner) frames(fp, lives uint64) {
	p.t.Helper()
	p.fill(p.low, lives)
	for {
		caller := p.word(fp)
		if s, ok := p.binary.SiteAt(p.word(fp + 8)); ok {
			p.sites[s.ID] = true
		}
		if caller == 0 {
			p.fill(fp+16, p.high)
			return
		}
		p.fill(fp+16, caller)
		fp = caller
	}
}
