package fs_test

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/fs"
	"github.com/tpfs/tpfs/fs/fusetest"
)

func TestMountTable(t *testing.T) {
	src := t.TempDir() + "/a dump, with\\odd\tletters"
	if err := os.Mkdir(src, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/on a mountpoint"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m := mount(t, serverConfig{Source: src, Dir: dir})
	info, err := fs.MountAt(m.dir)
	if err != nil || info.Type != fs.Type || info.Source != src || info.Dir != dir {
		t.Errorf("%+v, %v", info, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(m.dir, link); err != nil {
		t.Fatal(err)
	}
	if info, err := fs.MountAt(link); err != nil || info.Dir != dir {
		t.Errorf("by a link: %+v, %v", info, err)
	}
	if info, err := fs.MountAt(t.TempDir()); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("no mountpoint: %+v, %v", info, err)
	}
	b, err := os.ReadFile(m.path(fs.PidFile))
	if err != nil || string(b) != fmt.Sprintln(m.pid) {
		t.Errorf("the server is %q, %v; want %d", b, err, m.pid)
	}
}

func (m *mounted) waitExited(t *testing.T) {
	t.Helper()
	select {
	case <-m.exited:
	case <-time.After(10 * time.Second):
		t.Fatal("the server does not end")
	}
}

func TestUnmount(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"a.img": "a"})})
	f, err := os.Open(m.path("a.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := fs.Unmount(m.dir, 0); !errors.Is(err, unix.EBUSY) {
		t.Errorf("in use: %v, want EBUSY", err)
	}
	f.Close()
	if err := fs.Unmount(m.dir, 0); err != nil {
		t.Error(err)
	}
	m.waitExited(t)
	if err := fs.Unmount(m.dir, 0); err == nil {
		t.Error("unmounted twice")
	}
}

// Detached, the mount is gone for all but those who have a file of it open.
func TestDetach(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"generated-a": "content"})})
	f, err := os.Open(m.path("generated-a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := fs.Unmount(m.dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path("generated-a")); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("detached: %v", err)
	}
	b := make([]byte, 7)
	if _, err := f.Read(b); err != nil || string(b) != "content" {
		t.Errorf("read %q, %v", b, err)
	}
	f.Close()
	m.waitExited(t)
}

// An aborted connection does not leave a dead mount behind.
func TestAbort(t *testing.T) {
	m := mount(t, serverConfig{})
	abort := fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", unix.Minor(stat(t, m.dir).Dev))
	if _, err := os.Stat(abort); err != nil {
		if err := unix.Mount("none", "/sys/fs/fuse/connections", "fusectl", 0, ""); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount("/sys/fs/fuse/connections", 0)
	}
	if err := os.WriteFile(abort, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	m.waitExited(t)
	if info, err := fs.MountAt(m.dir); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("still mounted: %+v, %v", info, err)
	}
	m.expectLog(t, "the connection to the kernel was aborted")
}

func TestMountFails(t *testing.T) {
	fusetest.Require(t)
	for what, c := range map[string]struct {
		dir  string
		o    fs.Options
		want string
	}{
		"no such mountpoint": {"/nonexistent/dir", fs.Options{}, "cannot mount on /nonexistent/dir: no such file or directory"},
		"no scratch":         {t.TempDir(), fs.Options{ScratchDir: "/nonexistent"}, "the directory /nonexistent for scratch files: "},
		"unusable scratch":   {t.TempDir(), fs.Options{ScratchDir: "/proc"}, "the directory /proc for scratch files: "},
	} {
		m, err := fs.New(fusetest.Dir(t.TempDir()), c.dir, c.o)
		if err == nil {
			m.Detach()
			t.Errorf("%s: mounted", what)
		} else if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
}

func TestCheckMountpoint(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(base, name) }
	for _, dir := range []string{"dumps/1/sub", "dumps/10", "mnt/deep", "bin"} {
		if err := os.MkdirAll(at(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"file", "bin/app"} {
		if err := os.WriteFile(at(file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"to-mnt": at("mnt"), "to-dump": at("dumps/1"), "to-dumps": "dumps", "dangling": at("nowhere"), "loop": "loop",
	} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(base)
	for _, c := range []struct {
		dst, src string
		needed   []string
		want     string // the resolved path, or a part of the error
		bad      bool
	}{
		{"mnt", "dumps/1", nil, at("mnt"), false},
		{at("to-mnt"), at("to-dump"), []string{at("bin/app")}, at("mnt"), false},
		{"mnt/deep/", "dumps/1", nil, at("mnt/deep"), false},
		{"dumps/10", "dumps/1", nil, at("dumps/10"), false}, // no part of it, but for the name

		{"dumps/1", "dumps/1", nil, "would hide its own source", true},
		{"to-dump", "dumps/1", nil, "would hide its own source", true},
		{"dumps", "dumps/1", nil, "would hide its own source", true},
		{"to-dumps", "to-dump", nil, "would hide its own source", true},
		{".", "dumps/1", nil, "would hide its own source", true},
		{"/", "dumps/1", nil, "would hide its own source", true},
		{"dumps/1/sub", "dumps/1", nil, "lies inside the source", true},
		{"to-dump/sub", "dumps/1", nil, "lies inside the source", true},
		{"bin", "dumps/1", []string{"bin/app"}, "would hide bin/app", true},
		{"dumps/10", "dumps/1", []string{"mnt", "to-dumps/10"}, "would hide to-dumps/10", true},
		{"nowhere", "dumps/1", nil, "nowhere does not exist", true},
		{"dangling", "dumps/1", nil, "dangling does not exist", true},
		{"loop", "dumps/1", nil, "the mountpoint loop: ", true},
		{"file", "dumps/1", nil, "file is not a directory", true},
		{"file/sub", "dumps/1", nil, "the mountpoint file/sub: ", true},
		{"mnt", "dumps/nowhere", nil, "no such file", true},
	} {
		got, err := fs.CheckMountpoint(c.dst, c.src, c.needed...)
		switch {
		case c.bad && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s on %s: %v; want %q", c.src, c.dst, err, c.want)
		case !c.bad && (err != nil || got != c.want):
			t.Errorf("%s on %s: %q, %v; want %q", c.src, c.dst, got, err, c.want)
		}
	}
}

func TestCheckMountpointOfMounts(t *testing.T) {
	m := mount(t, serverConfig{})
	_, err := fs.CheckMountpoint(m.dir, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "is mounted already, from "+m.src) {
		t.Errorf("mounted: %v", err)
	}
	// A mount whose server was killed.
	dead := mountDead(t)
	_, err = fs.CheckMountpoint(dead, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "holds a dead mount") {
		t.Errorf("dead: %v", err)
	}
	if info, err := fs.MountAt(dead); err != nil || info.Dir != dead {
		t.Errorf("dead: %+v, %v", info, err)
	}
}

// mountDead is a mountpoint whose server is gone.
func mountDead(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)
	if err := unix.Mount("dead", dir, "fuse.other", 0, data); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	unix.Close(fd)
	return dir
}
