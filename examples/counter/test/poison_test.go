package test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
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
	const stops = 40
	for _, tt := range []struct {
		mode string
		want []pair.Point // seen at least once
	}{
		{"busy", []pair.Point{pair.Parked}},
		{"sleepy", []pair.Point{pair.Blocked}},
		{"", []pair.Point{pair.Parked, pair.Blocked}},
	} {
		t.Run("mode "+tt.mode, func(t *testing.T) {
			t.Parallel()
			var args []string
			if tt.mode != "" {
				args = append(args, tt.mode)
			}
			r := start(t, args...)
			p := openPoisoner(t, r.pid())
			r.next()
			before := r.count
			signals := 0
			seen := map[pair.Point]int{}
			functions := map[string]bool{}
			for i := range stops {
				time.Sleep(time.Duration(rand.IntN(int(60 * time.Millisecond))))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				threads, err := stop.Pause(ctx, r.pid())
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				seen[p.poison()]++
				functions[threads[0].Stack[0]] = true
				if err := stop.Resume(r.pid()); err != nil {
					t.Fatal(err)
				}
				if i%8 == 0 {
					if err := syscall.Kill(r.pid(), syscall.SIGUSR1); err != nil {
						t.Fatal(err)
					}
					signals++
				}
				// A line now and then: what is wrong shows soon, and the pipe is emptied.
				if i%4 == 3 {
					r.next()
				}
			}
			for range 3 {
				r.next()
			}
			if got := r.next(); got != signals {
				t.Errorf("%d signals are counted, want %d", got, signals)
			}
			for _, want := range tt.want {
				if seen[want] == 0 {
					t.Errorf("never stopped %v", want)
				}
			}
			t.Logf("%d lines; stopped %v, in %v", r.count-before, seen, functions)
		})
	}
}

// A poisoner destroys what is dead in a stopped process.
type poisoner struct {
	t         *testing.T
	pid       int
	points    pair.Points
	low, high uint64 // of the native stack
	mem       *os.File
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
	p := &poisoner{t: t, pid: pid, points: b.Points, mem: mem}
	tp := symbol(t, "__tp_main_thread")
	p.low, p.high = p.word(tp+uint64(f.Thread.NativeLow)), p.word(tp+uint64(f.Thread.NativeHigh))
	return p
}

func (p *poisoner) word(addr uint64) uint64 {
	p.t.Helper()
	var b [8]byte
	if _, err := p.mem.ReadAt(b[:], int64(addr)); err != nil {
		p.t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(b[:])
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

// errMoving is the error for a thread that is between its points, having just
// come out of the kernel. It is about to park.
var errMoving = errors.New("not at a point")

// poison does it once the thread is at a point, and tells at which kind.
func (p *poisoner) poison() pair.Point {
	p.t.Helper()
	for {
		point, err := p.try()
		if err == nil {
			return point
		}
		if !errors.Is(err, errMoving) {
			p.t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// try stops the thread and, if it is at a point, leaves nothing of it but what
// the contract says, and puts it to where the contract allows.
func (p *poisoner) try() (point pair.Point, err error) {
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
	case pc >= p.points.ParkWait && pc < p.points.ParkEnd:
		point = pair.Parked
		p.frames(fp, fp)
		return point, poisonRegisters(p.pid, p.points.ParkWait, fp, fp)
	case pc == p.points.SysInsn:
		point = pair.Blocked
		p.frames(fp, fp-stubWords)
		return point, poisonRegisters(p.pid, p.points.SysResume, fp-p.points.SysFrame, fp)
	}
	return 0, fmt.Errorf("pc=%#x: %w", pc, errMoving)
}

// frames poisons the native stack. fp is the innermost frame record, and lives
// is where the lowest live word below it is.
func (p *poisoner) frames(fp, lives uint64) {
	p.t.Helper()
	p.fill(p.low, lives)
	for {
		caller, ret := p.word(fp), p.word(fp+8)
		if caller == 0 {
			p.fill(fp+16, p.high)
			return
		}
		live := caller
		if ret >= p.points.SysResume && ret < p.points.SysEnd { // the stub, parked on its way out
			live -= stubWords
		}
		p.fill(fp+16, live)
		fp = caller
	}
}
