package stop

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseSyscall(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       whereabouts
		bad        bool
	}{
		{name: "running", text: "running\n", want: whereabouts{state: running}},
		{name: "asleep", text: "35 0x108ff40 0x108ff40 0x0 0x0 0x0 0x0 0x10dfd20 0x100255b\n", want: whereabouts{asleep, 0x10dfd20, 0x100255b}},
		{name: "number 0", text: "0 0x3 0x7ffe 0x400 0x0 0x0 0x0 0x7ffd 0xffffffffffffffff\n", want: whereabouts{asleep, 0x7ffd, 1<<64 - 1}},
		{name: "held", text: "-1 0x10dfcb0 0x1001722\n", want: whereabouts{held, 0x10dfcb0, 0x1001722}},
		{name: "ended", text: "-1 0x0 0x0\n", want: whereabouts{state: ended}},
		{name: "held without a stack", text: "-1 0x0 0x1001722\n", want: whereabouts{held, 0, 0x1001722}},
		{name: "not quite -1", text: "-2 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", want: whereabouts{asleep, 7, 8}},
		{name: "empty", text: "", bad: true},
		{name: "another word", text: "sleeping\n", bad: true},
		{name: "words after running", text: "running 0x1 0x2\n", bad: true},
		{name: "no arguments", text: "35 0x10dfd20 0x100255b\n", bad: true},
		{name: "cut off", text: "35 0x108ff40 0x108ff40 0x0 0x0 0x0 0x0 0x10dfd20\n", bad: true},
		{name: "too long", text: "35 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9\n", bad: true},
		{name: "arguments with -1", text: "-1 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", bad: true},
		{name: "number in hexadecimal", text: "0x23 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", bad: true},
		{name: "address in decimal", text: "35 0x1 0x2 0x3 0x4 0x5 0x6 0x7 8\n", bad: true},
		{name: "address of 65 bits", text: "-1 0x10000000000000000 0x1\n", bad: true},
		{name: "no digits", text: "-1 0x 0x1\n", bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseSyscall(tt.text)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %+v, %v, want %+v, error %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

// print is the opposite of parseSyscall.
func (w whereabouts) print() string {
	switch w.state {
	case running:
		return "running\n"
	case asleep:
		return fmt.Sprintf("1 0x1 0x2 0x3 0x4 0x5 0x6 %#x %#x\n", w.sp, w.pc)
	}
	return fmt.Sprintf("-1 %#x %#x\n", w.sp, w.pc)
}

func FuzzParseSyscall(f *testing.F) {
	for _, text := range []string{"running\n", "35 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8\n", "-1 0x1 0x2\n", "-1 0x0 0x0\n", "-1 0x1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseSyscall(text)
		if err != nil {
			if w != (whereabouts{}) {
				t.Errorf("%q: %+v with an error", text, w)
			}
			return
		}
		if again, err := parseSyscall(w.print()); again != w || err != nil {
			t.Errorf("%q is %+v, and that is %+v, %v", text, w, again, err)
		}
		if n := len(strings.Fields(text)); !slices.Contains(map[state][]int{running: {1}, asleep: {9}, held: {3}, ended: {3}}[w.state], n) {
			t.Errorf("%q, of %d fields, is %+v", text, n, w)
		}
	})
}

func TestParseTracer(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       int
		bad        bool
	}{
		{name: "none", text: "Name:\tx\nTracerPid:\t0\nUid:\t0\t0\t0\t0\n", want: 0},
		{name: "one", text: "Name:\tx\nTracerPid:\t4242\n", want: 4242},
		{name: "name that looks like it", text: "Name:\tTracerPid:\t7\nTracerPid:\t8\n", want: 8},
		{name: "not there", text: "Name:\tx\n", bad: true},
		{name: "no number", text: "TracerPid:\t\n", bad: true},
		{name: "not a process id", text: "TracerPid:\t-1\n", bad: true},
		{name: "empty", text: "", bad: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTracer(tt.text)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %d, %v, want %d, error %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

func FuzzParseTracer(f *testing.F) {
	for _, text := range []string{"Name:\tx\nTracerPid:\t42\nUid:\t0\n", "TracerPid:\t", "TracerPid:\t-1\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tracer, err := parseTracer(text)
		if err == nil && (tracer < 0 || !strings.Contains(text, "TracerPid:")) || err != nil && tracer != 0 {
			t.Errorf("%q: %d, %v", text, tracer, err)
		}
	})
}

// What the kernel really writes.
func TestLocate(t *testing.T) {
	pid := os.Getpid()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if w, err := locate(pid, unix.Gettid()); w.state != asleep || w.sp == 0 || w.pc == 0 || err != nil {
		t.Errorf("this thread: %+v, %v, want it in its call of read", w, err)
	}
	if w, err := locate(pid, 1<<30); w.state != ended || err != nil {
		t.Errorf("no thread: %+v, %v, want it ended", w, err)
	}
	tids, err := threads(pid)
	if err != nil || !slices.Contains(tids, pid) {
		t.Errorf("the threads are %v, %v, want %d among them", tids, err, pid)
	}
	if tids, err := threads(1 << 30); len(tids) > 0 || err != nil {
		t.Errorf("no process has the threads %v, %v", tids, err)
	}
}
