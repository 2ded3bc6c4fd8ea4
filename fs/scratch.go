package fs

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// scratchNames are the scratch files that have a name.
type scratchNames struct {
	mu      sync.Mutex
	files   map[string]*scratchNode
	changed time.Time
}

func (s *scratchNames) get(name string) *scratchNode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[name]
}

func (s *scratchNames) put(name string, n *scratchNode) syscall.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[name] != nil {
		return syscall.EEXIST
	}
	if len(s.files) >= maxScratch {
		return syscall.ENOSPC
	}
	s.files[name] = n
	s.changed = time.Now()
	return 0
}

func (s *scratchNames) remove(name string) *scratchNode {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.files[name]
	if n != nil {
		delete(s.files, name)
		s.changed = time.Now()
	}
	return n
}

// rename returns the file that lost its name to the renamed one, if any.
func (s *scratchNames) rename(from, to string, noReplace bool) (*scratchNode, syscall.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, old := s.files[from], s.files[to]
	switch {
	case n == nil:
		return nil, syscall.ENOENT
	case old != nil && noReplace:
		return nil, syscall.EEXIST
	case old == n:
		return nil, 0
	}
	delete(s.files, from)
	s.files[to] = n
	s.changed = time.Now()
	return old, 0
}

func (s *scratchNames) list() []fuse.DirEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]fuse.DirEntry, 0, len(s.files))
	for name, n := range s.files {
		list = append(list, fuse.DirEntry{Name: name, Mode: n.kind, Ino: n.ino})
	}
	return list
}

func (s *scratchNames) lastChange() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// scratchNode is a file, fifo or socket that a reader of the mount made. Its
// content is an anonymous file, so that nothing is left over when the server
// is killed.
type scratchNode struct {
	base
	kind uint32   // S_IFREG, S_IFIFO or S_IFSOCK
	file *os.File // nil for fifos and sockets

	mu   sync.Mutex
	attr fuse.Attr // without size
}

var (
	_ gofs.NodeOpener      = (*scratchNode)(nil)
	_ gofs.NodeReader      = (*scratchNode)(nil)
	_ gofs.NodeWriter      = (*scratchNode)(nil)
	_ gofs.NodeGetattrer   = (*scratchNode)(nil)
	_ gofs.NodeSetattrer   = (*scratchNode)(nil)
	_ gofs.NodeAllocater   = (*scratchNode)(nil)
	_ gofs.NodeOnForgetter = (*scratchNode)(nil)
)

func newScratchNode(t *tree, mode uint32, owner fuse.Owner) (*scratchNode, syscall.Errno) {
	n := &scratchNode{base: base{t: t, ino: t.newIno()}, kind: mode & syscall.S_IFMT}
	if n.kind == syscall.S_IFREG {
		f, err := anonymous(t.scratch)
		if err != nil {
			return nil, gofs.ToErrno(err)
		}
		n.file = f
	}
	now := time.Now()
	n.attr.Ino = n.ino
	n.attr.Mode = mode
	n.attr.Owner = owner
	n.attr.Nlink = 1
	n.attr.SetTimes(&now, &now, &now)
	return n, 0
}

// anonymous makes a file without a name. O_TMPFILE would do it in one step, but
// not on every file system.
func anonymous(dir *os.Root) (*os.File, error) {
	name := ".tpfs-" + rand.Text()
	f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := dir.Remove(name); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (n *scratchNode) close() {
	if n.file != nil {
		n.file.Close()
	}
}

func (n *scratchNode) unlink() {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.Nlink = 0
	n.attr.SetTimes(nil, nil, &now)
}

// OnForget is called when the kernel no longer knows the inode. Nodes with a
// name are persistent, so that this one has none, and nobody has it open.
func (n *scratchNode) OnForget() { n.close() }

func (n *scratchNode) fillAttr(a *fuse.Attr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fillAttrLocked(a)
}

func (n *scratchNode) fillAttrLocked(a *fuse.Attr) {
	*a = n.attr
	if n.file == nil {
		return
	}
	if st, err := n.file.Stat(); err == nil {
		a.Size = uint64(st.Size())
		a.Blocks = uint64(st.Sys().(*syscall.Stat_t).Blocks)
	}
}

func (n *scratchNode) Getattr(ctx context.Context, f gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fillAttr(&out.Attr)
	return 0
}

// Setattr changes what it is told to; the kernel has checked that the caller
// may do so.
func (n *scratchNode) Setattr(ctx context.Context, f gofs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if size, ok := in.GetSize(); ok {
		if n.file == nil {
			return syscall.EINVAL
		}
		if err := n.file.Truncate(int64(size)); err != nil {
			return gofs.ToErrno(err)
		}
		n.attr.SetTimes(nil, &now, nil)
	}
	if mode, ok := in.GetMode(); ok {
		n.attr.Mode = n.kind | mode&0o7777
	}
	if uid, ok := in.GetUID(); ok {
		n.attr.Uid = uid
	}
	if gid, ok := in.GetGID(); ok {
		n.attr.Gid = gid
	}
	if t, ok := in.GetATime(); ok {
		n.attr.SetTimes(&t, nil, nil)
	}
	if t, ok := in.GetMTime(); ok {
		n.attr.SetTimes(nil, &t, nil)
	}
	n.attr.SetTimes(nil, nil, &now)
	n.fillAttrLocked(&out.Attr)
	return 0
}

// Open needs no handle: all who have the file open share its descriptor, and
// the kernel sees to access modes, offsets and appending.
func (n *scratchNode) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

func (n *scratchNode) Read(ctx context.Context, f gofs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	got, err := n.file.ReadAt(dest, off)
	if err != nil && err != io.EOF {
		return nil, gofs.ToErrno(err)
	}
	return fuse.ReadResultData(dest[:got]), 0
}

func (n *scratchNode) Write(ctx context.Context, f gofs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	done, err := n.file.WriteAt(data, off)
	if err != nil && done == 0 {
		return 0, gofs.ToErrno(err)
	}
	n.touch()
	return uint32(done), 0
}

func (n *scratchNode) touch() {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attr.SetTimes(nil, &now, &now)
}

func (n *scratchNode) Allocate(ctx context.Context, f gofs.FileHandle, off, size uint64, mode uint32) syscall.Errno {
	if err := unix.Fallocate(int(n.file.Fd()), mode, int64(off), int64(size)); err != nil {
		return gofs.ToErrno(err)
	}
	n.touch()
	return 0
}
