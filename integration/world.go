// Package integration moves live processes between the guests of the lab, in
// the ways that users do: with real kernels, CRIU, NFS, and the tpfs binary.
package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tpfs/tpfs/integration/lab"
)

// World is the two guests, with a directory that they share with the host:
// share on the host, /nfs in both. The example is in it, as /nfs/bin/counter
// and /nfs/bin/counter.aarch64.
type World struct {
	// Guests by the name of their architecture: x86_64, aarch64.
	Guests map[string]*lab.Guest

	dir    string // of this host: root/nfs is shared, tpfs is the program
	logs   string // of this host
	share  *lab.Export
	mounts []string // of this host
	logf   func(format string, args ...any)
	closes []func() error
}

// Config says what a world is made of.
type Config struct {
	// Counter is the directory with the example; TPFS one with the program
	// as tpfs.amd64 and tpfs.arm64, both static.
	Counter, TPFS string
	// MemoryMB is that of each guest by its architecture; 0 is the lab's default.
	MemoryMB map[string]int
	// LogDir is where the consoles of the guests and the logs of the servers
	// on this host go, and with Collect all others; nowhere if empty.
	LogDir string
	// Logf is told what takes long.
	Logf func(format string, args ...any)
}

// goArch is Go's name of an architecture.
func goArch(machine string) string {
	return map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
}

// NewWorld boots the guests and mounts the shared directory in them.
func NewWorld(ctx context.Context, cfg Config) (w *World, err error) {
	w = &World{Guests: map[string]*lab.Guest{}, logf: cfg.Logf}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "tpfs-lab-"); err != nil {
		return w, err
	}
	w.closes = append(w.closes, func() error { return os.RemoveAll(w.dir) })
	if w.logs = cfg.LogDir; w.logs == "" {
		w.logs = filepath.Join(w.dir, "logs")
	}
	for _, dir := range []string{w.logs, w.Host("/nfs/bin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return w, err
		}
	}
	if err := w.Install(filepath.Join(cfg.Counter, "counter")); err != nil {
		return w, err
	}
	if err := copyFile(filepath.Join(cfg.TPFS, "tpfs.amd64"), w.tpfs(), 0o755); err != nil {
		return w, err
	}
	if w.share, err = lab.Serve(ctx, w.Host("/nfs"), lab.ExportConfig{LogDir: w.logs}); err != nil {
		return w, err
	}
	w.closes = append(w.closes, w.share.Close)

	type booted struct {
		machine string
		guest   *lab.Guest
		err     error
	}
	results := make(chan booted)
	machines := []string{"x86_64", "aarch64"}
	for _, m := range machines {
		go func() {
			g, err := lab.Start(ctx, lab.Config{Arch: goArch(m), MemoryMB: cfg.MemoryMB[m], LogDir: w.logs, Progress: cfg.Logf})
			if err == nil {
				err = g.MountNFS(ctx, w.share, "/nfs")
			}
			if err == nil {
				_, err = g.Output(ctx, "mkdir -p "+guestLogs)
			}
			if err == nil {
				err = g.Put(ctx, filepath.Join(cfg.TPFS, "tpfs."+goArch(m)), "/usr/bin/tpfs", 0o755)
			}
			results <- booted{m, g, err}
		}()
	}
	for range machines {
		r := <-results
		if r.guest != nil {
			w.Guests[r.machine] = r.guest
			w.closes = append(w.closes, r.guest.Close)
		}
		if r.err != nil && err == nil {
			err = r.err
		}
	}
	return w, err
}

// Close ends the guests and servers, in the opposite order of their starts.
func (w *World) Close() error {
	var first error
	for i := len(w.closes) - 1; i >= 0; i-- {
		if err := w.closes[i](); err != nil && first == nil {
			first = err
		}
	}
	w.closes = nil
	return first
}

// guestLogs is the directory of the guests where criu and tpfs write their
// logs, named after the dump.
const guestLogs = "/var/log/tpfs"

// Collect copies to the LogDir what tells of a failure beside what is there
// already: the logs of criu and tpfs in the guests, what all mounts say of
// their problems, and what the programs printed.
func (w *World) Collect(ctx context.Context) error {
	var errs []error
	for machine, g := range w.Guests {
		list, err := g.Output(ctx, fmt.Sprintf(
			"cd %s && for m in /mnt/*/.tpfs/errors.json; do test ! -e $m || cat $m > errors-$(echo $m | cut -d/ -f3).json; done; ls", guestLogs))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range strings.Fields(list) {
			b, err := g.Get(ctx, guestLogs+"/"+name)
			if err == nil {
				err = os.WriteFile(filepath.Join(w.logs, machine+"-"+name), b, 0o644)
			}
			errs = append(errs, err)
		}
	}
	for _, mnt := range w.mounts {
		to := filepath.Join(w.logs, "host-errors-"+filepath.Base(mnt)+".json")
		errs = append(errs, copyFile(filepath.Join(mnt, ".tpfs/errors.json"), to, 0o644))
	}
	outputs, err := filepath.Glob(w.Host("/nfs/*.out"))
	errs = append(errs, err)
	for _, name := range outputs {
		errs = append(errs, copyFile(name, filepath.Join(w.logs, filepath.Base(name)), 0o644))
	}
	return errors.Join(errs...)
}

// Host is the path on the host of a path of the guests below /nfs.
func (w *World) Host(path string) string { return filepath.Join(w.dir, "root", path) }

func (w *World) tpfs() string { return filepath.Join(w.dir, "tpfs") }

