// Package integration moves live processes between the guests of the lab, in
// the ways that users do: with real kernels, CRIU, NFS, and the tpfs binary.
package integration

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tpfs/tpfs/integration/lab"
)

// World is the two guests, with a directory that they share with the host:
// share on the host, /nfs in both. Pairs are in it, such as /nfs/bin/counter
// and /nfs/bin/counter.aarch64.
type World struct {
	// Guests by the name of their architecture: x86_64, aarch64.
	Guests map[string]*lab.Guest

	dir    string // of this host: root/nfs is shared, tpfs is the program
	logs   string // of this host
	share  *lab.Export
	closes closers
}

// closers are what is to be undone, in the opposite order.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

// close undoes all, and gives the first error.
func (c *closers) close() error {
	var first error
	for _, f := range slices.Backward(*c) {
		if err := f(); err != nil && first == nil {
			first = err
		}
	}
	*c = nil
	return first
}

// Config says what a world is made of.
type Config struct {
	// Programs are the pairs to move, each by its file for x86-64, beside
	// which is the other one.
	Programs []string
	// TPFS is a directory with tpfs.amd64 and tpfs.arm64, both static.
	TPFS string
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
	w = &World{Guests: map[string]*lab.Guest{}}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "tpfs-lab-"); err != nil {
		return w, err
	}
	w.closes.add(func() error { return os.RemoveAll(w.dir) })
	if w.logs = cfg.LogDir; w.logs == "" {
		w.logs = filepath.Join(w.dir, "logs")
	}
	for _, dir := range []string{w.logs, w.Host("/nfs/bin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return w, err
		}
	}
	for _, path := range cfg.Programs {
		if err := w.install(path); err != nil {
			return w, err
		}
	}
	if err := copyFile(filepath.Join(cfg.TPFS, "tpfs.amd64"), w.tpfs(), 0o755); err != nil {
		return w, err
	}
	if w.share, err = lab.Serve(ctx, w.Host("/nfs"), lab.ExportConfig{LogDir: w.logs}); err != nil {
		return w, err
	}
	w.closes.add(w.share.Close)

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
			if err == nil && cfg.Logf != nil {
				cfg.Logf("the %s guest has booted in %.1f s", m, g.BootTime.Seconds())
			}
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
			w.closes.add(r.guest.Close)
		}
		if r.err != nil && err == nil {
			err = r.err
		}
	}
	return w, err
}

// Close ends the guests and servers.
func (w *World) Close() error { return w.closes.close() }

// guestLogs is the directory of the guests where criu and tpfs write their
// logs, named after the dump.
const guestLogs = "/var/log/tpfs"

// Collect copies to the LogDir what tells of a failure beside what is there
// already: the logs of criu and tpfs in the guests, what their mounts said of
// their problems, and what the programs printed.
func (w *World) Collect(ctx context.Context) error {
	var errs []error
	for machine, g := range w.Guests {
		list, err := g.Output(ctx, "ls "+guestLogs)
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

// install puts a pair where Run finds it.
func (w *World) install(path string) error {
	for _, suffix := range []string{"", ".aarch64"} {
		if err := copyFile(path+suffix, w.Host("/nfs/bin/"+filepath.Base(path)+suffix), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, mode)
}
