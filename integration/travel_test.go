package integration

import (
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// roundTrips is how often a program that is moved at random moments goes to
// the other machine and comes back.
const roundTrips = 10

var seed = flag.Uint64("seed", 0, "take the random moments of the run that printed this `number`")

// moments are random, and the same again for the same test and -seed.
func moments(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("random moments: -seed %d repeats them", s)
	name := fnv.New64a()
	name.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(s, name.Sum64()))
}

// travel moves a program there and back again and again, at random moments, and
// gives the dumps. It prints something in each of its lives. Both ways of
// mounting serve in both directions.
func travel(t *testing.T, p *Program) (dumps []string) {
	t.Helper()
	ctx, random, begin := t.Context(), moments(t), time.Now()
	printed := awaitMore(t, p.Output, nil)
	for trip := range roundTrips {
		for _, to := range []string{"aarch64", "x86_64"} {
			wait := time.Duration(random.Int64N(int64(500 * time.Millisecond)))
			time.Sleep(wait)
			at, err := p.Pause(ctx)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%5.1f s: on %s, after %3d lines and %v: %s", time.Since(begin).Seconds(),
				p.Machine, bytes.Count(printed, []byte("\n")), wait.Round(time.Millisecond), innermost(at))
			dir := fmt.Sprintf("/nfs/%s-%d-to-%s", p.command.Name, trip, to)
			if err := p.Dump(ctx, dir); err != nil {
				t.Fatal(err)
			}
			dumps = append(dumps, p.w.Host(dir))
			if err := p.Move(ctx, dir, to, Route(trip%2)); err != nil {
				t.Fatalf("%s: %v", filepath.Base(dir), err)
			}
			printed = awaitMore(t, p.Output, printed)
		}
	}
	return dumps
}

// innermost leaves of what a pause tells the functions that are called last.
func innermost(at string) string {
	const calls = 6
	stack := strings.Split(strings.TrimSpace(at), " < ")
	if len(stack) <= calls {
		return strings.Join(stack, " < ")
	}
	return fmt.Sprintf("%s < … (%d calls)", strings.Join(stack[:calls], " < "), len(stack))
}

// awaitMore waits until a program has printed a line more than before, and
// gives all of its output.
func awaitMore(t *testing.T, output func() ([]byte, error), before []byte) []byte {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		now, err := output()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(now, []byte("\n")) > bytes.Count(before, []byte("\n")) {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing more is printed after\n%s", now)
		}
	}
}

// firstBytes are the first n bytes that a command prints.
func firstBytes(t *testing.T, c *exec.Cmd, n int) []byte {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	b := make([]byte, n)
	if _, err := io.ReadFull(out, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// sameLines compares what was printed with what one prints that stays, line by
// line.
func sameLines(t *testing.T, got, want []byte) {
	t.Helper()
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			t.Fatalf("line %d is missing, where one that stays prints %q", i+1, b[i])
		case i >= len(b):
			t.Fatalf("line %d is %q, where one that stays prints nothing more", i+1, a[i])
		case !bytes.Equal(a[i], b[i]):
			t.Fatalf("line %d is %q, where one that stays prints %q", i+1, a[i], b[i])
		}
	}
}
