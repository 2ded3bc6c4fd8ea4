package fs

import (
	"context"
	"errors"
	iofs "io/fs"
	"path"
	"sync"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/tpfs/tpfs/translate/view"
)

// dirNode is a directory of the view. Its names are fixed.
type dirNode struct {
	base
	parent *dirNode // nil for the root
	name   string
	dir    view.Dir

	// mu is not held while the view is asked: translating takes time.
	mu    sync.Mutex
	inos  map[string]uint64 // by name: listed or looked up
	known map[string]node   // by name: looked up
}

var (
	_ gofs.NodeLookuper       = (*dirNode)(nil)
	_ gofs.NodeLookupParenter = (*dirNode)(nil)
	_ gofs.NodeReaddirer      = (*dirNode)(nil)
	_ gofs.NodeGetattrer      = (*dirNode)(nil)
	_ gofs.NodeCreater        = (*dirNode)(nil)
	_ gofs.NodeMknoder        = (*dirNode)(nil)
	_ gofs.NodeMkdirer        = (*dirNode)(nil)
	_ gofs.NodeLinker         = (*dirNode)(nil)
	_ gofs.NodeSymlinker      = (*dirNode)(nil)
	_ gofs.NodeRenamer        = (*dirNode)(nil)
	_ gofs.NodeUnlinker       = (*dirNode)(nil)
	_ gofs.NodeRmdirer        = (*dirNode)(nil)
)

func (d *dirNode) init(t *tree, parent *dirNode, name string, ino uint64, dir view.Dir) {
	d.t, d.ino = t, ino
	d.parent, d.name, d.dir = parent, name, dir
	d.inos = map[string]uint64{}
	d.known = map[string]node{}
}

// path is that of a name in this directory, below the mountpoint.
func (d *dirNode) path(name string) string {
	for ; d.parent != nil; d = d.parent {
		name = path.Join(d.name, name)
	}
	return name
}

// inoOf gives a name its inode number for the life of the mount.
func (d *dirNode) inoOf(name string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino, ok := d.inos[name]
	if !ok {
		ino = d.t.newIno()
		d.inos[name] = ino
	}
	return ino
}

func (d *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	n, errno := d.lookup(ctx, name)
	if errno != 0 {
		return nil, errno
	}
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	n.fillAttr(&out.Attr)
	return n.EmbeddedInode(), 0
}

func (d *dirNode) lookup(ctx context.Context, name string) (node, syscall.Errno) {
	d.mu.Lock()
	n := d.known[name]
	d.mu.Unlock()
	if n != nil {
		return n, 0
	}
	e, err := d.dir.Lookup(name)
	if err == nil && e.Dir == nil && e.File == nil {
		err = errors.New(d.path(name) + ": neither a file nor a directory")
	}
	if err != nil {
		if errno := d.t.problems.errno(d.path(name), err); errno != syscall.EIO {
			return nil, errno
		}
	}
	ino := d.inoOf(name)

	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.known[name]; n != nil { // somebody else was faster
		return n, 0
	}
	switch {
	case e.Dir != nil:
		dir := &dirNode{}
		dir.init(d.t, d, name, ino, e.Dir)
		d.NewPersistentInode(ctx, dir, dir.id(syscall.S_IFDIR))
		n = dir
	case e.File != nil:
		file := newFileNode(d, name, ino, e.File)
		d.NewPersistentInode(ctx, file, file.id(syscall.S_IFREG))
		n = file
	default:
		broken := newBrokenNode(d, name, ino)
		d.NewPersistentInode(ctx, broken, broken.id(syscall.S_IFREG))
		n = broken
	}
	d.known[name] = n
	d.t.addNode(ino, n)
	return n, 0
}

func (d *dirNode) LookupParent(ctx context.Context, out *fuse.EntryOut) (*gofs.Inode, string, syscall.Errno) {
	return d.lookupParent(d.parent, d.name, out)
}

func (d *dirNode) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	list, errno := d.list()
	if errno != 0 {
		return nil, errno
	}
	return gofs.NewListDirStream(list), 0
}

func (d *dirNode) list() ([]fuse.DirEntry, syscall.Errno) {
	names, err := d.dir.Names()
	if err != nil {
		errno := d.t.problems.errno(d.path("."), err)
		if errors.Is(err, iofs.ErrNotExist) {
			// The directory is gone, but it is there as long as we
			// are: this is no missing name.
			errno = syscall.ESTALE
		}
		return nil, errno
	}
	list := make([]fuse.DirEntry, 0, len(names))
	for _, n := range names {
		e := fuse.DirEntry{Name: n.Name, Mode: syscall.S_IFREG, Ino: d.inoOf(n.Name)}
		if n.IsDir {
			e.Mode = syscall.S_IFDIR
		}
		list = append(list, e)
	}
	return list, 0
}

func (d *dirNode) fillAttr(a *fuse.Attr) {
	a.Ino = d.ino
	a.Mode = syscall.S_IFDIR | 0o500
	a.Nlink = 2
	a.Owner = d.t.owner
	a.SetTimes(&d.t.start, &d.t.start, &d.t.start)
}

func (d *dirNode) Getattr(ctx context.Context, f gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.SetTimeout(forever)
	d.fillAttr(&out.Attr)
	return 0
}

// All that would change a directory of the view is refused.

func (d *dirNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*gofs.Inode, gofs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

func (d *dirNode) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (d *dirNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (d *dirNode) Link(ctx context.Context, target gofs.InodeEmbedder, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (d *dirNode) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

func (d *dirNode) Rename(ctx context.Context, name string, newParent gofs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	return syscall.EROFS
}

func (d *dirNode) Unlink(ctx context.Context, name string) syscall.Errno { return syscall.EROFS }

func (d *dirNode) Rmdir(ctx context.Context, name string) syscall.Errno { return syscall.EROFS }
