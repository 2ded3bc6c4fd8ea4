package integration

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tpfs/tpfs/integration/lab"
)

// TestJourney moves the example to aarch64 and back, by both routes, parked
// once and asleep in the kernel once.
func TestJourney(t *testing.T) {
	lab.Need(t)
	w, err := NewWorld(t.Context(), Config{
		Counter: build(t, "counter"), TPFS: build(t, "bin"), LogDir: os.Getenv("TPFS_LAB_LOGS"), Logf: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
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

// build is a directory that make has filled.
func build(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "build", name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return dir
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
