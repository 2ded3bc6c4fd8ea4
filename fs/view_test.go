package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/fs/fusetest"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func stat(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatalf("lstat %s: %v", path, err)
	}
	return &st
}

func TestShowsTheView(t *testing.T) {
	src := source(t, map[string]string{
		"inventory.img":      "inventory",
		"pages-1.img":        strings.Repeat("x", 12345),
		"empty.img":          "",
		"generated-core.img": "made anew",
		"parent/pages-1.img": "below",
	})
	then := time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
	if err := os.Chtimes(filepath.Join(src, "pages-1.img"), then, then); err != nil {
		t.Fatal(err)
	}
	m := mount(t, serverConfig{Source: src})

	want := []string{"empty.img", "generated-core.img", "inventory.img", "pages-1.img", "parent"}
	if got := names(t, m.dir); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if got := names(t, m.path("parent")); !slices.Equal(got, []string{"pages-1.img"}) {
		t.Errorf("parent lists %q", got)
	}
	for _, c := range []struct {
		name string
		mode uint32
		size int64
	}{
		{".", syscall.S_IFDIR | 0o700, 0},
		{"parent", syscall.S_IFDIR | 0o500, 0},
		{"inventory.img", syscall.S_IFREG | 0o400, 9},
		{"pages-1.img", syscall.S_IFREG | 0o400, 12345},
		{"empty.img", syscall.S_IFREG | 0o400, 0},
		{"generated-core.img", syscall.S_IFREG | 0o400, 9},
		{"parent/pages-1.img", syscall.S_IFREG | 0o400, 5},
		{".tpfs", syscall.S_IFDIR | 0o500, 0},
		{".tpfs/errors.json", syscall.S_IFREG | 0o400, 3},
	} {
		st := stat(t, m.path(c.name))
		if st.Mode != c.mode || st.Size != c.size || st.Uid != 0 {
			t.Errorf("%s: mode %o, size %d, owner %d; want %o, %d, 0", c.name, st.Mode, st.Size, st.Uid, c.mode, c.size)
		}
	}
	if st := stat(t, m.path("pages-1.img")); !time.Unix(st.Mtim.Unix()).Equal(then) {
		t.Errorf("mtime %v, want %v", time.Unix(st.Mtim.Unix()), then)
	}
	for _, name := range []string{"missing.img", "parent/missing.img", ".tpfs/missing", strings.Repeat("n", 255)} {
		if _, err := os.Stat(m.path(name)); !errors.Is(err, iofs.ErrNotExist) {
			t.Errorf("%.20s: %v, want ENOENT", name, err)
		}
	}
	if len(m.logged()) > 0 {
		t.Errorf("logged %q", m.logged())
	}
}

// An inode number is a file's for as long as the mount lives, whether it is
// listed or looked up, and whether the kernel has forgotten it or not.
func TestInodeNumbersAreStable(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{
		"a.img": "a", "b.img": "b", "parent/a.img": "a", "broken-c.img": "no",
	})})
	inos := func() map[string]uint64 {
		got := map[string]uint64{}
		for _, dir := range []string{".", "parent"} {
			fd, err := unix.Open(m.path(dir), unix.O_RDONLY|unix.O_DIRECTORY, 0)
			if err != nil {
				t.Fatal(err)
			}
			for name, ino := range dirents(t, fd) {
				got[dir+"/"+name] = ino
			}
			unix.Close(fd)
		}
		return got
	}
	first := inos()
	seen := map[uint64]string{}
	for name, ino := range first {
		if other, ok := seen[ino]; ok {
			t.Errorf("%s and %s have the same number", name, other)
		}
		seen[ino] = name
		if st := stat(t, m.path(name)); st.Ino != ino {
			t.Errorf("%s: number %d listed, %d found", name, ino, st.Ino)
		}
	}
	dropCaches(t)
	if second := inos(); !reflect.DeepEqual(first, second) {
		t.Errorf("numbers changed:\n%v\n%v", first, second)
	}
}

// dirents reads an open directory with getdents64: names and inode numbers.
func dirents(t *testing.T, fd int) map[string]uint64 {
	t.Helper()
	got := map[string]uint64{}
	buf := make([]byte, 512) // small, so that it takes several calls
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return got
		}
		for b := buf[:n]; len(b) > 0; {
			ino := *(*uint64)(ptr(b))
			reclen := int(b[16]) | int(b[17])<<8
			name, _, _ := bytes.Cut(b[19:reclen], []byte{0})
			got[string(name)] = ino
			b = b[reclen:]
		}
	}
}

