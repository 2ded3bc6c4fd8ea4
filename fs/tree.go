package fs

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/tpfs/tpfs/translate/view"
)

// tree is what all nodes of a mount share.
type tree struct {
	opts     Options
	root     *rootNode
	problems problems
	scratch  *os.Root // where the contents of scratch files are made
	start    time.Time
	gen      uint64
	owner    fuse.Owner

	// mu is taken after any node's lock.
	mu      sync.Mutex
	lastIno uint64
	nodes   map[uint64]node
}

func newTree(dir view.Dir, scratch *os.Root, o Options) *tree {
	t := &tree{
		opts:    o,
		scratch: scratch,
		start:   time.Now(),
		gen:     uint64(rand.Uint32()), // the kernel keeps 32 bits
		owner:   fuse.Owner{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())},
		lastIno: fuse.FUSE_ROOT_ID,
		nodes:   map[uint64]node{},
	}
	t.problems.log = o.Log
	t.problems.more = o.Errors
	t.root = newRootNode(t, dir)
	t.nodes[fuse.FUSE_ROOT_ID] = t.root
	return t
}

func (t *tree) close() {
	t.root.closeScratch()
	t.scratch.Close()
}

func (t *tree) newIno() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastIno++
	return t.lastIno
}

func (t *tree) addNode(ino uint64, n node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nodes[ino] = n
}

func (t *tree) dropNode(ino uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.nodes, ino)
}

func (t *tree) node(ino uint64) node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes[ino]
}

// node is what every file and directory of the mount is.
type node interface {
	gofs.InodeEmbedder
	fillAttr(*fuse.Attr)
}

// base is what the nodes have in common: they cannot be changed.
type base struct {
	gofs.Inode
	t   *tree
	ino uint64
}

var (
	_ gofs.NodeStatfser  = (*base)(nil)
	_ gofs.NodeSetattrer = (*base)(nil)
	_ gofs.NodeFsyncer   = (*base)(nil)
)

// id is the node's identity. The generation differs between mounts, so that a
// handle which an NFS client kept from an earlier mount is refused.
func (b *base) id(kind uint32) gofs.StableAttr {
	return gofs.StableAttr{Mode: kind, Ino: b.ino, Gen: b.t.gen}
}

// Statfs tells of the place where scratch files go, since only they can grow.
func (b *base) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	f, err := b.t.scratch.Open(".")
	if err != nil {
		return gofs.ToErrno(err)
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &st); err != nil {
		return gofs.ToErrno(err)
	}
	out.FromStatfsT(&st)
	return 0
}

func (b *base) Setattr(context.Context, gofs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

// Fsync has nothing to do: the view is on disk or made anew, and the scratch
// layer is not meant to outlive the mount.
func (b *base) Fsync(context.Context, gofs.FileHandle, uint32) syscall.Errno { return 0 }

// lookupParent answers for a node that a directory holds under this name.
func (b *base) lookupParent(dir *dirNode, name string, out *fuse.EntryOut) (*gofs.Inode, string, syscall.Errno) {
	if dir == nil {
		return nil, "", syscall.ESTALE
	}
	parent := b.t.node(dir.ino)
	parent.fillAttr(&out.Attr)
	return parent.EmbeddedInode(), name, 0
}
