// Package fusetest helps tests that mount: a gate for machines which cannot,
// and a view of a plain directory with faults on demand.
package fusetest

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tpfs/tpfs/translate/view"
)

// Require fails the test where nothing can be mounted: a test that silently
// does not run proves nothing. Setting TPFS_SKIP_FUSE=1 says that this is meant.
func Require(t testing.TB) {
	t.Helper()
	if os.Getenv("TPFS_SKIP_FUSE") == "1" {
		t.Skip("TPFS_SKIP_FUSE=1")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("this test mounts: %v (set TPFS_SKIP_FUSE=1 to leave such tests out)", err)
	}
	f.Close()
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts as root (set TPFS_SKIP_FUSE=1 to leave such tests out)")
	}
}

// Dir shows the plain directory of this path. Files are Backed, unless their
// name begins with one of
//
//	generated-  read by ReadAt from memory's point of view, same content
//	pattern-    of the size written in the source in decimal, see Pattern
//	broken-     cannot be looked up, for the reason written in the source
//	short-      said to be one byte longer than it is
//
// A file that changed since its lookup cannot be opened: ESTALE.
type Dir string

func (d Dir) Names() ([]view.Name, error) {
	list, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var names []view.Name
	for _, e := range list {
		names = append(names, view.Name{Name: e.Name(), IsDir: e.IsDir()})
	}
	return names, nil
}

func (d Dir) Lookup(name string) (view.Entry, error) {
	path := filepath.Join(string(d), name)
	st, err := os.Stat(path)
	if errors.Is(err, syscall.ENAMETOOLONG) {
		err = iofs.ErrNotExist
	}
	if err != nil {
		return view.Entry{}, err
	}
	if st.IsDir() {
		return view.Entry{Dir: Dir(path)}, nil
	}
	f := file{path: path, st: st, size: st.Size()}
	switch kind, _, _ := strings.Cut(name, "-"); kind {
	case "broken":
		why, err := os.ReadFile(path)
		if err != nil {
			return view.Entry{}, err
		}
		return view.Entry{}, fmt.Errorf("%s: %s", name, strings.TrimSpace(string(why)))
	case "short":
		f.size++
		f.generated = true
	case "generated":
		f.generated = true
	case "pattern":
		text, err := os.ReadFile(path)
		if err != nil {
			return view.Entry{}, err
		}
		if _, err := fmt.Sscan(string(text), &f.size); err != nil {
			return view.Entry{}, err
		}
		f.pattern = true
	}
	return view.Entry{File: f}, nil
}

type file struct {
	path      string
	st        os.FileInfo
	size      int64
	generated bool
	pattern   bool
}

func (f file) Size() int64        { return f.size }
func (f file) ModTime() time.Time { return f.st.ModTime() }

func (f file) Open() (view.Handle, error) {
	h, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	now, err := h.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(now, f.st) || now.Size() != f.st.Size() || !now.ModTime().Equal(f.st.ModTime()) {
		h.Close()
		return nil, syscall.ESTALE
	}
	switch {
	case f.pattern:
		return patternHandle{h}, nil
	case f.generated:
		return plain{h}, nil
	}
	return backed{h}, nil
}

// plain hides the descriptor.
type plain struct{ view.Handle }

type backed struct{ *os.File }

func (b backed) Fd() int { return int(b.File.Fd()) }

type patternHandle struct{ view.Handle }

func (patternHandle) ReadAt(p []byte, off int64) (int, error) {
	Pattern(p, off)
	return len(p), nil
}

// Pattern fills p with what a pattern file has at off: no byte of it can be
// mistaken for one nearby.
func Pattern(p []byte, off int64) {
	for i := range p {
		at := uint64(off) + uint64(i)
		p[i] = byte(at*131 ^ at>>9)
	}
}
