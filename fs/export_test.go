package fs_test

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Handles are what an NFS server gives its clients for files: it must be able
// to open them long after the kernel has forgotten the inodes.
func TestFileHandles(t *testing.T) {
	src := source(t, map[string]string{
		"pages-1.img":         "pages",
		"generated-1.img":     "core",
		"parent/pages-1.img":  "below",
		"parent/parent/x.img": "deep",
	})
	m := mount(t, serverConfig{Source: src})
	if err := os.WriteFile(m.path("restore.log"), []byte("log"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"pages-1.img":         "pages",
		"generated-1.img":     "core",
		"parent/pages-1.img":  "below",
		"parent/parent/x.img": "deep",
		"restore.log":         "log",
		".tpfs/errors.json":   "[]\n",
	}
	handles := map[string]unix.FileHandle{}
	for name := range files {
		handles[name] = handle(t, m.path(name))
	}
	dirs := map[string]unix.FileHandle{}
	for _, name := range []string{".", "parent", "parent/parent"} {
		dirs[name] = handle(t, m.path(name))
	}
	root, err := unix.Open(m.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	for range 3 {
		dropCaches(t)
		for name, want := range files {
			if got, err := readHandle(root, handles[name]); got != want || err != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		dropCaches(t)
		for name, h := range dirs {
			fd, err := unix.OpenByHandleAt(root, h, unix.O_RDONLY|unix.O_DIRECTORY)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, want := len(dirents(t, fd)), len(names(t, m.path(name)))
			if got != want || got == 0 {
				t.Errorf("%s: %d names by the handle, %d by the path", name, got, want)
			}
			// A server that was started anew walks up to the root.
			var up, dir unix.Stat_t
			if err := unix.Fstatat(fd, "..", &up, 0); err != nil {
				t.Errorf("%s/..: %v", name, err)
			} else if err := unix.Stat(m.path(name+"/.."), &dir); err != nil || name != "." && up.Ino != dir.Ino {
				t.Errorf("%s/..: number %d by the handle, %d by the path, %v", name, up.Ino, dir.Ino, err)
			}
			unix.Close(fd)
		}
	}

	if err := os.Remove(m.path("restore.log")); err != nil {
		t.Fatal(err)
	}
	dropCaches(t)
	if got, err := readHandle(root, handles["restore.log"]); err != unix.ESTALE {
		t.Errorf("a removed file: %q, %v", got, err)
	}
}

// A handle of an earlier mount at the same place may not open another file.
func TestFileHandlesOfAnEarlierMount(t *testing.T) {
	dir := t.TempDir()
	var h unix.FileHandle
	t.Run("first", func(t *testing.T) {
		m := mount(t, serverConfig{Dir: dir, Source: source(t, map[string]string{"a.img": "old"})})
		h = handle(t, m.path("a.img"))
	})
	t.Run("second", func(t *testing.T) {
		m := mount(t, serverConfig{Dir: dir, Source: source(t, map[string]string{"a.img": "new"})})
		if _, err := os.ReadFile(m.path("a.img")); err != nil { // has the same number now
			t.Fatal(err)
		}
		root, err := unix.Open(m.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(root)
		if got, err := readHandle(root, h); err != unix.ESTALE {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func handle(t *testing.T, path string) unix.FileHandle {
	t.Helper()
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		t.Fatalf("name_to_handle_at %s: %v", path, err)
	}
	return h
}

func readHandle(mountFD int, h unix.FileHandle) (string, error) {
	fd, err := unix.OpenByHandleAt(mountFD, h, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}
