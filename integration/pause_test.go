package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tpfs/tpfs/stop"
)

// TestPause stops programs that stay where they are, at random moments, and
// lets them go again. What they print is what they print undisturbed.
func TestPause(t *testing.T) {
	const times = 50
	for _, tt := range []struct {
		name string
		// command prints for ever; dir is its own.
		command func(t *testing.T, dir string) *exec.Cmd
	}{
		{"lua", func(t *testing.T, dir string) *exec.Cmd {
			script, err := filepath.Abs("testdata/work.lua")
			if err != nil {
				t.Fatal(err)
			}
			return exec.Command(build(t, "programs/lua/src/lua"), script)
		}},
		{"sqlite", func(t *testing.T, dir string) *exec.Cmd {
			const rounds = 10000
			writeScript(t, dir, testdata(t, "sqlite/begin.sql")+strings.Repeat(testdata(t, "sqlite/round.sql"), rounds))
			in, err := os.Open(filepath.Join(dir, script))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { in.Close() })
			c := exec.Command(build(t, sqlite), "work.db")
			c.Stdin = in
			return c
		}},
		// Where it cannot be moved from, it is let go to be stopped elsewhere.
		{"stubborn", func(t *testing.T, dir string) *exec.Cmd {
			path := filepath.Join(dir, "stubborn")
			if out, err := exec.Command(build(t, "toolchain/bin/tpcc"), "-O2", "-o", path, "testdata/stubborn.c").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			return exec.Command(path)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			printed := interrupted(t, inOwnDir(t, tt.command))
			sameLines(t, printed, firstBytes(t, inOwnDir(t, tt.command), len(printed)))
		})
	}
}

func inOwnDir(t *testing.T, command func(t *testing.T, dir string) *exec.Cmd) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	c := command(t, dir)
	c.Dir = dir
	return c
}

// interrupted runs a command, stops it many times, and gives what it has
// printed when it has gone on to print after that.
func interrupted(t *testing.T, c *exec.Cmd) []byte {
	t.Helper()
	const times = 50
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout = out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()

	random := moments(t)
	var took []time.Duration
	for range times {
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
		begin := time.Now()
		threads, err := stop.Pause(t.Context(), c.Process.Pid, time.Minute)
		took = append(took, time.Since(begin))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%8v: %v in %s", took[len(took)-1].Round(10*time.Microsecond), threads[0].Point, innermost(strings.Join(threads[0].Stack, " < ")))
		if err := stop.Resume(c.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(took)
	t.Logf("half of %d pauses took no more than %v, all no more than %v", times, took[times/2], took[times-1])
	output := func() ([]byte, error) { return os.ReadFile(out.Name()) }
	before, err := output()
	if err != nil {
		t.Fatal(err)
	}
	return awaitMore(t, output, before)
}