// Program is a running example.
type Program struct {
	w *World
	// Machine is where it runs now, PID its process there.
	Machine string
	PID     int
	out     string // the path of its output, in the guests
}

// Start runs the example in a guest.
func (w *World) Start(ctx context.Context, machine, name, mode string) (*Program, error) {
	return w.Run(ctx, machine, name, "counter", mode)
}

// Install puts a pair where Run finds it: the file for x86-64 at path, and the
// other one beside it.
func (w *World) Install(path string) error {
	for _, suffix := range []string{"", ".aarch64"} {
		if err := copyFile(path+suffix, w.Host("/nfs/bin/"+filepath.Base(path)+suffix), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Run runs a program of /nfs/bin in a guest: in a session of its own, with
// only its standard files open, and a process id that is free everywhere. Its
// output is in a file named after name.
func (w *World) Run(ctx context.Context, machine, name, program string, args ...string) (*Program, error) {
	p := &Program{w: w, Machine: machine, out: "/nfs/" + name + ".out"}
	suffix := map[string]string{"aarch64": ".aarch64"}[machine]
	out, err := w.Guests[machine].Output(ctx, fmt.Sprintf(
		"setsid /nfs/bin/%s%s %s < /dev/null > %s 2>&1 & echo $!", program, suffix, strings.Join(args, " "), p.out))
	if err != nil {
		return nil, err
	}
	p.PID, err = strconv.Atoi(strings.TrimSpace(out))
	return p, err
}

// Pause stops the program at an equivalence point, and tells which.
func (p *Program) Pause(ctx context.Context) (string, error) {
	return p.guest().Output(ctx, fmt.Sprintf("tpfs pause %d", p.PID))
}

// Resume lets the paused program run on where it is.
func (p *Program) Resume(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("tpfs resume %d", p.PID))
	return err
}

// Dump dumps the paused program with criu, which ends it here.
func (p *Program) Dump(ctx context.Context, dir string) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("log=%s/dump-%s.log; mkdir -p %s && criu dump -t %d -D %[3]s -o $log -v4 || { tail -n 30 $log; exit 1; }",
		guestLogs, filepath.Base(dir), dir, p.PID))
	return err
}

// Route is where tpfs runs.
type Route int

const (
	// OnDumpingHost mounts the dump there, and exports the mount by NFS.
	OnDumpingHost Route = iota
	// OnRestoringHost mounts the shared dump directory there.
	OnRestoringHost
)

func (r Route) String() string {
	return [...]string{"tpfs on the dumping host", "tpfs on the restoring host"}[r]
}

// Move resumes the dumped program in the guest of another architecture.
func (p *Program) Move(ctx context.Context, dir, machine string, r Route) error {
	w, g, name := p.w, p.w.Guests[machine], filepath.Base(dir)
	view := "/mnt/" + name
	switch r {
	case OnDumpingHost:
		// The host that serves /nfs stands in for the dumping one: same files.
		mnt := filepath.Join(w.dir, "view-"+name)
		if err := os.Mkdir(mnt, 0o755); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, w.tpfs(), "mount", "--arch", machine, "--sysroot", w.Host("/"),
			"--log", filepath.Join(w.logs, "host-tpfs-"+name+".log"), w.Host(dir), mnt)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("tpfs mount: %w\n%s", err, out)
		}
		w.mounts = append(w.mounts, mnt)
		w.closes = append(w.closes, func() error {
			if out, err := exec.Command(w.tpfs(), "umount", mnt).CombinedOutput(); err != nil {
				return fmt.Errorf("tpfs umount: %w\n%s", err, out)
			}
			return nil
		})
		export, err := lab.Serve(ctx, mnt, lab.ExportConfig{LogDir: w.logs})
		if err != nil {
			return err
		}
		w.closes = append(w.closes, export.Close)
		if err := g.MountNFS(ctx, export, view); err != nil {
			return err
		}
		w.closes = append(w.closes, func() error {
			_, err := g.Output(context.Background(), "umount "+view)
			return err
		})
	case OnRestoringHost:
		if _, err := g.Output(ctx, fmt.Sprintf("mkdir -p %[2]s && tpfs mount --arch %[3]s --log %[4]s/tpfs-%[5]s.log %[1]s %[2]s",
			dir, view, machine, guestLogs, name)); err != nil {
			return err
		}
	}
	_, err := g.Output(ctx, fmt.Sprintf("log=%s/restore-%s.log; criu restore -D %s -d -o $log -v4 || { tail -n 40 $log; cat %[3]s/.tpfs/errors.json; exit 1; }",
		guestLogs, name, view))
	if err != nil {
		return err
	}
	p.Machine = machine
	return nil
}

// Output is what the program has printed so far.
func (p *Program) Output() ([]byte, error) {
	b, err := os.ReadFile(p.w.Host(p.out))
	if os.IsNotExist(err) {
		return nil, nil // it has just been started
	}
	return b, err
}

// Signal sends the program SIGUSR1, which it counts.
func (p *Program) Signal(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("kill -USR1 %d", p.PID))
	return err
}

// Kill ends the program.
func (p *Program) Kill(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("kill -9 %d", p.PID))
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
	f, err := os.Open(p.w.Host(p.out))
	if os.IsNotExist(err) {
		return nil, nil // it has just been started
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []Line
	sum := 0.0
	for s := bufio.NewScanner(f); s.Scan(); {
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

func (p *Program) guest() *lab.Guest { return p.w.Guests[p.Machine] }

func copyFile(from, to string, mode os.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, mode)
}
