package criuimg

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/checkpoint-restore/go-criu/v7/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v7/crit/images/pstree"
	"golang.org/x/sys/unix"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o600))
}

func openTestDir(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path)
	check(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// messy makes a directory with one of each sort of file.
func messy(t *testing.T) string {
	path := t.TempDir()
	writeFile(t, filepath.Join(path, "b.img"), "content")
	check(t, os.Symlink("b.img", filepath.Join(path, "a.img")))
	check(t, os.Symlink("nowhere", filepath.Join(path, "dangling.img")))
	check(t, os.Symlink("loop.img", filepath.Join(path, "loop.img")))
	check(t, os.Symlink("/dev/null", filepath.Join(path, "device.img")))
	check(t, unix.Mkfifo(filepath.Join(path, "fifo.img"), 0o600))
	check(t, os.Mkdir(filepath.Join(path, "dir.img"), 0o700))
	check(t, os.Symlink("fifo.img", filepath.Join(path, "tofifo.img")))
	check(t, os.Mkdir(filepath.Join(path, "parent"), 0o700))
	return path
}

func TestDirNames(t *testing.T) {
	d := openTestDir(t, messy(t))
	for range 2 { // each listing starts anew
		names, err := d.Names()
		check(t, err)
		if want := []string{"a.img", "b.img"}; !slices.Equal(names, want) {
			t.Errorf("%q, want %q", names, want)
		}
	}
}

func TestDirOpen(t *testing.T) {
	path := messy(t)
	d := openTestDir(t, path)
	for _, name := range []string{"a.img", "b.img"} {
		f, err := d.Open(name)
		check(t, err)
		defer f.Close()
		b := make([]byte, 4)
		if n, err := f.ReadAt(b, 3); n != 4 || err != nil || string(b) != "tent" {
			t.Errorf("%s: read %q, %v", name, b[:n], err)
		}
		info, err := os.Stat(filepath.Join(path, name))
		check(t, err)
		if f.Size() != 7 || f.Name() != name || !f.ModTime().Equal(info.ModTime()) {
			t.Errorf("%s: size %d, name %s, time %v", name, f.Size(), f.Name(), f.ModTime())
		}
		stamp, err := d.Stamp(name)
		if err != nil || stamp != f.Stamp() {
			t.Errorf("%s: stamp %v, %v; want %v", name, stamp, err, f.Stamp())
		}
		if flags, err := unix.FcntlInt(uintptr(f.Fd()), unix.F_GETFL, 0); err != nil || flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: flags 0x%x, %v", name, flags, err)
		}
	}
	tests := []struct {
		name    string
		missing bool
	}{
		{"none.img", true}, {"dangling.img", true},
		{"loop.img", false}, {"device.img", false}, {"fifo.img", false}, {"tofifo.img", false}, {"dir.img", false},
		{"", false}, {".", false}, {"..", false}, {"./b.img", false}, {"/etc/passwd", false}, {"../x", false}, {"b.img\x00", false},
		{strings.Repeat("n", 300), false},
	}
	for _, test := range tests {
		_, err := d.Open(test.name)
		if !errors.As(err, new(*Error)) || errors.Is(err, fs.ErrNotExist) != test.missing {
			t.Errorf("open %q: %v, missing %v", test.name, err, test.missing)
		}
		if _, err = d.Stamp(test.name); !errors.As(err, new(*Error)) || errors.Is(err, fs.ErrNotExist) != test.missing {
			t.Errorf("stamp of %q: %v, missing %v", test.name, err, test.missing)
		}
	}
}

func TestStampChangesWithTheContent(t *testing.T) {
	path := t.TempDir()
	file := filepath.Join(path, "x.img")
	d := openTestDir(t, path)
	stamps := map[Stamp]string{}
	at := time.Unix(1000, 1)
	note := func(what string) {
		s, err := d.Stamp("x.img")
		check(t, err)
		if was, ok := stamps[s]; ok {
			t.Errorf("the stamp is the same for %s and %s", was, what)
		}
		stamps[s] = what
	}
	writeFile(t, file, "one")
	check(t, os.Chtimes(file, at, at))
	note("the first content")
	check(t, os.Chtimes(file, at, at.Add(time.Nanosecond)))
	note("another time")
	writeFile(t, file, "four")
	check(t, os.Chtimes(file, at, at))
	note("another size")
	writeFile(t, file+".new", "one")
	check(t, os.Chtimes(file+".new", at, at))
	check(t, os.Rename(file+".new", file))
	note("another file")
}

// The directory is the one that was opened, whatever its name leads to later.
func TestDirIsMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump")
	check(t, os.Mkdir(path, 0o700))
	writeFile(t, filepath.Join(path, "a.img"), "a")
	d := openTestDir(t, path)
	check(t, os.Rename(path, path+".moved"))
	f, err := d.Open("a.img")
	check(t, err)
	f.Close()
	if names, err := d.Names(); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
	if d.Path() != path {
		t.Errorf("path %s, want %s", d.Path(), path)
	}
}

