package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/tpfs/tpfs/translate/view"
)

// fileNode is a file of the view.
type fileNode struct {
	base
	parent *dirNode
	name   string
	file   view.File
}

var (
	_ gofs.NodeOpener         = (*fileNode)(nil)
	_ gofs.NodeGetattrer      = (*fileNode)(nil)
	_ gofs.NodeLookupParenter = (*fileNode)(nil)
)

func newFileNode(parent *dirNode, name string, ino uint64, file view.File) *fileNode {
	return &fileNode{base: base{t: parent.t, ino: ino}, parent: parent, name: name, file: file}
}

func (n *fileNode) path() string { return n.parent.path(n.name) }

// errno is what a reader of the file gets for err. It was found before, so that
// a source that is missing now went away.
func (n *fileNode) errno(err error) syscall.Errno {
	if errors.Is(err, iofs.ErrNotExist) {
		err = fmt.Errorf("%s: the source went away while mounted: %w", n.path(), syscall.ESTALE)
	}
	return n.t.problems.errno(n.path(), err)
}

func (n *fileNode) fillAttr(a *fuse.Attr) {
	mtime := n.file.ModTime()
	a.Ino = n.ino
	a.Mode = syscall.S_IFREG | 0o400 // images hold a process's memory
	a.Nlink = 1
	a.Owner = n.t.owner
	a.Size = uint64(n.file.Size())
	a.SetTimes(&mtime, &mtime, &mtime)
}

func (n *fileNode) Getattr(ctx context.Context, f gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.SetTimeout(forever)
	n.fillAttr(&out.Attr)
	return 0
}

func (n *fileNode) LookupParent(ctx context.Context, out *fuse.EntryOut) (*gofs.Inode, string, syscall.Errno) {
	return n.lookupParent(n.parent, n.name, out)
}

// Open always asks the view, which looks whether its source is still the same.
func (n *fileNode) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	h, err := n.file.Open()
	if err != nil {
		return nil, 0, n.errno(err)
	}
	fh := fileHandle{n, h}
	if b, ok := h.(view.Backed); ok {
		return &backedHandle{fh, b}, fuse.FOPEN_KEEP_CACHE, 0
	}
	return &fh, fuse.FOPEN_KEEP_CACHE, 0
}

// brokenNode stands for an image that could not be made. It can be found, for
// otherwise an NFS server could not list its directory, but not be opened.
type brokenNode struct {
	base
	parent *dirNode
	name   string
}

var (
	_ gofs.NodeOpener         = (*brokenNode)(nil)
	_ gofs.NodeGetattrer      = (*brokenNode)(nil)
	_ gofs.NodeLookupParenter = (*brokenNode)(nil)
)

func newBrokenNode(parent *dirNode, name string, ino uint64) *brokenNode {
	return &brokenNode{base: base{t: parent.t, ino: ino}, parent: parent, name: name}
}

func (n *brokenNode) fillAttr(a *fuse.Attr) {
	a.Ino = n.ino
	a.Mode = syscall.S_IFREG | 0o400
	a.Nlink = 1
	a.Owner = n.t.owner
	a.SetTimes(&n.t.start, &n.t.start, &n.t.start)
}

func (n *brokenNode) Getattr(ctx context.Context, f gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.SetTimeout(forever)
	n.fillAttr(&out.Attr)
	return 0
}

func (n *brokenNode) LookupParent(ctx context.Context, out *fuse.EntryOut) (*gofs.Inode, string, syscall.Errno) {
	return n.lookupParent(n.parent, n.name, out)
}

// Open fails, for the reason that was put on record when it was looked up.
func (n *brokenNode) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	return nil, 0, syscall.EIO
}

// fileHandle is an open file of the view whose content is made by the view.
type fileHandle struct {
	n *fileNode
	h view.Handle
}

var (
	_ gofs.FileReader   = (*fileHandle)(nil)
	_ gofs.FileReleaser = (*fileHandle)(nil)
)

// clip shortens dest to what the file has from off on. A reply must be neither
// longer nor shorter: the kernel takes a short one for zeros.
func (f *fileHandle) clip(dest []byte, off int64) []byte {
	left := max(f.n.file.Size()-off, 0)
	return dest[:min(int64(len(dest)), left)]
}

func (f *fileHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	dest = f.clip(dest, off)
	if len(dest) == 0 {
		return fuse.ReadResultData(nil), 0
	}
	n, err := f.h.ReadAt(dest, off)
	if n < len(dest) {
		if err == nil || err == io.EOF {
			err = fmt.Errorf("%s: ends at byte %d of %d", f.n.path(), off+int64(n), f.n.file.Size())
		}
		return nil, f.n.errno(err)
	}
	return fuse.ReadResultData(dest), 0
}

func (f *fileHandle) Release(ctx context.Context) syscall.Errno {
	if err := f.h.Close(); err != nil {
		return f.n.errno(err)
	}
	return 0
}

// backedHandle is an open file of the view that is one of the host's.
type backedHandle struct {
	fileHandle
	b view.Backed
}

var _ gofs.FilePassthroughFder = (*backedHandle)(nil)

// PassthroughFd lets the kernel read from the host's file directly.
func (f *backedHandle) PassthroughFd() (int, bool) { return f.b.Fd(), true }

func (f *backedHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	dest = f.clip(dest, off)
	// The bytes go from file to kernel behind our back: this is the last
	// chance to see that there are not enough of them.
	var st syscall.Stat_t
	if err := syscall.Fstat(f.b.Fd(), &st); err != nil {
		return nil, f.n.errno(fmt.Errorf("%s: %w", f.n.path(), err))
	}
	if st.Size < off+int64(len(dest)) {
		return nil, f.n.errno(fmt.Errorf("%s: the source file was cut from %d to %d bytes while mounted: %w",
			f.n.path(), f.n.file.Size(), st.Size, syscall.ESTALE))
	}
	return fuse.ReadResultFd(uintptr(f.b.Fd()), off, len(dest)), 0
}
