// Command demo moves the example from x86-64 to aarch64 and back, between two
// guests on this machine, and prints what it printed in its three lives.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/tpfs/tpfs/integration"
	"github.com/tpfs/tpfs/integration/lab"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := lab.Check(); err != nil {
		log.Fatal(err)
	}
	if err := run(ctx); err != nil {
		log.Fatal("demo: ", err)
	}
}

func run(ctx context.Context) (err error) {
	begin := time.Now()
	step := func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	step("booting an x86_64 and an aarch64 guest (the first time, they are built from Debian's packages)")
	logs, err := os.MkdirTemp("", "tpfs-logs-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			step("the logs are in %s", logs)
		} else {
			err = os.RemoveAll(logs)
		}
	}()
	w, err := integration.NewWorld(ctx, integration.Config{
		Counter: "build/counter", TPFS: "build/bin", LogDir: logs,
		Logf: func(format string, args ...any) { step("  "+format, args...) },
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// What a guest that is gone held is lost.
			collect, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if collectErr := w.Collect(collect); collectErr != nil {
				step("collecting the logs: %v", collectErr)
			}
		}
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
	}()
	p, err := w.Start(ctx, "x86_64", "demo", "")
	if err != nil {
		return err
	}
	if err := life(ctx, p, step); err != nil {
		return err
	}
	for i, leg := range []struct {
		to    string
		route integration.Route
		point string
	}{
		{"aarch64", integration.OnDumpingHost, "parked"},
		{"x86_64", integration.OnRestoringHost, "blocked"},
	} {
		// The demo stops it once while it computes and once while it sleeps.
		at, err := pauseAt(ctx, p, leg.point)
		if err != nil {
			return err
		}
		step("tpfs pause: %s", at)
		dir := fmt.Sprintf("/nfs/dump-%d", i)
		if err := p.Dump(ctx, dir); err != nil {
			return err
		}
		step("criu dump on %s", p.Machine)
		if err := p.Move(ctx, dir, leg.to, leg.route); err != nil {
			return err
		}
		step("criu restore on %s, %v", p.Machine, leg.route)
		if err := life(ctx, p, step); err != nil {
			return err
		}
	}
	lines, err := p.Lines()
	if err != nil {
		return err
	}
	if err := p.Kill(ctx); err != nil {
		return err
	}
	step("%d lines in all: no count is missing or twice, and every sum is right", len(lines))
	return nil
}

// pauseAt pauses the program where the demo wants to show it: if it stands at
// the other kind of point, it runs on for a moment.
func pauseAt(ctx context.Context, p *integration.Program, point string) (string, error) {
	for {
		at, err := p.Pause(ctx)
		if err != nil || strings.Contains(at, point) {
			return strings.TrimSpace(at), err
		}
		if err := p.Resume(ctx); err != nil {
			return "", err
		}
	}
}

// life lets the program print where it is now, with a signal in between.
func life(ctx context.Context, p *integration.Program, step func(string, ...any)) error {
	lines, err := p.Await(ctx, 2)
	if err != nil {
		return err
	}
	if err := p.Signal(ctx); err != nil {
		return err
	}
	if lines, err = p.Await(ctx, len(lines)+2); err != nil {
		return err
	}
	step("the program's own lines:")
	for _, l := range lines {
		fmt.Printf("          %s\n", l.Text)
	}
	return nil
}