func TestDirErrors(t *testing.T) {
	path := messy(t)
	for _, name := range []string{"none", "b.img", "fifo.img"} {
		_, err := OpenDir(filepath.Join(path, name))
		if e, ok := errors.AsType[*Error](err); !ok || e.Image != filepath.Join(path, name) {
			t.Errorf("%s is opened as a directory: %v", name, err)
		}
	}
	d, err := OpenDir(path)
	check(t, err)
	check(t, d.Close())
	if _, err := d.Open("b.img"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("open in a closed directory: %v", err)
	}
	if _, err := d.Names(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("list a closed directory: %v", err)
	}
}

func TestParent(t *testing.T) {
	path := t.TempDir()
	for _, dir := range []string{"old", "new", "alone", "self", "x", "y", "broken", "file", "inside/parent"} {
		check(t, os.MkdirAll(filepath.Join(path, dir), 0o700))
	}
	link := func(target, dir string) { check(t, os.Symlink(target, filepath.Join(path, dir, "parent"))) }
	link("../old", "new")
	link(".", "self")
	link("../y", "x")
	link("../x", "y")
	link("../none", "broken")
	writeFile(t, filepath.Join(path, "file", "parent"), "")
	writeFile(t, filepath.Join(path, "old", "a.img"), "a")

	parent, err := openTestDir(t, filepath.Join(path, "new")).Parent()
	check(t, err)
	defer parent.Close()
	if names, err := parent.Names(); err != nil || !slices.Equal(names, []string{"a.img"}) {
		t.Errorf("the parent has %q, %v", names, err)
	}
	if want := filepath.Join(path, "new", "parent"); parent.Path() != want {
		t.Errorf("path %s, want %s", parent.Path(), want)
	}
	if !parent.Is(openTestDir(t, filepath.Join(path, "old"))) || parent.Is(openTestDir(t, path)) {
		t.Error("the parent is another directory")
	}
	if _, err := parent.Open("b.img"); err == nil || err.Error() != filepath.Join(path, "new", "parent", "b.img")+": the image is missing from the dump" {
		t.Errorf("of the parent: %v", err)
	}
	if p, err := openTestDir(t, filepath.Join(path, "inside")).Parent(); err != nil || p == nil {
		t.Errorf("a directory of that name: %v, %v", p, err)
	} else {
		p.Close()
	}
	if p, err := openTestDir(t, filepath.Join(path, "alone")).Parent(); p != nil || err != nil {
		t.Errorf("no parent: %v, %v", p, err)
	}
	for _, dir := range []string{"self", "broken", "file"} {
		if _, err := openTestDir(t, filepath.Join(path, dir)).Parent(); err == nil {
			t.Errorf("%s: no error", dir)
		}
	}
	y, err := openTestDir(t, filepath.Join(path, "x")).Parent()
	check(t, err)
	defer y.Close()
	if _, err := y.Parent(); err == nil || !strings.Contains(err.Error(), "leads back") {
		t.Errorf("a parent that is its own grandchild: %v", err)
	}
}

func TestParentChainLength(t *testing.T) {
	path := t.TempDir()
	for i := range MaxParents + 2 {
		dir := filepath.Join(path, fmt.Sprint(i))
		check(t, os.Mkdir(dir, 0o700))
		check(t, os.Symlink(fmt.Sprintf("../%d", i+1), filepath.Join(dir, "parent")))
	}
	d, err := OpenDir(filepath.Join(path, "0"))
	check(t, err)
	for i := range MaxParents {
		parent, err := d.Parent()
		d.Close()
		if err != nil {
			t.Fatalf("parent %d: %v", i+1, err)
		}
		d = parent
	}
	defer d.Close()
	if _, err := d.Parent(); err == nil {
		t.Errorf("there is a parent %d", MaxParents+1)
	}
}

func TestOneAndAll(t *testing.T) {
	path := t.TempDir()
	for _, s := range synthetics {
		data, _ := s.bytes()
		writeFile(t, filepath.Join(path, s.name), string(data))
	}
	writeFile(t, filepath.Join(path, "pages-1.img"), "")
	d := openTestDir(t, path)
	if m, err := One[*inventory.InventoryEntry](d, "inventory.img"); err != nil || m.GetImgVersion() != 2 {
		t.Errorf("%v, %v", m, err)
	}
	if all, err := All[*pstree.PstreeEntry](d, "pstree.img"); err != nil || len(all) != 3 || all[2].GetPid() != 3 {
		t.Errorf("%v, %v", all, err)
	}
	_, several := One[*pstree.PstreeEntry](d, "pstree.img")
	_, other := One[*mm.MmEntry](d, "inventory.img")
	_, missing := One[*mm.MmEntry](d, "mm-1.img")
	_, payload := d.ReadImage("pipes-data.img")
	_, raw := d.ReadImage("pages-1.img")
	for i, err := range []error{several, other, missing, payload, raw} {
		if err == nil {
			t.Errorf("case %d: no error", i)
		}
	}
	if !errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("missing: %v", missing)
	}
	img, err := d.ReadImage("core-12.img")
	check(t, err)
	want, err := os.ReadFile(filepath.Join(path, "core-12.img"))
	check(t, err)
	if got, err := img.Bytes(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("written back as %x, %v", got, err)
	}
}
