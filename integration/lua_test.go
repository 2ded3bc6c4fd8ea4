package integration

import (
	"bytes"
	"os/exec"
	"testing"
)

// testLua moves Lua in the middle of a script that has no end.
func testLua(t *testing.T, w *World) {
	const script = "testdata/work.lua"
	if err := copyFile(script, w.Host("/nfs/work.lua"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	p, err := w.Run(ctx, "x86_64", Command{Name: "lua", Program: "lua", Args: []string{"/nfs/work.lua"}})
	if err != nil {
		t.Fatal(err)
	}
	dumps := travel(t, p)
	if err := p.Kill(ctx); err != nil {
		t.Error(err)
	}
	printed, err := p.Output()
	if err != nil {
		t.Fatal(err)
	}

	sameLines(t, printed, firstBytes(t, exec.Command(w.Host("/nfs/bin/lua"), script), len(printed)))
	t.Logf("%d lines in %d lives", bytes.Count(printed, []byte("\n")), len(dumps)+1)
}