func TestLongListing(t *testing.T) {
	files := map[string]string{}
	for i := range 1500 {
		files[fmt.Sprintf("core-%d-with-a-name-of-some-length.img", i)] = "x"
	}
	m := mount(t, serverConfig{Source: source(t, files)})
	fd, err := unix.Open(m.dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if got := dirents(t, fd); len(got) != len(files) {
		t.Errorf("%d names, want %d", len(got), len(files))
	}
	// An NFS server reads on at an earlier position, and one after it.
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got := dirents(t, fd); len(got) != len(files) {
		t.Errorf("%d names after going back, want %d", len(got), len(files))
	}
}

// modes are the ways in which bytes get from a file to its reader.
var modes = map[string]serverConfig{
	"passthrough": {},
	"splice":      {NoPassthrough: true},
}

func TestReads(t *testing.T) {
	const size = 3<<20 + 1234 // several requests, and a tail
	content := make([]byte, size)
	fusetest.Pattern(content, 0)
	src := source(t, map[string]string{
		"pages-1.img":   string(content),
		"generated.img": string(content),
		"pattern-1.img": fmt.Sprint(size),
	})
	if err := os.Rename(filepath.Join(src, "generated.img"), filepath.Join(src, "generated-1.img")); err != nil {
		t.Fatal(err)
	}
	for mode, c := range modes {
		t.Run(mode, func(t *testing.T) {
			c.Source = src
			m := mount(t, c)
			for _, name := range []string{"pages-1.img", "generated-1.img", "pattern-1.img"} {
				t.Run(name, func(t *testing.T) { testReads(t, m.path(name), content) })
			}
			if len(m.logged()) > 0 {
				t.Errorf("logged %q", m.logged())
			}
		})
	}
}

func testReads(t *testing.T, path string, content []byte) {
	size := int64(len(content))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	check := func(off int64, n int) {
		t.Helper()
		buf := make([]byte, n)
		got, err := f.ReadAt(buf, off)
		want := content[min(off, size):min(off+int64(n), size)]
		if !bytes.Equal(buf[:got], want) {
			t.Errorf("%d bytes at %d: wrong content, or %d bytes instead of %d", n, off, got, len(want))
		}
		if err != nil && err != io.EOF {
			t.Errorf("%d bytes at %d: %v", n, off, err)
		}
	}
	for _, off := range []int64{0, 1, 4095, 4096, 4097, 1 << 19, 1<<20 - 1, size - 4097, size - 1, size, size + 1, size + 1<<30} {
		for _, n := range []int{1, 2, 511, 4096, 4097, 1<<20 + 3, 2 << 20} {
			check(off, n)
		}
	}
	random := rand.New(rand.NewSource(1))
	for range 200 {
		check(random.Int63n(size+5000), 1+random.Intn(1<<17))
	}
	// What cp and CRIU do, and what no one has cached.
	dropCaches(t)
	if all, err := os.ReadFile(path); err != nil || !bytes.Equal(all, content) {
		t.Errorf("the whole file: %d bytes, %v", len(all), err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	aligned := alignedBuffer(1 << 20)
	if n, err := unix.Pread(fd, aligned, 8192); err != nil || !bytes.Equal(aligned[:n], content[8192:8192+1<<20]) {
		t.Errorf("O_DIRECT: %d bytes, %v", n, err)
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mapped, content) {
		t.Error("mapped: wrong content")
	}
	if err := unix.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	if off, err := f.Seek(10, unix.SEEK_HOLE); err != nil || off != size {
		t.Errorf("the first hole is at %d, %v", off, err)
	}
}

func TestConcurrentReaders(t *testing.T) {
	const size = 2 << 20
	content := make([]byte, size)
	fusetest.Pattern(content, 0)
	src := source(t, map[string]string{"pages-1.img": string(content), "pattern-1.img": fmt.Sprint(size)})
	for mode, c := range modes {
		t.Run(mode, func(t *testing.T) {
			c.Source = src
			m := mount(t, c)
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					random := rand.New(rand.NewSource(int64(i)))
					f, err := os.Open(m.path([]string{"pages-1.img", "pattern-1.img"}[i%2]))
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					buf := make([]byte, 300<<10)
					for range 30 {
						off := random.Int63n(size - int64(len(buf)))
						if _, err := f.ReadAt(buf, off); err != nil || !bytes.Equal(buf, content[off:off+int64(len(buf))]) {
							t.Errorf("at %d: %v", off, err)
						}
						if i == 0 {
							dropCaches(t)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// With passthrough, the kernel reads a file that the server has opened without
// the server.
func TestPassthroughNeedsNoServer(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"pages-1.img": "content"})})
	f, err := os.Open(m.path("pages-1.img"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !kernelAtLeast(t, 6, 9) {
		if b, err := io.ReadAll(f); string(b) != "content" || err != nil {
			t.Errorf("read %q, %v", b, err)
		}
		return
	}
	if err := unix.Kill(m.pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(m.pid, unix.SIGCONT)
	got := make(chan string, 1)
	go func() {
		b := make([]byte, 7)
		n, err := f.ReadAt(b, 0)
		got <- fmt.Sprintf("%s %v", b[:n], err)
	}()
	select {
	case s := <-got:
		if s != "content <nil>" {
			t.Errorf("read %s", s)
		}
	case <-time.After(10 * time.Second):
		t.Error("the read waits for the server")
	}
}

// Passthrough must not depend on which of two openers comes first or last.
func TestPassthroughOpenedTwice(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"pages-1.img": "content"})})
	for range 3 {
		a, err := os.Open(m.path("pages-1.img"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.Open(m.path("pages-1.img"))
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		if got, err := io.ReadAll(b); string(got) != "content" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		b.Close()
	}
}

// A source can be on a file system of which the kernel does not let us read
// directly: here, another mount of this kind.
func TestSourceOnAnotherMount(t *testing.T) {
	first := mount(t, serverConfig{Source: source(t, map[string]string{"a.img": "content", "generated-b": "made"})})
	second := mount(t, serverConfig{Source: first.dir})
	t.Cleanup(func() { unix.Unmount(second.dir, unix.MNT_DETACH) }) // before the first
	for name, want := range map[string]string{"a.img": "content", "generated-b": "made"} {
		if got, err := os.ReadFile(second.path(name)); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Reading a large file takes no memory for it, whatever way the bytes go.
func TestMemoryIsBounded(t *testing.T) {
	sizes := map[string]int64{"pages-1.img": 1 << 30, "pattern-2.img": 256 << 20}
	src := source(t, map[string]string{"pages-1.img": "", "pattern-2.img": fmt.Sprint(sizes["pattern-2.img"])})
	if err := os.Truncate(filepath.Join(src, "pages-1.img"), sizes["pages-1.img"]); err != nil {
		t.Fatal(err)
	}
	limit := 64 << 10
	if raceEnabled {
		limit *= 4 // shadow memory
	}
	for mode, c := range modes {
		t.Run(mode, func(t *testing.T) {
			c.Source = src
			m := mount(t, c)
			var wg sync.WaitGroup
			for _, name := range []string{"pages-1.img", "pattern-2.img", "pattern-2.img"} {
				wg.Go(func() {
					f, err := os.Open(m.path(name))
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					buf := make([]byte, 4<<20)
					if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf); n != sizes[name] || err != nil {
						t.Errorf("%s: read %d bytes, %v", name, n, err)
					}
				})
			}
			wg.Wait()
			if peak := peakRSS(t, m.pid); peak > limit {
				t.Errorf("the server took %d KiB, more than %d", peak, limit)
			}
		})
	}
}

func TestOtherUsersAreKeptOut(t *testing.T) {
	m := mount(t, serverConfig{Source: source(t, map[string]string{"pages-1.img": "secret", "parent/pages-1.img": "secret"})})
	for _, dir := range []string{m.dir, filepath.Dir(m.dir)} {
		if err := os.Chmod(dir, 0o755); err != nil && !errors.Is(err, syscall.EROFS) {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(m.dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pages-1.img", "parent/pages-1.img", ".tpfs/errors.json"} {
		cmd := exec.Command("cat", m.path(name))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Permission denied") {
			t.Errorf("%s: nobody read %q, %v", name, out, err)
		}
	}
}
