package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const sqlite = "programs/sqlite3/sqlite3"

// testSQLite moves SQLite's shell in the middle of queries and transactions.
// Database, journal and script are in the shared directory, temporary files in
// each guest's own /var/tmp, and locks move with the process.
func testSQLite(t *testing.T, w *World) {
	const (
		dir      = "/nfs/sqlite"
		database = "work.db"
		rounds   = 2000 // more than there is time for
	)
	if err := os.Mkdir(w.Host(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	begin, round, readNext := testdata(t, "sqlite/begin.sql"), testdata(t, "sqlite/round.sql"), ".read "+next+"\n"
	writeScript(t, w.Host(dir), begin+strings.Repeat(round+readNext, rounds))
	ctx := t.Context()
	p, err := w.Run(ctx, "x86_64", Command{Name: "sqlite", Program: "sqlite3", Dir: dir,
		Args: []string{database}, Stdin: script, CRIU: "--file-locks"})
	if err != nil {
		t.Fatal(err)
	}
	dumps := travel(t, p)
	endScript(t, w.Host(dir))
	if err := p.Ended(ctx); err != nil {
		t.Fatal(err)
	}
	printed, err := p.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^ok\n(\d+) rounds$`).FindSubmatch(printed)
	if m == nil {
		t.Fatalf("the integrity of the database is not confirmed:\n%s", printed)
	}
	done, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}

	// As many rounds of one that stays.
	home := t.TempDir()
	writeScript(t, home, begin+strings.Repeat(round, done)+readNext)
	endScript(t, home)
	shell := w.Host("/nfs/bin/sqlite3")
	stay := exec.CommandContext(ctx, "sh", "-c", shell+" "+database+" < "+script+" 2>&1")
	stay.Dir = home
	want, err := stay.Output()
	if code := stay.ProcessState.ExitCode(); code != 1 { // as the script ends by an error
		t.Fatalf("the one that stays: %v\n%s", err, want)
	}
	sameLines(t, printed, want)
	sameLines(t, contents(t, shell, filepath.Join(w.Host(dir), database)), contents(t, shell, filepath.Join(home, database)))
	t.Logf("%d lines of %d rounds in %d lives, and a lock held in %d of %d moves",
		bytes.Count(printed, []byte("\n")), done, len(dumps)+1, locked(t, dumps), len(dumps))
}

// locked is in how many dumps a file is locked: in the others there is no such image.
func locked(t *testing.T, dumps []string) (n int) {
	t.Helper()
	for _, dir := range dumps {
		switch _, err := os.Stat(filepath.Join(dir, "filelocks.img")); {
		case err == nil:
			n++
		case !os.IsNotExist(err):
			t.Fatal(err)
		}
	}
	return n
}

// script is the name of what the shell reads; where it reads next, which is
// empty until then, it may be told to end.
const script, next = "script.sql", "next.sql"

func writeScript(t *testing.T, dir, text string) {
	t.Helper()
	for name, text := range map[string]string{script: text, next: ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func endScript(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, next), []byte(testdata(t, "sqlite/end.sql")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// contents is all that a database holds, as text.
func contents(t *testing.T, shell, database string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), shell, database, ".dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
