package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Start runs the example, /nfs/bin/counter, in a guest.
func (w *World) Start(ctx context.Context, machine, name, mode string) (*Program, error) {
	return w.Run(ctx, machine, Command{Name: name, Program: "counter", Args: []string{mode}})
}

// Signal sends the program SIGUSR1, which it counts.
func (p *Program) Signal(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("kill -USR1 %d", p.PID))
	return err
}

// Line is a line of the program's output.
type Line struct {
	Machine string
	Count   int
	Sum     string
	Signals int
	Text    string
}

var linePattern = regexp.MustCompile(`^(\w+)  count=(\d+) sum=([\d.]+) signals=(\d+) pid=(\d+)$`)

// Lines are all lines the program has printed so far, checked: the count goes
// up by one, and the sum is right to the last digit.
func (p *Program) Lines() ([]Line, error) {
	text, err := p.Output()
	if err != nil {
		return nil, err
	}
	var lines []Line
	sum := 0.0
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		m := linePattern.FindStringSubmatch(s.Text())
		if m == nil {
			return lines, fmt.Errorf("line %d of the program is %q", len(lines)+1, s.Text())
		}
		l := Line{Machine: m[1], Sum: m[3], Text: s.Text()}
		l.Count, _ = strconv.Atoi(m[2])
		l.Signals, _ = strconv.Atoi(m[4])
		sum += 1 / float64(len(lines)+1)
		if l.Count != len(lines)+1 {
			return lines, fmt.Errorf("line %d of the program has the count %d: %q", len(lines)+1, l.Count, l.Text)
		}
		if want := fmt.Sprintf("%.6f", sum); l.Sum != want {
			return lines, fmt.Errorf("the sum should be %s: %q", want, l.Text)
		}
		if m[5] != strconv.Itoa(p.PID) {
			return lines, fmt.Errorf("the pid should be %d: %q", p.PID, l.Text)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// Await waits until the program has printed so many lines on the machine where
// it runs now, and gives them.
func (p *Program) Await(ctx context.Context, n int) ([]Line, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		lines, err := p.Lines()
		if err != nil {
			return lines, err
		}
		here := 0
		for i := len(lines) - 1; i >= 0 && lines[i].Machine == p.Machine; i-- {
			here++
		}
		if here >= n {
			return lines[len(lines)-here:], nil
		}
		select {
		case <-ctx.Done():
			return lines, fmt.Errorf("%d lines on %s in a minute, where %d were awaited", here, p.Machine, n)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
