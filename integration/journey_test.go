package integration

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpfs/tpfs/integration/lab"
)

// TestJourney moves programs to aarch64 and back: the example, and those that
// nobody wrote for us.
func TestJourney(t *testing.T) {
	w, logs := newWorld(t, "counter/counter", "programs/lua/src/lua", sqlite)
	t.Run("counter", func(t *testing.T) { testCounter(t, w, logs) })
	t.Run("lua", func(t *testing.T) { testLua(t, w) })
	t.Run("sqlite", func(t *testing.T) { testSQLite(t, w) })
}

// testCounter moves the example by both routes, parked once and asleep in the
// kernel once.
func testCounter(t *testing.T, w *World, logs string) {
	for _, tt := range []struct {
		name, mode  string
		there, back Route
	}{
		{"parked", "busy", OnDumpingHost, OnRestoringHost},
		{"asleep", "sleepy", OnRestoringHost, OnDumpingHost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			p, err := w.Start(ctx, "x86_64", tt.name, tt.mode)
			if err != nil {
				t.Fatal(err)
			}
			checkLines(t, p, 0)
			for i, leg := range []struct {
				to    string
				route Route
			}{{"aarch64", tt.there}, {"x86_64", tt.back}} {
				at, err := p.Pause(ctx)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s: %s", p.Machine, at)
				dir := fmt.Sprintf("/nfs/%s-%d", tt.name, i)
				if err := p.Dump(ctx, dir); err != nil {
					t.Fatal(err)
				}
				before := checksums(t, w.Host(dir))
				if err := p.Move(ctx, dir, leg.to, leg.route); err != nil {
					t.Fatal(err)
				}
				checkLines(t, p, i+1)
				if after := checksums(t, w.Host(dir)); after != before {
					t.Errorf("the dump was changed: before\n%s\nafter\n%s", before, after)
				}
			}
			if err := p.Kill(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	if !t.Failed() {
		checkLogs(t, w, logs)
	}
}

// newWorld boots a world with some pairs for a test, and says where its logs are.
func newWorld(t *testing.T, programs ...string) (w *World, logs string) {
	t.Helper()
	lab.Need(t)
	logs = lab.Logs(t)
	cfg := Config{TPFS: build(t, "bin"), LogDir: logs, Logf: t.Logf}
	for _, p := range programs {
		cfg.Programs = append(cfg.Programs, build(t, p))
	}
	w, err := NewWorld(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := w.Collect(ctx); err != nil {
				t.Errorf("collecting the logs: %v", err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, logs
}

// checkLogs makes sure that a failure would leave behind what tells of it.
func checkLogs(t *testing.T, w *World, logs string) {
	t.Helper()
	if err := w.Collect(t.Context()); err != nil {
		t.Error(err)
	}
	for name, part := range map[string]string{
		"amd64-console.log":            "",
		"arm64-console.log":            "",
		"x86_64-dump-parked-0.log":     "Dumping finished successfully",
		"aarch64-restore-parked-0.log": "Restore finished successfully",
		"host-tpfs-parked-0.log":       "is shown for aarch64",
		"host-errors-parked-0.json":    "[]",
		"aarch64-dump-parked-1.log":    "Dumping finished successfully",
		"x86_64-tpfs-parked-1.log":     "is shown for x86_64",
		"x86_64-errors-parked-1.json":  "[]",
		"parked.out":                   "count=1 ",
	} {
		b, err := os.ReadFile(filepath.Join(logs, name))
		if err != nil || !strings.Contains(string(b), part) {
			t.Errorf("%s: %v; should say %q:\n%s", name, err, part, b)
		}
	}
}

// checkLines signals the program where it runs now, and reads what it prints.
func checkLines(t *testing.T, p *Program, signals int) {
	t.Helper()
	ctx := t.Context()
	lines, err := p.Await(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines[len(lines)-1].Signals; got != signals {
		t.Errorf("on %s: %d signals were counted, want %d", p.Machine, got, signals)
	}
	if err := p.Signal(ctx); err != nil {
		t.Fatal(err)
	}
	if lines, err = p.Await(ctx, len(lines)+3); err != nil {
		t.Fatal(err)
	}
	last := lines[len(lines)-1]
	if last.Signals != signals+1 {
		t.Errorf("on %s: after a signal more, %d were counted, want %d", p.Machine, last.Signals, signals+1)
	}
	t.Log(last.Text)
}

// build is the path of something that make has built.
func build(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "build", name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: run make build programs first", err)
	}
	return path
}

// checksums of all files of a directory, a line each.
func checksums(t *testing.T, dir string) string {
	t.Helper()
	text := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("%x  %s\n", sha256.Sum256(b), d.Name())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
