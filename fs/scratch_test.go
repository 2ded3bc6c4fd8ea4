package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestScratchFile(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"core-1.img": "core"})})
	path := m.path("restore.log")
	if _, err := os.Stat(path); !errors.Is(err, iofs.ErrNotExist) {
		t.Fatal(err) // and now the kernel knows that there is none
	}
	before := stat(t, m.dir).Mtim
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if after := stat(t, m.dir).Mtim; after == before {
		t.Error("a new file does not change the time of its directory")
	}
	if _, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640); !errors.Is(err, iofs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 100<<10) // several requests
	if n, err := f.Write(content); n != len(content) || err != nil {
		t.Fatalf("wrote %d bytes, %v", n, err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("fsync: %v", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("flock: %v", err)
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		t.Errorf("fcntl lock: %v", err)
	}
	if _, err := f.WriteAt([]byte("XY"), 1000); err != nil {
		t.Error(err)
	}
	copy(content[1000:], "XY")
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back %d bytes, %v", len(got), err)
	}
	if st := stat(t, path); st.Mode != syscall.S_IFREG|0o640 || st.Size != int64(len(content)) || st.Nlink != 1 || st.Blocks == 0 {
		t.Errorf("mode %o, size %d, links %d, blocks %d", st.Mode, st.Size, st.Nlink, st.Blocks)
	}

	if err := os.Truncate(path, 5); err != nil {
		t.Error(err)
	}
	app, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"+one", "+two"} {
		if _, err := app.WriteString(s); err != nil {
			t.Error(err)
		}
	}
	app.Close()
	if got, err := os.ReadFile(path); string(got) != "01234+one+two" || err != nil {
		t.Errorf("appended: %q, %v", got, err)
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 4096); err != nil {
		t.Errorf("fallocate: %v", err)
	}
	if st := stat(t, path); st.Size != 4096 {
		t.Errorf("allocated: size %d", st.Size)
	}

	then := time.Unix(1e9, 5)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Chown(path, 7, 8); err != nil {
		t.Error(err)
	}
	dropCaches(t)
	if st := stat(t, path); st.Mode&0o7777 != 0o600 || st.Uid != 7 || st.Gid != 8 || !time.Unix(st.Mtim.Unix()).Equal(then) {
		t.Errorf("changed to mode %o, owner %d:%d, time %v", st.Mode, st.Uid, st.Gid, st.Mtim)
	}

	// Renamed, it is the same file; over another one, it takes its place.
	ino := stat(t, path).Ino
	if err := os.WriteFile(m.path("other"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(m.path("other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, m.path("other"), unix.RENAME_NOREPLACE); err != unix.EEXIST {
		t.Errorf("RENAME_NOREPLACE: %v", err)
	}
	if err := os.Rename(path, m.path("other")); err != nil {
		t.Error(err)
	}
	if st := stat(t, m.path("other")); st.Ino != ino {
		t.Errorf("renamed: number %d, was %d", st.Ino, ino)
	}
	if _, err := os.Stat(path); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("the old name: %v", err)
	}
	if got := names(t, m.dir); !slices.Equal(got, []string{"core-1.img", "other"}) {
		t.Errorf("listed %q", got)
	}

	// Without a name, files live on for those who have them open.
	if err := os.Remove(m.path("other")); err != nil {
		t.Error(err)
	}
	dropCaches(t)
	if got, err := io.ReadAll(other); string(got) != "other" || err != nil {
		t.Errorf("replaced file: %q, %v", got, err)
	}
	if _, err := f.WriteAt([]byte("still"), 0); err != nil {
		t.Errorf("removed file: %v", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Nlink != 0 || st.Size != 4096 {
		t.Errorf("removed file: %d links, size %d, %v", st.Nlink, st.Size, err)
	}
	if got := names(t, m.dir); !slices.Equal(got, []string{"core-1.img"}) {
		t.Errorf("listed %q", got)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("again"), 0o600); err != nil {
		t.Errorf("the name cannot be used again: %v", err)
	}
}

// Removed files give their descriptors back.
func TestScratchDoesNotPileUp(t *testing.T) {
	m := mount(t, serverConfig{})
	count := func() int {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := count()
	for i := range 600 { // more than may exist at a time
		path := m.path(fmt.Sprint(i))
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for count() > before+20 {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are open, %d at the beginning", count(), before)
		}
		dropCaches(t) // the kernel forgets when it likes to
	}
	var err error
	for i := 0; i < 2000 && err == nil; i++ {
		err = os.WriteFile(m.path(fmt.Sprint(i)), nil, 0o600)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("endlessly many files: %v", err)
	}
}

func TestScratchSocketAndFifo(t *testing.T) {
	m := mount(t, serverConfig{})
	// criu lazy-pages listens in the images directory.
	path := m.path("lazy-pages.socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.WriteString(c, "hello")
			c.Close()
		}
	}()
	dropCaches(t)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("through the socket: %q, %v", got, err)
	}
	c.Close()
	if st := stat(t, path); st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		t.Errorf("mode %o", st.Mode)
	}
	if err := l.Close(); err != nil { // removes it
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("closed, the socket is still there: %v", err)
	}

	fifo := m.path("fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile(fifo, []byte("through"), 0)
	if got, err := os.ReadFile(fifo); string(got) != "through" || err != nil {
		t.Errorf("through the fifo: %q, %v", got, err)
	}
	if err := unix.Mknod(m.path("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != unix.EPERM {
		t.Errorf("a device: %v", err)
	}
}

// What the view has cannot be changed, and the reserved names not be taken.
func TestReadOnly(t *testing.T) {
	files := map[string]string{
		"core-1.img":         "core",
		"generated-1.img":    "made",
		"broken-1.img":       "no such thread",
		"parent/pages-1.img": "pages",
	}
	src := source(t, files)
	m := mount(t, serverConfig{Source: src})
	scratch := m.path("scratch")
	if err := os.WriteFile(scratch, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(flags int) func(string) error {
		return func(path string) error {
			f, err := os.OpenFile(path, flags, 0o600)
			if err == nil {
				f.Close()
			}
			return err
		}
	}
	type op struct {
		name string
		do   func(path string) error
		want error
	}
	ops := []op{
		{"open for writing", open(os.O_WRONLY), unix.EROFS},
		{"open for both", open(os.O_RDWR), unix.EROFS},
		{"open to append", open(os.O_WRONLY | os.O_APPEND), unix.EROFS},
		{"open and truncate", open(os.O_WRONLY | os.O_TRUNC), unix.EROFS},
		{"open for reading and truncate", open(os.O_RDONLY | os.O_TRUNC), unix.EROFS},
		{"create", open(os.O_RDWR | os.O_CREATE), unix.EROFS},
		{"create anew", open(os.O_RDWR | os.O_CREATE | os.O_EXCL), unix.EEXIST},
		{"truncate", func(p string) error { return os.Truncate(p, 0) }, unix.EROFS},
		{"remove", unix.Unlink, unix.EROFS},
		{"rename", func(p string) error { return unix.Rename(p, m.path("new")) }, unix.EROFS},
		{"rename over", func(p string) error { return unix.Rename(scratch, p) }, unix.EROFS},
		{"exchange", func(p string) error {
			return unix.Renameat2(unix.AT_FDCWD, scratch, unix.AT_FDCWD, p, unix.RENAME_EXCHANGE)
		}, unix.EINVAL},
		{"link over", func(p string) error { return unix.Link(scratch, p) }, unix.EEXIST},
		{"make a directory", func(p string) error { return unix.Mkdir(p, 0o700) }, unix.EEXIST},
		{"make a fifo", func(p string) error { return unix.Mkfifo(p, 0o600) }, unix.EEXIST},
		{"chmod", func(p string) error { return os.Chmod(p, 0o777) }, unix.EROFS},
		{"chown", func(p string) error { return os.Chown(p, 1, 1) }, unix.EROFS},
		{"set times", func(p string) error { return os.Chtimes(p, time.Now(), time.Now()) }, unix.EROFS},
	}
	for _, name := range []string{"core-1.img", "generated-1.img", "parent/pages-1.img", ".tpfs/errors.json"} {
		for _, op := range ops {
			want := op.want
			if op.name == "exchange" && strings.Contains(name, "/") {
				want = unix.EROFS // for there is no scratch to exchange it with
			}
			if err := op.do(m.path(name)); !errors.Is(err, want) {
				t.Errorf("%s: %s: %v, want %v", op.name, name, err, want)
			}
		}
	}

	link := func(p string) error { return unix.Symlink("x", p) }
	mkdir := func(p string) error { return unix.Mkdir(p, 0o700) }
	create := open(os.O_RDWR | os.O_CREATE)
	move := func(p string) error { return unix.Rename(scratch, p) }
	fifo := func(p string) error { return unix.Mkfifo(p, 0o600) }
	for _, c := range []struct {
		what string
		name string
		do   func(path string) error
		want error
	}{
		{"create", "parent/new", create, unix.EROFS},
		{"mkdir", "parent/new", mkdir, unix.EROFS},
		{"symlink", "parent/new", link, unix.EROFS},
		{"mkfifo", "parent/new", fifo, unix.EROFS},
		{"move", "parent/new", move, unix.EROFS},
		{"link", "parent/new", func(p string) error { return unix.Link(scratch, p) }, unix.EROFS},
		{"create", ".tpfs/new", create, unix.EROFS},
		{"move", ".tpfs/new", move, unix.EROFS},
		{"rmdir", "parent", unix.Rmdir, unix.EROFS},
		{"rmdir", ".tpfs", unix.Rmdir, unix.EROFS},
		{"move", "parent", move, unix.EISDIR},
		{"rename", "parent", func(p string) error { return unix.Rename(p, m.path("new")) }, unix.EROFS},
		{"rename", ".tpfs", func(p string) error { return unix.Rename(p, m.path("new")) }, unix.EROFS},
		{"rename", "missing", func(p string) error { return unix.Rename(p, m.path("new")) }, unix.ENOENT},
		{"remove", "missing", unix.Unlink, unix.ENOENT},
		{"mkdir", "new", mkdir, unix.EPERM},
		{"symlink", "new", link, unix.EPERM},
		{"hard link", "new", func(p string) error { return unix.Link(scratch, p) }, unix.EPERM},
		{"hard link of the view", "new", func(p string) error { return unix.Link(m.path("core-1.img"), p) }, unix.EPERM},
		{"chmod", ".", func(p string) error { return os.Chmod(p, 0o777) }, unix.EROFS},
		// An image that cannot be translated is there nonetheless.
		{"create", "broken-1.img", create, unix.EROFS},
		{"move", "broken-1.img", move, unix.EROFS},
		{"remove", "broken-1.img", unix.Unlink, unix.EROFS},
		{"long name", strings.Repeat("n", 300), create, unix.ENAMETOOLONG},
	} {
		if err := c.do(m.path(c.name)); !errors.Is(err, c.want) {
			t.Errorf("%s %.20s: %v, want %v", c.what, c.name, err, c.want)
		}
	}

	// Nothing of all that has changed anything.
	for name, content := range files {
		if got, err := os.ReadFile(filepath.Join(src, name)); string(got) != content || err != nil {
			t.Errorf("source %s: %q, %v", name, got, err)
		}
	}
	want := []string{"broken-1.img", "core-1.img", "generated-1.img", "parent", "scratch"}
	if got := names(t, m.dir); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if got, err := os.ReadFile(scratch); string(got) != "mine" || err != nil {
		t.Errorf("scratch: %q, %v", got, err)
	}
}

// Beside images without a parent, nobody can put one.
func TestReservedNames(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{".tpfs/x": "the source has this name, too"})})
	if err := os.WriteFile(m.path("x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() error{
		"create":  func() error { return os.WriteFile(m.path("parent"), nil, 0o600) },
		"mkdir":   func() error { return unix.Mkdir(m.path("parent"), 0o700) },
		"symlink": func() error { return unix.Symlink("../other", m.path("parent")) },
		"rename":  func() error { return unix.Rename(m.path("x"), m.path("parent")) },
		"mkfifo":  func() error { return unix.Mkfifo(m.path("parent"), 0o600) },
	} {
		if err := do(); !errors.Is(err, unix.EROFS) {
			t.Errorf("%s parent: %v, want EROFS", what, err)
		}
	}
	if got := names(t, m.dir); !slices.Equal(got, []string{"x"}) {
		t.Errorf("listed %q", got)
	}
	if got := names(t, m.path(".tpfs")); !slices.Equal(got, []string{"errors.json", "pid"}) {
		t.Errorf(".tpfs lists %q", got)
	}
}

// However the server ends, no scratch file is left, nor could another process
// see one.
func TestScratchIsPrivate(t *testing.T) {
	dir := t.TempDir()
	m := mount(t, serverConfig{ScratchDir: dir})
	if err := os.WriteFile(m.path("restore.log"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("in the scratch directory: %q", got)
	}
}

// A mount may cover the very directory where its scratch files are made.
func TestScratchBelowTheMountpoint(t *testing.T) {
	dir := t.TempDir()
	m := mount(t, serverConfig{Dir: dir, ScratchDir: dir})
	if err := os.WriteFile(m.path("restore.log"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(m.path("restore.log")); string(got) != "x" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestStatfs(t *testing.T) {
	scratch := t.TempDir()
	m := mount(t, serverConfig{Source: source(t, map[string]string{"a.img": "a"}), ScratchDir: scratch})
	var want unix.Statfs_t
	if err := unix.Statfs(scratch, &want); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path("log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const fuseMagic = 0x65735546
	for _, name := range []string{".", "a.img", "log", ".tpfs/pid"} {
		var st unix.Statfs_t
		if err := unix.Statfs(m.path(name), &st); err != nil {
			t.Fatal(err)
		}
		if st.Type != fuseMagic || st.Blocks != want.Blocks || st.Bsize != want.Bsize || st.Namelen != 255 || st.Bavail == 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
}
