package fs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/fs"
	"github.com/tpfs/tpfs/fs/fusetest"
)

// The tests are clients of a server in another process, which is this test
// program again: a process that waits for its own answers can lock up.
const serverEnv = "TPFS_TEST_SERVER"

// serverConfig goes to the server as JSON.
type serverConfig struct {
	Source, Dir   string
	NoPassthrough bool
	ScratchDir    string
	Errors        []string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(serverEnv); text != "" {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func serve(text string) error {
	var c serverConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	m, err := fs.New(fusetest.Dir(c.Source), c.Dir, fs.Options{
		FsName:        c.Source,
		AllowOther:    true,
		NoPassthrough: c.NoPassthrough,
		ScratchDir:    c.ScratchDir,
		Log:           func(s string) { fmt.Printf("log: %s\n", s) },
		Errors: func() (list []error) {
			for _, e := range c.Errors {
				list = append(list, fmt.Errorf("%s", e))
			}
			return list
		},
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	<-m.Done()
	return nil
}

// mounted is a mount served by another process.
type mounted struct {
	dir, src string
	pid      int

	exited chan struct{}
	err    error // valid after exited

	mu  sync.Mutex
	log []string
}

// mount serves c.Source, by default a new empty directory, until the test ends.
func mount(t *testing.T, c serverConfig) *mounted {
	t.Helper()
	fusetest.Require(t)
	if c.Source == "" {
		c.Source = t.TempDir()
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serverEnv+"="+string(text))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &mounted{dir: c.Dir, src: c.Source, pid: cmd.Process.Pid, exited: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if lines.Text() == "ready" {
				close(ready)
				continue
			}
			m.mu.Lock()
			m.log = append(m.log, strings.TrimPrefix(lines.Text(), "log: "))
			m.mu.Unlock()
		}
		m.err = cmd.Wait()
		close(m.exited)
	}()
	t.Cleanup(func() {
		unix.Unmount(c.Dir, unix.MNT_DETACH)
		select {
		case <-m.exited:
			if m.err != nil {
				t.Errorf("server: %v\n%s", m.err, &stderr)
			}
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			t.Error("the server goes on after the unmount")
		}
		if s := stderr.String(); s != "" {
			t.Errorf("server's stderr: %s", s)
		}
	})
	select {
	case <-ready:
	case <-m.exited:
		t.Fatalf("server: %v\n%s", m.err, &stderr)
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not get ready")
	}
	return m
}

func (m *mounted) path(name string) string { return filepath.Join(m.dir, name) }

func (m *mounted) logged() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.log...)
}

// source makes a directory with these files; a name that ends in / is a
// directory.
func source(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
