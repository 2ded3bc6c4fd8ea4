package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tpfs/tpfs/integration/lab"
)

// Command is how to run a program.
type Command struct {
	// Name is of this run: /nfs/NAME.out will have its output.
	Name string
	// Program is one of the pairs in /nfs/bin.
	Program string
	Args    []string
	// Dir is where it runs, / if empty.
	Dir string
	// Stdin is a file of the guests; /dev/null if empty.
	Stdin string
	// CRIU are the options that the program needs of criu, at the dump and
	// at the restore.
	CRIU string
}

// Program is a running program.
type Program struct {
	w *World
	// Machine is where it runs now, PID its process there.
	Machine string
	PID     int
	command Command
}

// Run runs a program in a guest: in a session of its own, with only its
// standard files open, and a process id that is free everywhere.
func (w *World) Run(ctx context.Context, machine string, c Command) (*Program, error) {
	p := &Program{w: w, Machine: machine, command: c}
	suffix := map[string]string{"aarch64": ".aarch64"}[machine]
	out, err := w.Guests[machine].Output(ctx, fmt.Sprintf("cd %s; setsid /nfs/bin/%s%s %s < %s > %s 2>&1 & echo $!",
		cmp.Or(c.Dir, "/"), c.Program, suffix, strings.Join(c.Args, " "), cmp.Or(c.Stdin, os.DevNull), p.out()))
	if err != nil {
		return nil, err
	}
	p.PID, err = strconv.Atoi(strings.TrimSpace(out))
	return p, err
}

// out is the path of the program's output in the guests.
func (p *Program) out() string { return "/nfs/" + p.command.Name + ".out" }

func (p *Program) guest() *lab.Guest { return p.w.Guests[p.Machine] }

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
	_, err := p.guest().Output(ctx, fmt.Sprintf(
		"log=%s/dump-%s.log; mkdir -p %s && criu dump -t %d -D %[3]s %[5]s -o $log -v4 || { tail -n 30 $log; exit 1; }",
		guestLogs, filepath.Base(dir), dir, p.PID, p.command.CRIU))
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

// Move resumes the dumped program in the guest of another architecture. The
// mount ends when that is done: the program needs nothing of it any more.
func (p *Program) Move(ctx context.Context, dir, machine string, r Route) (err error) {
	var view closers
	defer func() { err = errors.Join(err, view.close()) }()
	path, err := p.w.mount(ctx, &view, dir, machine, r)
	if err != nil {
		return err
	}
	_, err = p.w.Guests[machine].Output(ctx, fmt.Sprintf(
		"log=%s/restore-%s.log; criu restore -D %s %s -d -o $log -v4 || { tail -n 40 $log; cat %[3]s/.tpfs/errors.json; exit 1; }",
		guestLogs, filepath.Base(dir), path, p.command.CRIU))
	if err != nil {
		return err
	}
	p.Machine = machine
	return nil
}

// mount shows a dump to the guest of another architecture, and gives the path
// there.
func (w *World) mount(ctx context.Context, undo *closers, dir, machine string, r Route) (string, error) {
	g, name := w.Guests[machine], filepath.Base(dir)
	view := "/mnt/" + name
	if r == OnRestoringHost {
		_, err := g.Output(ctx, fmt.Sprintf("mkdir -p %[2]s && tpfs mount --arch %[3]s --log %[4]s/tpfs-%[5]s.log %[1]s %[2]s",
			dir, view, machine, guestLogs, name))
		if err != nil {
			return "", err
		}
		undo.add(func() error {
			_, err := g.Output(context.WithoutCancel(ctx), fmt.Sprintf(
				"cat %[1]s/.tpfs/errors.json > %[2]s/errors-%[3]s.json; tpfs umount %[1]s", view, guestLogs, name))
			return err
		})
		return view, nil
	}

	// The host that serves /nfs stands in for the dumping one: same files.
	mnt := filepath.Join(w.dir, "view-"+name)
	if err := os.Mkdir(mnt, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, w.tpfs(), "mount", "--arch", machine, "--sysroot", w.Host("/"),
		"--log", filepath.Join(w.logs, "host-tpfs-"+name+".log"), w.Host(dir), mnt)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("tpfs mount: %w\n%s", err, out)
	}
	undo.add(func() error {
		if err := copyFile(filepath.Join(mnt, ".tpfs/errors.json"), filepath.Join(w.logs, "host-errors-"+name+".json"), 0o644); err != nil {
			return err
		}
		if out, err := exec.Command(w.tpfs(), "umount", mnt).CombinedOutput(); err != nil {
			return fmt.Errorf("tpfs umount: %w\n%s", err, out)
		}
		return nil
	})
	export, err := lab.Serve(ctx, mnt, lab.ExportConfig{LogDir: w.logs})
	if err != nil {
		return "", err
	}
	undo.add(export.Close)
	if err := g.MountNFS(ctx, export, view); err != nil {
		return "", err
	}
	undo.add(func() error {
		_, err := g.Output(context.WithoutCancel(ctx), "umount "+view)
		return err
	})
	return view, nil
}

// Output is what the program has printed so far.
func (p *Program) Output() ([]byte, error) {
	b, err := os.ReadFile(p.w.Host(p.out()))
	if os.IsNotExist(err) {
		return nil, nil // it has just been started
	}
	return b, err
}

// Kill ends the program.
func (p *Program) Kill(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("kill -9 %d", p.PID))
	return err
}

// Ended waits for the end of the program.
func (p *Program) Ended(ctx context.Context) error {
	_, err := p.guest().Output(ctx, fmt.Sprintf("while test -d /proc/%d; do sleep 0.1; done", p.PID))
	return err
}
