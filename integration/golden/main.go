// Command golden makes the dumps in testdata/dumps anew: the example, dumped by
// CRIU in the lab's guests, parked on x86_64 and asleep on aarch64, and the
// pair it ran from. Run it at the top of the checkout, after make build.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/tpfs/tpfs/integration"
)

const out = "testdata/dumps"

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal("golden: ", err)
	}
}

func run(ctx context.Context) (err error) {
	w, err := integration.NewWorld(ctx, integration.Config{Programs: []string{"build/counter/counter"}, TPFS: "build/bin", Logf: log.Printf})
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	// Where the dumps say that the programs were.
	programs := filepath.Join(out, "..", "root/nfs/bin")
	for _, dir := range []string{out, programs} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		machine, name, mode, point string
		pid                        int // always the same, as tests name it
	}{
		{"x86_64", "x86_64-parked", "busy", "parked", 61013},
		{"aarch64", "aarch64-asleep", "sleepy", "blocked", 101013},
	} {
		// The shell that starts the program comes before it.
		if _, err := w.Guests[d.machine].Output(ctx, fmt.Sprintf("echo %d > /proc/sys/kernel/ns_last_pid", d.pid-2)); err != nil {
			return err
		}
		p, err := w.Start(ctx, d.machine, d.name, d.mode)
		if err != nil {
			return err
		}
		if p.PID != d.pid {
			return fmt.Errorf("%s: the process is %d, not %d", d.name, p.PID, d.pid)
		}
		if _, err := p.Await(ctx, 3); err != nil {
			return err
		}
		at, err := p.Pause(ctx)
		if err != nil {
			return err
		}
		if !strings.Contains(at, d.point) {
			return fmt.Errorf("%s: not %s: %s", d.name, d.point, at)
		}
		if err := p.Dump(ctx, "/nfs/"+d.name); err != nil {
			return err
		}
		if err := os.CopyFS(filepath.Join(out, d.name), os.DirFS(w.Host("/nfs/"+d.name))); err != nil {
			return err
		}
	}
	return os.CopyFS(programs, os.DirFS(w.Host("/nfs/bin")))
}
