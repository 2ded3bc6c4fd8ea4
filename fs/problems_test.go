package fs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

type problem struct{ Image, Error string }

func (m *mounted) problems(t *testing.T) []problem {
	t.Helper()
	path := m.path(".tpfs/errors.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := stat(t, path); st.Size != int64(len(b)) {
		t.Errorf("errors.json has %d bytes, and %d could be read", st.Size, len(b))
	}
	list := []problem{}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return list
}

// expect waits for the log, which comes through a pipe of its own.
func (m *mounted) expectLog(t *testing.T, want ...string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for len(m.logged()) < len(want) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if got := m.logged(); !reflect.DeepEqual(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestProblems(t *testing.T) {
	m := mount(t, serverConfig{
		Source: source(t, map[string]string{
			"broken-core.img":   "thread 7 is not at an equivalence point",
			"short-1.img":       "12345",
			"parent/broken.img": "fine",
			"parent/broken-x":   "says <why> \"exactly\"",
		}),
		Errors: []string{"process 7: something else", "broken-core.img: thread 7 is not at an equivalence point"},
	})
	first := problem{"", "process 7: something else"}
	core := problem{"broken-core.img", "broken-core.img: thread 7 is not at an equivalence point"}
	if got := m.problems(t); !reflect.DeepEqual(got, []problem{first, {"", core.Error}}) {
		t.Errorf("at the beginning: %q", got)
	}
	for range 3 {
		// It can be listed with all that belongs to it, see brokenNode.
		if st := stat(t, m.path("broken-core.img")); st.Mode != syscall.S_IFREG|0o400 || st.Size != 0 {
			t.Errorf("broken: mode %o, size %d", st.Mode, st.Size)
		}
		if _, err := os.ReadFile(m.path("broken-core.img")); !errors.Is(err, syscall.EIO) {
			t.Errorf("broken: %v", err)
		}
	}
	if got := m.problems(t); !reflect.DeepEqual(got, []problem{core, first}) {
		t.Errorf("after one: %q", got)
	}
	// All that is there can be read, the rest not be taken for zeros.
	f, err := os.Open(m.path("short-1.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := f.Read(make([]byte, 100)); !errors.Is(err, syscall.EIO) {
		t.Errorf("short: read %d bytes, %v", n, err)
	}
	if _, err := os.ReadFile(m.path("parent/broken-x")); !errors.Is(err, syscall.EIO) {
		t.Errorf("in parent: %v", err)
	}
	short := problem{"short-1.img", "short-1.img: ends at byte 5 of 6"}
	below := problem{"parent/broken-x", `broken-x: says <why> "exactly"`}
	if got, want := m.problems(t), []problem{core, short, below, first}; !reflect.DeepEqual(got, want) {
		t.Errorf("in the end: %q, want %q", got, want)
	}
	m.expectLog(t, core.Error, short.Error, below.Error)
}

// A file is what it was when errors.json was opened, whatever happens later.
func TestErrorsFileIsASnapshot(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"broken-a": "a"})})
	f, err := os.Open(m.path(".tpfs/errors.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stat(m.path("broken-a"))
	b := make([]byte, 100)
	n, _ := f.Read(b)
	if string(b[:n]) != "[]\n" {
		t.Errorf("read %q", b[:n])
	}
}

// A reader who can fail in endlessly many ways does not fill the memory.
func TestProblemsAreBounded(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprint("broken-", i)] = "bad"
	}
	m := mount(t, serverConfig{Source: source(t, files)})
	for name := range files {
		if _, err := os.ReadFile(m.path(name)); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
	}
	if got := len(m.problems(t)); got != 256 {
		t.Errorf("%d problems are kept", got)
	}
}

func TestStaleSource(t *testing.T) {
	for what, change := range map[string]func(path string) error{
		"rewritten": func(p string) error { return os.WriteFile(p, []byte("other content"), 0o600) },
		"touched":   func(p string) error { return os.Chtimes(p, time.Time{}, time.Unix(1, 0)) },
		"removed":   os.Remove,
		"replaced": func(p string) error {
			st, err := os.Stat(p)
			if err != nil {
				return err
			}
			if err := os.Rename(p, p+".old"); err != nil {
				return err
			}
			if err := os.WriteFile(p, []byte("content"), 0o644); err != nil {
				return err
			}
			return os.Chtimes(p, st.ModTime(), st.ModTime())
		},
	} {
		for mode, c := range modes {
			t.Run(what+"/"+mode, func(t *testing.T) {
				c.Source = source(t, map[string]string{"pages-1.img": "content"})
				m := mount(t, c)
				path := m.path("pages-1.img")
				if b, err := os.ReadFile(path); string(b) != "content" || err != nil {
					t.Fatalf("%q, %v", b, err)
				}
				if err := change(filepath.Join(c.Source, "pages-1.img")); err != nil {
					t.Fatal(err)
				}
				// Each open notices, though the pages are cached.
				for range 2 {
					if b, err := os.ReadFile(path); !errors.Is(err, syscall.ESTALE) {
						t.Errorf("read %q, %v", b, err)
					}
				}
				list := m.problems(t)
				if len(list) != 1 || list[0].Image != "pages-1.img" || !strings.HasPrefix(list[0].Error, "pages-1.img: ") {
					t.Fatalf("problems: %q", list)
				}
				m.expectLog(t, list[0].Error)
			})
		}
	}
}

// Where the bytes come through the server, a file that was cut while it is open
// does not read as zeros.
func TestSourceCutWhileOpen(t *testing.T) {
	src := source(t, map[string]string{"pages-1.img": strings.Repeat("x", 100<<10)})
	m := mount(t, serverConfig{Source: src, NoPassthrough: true})
	f, err := os.Open(m.path("pages-1.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(filepath.Join(src, "pages-1.img"), 10); err != nil {
		t.Fatal(err)
	}
	if n, err := f.ReadAt(make([]byte, 4096), 8192); err == nil || n > 0 {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if list := m.problems(t); len(list) != 1 || !strings.Contains(list[0].Error, "from 102400 to 10 bytes") {
		t.Errorf("problems: %q", list)
	}
}
