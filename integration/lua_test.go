package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestLua moves Debian's Lua, built by tpcc, there and back in the middle of a
// script, at random moments. What it prints must be what it prints when it
// stays where it is.
func TestLua(t *testing.T) {
	const moves = 10
	lua := build(t, "programs/lua/src/lua") // make programs
	w, _ := newWorld(t)
	if err := w.Install(lua); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/work.lua")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Host("/nfs/work.lua"), script, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	p, err := w.Run(ctx, "x86_64", "lua", "lua", "/nfs/work.lua")
	if err != nil {
		t.Fatal(err)
	}
	printed := awaitMore(t, p, nil)
	for i := range moves {
		to := map[string]string{"x86_64": "aarch64", "aarch64": "x86_64"}[p.Machine]
		time.Sleep(time.Duration(rand.IntN(int(200 * time.Millisecond))))
		at, err := p.Pause(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", p.Machine, at)
		dir := fmt.Sprintf("/nfs/lua-%d", i)
		if err := p.Dump(ctx, dir); err != nil {
			t.Fatal(err)
		}
		if err := p.Move(ctx, dir, to, Route(i%2)); err != nil {
			t.Fatal(err)
		}
		printed = awaitMore(t, p, printed)
	}
	if err := p.Kill(ctx); err != nil {
		t.Error(err)
	}

	// As many lines of one that stays.
	stay := exec.CommandContext(ctx, lua, "testdata/work.lua")
	out, err := stay.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stay.Start(); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, bytes.LastIndexByte(printed, '\n')+1)
	for n := 0; n < len(want); {
		m, err := out.Read(want[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	stay.Process.Kill()
	stay.Wait()
	if !bytes.HasPrefix(printed, want) {
		t.Errorf("%s", firstDifference(printed, want))
	}
	t.Logf("%d lines in %d lives", bytes.Count(want, []byte("\n")), moves+1)
}

// firstDifference says in which line what was printed differs first.
func firstDifference(got, want []byte) string {
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range b {
		if i >= len(a) || !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("line %d is %q, where one that stays prints %q", i+1, a[min(i, len(a)-1)], b[i])
		}
	}
	return "no difference"
}

// awaitMore waits until the program has printed two lines more than it had, and
// gives all of its output.
func awaitMore(t *testing.T, p *Program, before []byte) []byte {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		now, err := p.Output()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(now, []byte("\n")) >= bytes.Count(before, []byte("\n"))+2 {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("on %s, nothing more is printed after\n%s", p.Machine, now)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
