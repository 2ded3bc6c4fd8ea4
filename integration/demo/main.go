// Command demo lets Lua draw a picture, and moves it from x86-64 to aarch64 and
// back meanwhile, between two guests on this machine. Lua is Debian's, built by
// tpcc.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tpfs/tpfs/integration"
	"github.com/tpfs/tpfs/integration/lab"
)

const (
	lua    = "build/programs/lua/src/lua"
	script = "examples/picture.lua"
)

// legs of the journey, each from the time when so many lines are drawn.
var legs = []struct {
	lines int
	to    string
	route integration.Route
}{
	{8, "aarch64", integration.OnDumpingHost},
	{16, "x86_64", integration.OnRestoringHost},
}

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

var begin = time.Now()

func step(format string, args ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
}

func run(ctx context.Context) (err error) {
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
		Programs: []string{lua}, TPFS: "build/bin", LogDir: logs,
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
	return draw(ctx, w)
}

// draw shows what the program prints in its three lives.
func draw(ctx context.Context, w *integration.World) error {
	text, err := os.ReadFile(script)
	if err != nil {
		return err
	}
	name := filepath.Base(script)
	if err := os.WriteFile(w.Host("/nfs/"+name), text, 0o644); err != nil {
		return err
	}
	p, err := w.Run(ctx, "x86_64", integration.Command{Name: "demo", Program: "lua", Dir: "/nfs", Args: []string{name}})
	if err != nil {
		return err
	}
	step("Lua begins to draw on x86_64, as process %d: %s", p.PID, script)
	paper := screen{program: p}
	for i, leg := range legs {
		if err := paper.await(ctx, leg.lines); err != nil {
			return err
		}
		if err := paper.move(ctx, fmt.Sprintf("/nfs/dump-%d", i), leg.to, leg.route); err != nil {
			return err
		}
	}
	if err := paper.finish(ctx); err != nil {
		return err
	}
	return compare(ctx, paper.shown)
}

// A screen shows what a program prints, as it comes.
type screen struct {
	program *integration.Program
	shown   []byte
}

// show prints the lines that are new.
func (s *screen) show() error {
	now, err := s.program.Output()
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(now, s.shown) {
		return fmt.Errorf("the program's output was\n%s\nand became\n%s", s.shown, now)
	}
	whole := now[:bytes.LastIndexByte(now, '\n')+1]
	for line := range bytes.Lines(whole[len(s.shown):]) {
		fmt.Printf("          %s", line)
	}
	s.shown = whole
	return nil
}

// await shows lines until there are so many.
func (s *screen) await(ctx context.Context, lines int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if err := s.show(); err != nil {
			return err
		}
		n := bytes.Count(s.shown, []byte("\n"))
		if n >= lines {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d lines of %d were printed on %s: %w", n, lines, s.program.Machine, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// finish shows lines until the program ends.
func (s *screen) finish(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.program.Ended(ctx) }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
			return s.show()
		case <-time.After(20 * time.Millisecond):
			if err := s.show(); err != nil {
				return err
			}
		}
	}
}

// move moves the program in the middle of a line.
func (s *screen) move(ctx context.Context, dir, to string, route integration.Route) error {
	p := s.program
	at, err := p.Pause(ctx)
	if err != nil {
		return err
	}
	if err := s.show(); err != nil {
		return err
	}
	step("tpfs pause    %s", shorten(strings.TrimSpace(at), 96))
	if err := p.Dump(ctx, dir); err != nil {
		return err
	}
	step("criu dump     it is gone from %s", p.Machine)
	if err := p.Move(ctx, dir, to, route); err != nil {
		return err
	}
	step("criu restore  it goes on on %s; %v has translated it", to, route)
	return nil
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// compare runs the script here, where it stays.
func compare(ctx context.Context, moved []byte) error {
	stayed, err := exec.CommandContext(ctx, lua, script).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", lua, script, err)
	}
	if !slices.Equal(picture(moved), picture(stayed)) {
		return fmt.Errorf("one that stays draws\n%s", stayed)
	}
	step("one that stays on this machine draws the same")
	return nil
}

// picture is what was drawn: all but the name before each line, and the last
// line, which tells of the lives.
func picture(out []byte) []string {
	var drawn []string
	for line := range strings.Lines(string(out)) {
		_, text, _ := strings.Cut(line, " ")
		drawn = append(drawn, strings.TrimLeft(text, " "))
	}
	return drawn[:max(0, len(drawn)-1)]
}
