package fs

import (
	"cmp"
	"context"
	"slices"
	"syscall"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/tpfs/tpfs/translate/view"
)

// maxScratch bounds the scratch files that have a name, each of which holds a
// descriptor of ours. A restore makes about ten.
const maxScratch = 512

// rootNode is the view's root directory with the scratch layer and the hidden
// directory beside it.
type rootNode struct {
	dirNode
	status  *statusDir
	scratch scratchNames
}

var (
	_ gofs.NodeLookuper    = (*rootNode)(nil)
	_ gofs.NodeLookupNoder = (*rootNode)(nil)
	_ gofs.NodeReaddirer   = (*rootNode)(nil)
	_ gofs.NodeGetattrer   = (*rootNode)(nil)
	_ gofs.NodeCreater     = (*rootNode)(nil)
	_ gofs.NodeMknoder     = (*rootNode)(nil)
	_ gofs.NodeMkdirer     = (*rootNode)(nil)
	_ gofs.NodeLinker      = (*rootNode)(nil)
	_ gofs.NodeSymlinker   = (*rootNode)(nil)
	_ gofs.NodeRenamer     = (*rootNode)(nil)
	_ gofs.NodeUnlinker    = (*rootNode)(nil)
)

func newRootNode(t *tree, dir view.Dir) *rootNode {
	r := &rootNode{}
	r.init(t, nil, "", fuse.FUSE_ROOT_ID, dir)
	r.status = newStatusDir(t, &r.dirNode)
	r.scratch.files = map[string]*scratchNode{}
	r.scratch.changed = t.start
	return r
}

// closeScratch gives the contents of all scratch files back.
func (r *rootNode) closeScratch() {
	r.scratch.mu.Lock()
	defer r.scratch.mu.Unlock()
	for _, n := range r.scratch.files {
		n.close()
	}
	clear(r.scratch.files)
}

// LookupNode finds the node of a handle whose inode the kernel has forgotten.
func (r *rootNode) LookupNode(ctx context.Context, id uint64, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	n := r.t.node(id)
	if n == nil {
		return nil, syscall.ESTALE
	}
	n.fillAttr(&out.Attr)
	return n.EmbeddedInode(), 0
}

func (r *rootNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	if name == statusName {
		r.status.attach(ctx, r)
		out.SetEntryTimeout(forever)
		r.status.fillAttr(&out.Attr)
		return r.status.EmbeddedInode(), 0
	}
	if n := r.scratch.get(name); n != nil {
		n.fillAttr(&out.Attr)
		return n.EmbeddedInode(), 0
	}
	return r.dirNode.Lookup(ctx, name, out)
}

func (r *rootNode) Readdir(ctx context.Context) (gofs.DirStream, syscall.Errno) {
	list, errno := r.list()
	if errno != 0 {
		return nil, errno
	}
	// The hidden directory could be a name of the source; it is ours.
	list = slices.DeleteFunc(list, func(e fuse.DirEntry) bool { return e.Name == statusName })
	added := r.scratch.list()
	slices.SortFunc(added, func(a, b fuse.DirEntry) int { return cmp.Compare(a.Name, b.Name) })
	return gofs.NewListDirStream(append(list, added...)), 0
}

func (r *rootNode) fillAttr(a *fuse.Attr) {
	r.dirNode.fillAttr(a)
	a.Mode = syscall.S_IFDIR | 0o700
	changed := r.scratch.lastChange()
	a.SetTimes(nil, &changed, &changed)
}

func (r *rootNode) Getattr(ctx context.Context, f gofs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	r.fillAttr(&out.Attr)
	return 0
}

// mayAdd tells whether a scratch file may take this name: EROFS if it is the
// view's or ours.
func (r *rootNode) mayAdd(ctx context.Context, name string) syscall.Errno {
	switch {
	case name == statusName, name == "parent":
		// A "parent" beside images that have none would be read by CRIU
		// as the dump they build upon.
		return syscall.EROFS
	case len(name) > unix.NAME_MAX:
		return syscall.ENAMETOOLONG
	}
	switch _, errno := r.lookup(ctx, name); errno {
	case syscall.ENOENT:
		return 0
	case syscall.ESTALE:
		return errno
	default:
		return syscall.EROFS
	}
}

// add makes a scratch file of this type and mode, which belongs to the caller.
func (r *rootNode) add(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*scratchNode, syscall.Errno) {
	if errno := r.mayAdd(ctx, name); errno != 0 {
		return nil, errno
	}
	owner := r.t.owner
	if caller, ok := fuse.FromContext(ctx); ok {
		owner = caller.Owner
	}
	n, errno := newScratchNode(r.t, mode, owner)
	if errno != 0 {
		return nil, errno
	}
	r.NewPersistentInode(ctx, n, n.id(n.kind))
	if errno := r.scratch.put(name, n); errno != 0 {
		n.close()
		return nil, errno
	}
	r.t.addNode(n.ino, n)
	n.fillAttr(&out.Attr)
	return n, 0
}

func (r *rootNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*gofs.Inode, gofs.FileHandle, uint32, syscall.Errno) {
	n, errno := r.add(ctx, name, syscall.S_IFREG|mode&0o7777, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return n.EmbeddedInode(), nil, 0, 0
}

// Mknod makes files, fifos and sockets; the kernel then deals with what goes
// through the latter two.
func (r *rootNode) Mknod(ctx context.Context, name string, mode, dev uint32, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG, syscall.S_IFIFO, syscall.S_IFSOCK:
	default:
		return nil, syscall.EPERM
	}
	n, errno := r.add(ctx, name, mode, out)
	if errno != 0 {
		return nil, errno
	}
	return n.EmbeddedInode(), 0
}

// Directories and links are nothing that a restore needs: EPERM is the error
// for a file system that has none.

func (r *rootNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, cmp.Or(r.mayAdd(ctx, name), syscall.EPERM)
}

func (r *rootNode) Link(ctx context.Context, target gofs.InodeEmbedder, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, cmp.Or(r.mayAdd(ctx, name), syscall.EPERM)
}

func (r *rootNode) Symlink(ctx context.Context, target, name string, out *fuse.EntryOut) (*gofs.Inode, syscall.Errno) {
	return nil, cmp.Or(r.mayAdd(ctx, name), syscall.EPERM)
}

func (r *rootNode) Unlink(ctx context.Context, name string) syscall.Errno {
	n := r.scratch.remove(name)
	if n == nil {
		if errno := r.mayAdd(ctx, name); errno != 0 {
			return errno
		}
		return syscall.ENOENT
	}
	r.unlinked(n)
	return 0
}

func (r *rootNode) Rename(ctx context.Context, name string, newParent gofs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if newParent.EmbeddedInode() != r.EmbeddedInode() {
		return syscall.EROFS // only the root has scratch files
	}
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return syscall.EINVAL
	}
	if r.scratch.get(name) == nil {
		return cmp.Or(r.mayAdd(ctx, name), syscall.ENOENT)
	}
	if r.scratch.get(newName) == nil {
		if errno := r.mayAdd(ctx, newName); errno != 0 {
			return errno
		}
	}
	old, errno := r.scratch.rename(name, newName, flags&unix.RENAME_NOREPLACE != 0)
	if old != nil {
		r.unlinked(old)
	}
	return errno
}

// unlinked ends the life of a scratch file which has lost its name. Whoever has
// it open can go on using it until the kernel forgets the inode.
func (r *rootNode) unlinked(n *scratchNode) {
	r.t.dropNode(n.ino)
	n.unlink()
	n.ForgetPersistent()
}
