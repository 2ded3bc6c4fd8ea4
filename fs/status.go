package fs

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	statusName = ".tpfs"
	errorsName = "errors.json"
	pidName    = "pid"
)

// PidFile is the path, below a mountpoint, of the file that holds the decimal
// process number of the server, as seen from its own PID namespace.
const PidFile = statusName + "/" + pidName

// statusDir is the hidden directory about the mount itself.
type statusDir struct {
	dirNode
	once  sync.Once
	files []*statusFile
}

func newStatusDir(t *tree, root *dirNode) *statusDir {
	s := &statusDir{}
	s.init(t, root, statusName, t.newIno(), nil)
	for _, f := range []struct {
		name    string
		content func() []byte
	}{
		{errorsName, t.problems.json},
		{pidName, func() []byte { return fmt.Appendln(nil, os.Getpid()) }},
	} {
		s.files = append(s.files, &statusFile{
			base: base{t: t, ino: t.newIno()}, dir: s, name: f.name, content: f.content,
		})
	}
	return s
}

var (
	_ gofs.NodeLookuper  = (*statusDir)(nil)
	_ gofs.NodeReaddirer = (*statusDir)(nil)
)

// attach makes the inodes, which can be done only once root is mounted.
func (s *statusDir) attach(ctx context.Context, root *rootNode) {
	s.once.Do(func() {
		root.NewPersistentInode(ctx, s, s.id(syscall.S_IFDIR))
		s.t.addNode(s.ino, s)
		for _, f := range s.files {
			s.NewPersistentInode(ctx, f, f.id(syscall.S_IFREG))
			s.t.addNode(f.ino, f)
		}
	})
}

func (s *statusDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	for _, f := range s.files {
		if f.name == name {
			out.SetEntryTimeout(forever)
			f.fillAttr(&out.Attr)
			return f.EmbeddedInode(), 0
		}
	}
	return nil, syscall.ENOENT
}

func (s *statusDir) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	var list []fuse.DirEntry
	for _, f := range s.files {
		list = append(list, fuse.DirEntry{Name: f.name, Mode: syscall.S_IFREG, Ino: f.ino})
	}
	return gofs.NewListDirStream(list), 0
}

// statusFile has a content of its own for each open.
type statusFile struct {
	base
	dir     *statusDir
	name    string
	content func() []byte
}

var (
	_ gofs.NodeOpener         = (*statusFile)(nil)
	_ gofs.NodeReader         = (*statusFile)(nil)
	_ gofs.NodeGetattrer      = (*statusFile)(nil)
	_ gofs.NodeLookupParenter = (*statusFile)(nil)
)

// statusHandle is the content at the time of the open.
type statusHandle []byte

func (f *statusFile) Open(ctx context.Context, flags uint32) (gofs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	// Direct, so that neither the size nor the pages that the kernel knows
	// of an earlier content matter.
	return statusHandle(f.content()), fuse.FOPEN_DIRECT_IO, 0
}

func (f *statusFile) Read(ctx context.Context, h gofs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	content := h.(statusHandle)
	off = min(off, int64(len(content)))
	return fuse.ReadResultData(content[off:min(off+int64(len(dest)), int64(len(content)))]), 0
}

func (f *statusFile) fillAttr(a *fuse.Attr) { f.fill(a, f.content()) }

func (f *statusFile) fill(a *fuse.Attr, content []byte) {
	now := time.Now()
	a.Ino = f.ino
	a.Mode = syscall.S_IFREG | 0o400
	a.Nlink = 1
	a.Owner = f.t.owner
	a.Size = uint64(len(content))
	a.SetTimes(&now, &now, &now)
}

// Getattr gives the size of the opened content, if there is one.
func (f *statusFile) Getattr(ctx context.Context, h gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if content, ok := h.(statusHandle); ok {
		f.fill(&out.Attr, content)
	} else {
		f.fillAttr(&out.Attr)
	}
	return 0
}

func (f *statusFile) LookupParent(ctx context.Context, out *fuse.EntryOut) (*gofs.Inode, string, syscall.Errno) {
	return f.lookupParent(&f.dir.dirNode, f.name, out)
}
